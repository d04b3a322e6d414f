/** Dropout; the random numbers are those of runtime/rng.ts, four counters at a time. */
import { loadLanes, splat, storeLanes } from './vector';

// @ts-ignore: decorator
@inline
function scramble(h: v128): v128 {
  h = v128.xor(h, i32x4.shr_u(h, 16));
  h = i32x4.mul(h, i32x4.splat(0x7feb352d));
  h = v128.xor(h, i32x4.shr_u(h, 15));
  h = i32x4.mul(h, i32x4.splat(0x846ca68b));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

// @ts-ignore: decorator
@inline
function scrambleOne(h: i32): i32 {
  return i32x4.extract_lane(scramble(i32x4.splat(h)), 0);
}

/** Elements of which the number is below `threshold` / 2^24 are dropped; counts stay below 2^31. */
export function dropout(x: usize, rng: usize, out: usize, count: i32, site: i32, ratio: f64): void {
  const key = scrambleOne(scrambleOne(scrambleOne(load<i32>(rng)) + load<i32>(rng, 4)) + site * 0x9e3779b9);
  const scale = splat(ratio < 1 ? <f32>(1 / (1 - ratio)) : 0);
  // A number k / 2^24 is at least `ratio` exactly where k is at least this.
  const threshold = i32x4.splat(<i32>Math.ceil(ratio * 16777216));
  const k4 = i32x4.splat(key);
  const second = i32x4.splat(key * 0x85ebca6b);
  let index = i32x4(0, 1, 2, 3);
  for (; count > 0; count -= 4, x += 16, out += 16) {
    const first = scramble(v128.xor(i32x4.mul(index, i32x4.splat(0x9e3779b9)), k4));
    const bits = i32x4.shr_u(scramble(i32x4.add(first, second)), 8);
    const kept = i32x4.ge_s(bits, threshold);
    storeLanes(out, count, v128.and(kept, f32x4.mul(loadLanes(x, count), scale)));
    index = i32x4.add(index, i32x4.splat(4));
  }
}
