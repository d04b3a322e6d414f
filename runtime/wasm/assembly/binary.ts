/**
 * Elementwise kernels of two and three operands with broadcasting (walk.ts). A row of an operand is contiguous,
 * stretched from one element, or strided. In place on operands that are not stretched.
 */
import { power as powerOf } from './power';
import { loadLanes, loadSpread, splat, storeLanes } from './vector';
import { beginRows, nextRow, offsetA, offsetB, offsetC, strideA, strideB, strideC, width } from './walk';

const ADD: i32 = 0;
const SUBTRACT: i32 = 1;
const MULTIPLY: i32 = 2;
const DIVIDE: i32 = 3;
const MINIMUM: i32 = 4;
const MAXIMUM: i32 = 5;
const PRELU: i32 = 6;
const MINIMUM_GRAD: i32 = 7;
const MAXIMUM_GRAD: i32 = 8;
const PRELU_GRAD: i32 = 9;
const POWER: i32 = 10;
const POWER_GRAD_BASE: i32 = 11;
const MULTIPLY_GRAD: i32 = 12;
const DIVIDE_GRAD: i32 = 13;

// @ts-ignore: decorator
@inline
function apply(code: i32, a: v128, b: v128): v128 {
  if (code == ADD) return f32x4.add(a, b);
  if (code == SUBTRACT) return f32x4.sub(a, b);
  if (code == MULTIPLY) return f32x4.mul(a, b);
  if (code == DIVIDE) return f32x4.div(a, b);
  if (code == MINIMUM) return f32x4.min(a, b);
  if (code == MAXIMUM) return f32x4.max(a, b);
  if (code == PRELU) return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, splat(0)));
  if (code == POWER) return powerOf(a, b);
  // a is a gradient: where it is 0, nobody reads what b has made.
  if (code == MULTIPLY_GRAD) return v128.andnot(f32x4.mul(a, b), f32x4.eq(a, splat(0)));
  if (code == DIVIDE_GRAD) return v128.andnot(f32x4.div(a, b), f32x4.eq(a, splat(0)));
  return a;
}

// @ts-ignore: decorator
@inline
function applyGrad(code: i32, g: v128, a: v128, b: v128): v128 {
  const unread = f32x4.eq(g, splat(0));
  if (code == PRELU_GRAD) return v128.andnot(v128.bitselect(g, f32x4.mul(g, b), f32x4.gt(a, splat(0))), unread);
  if (code == POWER_GRAD_BASE) {
    const slope = f32x4.mul(f32x4.mul(g, b), powerOf(a, f32x4.sub(b, splat(1))));
    return v128.andnot(slope, v128.or(unread, f32x4.eq(b, splat(0))));
  }
  const wins = code == MINIMUM_GRAD ? f32x4.lt(a, b) : f32x4.gt(a, b);
  const half = v128.and(f32x4.mul(g, splat(0.5)), f32x4.eq(a, b));
  return v128.bitselect(g, half, wins);
}

// @ts-ignore: decorator
@inline
function loadRow(p: usize, stride: i32, count: i32): v128 {
  return stride == 1 ? loadLanes(p, count) : loadSpread(p, (<usize>stride) << 2, count);
}

// @ts-ignore: decorator
@inline
function walkPairs(code: i32, a: usize, b: usize, out: usize): void {
  const sa = strideA;
  const sb = strideB;
  const stepA = (<usize>sa) << 2;
  const stepB = (<usize>sb) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let i = a + offsetA;
    let j = b + offsetB;
    let k = width;
    if (k >= 4) {
      if (sa == 1 && sb == 1) {
        for (; k >= 4; k -= 4, i += 16, j += 16, out += 16) v128.store(out, apply(code, v128.load(i), v128.load(j)));
      } else if (sa == 1 && sb == 0) {
        const y = v128.load_splat<f32>(j);
        for (; k >= 4; k -= 4, i += 16, out += 16) v128.store(out, apply(code, v128.load(i), y));
      } else if (sa == 0 && sb == 1) {
        const x = v128.load_splat<f32>(i);
        for (; k >= 4; k -= 4, j += 16, out += 16) v128.store(out, apply(code, x, v128.load(j)));
      }
    }
    for (; k > 0; k -= 4, i += 4 * stepA, j += 4 * stepB) {
      storeLanes(out, k, apply(code, loadRow(i, sa, k), loadRow(j, sb, k)));
      out += (<usize>min(k, 4)) << 2;
    }
  }
}

// @ts-ignore: decorator
@inline
function walkTriples(code: i32, dy: usize, a: usize, b: usize, out: usize): void {
  const sa = strideA;
  const sb = strideB;
  const sc = strideC;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let g = dy + offsetA;
    let i = a + offsetB;
    let j = b + offsetC;
    for (let k = width; k > 0; k -= 4) {
      const y = applyGrad(code, loadRow(g, sa, k), loadRow(i, sb, k), loadRow(j, sc, k));
      storeLanes(out, k, y);
      g += (<usize>sa) << 4;
      i += (<usize>sb) << 4;
      j += (<usize>sc) << 4;
      out += (<usize>min(k, 4)) << 2;
    }
  }
}

export function add(a: usize, b: usize, out: usize): void {
  walkPairs(ADD, a, b, out);
}

export function subtract(a: usize, b: usize, out: usize): void {
  walkPairs(SUBTRACT, a, b, out);
}

export function multiply(a: usize, b: usize, out: usize): void {
  walkPairs(MULTIPLY, a, b, out);
}

export function divide(a: usize, b: usize, out: usize): void {
  walkPairs(DIVIDE, a, b, out);
}

export function multiplyGrad(dy: usize, b: usize, out: usize): void {
  walkPairs(MULTIPLY_GRAD, dy, b, out);
}

export function divideGrad(dy: usize, b: usize, out: usize): void {
  walkPairs(DIVIDE_GRAD, dy, b, out);
}

export function minimum(a: usize, b: usize, out: usize): void {
  walkPairs(MINIMUM, a, b, out);
}

export function maximum(a: usize, b: usize, out: usize): void {
  walkPairs(MAXIMUM, a, b, out);
}

export function prelu(a: usize, b: usize, out: usize): void {
  walkPairs(PRELU, a, b, out);
}

export function power(a: usize, b: usize, out: usize): void {
  walkPairs(POWER, a, b, out);
}

export function powerGradBase(dy: usize, a: usize, b: usize, out: usize): void {
  walkTriples(POWER_GRAD_BASE, dy, a, b, out);
}

export function minimumGrad(dy: usize, a: usize, b: usize, out: usize): void {
  walkTriples(MINIMUM_GRAD, dy, a, b, out);
}

export function maximumGrad(dy: usize, a: usize, b: usize, out: usize): void {
  walkTriples(MAXIMUM_GRAD, dy, a, b, out);
}

export function preluGrad(dy: usize, a: usize, b: usize, out: usize): void {
  walkTriples(PRELU_GRAD, dy, a, b, out);
}

/** out = condition (bool, strides A) ? a (strides B) : b (strides C). */
export function where(condition: usize, a: usize, b: usize, out: usize): void {
  const sc = <usize>strideA;
  const sa = strideB;
  const sb = strideC;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    // Offsets are of four-byte elements; flags have one byte.
    let c = condition + (offsetA >> 2);
    let i = a + offsetB;
    let j = b + offsetC;
    for (let k = width; k > 0; k -= 4) {
      let flags = v128.load8_splat(c);
      if (sc != 0) {
        flags = i32x4.splat(<i32>load<u8>(c));
        if (k > 1) flags = i32x4.replace_lane(flags, 1, <i32>load<u8>(c + sc));
        if (k > 2) flags = i32x4.replace_lane(flags, 2, <i32>load<u8>(c + 2 * sc));
        if (k > 3) flags = i32x4.replace_lane(flags, 3, <i32>load<u8>(c + 3 * sc));
      }
      const x = v128.bitselect(loadRow(j, sb, k), loadRow(i, sa, k), i32x4.eq(flags, i32x4.splat(0)));
      storeLanes(out, k, x);
      c += 4 * sc;
      i += (<usize>sa) << 4;
      j += (<usize>sb) << 4;
      out += (<usize>min(k, 4)) << 2;
    }
  }
}
