/** Helpers on 128-bit vectors of four floats. */

// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** The first two of four floats, as doubles. */
// @ts-ignore: decorator
@inline
export function lowDoubles(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** The last two of four floats, as doubles. */
// @ts-ignore: decorator
@inline
export function highDoubles(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
export function sumDoubles(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** The first `count` floats at p, 0 < count < 4; zeros in the other lanes. */
export function loadPartial(p: usize, count: i32): v128 {
  let x = v128.load32_zero(p);
  if (count > 1) x = v128.load_lane<f32>(p + 4, x, 1);
  if (count > 2) x = v128.load_lane<f32>(p + 8, x, 2);
  return x;
}

/** Stores the first `count` lanes, 0 < count < 4. */
export function storePartial(p: usize, count: i32, x: v128): void {
  v128.store_lane<f32>(p, x, 0);
  if (count > 1) v128.store_lane<f32>(p + 4, x, 1);
  if (count > 2) v128.store_lane<f32>(p + 8, x, 2);
}

/** Four floats at p, of which the first `count` exist; zeros in the other lanes. */
// @ts-ignore: decorator
@inline
export function loadLanes(p: usize, count: i32): v128 {
  return count >= 4 ? v128.load(p) : loadPartial(p, count);
}

/** Stores the lanes that exist: the first `count`. */
// @ts-ignore: decorator
@inline
export function storeLanes(p: usize, count: i32, x: v128): void {
  if (count >= 4) v128.store(p, x);
  else storePartial(p, count, x);
}

/** Four elements `step` bytes apart, of which the first `count` exist. */
export function loadSpread(p: usize, step: usize, count: i32): v128 {
  let x = v128.load32_zero(p);
  if (count > 1) x = v128.load_lane<f32>(p + step, x, 1);
  if (count > 2) x = v128.load_lane<f32>(p + step * 2, x, 2);
  if (count > 3) x = v128.load_lane<f32>(p + step * 3, x, 3);
  return x;
}

/** Two pairs of doubles as four floats. */
// @ts-ignore: decorator
@inline
export function floats(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** All ones where the lane's index is below `count`. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** 1 and -1 for positive and negative numbers; zeros and NaN as they are. */
// @ts-ignore: decorator
@inline
export function signs(x: v128): v128 {
  return v128.bitselect(splat(1), v128.bitselect(splat(-1), x, f32x4.lt(x, splat(0))), f32x4.gt(x, splat(0)));
}
