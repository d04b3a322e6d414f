/** Sums over rows of floats, kept in double precision. `p` is a byte offset, `count` in elements. */
import { firstLanes, highDoubles, loadPartial, lowDoubles, splat, sumDoubles } from './vector';

export function sumRow(p: usize, count: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (; count >= 4; count -= 4, p += 16) {
    const x = v128.load(p);
    s0 = f64x2.add(s0, lowDoubles(x));
    s1 = f64x2.add(s1, highDoubles(x));
  }
  if (count > 0) {
    const x = loadPartial(p, count);
    s0 = f64x2.add(s0, lowDoubles(x));
    s1 = f64x2.add(s1, highDoubles(x));
  }
  return sumDoubles(f64x2.add(s0, s1));
}

/** Sum of (x - centre)^2. */
export function sumSquares(p: usize, count: i32, centre: f64): f64 {
  const c = f64x2.splat(centre);
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (; count >= 4; count -= 4, p += 16) {
    const x = v128.load(p);
    const a = f64x2.sub(lowDoubles(x), c);
    const b = f64x2.sub(highDoubles(x), c);
    s0 = f64x2.add(s0, f64x2.mul(a, a));
    s1 = f64x2.add(s1, f64x2.mul(b, b));
  }
  let sum = sumDoubles(f64x2.add(s0, s1));
  for (; count > 0; count--, p += 4) {
    const x = <f64>load<f32>(p) - centre;
    sum += x * x;
  }
  return sum;
}

/** Sum of a (b - centre). */
export function sumProducts(a: usize, b: usize, count: i32, centre: f64): f64 {
  const c = f64x2.splat(centre);
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (; count >= 4; count -= 4, a += 16, b += 16) {
    const x = v128.load(a);
    const y = v128.load(b);
    s0 = f64x2.add(s0, f64x2.mul(lowDoubles(x), f64x2.sub(lowDoubles(y), c)));
    s1 = f64x2.add(s1, f64x2.mul(highDoubles(x), f64x2.sub(highDoubles(y), c)));
  }
  let sum = sumDoubles(f64x2.add(s0, s1));
  for (; count > 0; count--, a += 4, b += 4) sum += <f64>load<f32>(a) * (<f64>load<f32>(b) - centre);
  return sum;
}

/** Whether a row is 0 all along: nobody reads what it is the gradient of. Ends at the first that is not. */
export function isZeroRow(p: usize, count: i32): bool {
  const zero = splat(0);
  for (; count >= 4; count -= 4, p += 16) if (v128.any_true(f32x4.ne(v128.load(p), zero))) return false;
  return count <= 0 || !v128.any_true(f32x4.ne(loadPartial(p, count), zero));
}

/** Largest element, minus infinity if there is none; NaN where there is one. */
export function maxRow(p: usize, count: i32): f32 {
  let m = splat(f32.NEGATIVE_INFINITY);
  for (; count >= 4; count -= 4, p += 16) m = f32x4.max(m, v128.load(p));
  if (count > 0) m = f32x4.max(m, v128.bitselect(loadPartial(p, count), m, firstLanes(count)));
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

/**
 * Largest element, minus infinity if there is none; where there is a NaN, any of them: for shifts of exponents, whose
 * sum is then NaN in any case.
 */
export function topRow(p: usize, count: i32): f32 {
  let m = splat(f32.NEGATIVE_INFINITY);
  let m1 = m;
  let m2 = m;
  let m3 = m;
  for (; count >= 16; count -= 16, p += 64) {
    m = f32x4.pmax(m, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
    m2 = f32x4.pmax(m2, v128.load(p, 32));
    m3 = f32x4.pmax(m3, v128.load(p, 48));
  }
  m = f32x4.pmax(f32x4.pmax(m, m1), f32x4.pmax(m2, m3));
  for (; count >= 4; count -= 4, p += 16) m = f32x4.pmax(m, v128.load(p));
  if (count > 0) m = f32x4.pmax(m, v128.bitselect(loadPartial(p, count), m, firstLanes(count)));
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

/** to += from, elementwise. */
export function addRows(to: usize, from: usize, count: i32): void {
  for (; count >= 4; count -= 4, to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  for (; count > 0; count--, to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
