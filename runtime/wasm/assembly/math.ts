/**
 * Elementary functions of four floats. Polynomials are minimax fits made for this file with 40 digits; errors are the
 * largest over all floats of the range where the result is normal, in units in the last place (ulp) of the exact
 * result.
 */
import { splat } from './vector';

/** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
const roundingShift: f32 = 12582912;
/** As `roundingShift`; the low bits are then those of 2^n, which moved by 23 are the power itself. */
const biasedShift: f32 = 12582912 + 127;

// @ts-ignore: decorator
@inline
function horner(c: f32, x: v128, sum: v128): v128 {
  return f32x4.add(f32x4.mul(sum, x), splat(c));
}

/** 2^k for integers k in [-126, 127]. */
// @ts-ignore: decorator
@inline
function powerOfTwo(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

/** exp(r) - 1 for |r| <= log(2) / 2. */
// @ts-ignore: decorator
@inline
function expm1Reduced(r: v128): v128 {
  let q = horner(0.008366710506379604, r, splat(0.0013946667313575745));
  q = horner(0.04166628047823906, r, q);
  q = horner(0.16666541993618011, r, q);
  q = horner(0.5, r, q);
  return f32x4.add(r, f32x4.mul(r, f32x4.mul(r, q)));
}

/** x - n log(2), where log(2) is split so that the first product is exact. */
// @ts-ignore: decorator
@inline
function reduceByLog2(x: v128, n: v128): v128 {
  const r = f32x4.sub(x, f32x4.mul(n, splat(0.693359375)));
  return f32x4.add(r, f32x4.mul(n, splat(2.12194440054690583e-4)));
}

/**
 * Error below 1.2 ulp; subnormal results are rounded once more. The pseudo-minimum of (x, bound) is one instruction,
 * and NaN where x is.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, splat(89)), splat(-104));
  const shifted = f32x4.add(f32x4.mul(bounded, splat(1.4426950408889634)), splat(roundingShift));
  const n = f32x4.sub(shifted, splat(roundingShift));
  const y = f32x4.add(splat(1), expm1Reduced(reduceByLog2(bounded, n)));
  // Two factors, because 2^n alone may overflow or underflow where the result does not.
  const k = i32x4.sub(shifted, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(k, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(k, half)));
}

/** exp(x) for x in [-87.33, 88], where 2^n is a normal number. Error below 1.2 ulp. */
// @ts-ignore: decorator
@inline
function expNormal(x: v128): v128 {
  const shifted = f32x4.add(f32x4.mul(x, splat(1.4426950408889634)), splat(biasedShift));
  const n = f32x4.sub(shifted, splat(biasedShift));
  const y = f32x4.add(splat(1), expm1Reduced(reduceByLog2(x, n)));
  return f32x4.mul(y, i32x4.shl(shifted, 23));
}

/** exp(x) for x <= 0, zero where it were subnormal: for sums of which one term is 1. Error below 1.2 ulp. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  const lowest = splat(-87.33);
  return v128.andnot(expNormal(f32x4.pmax(x, lowest)), f32x4.lt(x, lowest));
}

/** exp(x) - 1 for x <= 20. Error below 2.5 ulp. */
// @ts-ignore: decorator
@inline
export function expm1Bounded(x: v128): v128 {
  const bounded = f32x4.pmax(x, splat(-20));
  const shifted = f32x4.add(f32x4.mul(bounded, splat(1.4426950408889634)), splat(roundingShift));
  const n = f32x4.sub(shifted, splat(roundingShift));
  const power = powerOfTwo(i32x4.sub(shifted, i32x4.splat(0x4b400000)));
  const y = expm1Reduced(reduceByLog2(bounded, n));
  return f32x4.add(f32x4.mul(power, y), f32x4.sub(power, splat(1)));
}

/** exp(x) - 1. Error below 2.5 ulp. */
// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  // From 17 on 1 is less than half a unit in the last place.
  return v128.bitselect(exp(x), expm1Bounded(f32x4.pmin(x, splat(20))), f32x4.gt(x, splat(20)));
}

/** Natural logarithm. Error below 1.5 ulp. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, tiny);
  let e = i32x4.sub(i32x4.shr_u(scaled, 23), i32x4.splat(127));
  let m = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f800000));
  const large = f32x4.gt(m, splat(1.4142135623730951));
  m = v128.bitselect(f32x4.mul(m, splat(0.5)), m, large);
  e = i32x4.sub(e, large);
  e = i32x4.sub(e, v128.and(tiny, i32x4.splat(23)));
  const n = f32x4.convert_i32x4_s(e);
  const f = f32x4.sub(m, splat(1));
  let r = horner(0.12885865569114685, f, splat(-0.07859963923692703));
  r = horner(-0.13130450248718262, f, r);
  r = horner(0.14180698990821838, f, r);
  r = horner(-0.16624347865581512, f, r);
  r = horner(0.20002302527427673, f, r);
  r = horner(-0.25000816583633423, f, r);
  r = horner(0.33333316445350647, f, r);
  const square = f32x4.mul(f, f);
  let y = f32x4.mul(f32x4.mul(f, square), r);
  y = f32x4.sub(y, f32x4.mul(n, splat(2.12194440054690583e-4)));
  y = f32x4.sub(y, f32x4.mul(splat(0.5), square));
  y = f32x4.add(f32x4.add(y, f), f32x4.mul(n, splat(0.693359375)));
  // log(inf) = inf, log(0) = -inf, log of negative numbers and of NaN is NaN.
  y = v128.bitselect(x, y, f32x4.eq(x, splat(f32.POSITIVE_INFINITY)));
  y = v128.bitselect(splat(f32.NEGATIVE_INFINITY), y, f32x4.eq(x, splat(0)));
  return v128.bitselect(y, splat(f32.NaN), f32x4.ge(x, splat(0)));
}

/** log(1 + x) for x in [0, 1]: the rounding error of 1 + x is divided out. */
// @ts-ignore: decorator
@inline
export function log1pUnit(x: v128): v128 {
  const w = f32x4.add(x, splat(1));
  return f32x4.add(log(w), f32x4.div(f32x4.sub(x, f32x4.sub(w, splat(1))), w));
}

/**
 * (1 - e) / (1 + e) of e = exp(-2 |x|), where e is 2^n + 2^n (exp(r) - 1), so that small x do not cancel. Error below
 * 2 ulp.
 */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const z = f32x4.pmax(f32x4.mul(f32x4.abs(x), splat(-2)), splat(-20));
  const shifted = f32x4.add(f32x4.mul(z, splat(1.4426950408889634)), splat(biasedShift));
  const n = f32x4.sub(shifted, splat(biasedShift));
  const power = i32x4.shl(shifted, 23);
  // One product is exact enough: the larger n, the less e matters.
  const rest = f32x4.mul(power, expm1Reduced(f32x4.sub(z, f32x4.mul(n, splat(0.6931471805599453)))));
  const above = f32x4.sub(f32x4.sub(splat(1), power), rest);
  const below = f32x4.add(f32x4.add(splat(1), power), rest);
  return v128.bitselect(x, f32x4.div(above, below), i32x4.splat(0x80000000));
}

/** 1 / (1 + exp(-x)). Error below 2.5 ulp. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const y = f32x4.div(splat(1), f32x4.add(splat(1), e));
  return v128.bitselect(f32x4.mul(e, y), y, f32x4.lt(x, splat(0)));
}

/** erf(x) for |x| < 1. */
// @ts-ignore: decorator
@inline
function erfSmall(x: v128): v128 {
  const u = f32x4.mul(x, x);
  let p = horner(-0.0008020841050893068, u, splat(7.889120024628937e-5));
  p = horner(0.005189535208046436, u, p);
  p = horner(-0.026854444295167923, u, p);
  p = horner(0.11283600330352783, u, p);
  p = horner(-0.3761262595653534, u, p);
  p = horner(1.1283791065216064, u, p);
  return f32x4.mul(x, p);
}

/** 1 - erf(x) for x >= 0, given exp(-x^2); NaN stays NaN. A fit of erfc(x) exp(x^2) in (x - 3) / (x + 3). */
// @ts-ignore: decorator
@inline
function erfcFrom(x: v128, e: v128): v128 {
  const bounded = f32x4.pmin(x, splat(10.5));
  const t = f32x4.div(f32x4.sub(bounded, splat(3)), f32x4.add(bounded, splat(3)));
  let q = horner(2.9194712624303065e-5, t, splat(5.6051096180453897e-5));
  q = horner(-0.000594430894125253, t, q);
  q = horner(0.000715582282282412, t, q);
  q = horner(0.004268765915185213, t, q);
  q = horner(-0.024394212290644646, t, q);
  q = horner(0.07166588306427002, t, q);
  q = horner(-0.15011578798294067, t, q);
  q = horner(0.2456037998199463, t, q);
  q = horner(-0.32623356580734253, t, q);
  q = horner(0.17900115251541138, t, q);
  return f32x4.mul(q, e);
}

/** Error below 2.5 ulp. */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const size = f32x4.abs(x);
  const large = f32x4.sub(splat(1), erfcFrom(size, exp(f32x4.neg(f32x4.mul(x, x)))));
  const signed = v128.bitselect(x, large, i32x4.splat(0x80000000));
  return v128.bitselect(erfSmall(x), signed, f32x4.lt(size, splat(1)));
}

/** 1 + erf(x), given exp(-x^2), without cancellation for negative x. */
// @ts-ignore: decorator
@inline
export function onePlusErf(x: v128, e: v128): v128 {
  const tail = erfcFrom(f32x4.abs(x), e);
  return v128.bitselect(tail, f32x4.sub(splat(2), tail), f32x4.lt(x, splat(0)));
}
