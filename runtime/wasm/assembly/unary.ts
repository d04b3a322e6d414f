/**
 * Elementwise kernels of one operand: y[k] = f(x[k]), four at a time, in place or not. `map` is inlined once for each
 * function; its `code` is a constant there, so that only one branch of `apply` is left.
 */
import { erf, exp, expm1, expm1Bounded, log, log1pUnit, onePlusErf, sigmoid, tanh } from './math';
import { root } from './power';
import { loadPartial, signs, splat, storePartial } from './vector';

const NEGATE: i32 = 0;
const ABSOLUTE: i32 = 1;
const SQUARE: i32 = 2;
const RECIPROCAL: i32 = 3;
const EXP: i32 = 4;
const LOG: i32 = 5;
const SQRT: i32 = 6;
const TANH: i32 = 7;
const ERF: i32 = 8;
const FLOOR: i32 = 9;
const CEIL: i32 = 10;
const ROUND: i32 = 11;
const SIGN: i32 = 12;
const SCALE: i32 = 13;
const ADD_SCALAR: i32 = 14;
const CLIP: i32 = 15;
const RELU: i32 = 16;
const SIGMOID: i32 = 17;
const SOFTPLUS: i32 = 18;
const SOFTSIGN: i32 = 19;
const MISH: i32 = 20;
const HARD_SWISH: i32 = 21;
const HARD_SIGMOID: i32 = 22;
const SWISH: i32 = 23;
const GELU_ERF: i32 = 24;
const GELU_TANH: i32 = 25;
const LEAKY_RELU: i32 = 26;
const ELU: i32 = 27;
const CELU: i32 = 28;
const SELU: i32 = 29;
const THRESHOLDED_RELU: i32 = 30;
const SHRINK: i32 = 31;
const NORM_ROOT: i32 = 32;

/** tanh(softplus(x)) = n / (n + 2) with n = e^x (e^x + 2); 1 to the last bit from 20 on. */
// @ts-ignore: decorator
@inline
export function tanhSoftplus(x: v128): v128 {
  const e = exp(f32x4.pmin(x, splat(20)));
  const n = f32x4.mul(e, f32x4.add(e, splat(2)));
  return f32x4.div(n, f32x4.add(n, splat(2)));
}

/** sqrt(2 / pi) (x + 0.044715 x^3). */
// @ts-ignore: decorator
@inline
export function geluArgument(x: v128): v128 {
  const u = f32x4.mul(x, x);
  return f32x4.mul(splat(0.7978845608028654), f32x4.add(x, f32x4.mul(splat(0.044715), f32x4.mul(u, x))));
}

// @ts-ignore: decorator
@inline
function apply(code: i32, x: v128, p: v128, q: v128): v128 {
  if (code == NEGATE) return f32x4.neg(x);
  if (code == ABSOLUTE) return f32x4.abs(x);
  if (code == SQUARE) return f32x4.mul(x, x);
  if (code == RECIPROCAL) return f32x4.div(splat(1), x);
  if (code == EXP) return exp(x);
  if (code == LOG) return log(x);
  if (code == SQRT) return f32x4.sqrt(x);
  if (code == TANH) return tanh(x);
  if (code == ERF) return erf(x);
  if (code == FLOOR) return f32x4.floor(x);
  if (code == CEIL) return f32x4.ceil(x);
  if (code == ROUND) return f32x4.nearest(x);
  if (code == SIGN) return signs(x);
  if (code == SCALE) return f32x4.mul(x, p);
  if (code == ADD_SCALAR) return f32x4.add(x, p);
  if (code == CLIP) return f32x4.pmin(f32x4.pmax(x, p), q);
  if (code == RELU) return v128.andnot(x, f32x4.le(x, splat(0)));
  if (code == SIGMOID) return sigmoid(x);
  if (code == SOFTPLUS) return f32x4.add(f32x4.pmax(x, splat(0)), log1pUnit(exp(f32x4.neg(f32x4.abs(x)))));
  if (code == SOFTSIGN) return f32x4.div(x, f32x4.add(splat(1), f32x4.abs(x)));
  if (code == MISH) return f32x4.mul(x, tanhSoftplus(x));
  if (code == HARD_SWISH)
    return f32x4.mul(x, f32x4.pmax(f32x4.pmin(f32x4.add(f32x4.div(x, splat(6)), splat(0.5)), splat(1)), splat(0)));
  if (code == HARD_SIGMOID) return f32x4.pmax(f32x4.pmin(f32x4.add(f32x4.mul(p, x), q), splat(1)), splat(0));
  if (code == SWISH) return f32x4.mul(x, sigmoid(f32x4.mul(p, x)));
  if (code == GELU_ERF) {
    const half = f32x4.mul(splat(0.5), x);
    const e = exp(f32x4.neg(f32x4.mul(half, x)));
    return f32x4.mul(half, onePlusErf(f32x4.mul(x, splat(0.7071067811865476)), e));
  }
  if (code == GELU_TANH) {
    // (1 + tanh(z)) / 2 is sigmoid(2 z), which does not cancel.
    const z = geluArgument(x);
    return f32x4.mul(x, sigmoid(f32x4.add(z, z)));
  }
  if (code == LEAKY_RELU) return v128.bitselect(f32x4.mul(p, x), x, f32x4.lt(x, splat(0)));
  if (code == ELU)
    return v128.bitselect(f32x4.mul(p, expm1Bounded(f32x4.pmin(x, splat(0)))), x, f32x4.lt(x, splat(0)));
  if (code == CELU)
    return v128.bitselect(f32x4.mul(p, expm1(f32x4.div(f32x4.pmin(x, splat(0)), p))), x, f32x4.lt(x, splat(0)));
  if (code == SELU)
    return f32x4.mul(q, v128.bitselect(f32x4.mul(p, expm1Bounded(f32x4.pmin(x, splat(0)))), x, f32x4.lt(x, splat(0))));
  if (code == THRESHOLDED_RELU) return v128.andnot(x, f32x4.le(x, p));
  if (code == SHRINK) {
    const low = f32x4.lt(x, f32x4.neg(q));
    const high = f32x4.gt(x, q);
    return v128.and(v128.bitselect(f32x4.add(x, p), f32x4.sub(x, p), low), v128.or(low, high));
  }
  if (code == NORM_ROOT)
    return i32x4.all_true(f32x4.eq(p, splat(2))) ? f32x4.sqrt(x) : root(x, p);
  return x;
}

// @ts-ignore: decorator
@inline
function map(code: i32, x: usize, y: usize, count: i32, p: f32, q: f32): void {
  const pp = splat(p);
  const qq = splat(q);
  for (; count >= 4; count -= 4, x += 16, y += 16) v128.store(y, apply(code, v128.load(x), pp, qq));
  if (count > 0) storePartial(y, count, apply(code, loadPartial(x, count), pp, qq));
}

export function negate(x: usize, y: usize, count: i32): void {
  map(NEGATE, x, y, count, 0, 0);
}

export function absolute(x: usize, y: usize, count: i32): void {
  map(ABSOLUTE, x, y, count, 0, 0);
}

export function square(x: usize, y: usize, count: i32): void {
  map(SQUARE, x, y, count, 0, 0);
}

export function reciprocal(x: usize, y: usize, count: i32): void {
  map(RECIPROCAL, x, y, count, 0, 0);
}

export function expOf(x: usize, y: usize, count: i32): void {
  map(EXP, x, y, count, 0, 0);
}

export function logOf(x: usize, y: usize, count: i32): void {
  map(LOG, x, y, count, 0, 0);
}

export function sqrt(x: usize, y: usize, count: i32): void {
  map(SQRT, x, y, count, 0, 0);
}

export function tanhOf(x: usize, y: usize, count: i32): void {
  map(TANH, x, y, count, 0, 0);
}

export function erfOf(x: usize, y: usize, count: i32): void {
  map(ERF, x, y, count, 0, 0);
}

export function floor(x: usize, y: usize, count: i32): void {
  map(FLOOR, x, y, count, 0, 0);
}

export function ceil(x: usize, y: usize, count: i32): void {
  map(CEIL, x, y, count, 0, 0);
}

export function round(x: usize, y: usize, count: i32): void {
  map(ROUND, x, y, count, 0, 0);
}

export function sign(x: usize, y: usize, count: i32): void {
  map(SIGN, x, y, count, 0, 0);
}

export function scale(x: usize, y: usize, count: i32, p: f32): void {
  map(SCALE, x, y, count, p, 0);
}

export function addScalar(x: usize, y: usize, count: i32, p: f32): void {
  map(ADD_SCALAR, x, y, count, p, 0);
}

export function clip(x: usize, y: usize, count: i32, p: f32, q: f32): void {
  map(CLIP, x, y, count, p, q);
}

export function relu(x: usize, y: usize, count: i32): void {
  map(RELU, x, y, count, 0, 0);
}

export function sigmoidOf(x: usize, y: usize, count: i32): void {
  map(SIGMOID, x, y, count, 0, 0);
}

export function softplus(x: usize, y: usize, count: i32): void {
  map(SOFTPLUS, x, y, count, 0, 0);
}

export function softsign(x: usize, y: usize, count: i32): void {
  map(SOFTSIGN, x, y, count, 0, 0);
}

export function mish(x: usize, y: usize, count: i32): void {
  map(MISH, x, y, count, 0, 0);
}

export function hardSwish(x: usize, y: usize, count: i32): void {
  map(HARD_SWISH, x, y, count, 0, 0);
}

export function hardSigmoid(x: usize, y: usize, count: i32, p: f32, q: f32): void {
  map(HARD_SIGMOID, x, y, count, p, q);
}

export function swish(x: usize, y: usize, count: i32, p: f32): void {
  map(SWISH, x, y, count, p, 0);
}

export function geluErf(x: usize, y: usize, count: i32): void {
  map(GELU_ERF, x, y, count, 0, 0);
}

export function geluTanh(x: usize, y: usize, count: i32): void {
  map(GELU_TANH, x, y, count, 0, 0);
}

export function leakyRelu(x: usize, y: usize, count: i32, p: f32): void {
  map(LEAKY_RELU, x, y, count, p, 0);
}

export function elu(x: usize, y: usize, count: i32, p: f32): void {
  map(ELU, x, y, count, p, 0);
}

export function celu(x: usize, y: usize, count: i32, p: f32): void {
  map(CELU, x, y, count, p, 0);
}

export function selu(x: usize, y: usize, count: i32, p: f32, q: f32): void {
  map(SELU, x, y, count, p, q);
}

export function thresholdedRelu(x: usize, y: usize, count: i32, p: f32): void {
  map(THRESHOLDED_RELU, x, y, count, p, 0);
}

export function shrink(x: usize, y: usize, count: i32, p: f32, q: f32): void {
  map(SHRINK, x, y, count, p, q);
}

export function normRoot(x: usize, y: usize, count: i32, p: f32): void {
  map(NORM_ROOT, x, y, count, p, 0);
}
