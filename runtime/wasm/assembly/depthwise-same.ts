/**
 * Depthwise convolution where the result has the input's extents (stride 1), the common case. Positions of a plane are
 * then one long row whatever its width: a tap's element lies at a constant distance, and what the distance carries over
 * an edge is masked by row and column. So short rows cost what long ones do.
 */
import { firstLanes, loadLanes, splat, storeLanes, sumLanes } from './vector';

/** Extents of a plane, and the bytes of the tensor it lies in, within which whole vectors may be read. */
let height: i32 = 0;
let width: i32 = 0;
let begin: usize = 0;
let end: usize = 0;

export function setPlanes(h: i32, w: i32, rangeBegin: usize, rangeEnd: usize): void {
  height = h;
  width = w;
  begin = rangeBegin;
  end = rangeEnd;
}

/** Rows narrower than a vector would wrap more than once in it. */
export const leastWidth: i32 = 4;

/** Row and column of the four positions at hand. */
let rows: v128 = i32x4.splat(0);
let columns: v128 = i32x4.splat(0);

// @ts-ignore: decorator
@inline
function elementAt(plane: usize, row: i32, column: i32): f32 {
  return <u32>row < <u32>height && <u32>column < <u32>width
    ? load<f32>(plane + ((<usize>(row * width + column)) << 2))
    : 0;
}

/** Four elements from `position` + shift; anything in lanes outside. Element by element at the ends of the tensor. */
// @ts-ignore: decorator
@inline
function loadShifted(plane: usize, position: i32, shiftH: i32, shiftW: i32): v128 {
  const p = plane + ((<usize>(position + shiftH * width + shiftW)) << 2);
  if (p >= begin && p < end && p + 16 <= end) return v128.load(p);
  return loadCarefully(plane, shiftH, shiftW);
}

function loadCarefully(plane: usize, shiftH: i32, shiftW: i32): v128 {
  const r = i32x4.add(rows, i32x4.splat(shiftH));
  const c = i32x4.add(columns, i32x4.splat(shiftW));
  let x = splat(elementAt(plane, i32x4.extract_lane(r, 0), i32x4.extract_lane(c, 0)));
  x = f32x4.replace_lane(x, 1, elementAt(plane, i32x4.extract_lane(r, 1), i32x4.extract_lane(c, 1)));
  x = f32x4.replace_lane(x, 2, elementAt(plane, i32x4.extract_lane(r, 2), i32x4.extract_lane(c, 2)));
  return f32x4.replace_lane(x, 3, elementAt(plane, i32x4.extract_lane(r, 3), i32x4.extract_lane(c, 3)));
}

/** First and end of the positions whose vectors may be read under a 3x3 filter without a look at the tensor's ends. */
let firstSafe: i32 = 0;
let endSafe: i32 = 0;

function findSafe(plane: usize): void {
  const reach = width + 1;
  const ahead = <i32>min((plane - begin) >> 2, <usize>reach);
  // A vector at i reads up to i + reach + 4.
  const room = <i32>min((end - plane) >> 2, <usize>0x3fffffff);
  firstSafe = reach - ahead;
  endSafe = min(height * width, room - reach - 3);
}

/** Nine products under the taps of four positions, `rows` and `columns`, some of which lie outside the tensor. */
function sumCarefully(plane: usize, weights: usize, step: usize): v128 {
  let sum = f32x4.splat(0);
  for (let kh = -1; kh <= 1; kh++)
    for (let kw = -1; kw <= 1; kw++, weights += step) {
      const r = i32x4.add(rows, i32x4.splat(kh));
      const c = i32x4.add(columns, i32x4.splat(kw));
      const mask = v128.and(i32x4.lt_u(r, i32x4.splat(height)), i32x4.lt_u(c, i32x4.splat(width)));
      const product = f32x4.mul(v128.load_splat<f32>(weights), loadCarefully(plane, kh, kw));
      sum = f32x4.add(sum, v128.and(mask, product));
    }
  return sum;
}

/**
 * out += plane correlated with a 3x3 filter, whose weights lie `step` bytes apart from `weights` on (backwards, from
 * the last one, for the gradient of the input).
 */
export function addPlane3x3(plane: usize, weights: usize, step: usize, out: usize): void {
  const w0 = v128.load_splat<f32>(weights);
  const w1 = v128.load_splat<f32>(weights + step);
  const w2 = v128.load_splat<f32>(weights + step * 2);
  const w3 = v128.load_splat<f32>(weights + step * 3);
  const w4 = v128.load_splat<f32>(weights + step * 4);
  const w5 = v128.load_splat<f32>(weights + step * 5);
  const w6 = v128.load_splat<f32>(weights + step * 6);
  const w7 = v128.load_splat<f32>(weights + step * 7);
  const w8 = v128.load_splat<f32>(weights + step * 8);
  findSafe(plane);
  const row = (<usize>width) << 2;
  const w = i32x4.splat(width);
  const lastRow = i32x4.splat(height - 1);
  const lastColumn = i32x4.splat(width - 1);
  const zero = i32x4.splat(0);
  const first = firstSafe;
  const last = endSafe;
  let r = zero;
  let c = i32x4(0, 1, 2, 3);
  let p = plane;
  const count = height * width;
  for (let i = 0; i < count; i += 4, out += 16, p += 16) {
    if (i >= first && i < last) {
      const left = i32x4.gt_s(c, zero);
      const right = i32x4.lt_s(c, lastColumn);
      const a = p - row;
      const b = p + row;
      let above = v128.and(left, f32x4.mul(w0, v128.load(a - 4)));
      above = f32x4.add(above, f32x4.mul(w1, v128.load(a)));
      above = f32x4.add(above, v128.and(right, f32x4.mul(w2, v128.load(a + 4))));
      let sum = f32x4.add(loadLanes(out, count - i), v128.and(left, f32x4.mul(w3, v128.load(p - 4))));
      sum = f32x4.add(sum, f32x4.mul(w4, v128.load(p)));
      sum = f32x4.add(sum, v128.and(right, f32x4.mul(w5, v128.load(p + 4))));
      let below = v128.and(left, f32x4.mul(w6, v128.load(b - 4)));
      below = f32x4.add(below, f32x4.mul(w7, v128.load(b)));
      below = f32x4.add(below, v128.and(right, f32x4.mul(w8, v128.load(b + 4))));
      sum = f32x4.add(sum, v128.and(i32x4.gt_s(r, zero), above));
      sum = f32x4.add(sum, v128.and(i32x4.lt_s(r, lastRow), below));
      storeLanes(out, count - i, sum);
    } else {
      rows = r;
      columns = c;
      storeLanes(out, count - i, f32x4.add(loadLanes(out, count - i), sumCarefully(plane, weights, step)));
    }
    c = i32x4.add(c, i32x4.splat(4));
    const over = i32x4.ge_s(c, w);
    c = i32x4.sub(c, v128.and(over, w));
    r = i32x4.sub(r, over);
  }
}

/**
 * As `addPlane3x3` for a filter of any odd or even extents whose result has the plane's: taps shift by first + k *
 * step.
 */
export function addPlane(
  plane: usize,
  weights: usize,
  out: usize,
  kH: i32,
  kW: i32,
  firstH: i32,
  firstW: i32,
  stepH: i32,
  stepW: i32,
): void {
  const w = i32x4.splat(width);
  const h = i32x4.splat(height);
  let r = i32x4.splat(0);
  let c = i32x4(0, 1, 2, 3);
  const count = height * width;
  for (let i = 0; i < count; i += 4, out += 16) {
    rows = r;
    columns = c;
    let sum = loadLanes(out, count - i);
    let tap = weights;
    for (let kh = 0; kh < kH; kh++) {
      const shiftH = firstH + kh * stepH;
      const inRows = i32x4.lt_u(i32x4.add(r, i32x4.splat(shiftH)), h);
      if (!v128.any_true(inRows)) {
        tap += (<usize>kW) << 2;
        continue;
      }
      let shiftW = firstW;
      for (let kw = 0; kw < kW; kw++, tap += 4, shiftW += stepW) {
        const mask = v128.and(inRows, i32x4.lt_u(i32x4.add(c, i32x4.splat(shiftW)), w));
        const product = f32x4.mul(v128.load_splat<f32>(tap), loadShifted(plane, i, shiftH, shiftW));
        sum = f32x4.add(sum, v128.and(mask, product));
      }
    }
    storeLanes(out, count - i, sum);
    c = i32x4.add(c, i32x4.splat(4));
    const over = i32x4.ge_s(c, w);
    c = i32x4.sub(c, v128.and(over, w));
    r = i32x4.sub(r, over);
  }
}

/** The sums of dy times the plane, shifted by each of nine taps. */
let s0: f64 = 0;
let s1: f64 = 0;
let s2: f64 = 0;
let s3: f64 = 0;
let s4: f64 = 0;
let s5: f64 = 0;
let s6: f64 = 0;
let s7: f64 = 0;
let s8: f64 = 0;

export function clearSums3x3(): void {
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  s4 = 0;
  s5 = 0;
  s6 = 0;
  s7 = 0;
  s8 = 0;
}

export function storeSums3x3(dw: usize): void {
  store<f32>(dw, <f32>s0);
  store<f32>(dw, <f32>s1, 4);
  store<f32>(dw, <f32>s2, 8);
  store<f32>(dw, <f32>s3, 12);
  store<f32>(dw, <f32>s4, 16);
  store<f32>(dw, <f32>s5, 20);
  store<f32>(dw, <f32>s6, 24);
  store<f32>(dw, <f32>s7, 28);
  store<f32>(dw, <f32>s8, 32);
}

/** Adds the products of one plane of dy and one of x to the nine sums. */
export function addProducts3x3(dy: usize, plane: usize): void {
  const row = (<usize>width) << 2;
  const w = i32x4.splat(width);
  const lastRow = i32x4.splat(height - 1);
  const lastColumn = i32x4.splat(width - 1);
  const zero = i32x4.splat(0);
  let r = zero;
  let c = i32x4(0, 1, 2, 3);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let a8 = a0;
  findSafe(plane);
  const first = firstSafe;
  const last = endSafe;
  const count = height * width;
  for (let i = 0; i < count; i += 4, dy += 16) {
    const lanes = firstLanes(count - i);
    const left = v128.and(lanes, i32x4.gt_s(c, zero));
    const right = v128.and(lanes, i32x4.lt_s(c, lastColumn));
    const top = i32x4.gt_s(r, zero);
    const bottom = i32x4.lt_s(r, lastRow);
    const y = loadLanes(dy, count - i);
    if (i >= first && i < last) {
      const p = plane + ((<usize>i) << 2);
      const a = p - row;
      const b = p + row;
      a0 = f32x4.add(a0, v128.and(v128.and(top, left), f32x4.mul(y, v128.load(a - 4))));
      a1 = f32x4.add(a1, v128.and(v128.and(top, lanes), f32x4.mul(y, v128.load(a))));
      a2 = f32x4.add(a2, v128.and(v128.and(top, right), f32x4.mul(y, v128.load(a + 4))));
      a3 = f32x4.add(a3, v128.and(left, f32x4.mul(y, v128.load(p - 4))));
      a4 = f32x4.add(a4, v128.and(lanes, f32x4.mul(y, v128.load(p))));
      a5 = f32x4.add(a5, v128.and(right, f32x4.mul(y, v128.load(p + 4))));
      a6 = f32x4.add(a6, v128.and(v128.and(bottom, left), f32x4.mul(y, v128.load(b - 4))));
      a7 = f32x4.add(a7, v128.and(v128.and(bottom, lanes), f32x4.mul(y, v128.load(b))));
      a8 = f32x4.add(a8, v128.and(v128.and(bottom, right), f32x4.mul(y, v128.load(b + 4))));
    } else {
      rows = r;
      columns = c;
      a0 = f32x4.add(a0, v128.and(v128.and(top, left), f32x4.mul(y, loadShifted(plane, i, -1, -1))));
      a1 = f32x4.add(a1, v128.and(v128.and(top, lanes), f32x4.mul(y, loadShifted(plane, i, -1, 0))));
      a2 = f32x4.add(a2, v128.and(v128.and(top, right), f32x4.mul(y, loadShifted(plane, i, -1, 1))));
      a3 = f32x4.add(a3, v128.and(left, f32x4.mul(y, loadShifted(plane, i, 0, -1))));
      a4 = f32x4.add(a4, v128.and(lanes, f32x4.mul(y, loadShifted(plane, i, 0, 0))));
      a5 = f32x4.add(a5, v128.and(right, f32x4.mul(y, loadShifted(plane, i, 0, 1))));
      a6 = f32x4.add(a6, v128.and(v128.and(bottom, left), f32x4.mul(y, loadShifted(plane, i, 1, -1))));
      a7 = f32x4.add(a7, v128.and(v128.and(bottom, lanes), f32x4.mul(y, loadShifted(plane, i, 1, 0))));
      a8 = f32x4.add(a8, v128.and(v128.and(bottom, right), f32x4.mul(y, loadShifted(plane, i, 1, 1))));
    }
    c = i32x4.add(c, i32x4.splat(4));
    const over = i32x4.ge_s(c, w);
    c = i32x4.sub(c, v128.and(over, w));
    r = i32x4.sub(r, over);
  }
  s0 += <f64>sumLanes(a0);
  s1 += <f64>sumLanes(a1);
  s2 += <f64>sumLanes(a2);
  s3 += <f64>sumLanes(a3);
  s4 += <f64>sumLanes(a4);
  s5 += <f64>sumLanes(a5);
  s6 += <f64>sumLanes(a6);
  s7 += <f64>sumLanes(a7);
  s8 += <f64>sumLanes(a8);
}

/** As `addProducts3x3` for one tap that shifts by any amount. */
export function sumProductsShifted(dy: usize, plane: usize, shiftH: i32, shiftW: i32): f64 {
  const w = i32x4.splat(width);
  const h = i32x4.splat(height);
  let r = i32x4.splat(0);
  let c = i32x4(0, 1, 2, 3);
  let sum = f32x4.splat(0);
  const count = height * width;
  for (let i = 0; i < count; i += 4, dy += 16) {
    rows = r;
    columns = c;
    const lanes = v128.and(firstLanes(count - i), i32x4.lt_u(i32x4.add(r, i32x4.splat(shiftH)), h));
    if (v128.any_true(lanes)) {
      const mask = v128.and(lanes, i32x4.lt_u(i32x4.add(c, i32x4.splat(shiftW)), w));
      const product = f32x4.mul(loadLanes(dy, count - i), loadShifted(plane, i, shiftH, shiftW));
      sum = f32x4.add(sum, v128.and(mask, product));
    }
    c = i32x4.add(c, i32x4.splat(4));
    const over = i32x4.ge_s(c, w);
    c = i32x4.sub(c, v128.and(over, w));
    r = i32x4.sub(r, over);
  }
  return <f64>sumLanes(sum);
}
