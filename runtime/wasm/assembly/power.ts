/**
 * a to the b of four floats, by way of logarithms in double precision, so that results are nearly always the nearest
 * floats. Special operands have the results of Math.pow.
 */
import { floats, highDoubles, lowDoubles, splat } from './vector';

/** 2^52: an integer below it that is added stands in the low bits. */
const integerShift: f64 = 4503599627370496;

/** Binary logarithms of positive doubles that were floats. */
// @ts-ignore: decorator
@inline
function log2(x: v128): v128 {
  const exponent = v128.or(i64x2.shr_u(x, 52), f64x2.splat(integerShift));
  let e = f64x2.sub(exponent, f64x2.splat(integerShift + 1023));
  let m = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), f64x2.splat(1));
  const large = f64x2.gt(m, f64x2.splat(1.4142135623730951));
  m = v128.bitselect(f64x2.mul(m, f64x2.splat(0.5)), m, large);
  e = f64x2.add(e, v128.and(large, f64x2.splat(1)));
  // log(m) = 2 artanh(s), s = (m - 1) / (m + 1), of which s^2 < 0.0295.
  const one = f64x2.splat(1);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(s, s);
  let p = f64x2.splat(0.15384615384615385);
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(0.18181818181818182));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(0.2222222222222222));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(0.2857142857142857));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(0.4));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(0.6666666666666666));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2));
  return f64x2.add(e, f64x2.mul(f64x2.mul(p, s), f64x2.splat(1.4426950408889634)));
}

/** 2^y, |y| <= 200: Taylor's series about the nearest integer. */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
  const n = f64x2.nearest(y);
  const t = f64x2.mul(f64x2.sub(y, n), f64x2.splat(0.6931471805599453));
  let p = f64x2.splat(2.7557319223985893e-6);
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(2.48015873015873e-5));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.0001984126984126984));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.001388888888888889));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.008333333333333333));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.041666666666666664));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.16666666666666666));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(0.5));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1));
  return f64x2.mul(p, i64x2.shl(f64x2.add(n, f64x2.splat(integerShift + 1023)), 52));
}

// @ts-ignore: decorator
@inline
function powerDoubles(a: v128, b: v128): v128 {
  const y = f64x2.mul(b, log2(a));
  return exp2(f64x2.pmin(f64x2.pmax(y, f64x2.splat(-200)), f64x2.splat(200)));
}

/** The p-th root of sums of p-th powers, which are not negative. */
// @ts-ignore: decorator
@inline
export function root(x: v128, p: v128): v128 {
  const exponent = f64x2.splat(1 / <f64>f32x4.extract_lane(p, 0));
  const size = f32x4.abs(x);
  const y = floats(powerDoubles(lowDoubles(size), exponent), powerDoubles(highDoubles(size), exponent));
  const finite = v128.bitselect(y, splat(f32.NaN), f32x4.ge(x, splat(0)));
  // As Math.pow has it, of either infinity.
  return v128.bitselect(size, finite, f32x4.eq(size, splat(f32.POSITIVE_INFINITY)));
}

/** For a and b that are neither zero, infinite nor NaN. */
function powerOrdinary(a: v128, b: v128): v128 {
  const size = f32x4.abs(a);
  const magnitude = floats(
    powerDoubles(lowDoubles(size), lowDoubles(b)),
    powerDoubles(highDoubles(size), highDoubles(b)),
  );
  const half = f32x4.mul(b, splat(0.5));
  const isOdd = f32x4.ne(half, f32x4.floor(half));
  const signed = v128.or(magnitude, v128.and(isOdd, v128.and(a, i32x4.splat(0x80000000))));
  const isReal = v128.or(f32x4.eq(b, f32x4.floor(b)), f32x4.gt(a, splat(0)));
  return v128.bitselect(signed, splat(f32.NaN), isReal);
}

function powerOne(a: f32, b: f32): f32 {
  if (b == 0) return 1;
  if (a != a || b != b) return f32.NaN;
  const size = abs(a);
  if (abs(b) == f32.POSITIVE_INFINITY) {
    if (size == 1) return f32.NaN;
    return (size > 1) == (b > 0) ? f32.POSITIVE_INFINITY : 0;
  }
  if (a == 0 || size == f32.POSITIVE_INFINITY) {
    const result: f32 = (a == 0) == (b > 0) ? 0 : f32.POSITIVE_INFINITY;
    const isOdd = b == floor(b) && b * 0.5 != floor(b * 0.5);
    return isOdd ? copysign(result, a) : result;
  }
  return f32x4.extract_lane(powerOrdinary(splat(a), splat(b)), 0);
}

/** All ones where x is neither zero, infinite nor NaN. */
// @ts-ignore: decorator
@inline
function isOrdinary(x: v128): v128 {
  const size = f32x4.abs(x);
  return v128.and(f32x4.lt(size, splat(f32.POSITIVE_INFINITY)), f32x4.gt(size, splat(0)));
}

/** Largest of the whole exponents for which one product after the other is faster. */
const mostProducts: f32 = 8;

/** a to the n-th, n >= 1; right for special operands too. */
function powerWhole(a: v128, n: i32): v128 {
  const low = lowDoubles(a);
  const high = highDoubles(a);
  let x = low;
  let y = high;
  for (; n > 1; n--) {
    x = f64x2.mul(x, low);
    y = f64x2.mul(y, high);
  }
  return floats(x, y);
}

export function power(a: v128, b: v128): v128 {
  const n = f32x4.extract_lane(b, 0);
  if (n >= 1 && n <= mostProducts && n == floor(n) && i32x4.all_true(f32x4.eq(b, splat(n))))
    return powerWhole(a, <i32>n);
  if (i32x4.all_true(v128.and(isOrdinary(a), isOrdinary(b)))) return powerOrdinary(a, b);
  let y = splat(0);
  for (let lane = 0; lane < 4; lane++) {
    const result = splat(powerOne(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
    a = v128.shuffle<f32>(a, a, 1, 2, 3, 0);
    b = v128.shuffle<f32>(b, b, 1, 2, 3, 0);
    y = v128.shuffle<f32>(y, result, 1, 2, 3, 4);
  }
  return y;
}
