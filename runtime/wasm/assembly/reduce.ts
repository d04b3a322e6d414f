/**
 * Reductions over strided dimensions. The kept dimensions are walked by walk.ts, the innermost one element by element;
 * the reduced ones, at most three, are set here. As in the plain kernels, elements are reduced row by row where the
 * last reduced dimension is the contiguous one, and otherwise side by side.
 */
import { maxRow, sumRow } from './rows';
import { floats, highDoubles, loadLanes, loadSpread, lowDoubles, splat, storeLanes } from './vector';
import { beginRows, nextRow, offsetA, offsetB, strideA, strideB, width } from './walk';

let e0: i32 = 1;
let e1: i32 = 1;
let length: i32 = 1;
let a0: usize = 0;
let a1: usize = 0;
/** Bytes from element to element along the last reduced dimension. */
let stepA: usize = 0;
let b0: usize = 0;
let b1: usize = 0;
let stepB: usize = 0;

export function setReducedDims(x0: i32, x1: i32, x2: i32): void {
  e0 = x0;
  e1 = x1;
  length = x2;
}

export function setReducedStridesA(x0: i32, x1: i32, x2: i32): void {
  a0 = (<usize>x0) << 2;
  a1 = (<usize>x1) << 2;
  stepA = (<usize>x2) << 2;
}

export function setReducedStridesB(x0: i32, x1: i32, x2: i32): void {
  b0 = (<usize>x0) << 2;
  b1 = (<usize>x1) << 2;
  stepB = (<usize>x2) << 2;
}

/** Sum of everything that is reduced to one element. */
function sumFrom(x: usize): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < e0; i++, x += a0) {
    let row = x;
    for (let j = 0; j < e1; j++, row += a1) {
      if (stepA == 4) sum += sumRow(row, length);
      else {
        let p = row;
        for (let k = 0; k < length; k++, p += stepA) sum += <f64>load<f32>(p);
      }
    }
  }
  return sum;
}

/** Sums of 16 neighbouring columns. */
function sumColumns(x: usize, out: usize, divisor: f64): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (let i = 0; i < e0; i++, x += a0) {
    let row = x;
    for (let j = 0; j < e1; j++, row += a1) {
      let p = row;
      for (let k = 0; k < length; k++, p += stepA) {
        let v = v128.load(p);
        s0 = f64x2.add(s0, lowDoubles(v));
        s1 = f64x2.add(s1, highDoubles(v));
        v = v128.load(p, 16);
        s2 = f64x2.add(s2, lowDoubles(v));
        s3 = f64x2.add(s3, highDoubles(v));
        v = v128.load(p, 32);
        s4 = f64x2.add(s4, lowDoubles(v));
        s5 = f64x2.add(s5, highDoubles(v));
        v = v128.load(p, 48);
        s6 = f64x2.add(s6, lowDoubles(v));
        s7 = f64x2.add(s7, highDoubles(v));
      }
    }
  }
  storeQuotients(out, s0, s1, divisor);
  storeQuotients(out + 16, s2, s3, divisor);
  storeQuotients(out + 32, s4, s5, divisor);
  storeQuotients(out + 48, s6, s7, divisor);
}

// @ts-ignore: decorator
@inline
function quotients(low: v128, high: v128, divisor: f64): v128 {
  const d = f64x2.splat(divisor);
  return floats(f64x2.div(low, d), f64x2.div(high, d));
}

// @ts-ignore: decorator
@inline
function storeQuotients(out: usize, low: v128, high: v128, divisor: f64): void {
  v128.store(out, quotients(low, high, divisor));
}

/** Sums of 4 neighbouring columns, of which `count` exist. */
function sumFewColumns(x: usize, out: usize, count: i32, divisor: f64): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (let i = 0; i < e0; i++, x += a0) {
    let row = x;
    for (let j = 0; j < e1; j++, row += a1) {
      let p = row;
      for (let k = 0; k < length; k++, p += stepA) {
        const v = loadLanes(p, count);
        s0 = f64x2.add(s0, lowDoubles(v));
        s1 = f64x2.add(s1, highDoubles(v));
      }
    }
  }
  const y = quotients(s0, s1, divisor);
  storeLanes(out, count, y);
}

/** Sums divided by `divisor`: 1, or the number of elements reduced. */
export function reduceSum(x: usize, out: usize, divisor: f64): void {
  const sideBySide = width > 1 && stepA != 4 && strideA == 1;
  const step = (<usize>strideA) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let p = x + offsetA;
    let k = width;
    if (sideBySide) {
      for (; k >= 16; k -= 16, p += 64, out += 64) sumColumns(p, out, divisor);
      for (; k > 0; k -= 4, p += 16) {
        sumFewColumns(p, out, k, divisor);
        out += (<usize>min(k, 4)) << 2;
      }
    } else for (; k > 0; k--, p += step, out += 4) store<f32>(out, <f32>(sumFrom(p) / divisor));
  }
}

const MAX: i32 = 0;
const MIN: i32 = 1;

// @ts-ignore: decorator
@inline
function better(code: i32, a: v128, b: v128): v128 {
  return code == MAX ? f32x4.max(a, b) : f32x4.min(a, b);
}

// @ts-ignore: decorator
@inline
function extremeFrom(code: i32, x: usize, worst: f32): f32 {
  let best = worst;
  for (let i = 0; i < e0; i++, x += a0) {
    let row = x;
    for (let j = 0; j < e1; j++, row += a1) {
      if (code == MAX && stepA == 4) best = max(best, maxRow(row, length));
      else {
        let p = row;
        for (let k = 0; k < length; k++, p += stepA)
          best = code == MAX ? max(best, load<f32>(p)) : min(best, load<f32>(p));
      }
    }
  }
  return best;
}

// @ts-ignore: decorator
@inline
function extremeColumns(code: i32, x: usize, worst: f32, count: i32): v128 {
  let best = splat(worst);
  for (let i = 0; i < e0; i++, x += a0) {
    let row = x;
    for (let j = 0; j < e1; j++, row += a1) {
      let p = row;
      for (let k = 0; k < length; k++, p += stepA) best = better(code, best, loadLanes(p, count));
    }
  }
  return best;
}

// @ts-ignore: decorator
@inline
function reduceExtreme(code: i32, x: usize, out: usize, worst: f32): void {
  const sideBySide = width > 1 && stepA != 4 && strideA == 1;
  const step = (<usize>strideA) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let p = x + offsetA;
    let k = width;
    if (sideBySide)
      for (; k > 0; k -= 4, p += 16) {
        const y = extremeColumns(code, p, worst, k);
        storeLanes(out, k, y);
        out += (<usize>min(k, 4)) << 2;
      }
    else for (; k > 0; k--, p += step, out += 4) store<f32>(out, extremeFrom(code, p, worst));
  }
}

/** Largest elements; NaN where there is one. */
export function reduceMax(x: usize, out: usize): void {
  reduceExtreme(MAX, x, out, f32.NEGATIVE_INFINITY);
}

/** Smallest elements; NaN where there is one. */
export function reduceMin(x: usize, out: usize): void {
  reduceExtreme(MIN, x, out, f32.POSITIVE_INFINITY);
}

/** Four elements `step` bytes apart, of which `count` exist; any in the other lanes. */
// @ts-ignore: decorator
@inline
function loadFour(p: usize, step: usize, count: i32): v128 {
  if (step == 4) return loadLanes(p, count);
  return step == 0 ? v128.load_splat<f32>(p) : loadSpread(p, step, count);
}

/** b, but 0 where a is 0 and `skipped` all ones: with a a gradient, no infinity or NaN counts there. */
// @ts-ignore: decorator
@inline
function readOnly(a: v128, b: v128, skipped: v128): v128 {
  return v128.andnot(b, v128.and(skipped, f32x4.eq(a, splat(0))));
}

function dotFrom(a: usize, b: usize, skipped: v128): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let sum: f64 = 0;
  for (let i = 0; i < e0; i++, a += a0, b += b0) {
    let rowA = a;
    let rowB = b;
    for (let j = 0; j < e1; j++, rowA += a1, rowB += b1) {
      let p = rowA;
      let q = rowB;
      let k = length;
      for (; k >= 4; k -= 4, p += 4 * stepA, q += 4 * stepB) {
        const x = loadFour(p, stepA, 4);
        const y = readOnly(x, loadFour(q, stepB, 4), skipped);
        s0 = f64x2.add(s0, f64x2.mul(lowDoubles(x), lowDoubles(y)));
        s1 = f64x2.add(s1, f64x2.mul(highDoubles(x), highDoubles(y)));
      }
      for (; k > 0; k--, p += stepA, q += stepB) {
        const x = load<f32>(p);
        if (x != 0 || !v128.any_true(skipped)) sum += <f64>x * <f64>load<f32>(q);
      }
    }
  }
  s0 = f64x2.add(s0, s1);
  return sum + (f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1));
}

function dotColumns(
  a: usize,
  b: usize,
  columnA: usize,
  columnB: usize,
  out: usize,
  count: i32,
  skipped: v128,
): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (let i = 0; i < e0; i++, a += a0, b += b0) {
    let rowA = a;
    let rowB = b;
    for (let j = 0; j < e1; j++, rowA += a1, rowB += b1) {
      let p = rowA;
      let q = rowB;
      for (let k = 0; k < length; k++, p += stepA, q += stepB) {
        const x = loadFour(p, columnA, count);
        const y = readOnly(x, loadFour(q, columnB, count), skipped);
        s0 = f64x2.add(s0, f64x2.mul(lowDoubles(x), lowDoubles(y)));
        s1 = f64x2.add(s1, f64x2.mul(highDoubles(x), highDoubles(y)));
      }
    }
  }
  const y = quotients(s0, s1, 1);
  storeLanes(out, count, y);
}

/** out = sums of products of a and b; where `isGradient` is 1, zeros of a count for nothing, whatever b is there. */
export function sumOfProducts(a: usize, b: usize, out: usize, isGradient: i32): void {
  const skipped = i32x4.splat(-isGradient);
  const sideBySide = width > 1 && stepA != 4;
  const columnA = (<usize>strideA) << 2;
  const columnB = (<usize>strideB) << 2;
  for (let rows = beginRows(); rows > 0; rows--, nextRow()) {
    let p = a + offsetA;
    let q = b + offsetB;
    if (sideBySide)
      for (let k = width; k > 0; k -= 4, p += 4 * columnA, q += 4 * columnB) {
        dotColumns(p, q, columnA, columnB, out, k, skipped);
        out += (<usize>min(k, 4)) << 2;
      }
    else for (let k = width; k > 0; k--, p += columnA, q += columnB, out += 4) 
      store<f32>(out, <f32>dotFrom(p, q, skipped));
  }
}
