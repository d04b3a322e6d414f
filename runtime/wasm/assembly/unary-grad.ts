/**
 * Gradients of the elementwise kernels: dx[k] = dy[k] * f'(s[k]), where s is the operand or the result, as in the plain
 * kernels of the same names. In place on either. Where dy is 0, dx is 0, whatever f' is.
 */
import { exp, expm1Bounded, onePlusErf, sigmoid } from './math';
import { power } from './power';
import { geluArgument, tanhSoftplus } from './unary';
import { floats, highDoubles, loadPartial, lowDoubles, splat, storePartial } from './vector';

const ABSOLUTE: i32 = 0;
const SQUARE: i32 = 1;
const RECIPROCAL: i32 = 2;
const SQRT: i32 = 3;
const TANH: i32 = 4;
const ERF: i32 = 5;
const CLIP: i32 = 6;
const RELU: i32 = 7;
const SIGMOID: i32 = 8;
const SOFTPLUS: i32 = 9;
const SOFTSIGN: i32 = 10;
const HARD_SWISH: i32 = 11;
const HARD_SIGMOID: i32 = 12;
const LEAKY_RELU: i32 = 13;
const ELU: i32 = 14;
const CELU: i32 = 15;
const SELU: i32 = 16;
const THRESHOLDED_RELU: i32 = 17;
const SHRINK: i32 = 18;
const MISH: i32 = 19;
const SWISH: i32 = 20;
const GELU_ERF: i32 = 21;
const GELU_TANH: i32 = 22;
const NORM_ROOT: i32 = 23;

/** exp(x / alpha); what rounding left of the quotient is made good, which far below 0 is many ulp of the result. */
// @ts-ignore: decorator
@inline
function expOfQuotient(x: v128, alpha: v128): v128 {
  const q = f32x4.div(x, alpha);
  const low = f64x2.sub(lowDoubles(x), f64x2.mul(lowDoubles(q), lowDoubles(alpha)));
  const high = f64x2.sub(highDoubles(x), f64x2.mul(highDoubles(q), highDoubles(alpha)));
  const rest = f32x4.div(floats(low, high), alpha);
  const e = exp(q);
  return f32x4.add(e, v128.and(f32x4.mul(e, rest), f32x4.lt(f32x4.abs(q), splat(104))));
}

/** sigmoid(x) + factor * sigmoid'(x), of which sigmoid' = y (1 - y) without cancellation where y is close to 1. */
// @ts-ignore: decorator
@inline
function sigmoidAndBend(x: v128, factor: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const r = f32x4.div(splat(1), f32x4.add(splat(1), e));
  const tail = f32x4.mul(e, r);
  const y = v128.bitselect(tail, r, f32x4.lt(x, splat(0)));
  return f32x4.add(y, f32x4.mul(factor, f32x4.mul(tail, r)));
}

// @ts-ignore: decorator
@inline
function apply(code: i32, g: v128, s: v128, p: v128, q: v128): v128 {
  if (code == ABSOLUTE) {
    const zero = f32x4.eq(s, splat(0));
    const signed = v128.xor(g, v128.and(s, i32x4.splat(0x80000000)));
    return v128.bitselect(f32x4.mul(g, s), signed, v128.or(zero, f32x4.ne(s, s)));
  }
  if (code == SQUARE) return f32x4.mul(f32x4.mul(splat(2), g), s);
  if (code == RECIPROCAL) return f32x4.mul(f32x4.mul(f32x4.neg(g), s), s);
  if (code == SQRT) return f32x4.div(g, f32x4.add(s, s));
  if (code == TANH) return f32x4.mul(g, f32x4.sub(splat(1), f32x4.mul(s, s)));
  if (code == ERF) return f32x4.mul(f32x4.mul(g, splat(1.1283791670955126)), exp(f32x4.neg(f32x4.mul(s, s))));
  if (code == CLIP) return v128.and(g, v128.and(f32x4.gt(s, p), f32x4.lt(s, q)));
  if (code == RELU) return v128.and(g, f32x4.gt(s, splat(0)));
  if (code == SIGMOID) return f32x4.mul(f32x4.mul(g, s), f32x4.sub(splat(1), s));
  if (code == SOFTPLUS) return f32x4.mul(f32x4.neg(g), expm1Bounded(f32x4.neg(s)));
  if (code == SOFTSIGN) {
    const r = f32x4.sub(splat(1), f32x4.abs(s));
    return f32x4.mul(f32x4.mul(g, r), r);
  }
  if (code == HARD_SWISH) {
    const inside = f32x4.mul(g, f32x4.add(f32x4.div(s, splat(3)), splat(0.5)));
    const bounded = v128.bitselect(g, inside, f32x4.ge(s, splat(3)));
    return v128.andnot(bounded, f32x4.le(s, splat(-3)));
  }
  if (code == HARD_SIGMOID) return v128.and(f32x4.mul(g, p), v128.and(f32x4.gt(s, splat(0)), f32x4.lt(s, splat(1))));
  if (code == LEAKY_RELU) return v128.bitselect(g, f32x4.mul(g, p), f32x4.gt(s, splat(0)));
  if (code == ELU) return v128.bitselect(g, f32x4.mul(f32x4.mul(g, p), exp(s)), f32x4.gt(s, splat(0)));
  if (code == CELU) return v128.bitselect(g, f32x4.mul(g, expOfQuotient(s, p)), f32x4.gt(s, splat(0)));
  if (code == SELU) {
    const above = f32x4.mul(g, q);
    return v128.bitselect(above, f32x4.mul(f32x4.mul(above, p), exp(s)), f32x4.gt(s, splat(0)));
  }
  if (code == THRESHOLDED_RELU) return v128.and(g, f32x4.gt(s, p));
  if (code == SHRINK) return v128.and(g, v128.or(f32x4.lt(s, f32x4.neg(p)), f32x4.gt(s, p)));
  if (code == MISH) {
    const t = tanhSoftplus(s);
    const slope = f32x4.mul(f32x4.mul(s, f32x4.sub(splat(1), f32x4.mul(t, t))), sigmoid(s));
    return f32x4.mul(g, f32x4.add(t, slope));
  }
  if (code == SWISH) {
    const v = f32x4.mul(p, s);
    return f32x4.mul(g, sigmoidAndBend(v, v));
  }
  if (code == GELU_ERF) {
    const e = exp(f32x4.mul(splat(-0.5), f32x4.mul(s, s)));
    const density = f32x4.mul(splat(0.3989422804014327), e);
    const mass = f32x4.mul(splat(0.5), onePlusErf(f32x4.mul(s, splat(0.7071067811865476)), e));
    return f32x4.mul(g, f32x4.add(mass, f32x4.mul(s, density)));
  }
  if (code == GELU_TANH) {
    const z = geluArgument(s);
    const slope = f32x4.mul(
      splat(1.5957691216057308),
      f32x4.add(splat(1), f32x4.mul(splat(0.134145), f32x4.mul(s, s))),
    );
    return f32x4.mul(g, sigmoidAndBend(f32x4.add(z, z), f32x4.mul(s, slope)));
  }
  if (code == NORM_ROOT) {
    const two = f32x4.eq(p, splat(2));
    const whole = i32x4.all_true(two)
      ? f32x4.div(g, f32x4.add(s, s))
      : f32x4.div(f32x4.mul(g, power(s, f32x4.sub(splat(1), p))), p);
    return v128.andnot(whole, f32x4.eq(s, splat(0)));
  }
  return g;
}

/** Nobody reads y where dy is 0. */
// @ts-ignore: decorator
@inline
function applyRead(code: i32, g: v128, s: v128, p: v128, q: v128): v128 {
  return v128.andnot(apply(code, g, s, p, q), f32x4.eq(g, splat(0)));
}

// @ts-ignore: decorator
@inline
function map(code: i32, dy: usize, s: usize, dx: usize, count: i32, p: f32, q: f32): void {
  const pp = splat(p);
  const qq = splat(q);
  for (; count >= 4; count -= 4, dy += 16, s += 16, dx += 16)
    v128.store(dx, applyRead(code, v128.load(dy), v128.load(s), pp, qq));
  if (count > 0) storePartial(dx, count, applyRead(code, loadPartial(dy, count), loadPartial(s, count), pp, qq));
}

export function absoluteGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(ABSOLUTE, dy, s, dx, count, 0, 0);
}

export function squareGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(SQUARE, dy, s, dx, count, 0, 0);
}

export function reciprocalGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(RECIPROCAL, dy, s, dx, count, 0, 0);
}

export function sqrtGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(SQRT, dy, s, dx, count, 0, 0);
}

export function tanhGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(TANH, dy, s, dx, count, 0, 0);
}

export function erfGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(ERF, dy, s, dx, count, 0, 0);
}

export function clipGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32, q: f32): void {
  map(CLIP, dy, s, dx, count, p, q);
}

export function reluGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(RELU, dy, s, dx, count, 0, 0);
}

export function sigmoidGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(SIGMOID, dy, s, dx, count, 0, 0);
}

export function softplusGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(SOFTPLUS, dy, s, dx, count, 0, 0);
}

export function softsignGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(SOFTSIGN, dy, s, dx, count, 0, 0);
}

export function hardSwishGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(HARD_SWISH, dy, s, dx, count, 0, 0);
}

export function hardSigmoidGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(HARD_SIGMOID, dy, s, dx, count, p, 0);
}

export function leakyReluGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(LEAKY_RELU, dy, s, dx, count, p, 0);
}

export function eluGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(ELU, dy, s, dx, count, p, 0);
}

export function celuGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(CELU, dy, s, dx, count, p, 0);
}

export function seluGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32, q: f32): void {
  map(SELU, dy, s, dx, count, p, q);
}

export function thresholdedReluGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(THRESHOLDED_RELU, dy, s, dx, count, p, 0);
}

export function shrinkGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(SHRINK, dy, s, dx, count, p, 0);
}

export function mishGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(MISH, dy, s, dx, count, 0, 0);
}

export function swishGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(SWISH, dy, s, dx, count, p, 0);
}

export function geluErfGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(GELU_ERF, dy, s, dx, count, 0, 0);
}

export function geluTanhGrad(dy: usize, s: usize, dx: usize, count: i32): void {
  map(GELU_TANH, dy, s, dx, count, 0, 0);
}

export function normRootGrad(dy: usize, s: usize, dx: usize, count: i32, p: f32): void {
  map(NORM_ROOT, dy, s, dx, count, p, 0);
}
