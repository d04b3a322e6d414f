/**
 * Gradient of a depthwise filter at stride 1 or 2 (depthwise-taps.ts): sums of dy times the elements under each tap,
 * over one plane in single precision and over the batch in double. A plane of x has H rows of W columns, one of dy oH
 * rows of oW. Where the last vector of a row overlaps the one before, its first positions are left out.
 *
 * Rows that need care and those that need none are added up alike and in order: sums do not depend on where in a tensor
 * the plane lies.
 */
import {
  dH,
  dW,
  findPlainRows,
  first0,
  first1,
  first2,
  freshLanes,
  H,
  isNine,
  kH,
  kW,
  last0,
  last1,
  last2,
  loadSecondTap,
  loadTap,
  loadTapCarefully,
  oH,
  oW,
  pH,
  plainBegin,
  plainEnd,
  pW,
  tapMask,
  W,
} from './depthwise-taps';
import { sumLanes } from './vector';

/** Sums under up to nine taps: over planes, and lane by lane over rows of one. */
let sum0: f64 = 0;
let sum1: f64 = 0;
let sum2: f64 = 0;
let sum3: f64 = 0;
let sum4: f64 = 0;
let sum5: f64 = 0;
let sum6: f64 = 0;
let sum7: f64 = 0;
let sum8: f64 = 0;
let lanes0: v128 = f32x4.splat(0);
let lanes1: v128 = f32x4.splat(0);
let lanes2: v128 = f32x4.splat(0);
let lanes3: v128 = f32x4.splat(0);
let lanes4: v128 = f32x4.splat(0);
let lanes5: v128 = f32x4.splat(0);
let lanes6: v128 = f32x4.splat(0);
let lanes7: v128 = f32x4.splat(0);
let lanes8: v128 = f32x4.splat(0);

function beginSums(): void {
  sum0 = 0;
  sum1 = 0;
  sum2 = 0;
  sum3 = 0;
  sum4 = 0;
  sum5 = 0;
  sum6 = 0;
  sum7 = 0;
  sum8 = 0;
}

function beginPlane(): void {
  const zero = f32x4.splat(0);
  lanes0 = zero;
  lanes1 = zero;
  lanes2 = zero;
  lanes3 = zero;
  lanes4 = zero;
  lanes5 = zero;
  lanes6 = zero;
  lanes7 = zero;
  lanes8 = zero;
}

function endPlane(): void {
  sum0 += <f64>sumLanes(lanes0);
  sum1 += <f64>sumLanes(lanes1);
  sum2 += <f64>sumLanes(lanes2);
  sum3 += <f64>sumLanes(lanes3);
  sum4 += <f64>sumLanes(lanes4);
  sum5 += <f64>sumLanes(lanes5);
  sum6 += <f64>sumLanes(lanes6);
  sum7 += <f64>sumLanes(lanes7);
  sum8 += <f64>sumLanes(lanes8);
}

function storeSums(dw: usize, count: i32): void {
  store<f32>(dw, <f32>sum0);
  if (count > 1) store<f32>(dw, <f32>sum1, 4);
  if (count > 2) store<f32>(dw, <f32>sum2, 8);
  if (count > 3) store<f32>(dw, <f32>sum3, 12);
  if (count > 4) store<f32>(dw, <f32>sum4, 16);
  if (count > 5) store<f32>(dw, <f32>sum5, 20);
  if (count > 6) store<f32>(dw, <f32>sum6, 24);
  if (count > 7) store<f32>(dw, <f32>sum7, 28);
  if (count > 8) store<f32>(dw, <f32>sum8, 32);
}

// @ts-ignore: decorator
@inline
function madd(t: v128, y: v128, x: v128): v128 {
  return f32x4.add(t, f32x4.mul(y, x));
}

/** t + y * x where the mask is set. */
// @ts-ignore: decorator
@inline
function maddMasked(t: v128, mask: v128, y: v128, x: v128): v128 {
  return f32x4.add(t, v128.and(mask, f32x4.mul(y, x)));
}

/** Adds the products of rows `first` up to `end` of dy, which need no care, under nine taps. */
// @ts-ignore: decorator
@inline
function walk3x3(stride: i32, dy: usize, plane: usize, first: i32, end: i32): void {
  let t0 = lanes0;
  let t1 = lanes1;
  let t2 = lanes2;
  let t3 = lanes3;
  let t4 = lanes4;
  let t5 = lanes5;
  let t6 = lanes6;
  let t7 = lanes7;
  let t8 = lanes8;
  const height = H;
  const across = (<usize>W) << 2;
  const width = (<usize>oW) << 2;
  let ih = first * stride - pH;
  let row = plane + ((<usize>(ih * W - pW)) << 2);
  dy += <usize>first * width;
  for (; first < end; first++, ih += stride, row += across * stride, dy += width) {
    const top = <u32>ih < <u32>height;
    const middle = <u32>(ih + 1) < <u32>height;
    const bottom = <u32>(ih + 2) < <u32>height;
    const final = dy + width - 16;
    let from = dy;
    let p = row;
    while (true) {
      const y = v128.load(from);
      if (from == dy || from == final) {
        const m0 = from == dy ? first0 : last0;
        const m1 = from == dy ? first1 : last1;
        const m2 = from == dy ? first2 : last2;
        if (top) {
          t0 = maddMasked(t0, m0, y, loadTap(stride, p));
          t1 = maddMasked(t1, m1, y, loadSecondTap(stride, p));
          t2 = maddMasked(t2, m2, y, loadTap(stride, p + 8));
        }
        if (middle) {
          const q = p + across;
          t3 = maddMasked(t3, m0, y, loadTap(stride, q));
          t4 = maddMasked(t4, m1, y, loadSecondTap(stride, q));
          t5 = maddMasked(t5, m2, y, loadTap(stride, q + 8));
        }
        if (bottom) {
          const q = p + across * 2;
          t6 = maddMasked(t6, m0, y, loadTap(stride, q));
          t7 = maddMasked(t7, m1, y, loadSecondTap(stride, q));
          t8 = maddMasked(t8, m2, y, loadTap(stride, q + 8));
        }
        if (from == final) break;
      } else {
        if (top) {
          t0 = madd(t0, y, loadTap(stride, p));
          t1 = madd(t1, y, loadSecondTap(stride, p));
          t2 = madd(t2, y, loadTap(stride, p + 8));
        }
        if (middle) {
          const q = p + across;
          t3 = madd(t3, y, loadTap(stride, q));
          t4 = madd(t4, y, loadSecondTap(stride, q));
          t5 = madd(t5, y, loadTap(stride, q + 8));
        }
        if (bottom) {
          const q = p + across * 2;
          t6 = madd(t6, y, loadTap(stride, q));
          t7 = madd(t7, y, loadSecondTap(stride, q));
          t8 = madd(t8, y, loadTap(stride, q + 8));
        }
      }
      from += 16;
      p += 16 * stride;
      if (from > final) {
        p -= (from - final) * stride;
        from = final;
      }
    }
  }
  lanes0 = t0;
  lanes1 = t1;
  lanes2 = t2;
  lanes3 = t3;
  lanes4 = t4;
  lanes5 = t5;
  lanes6 = t6;
  lanes7 = t7;
  lanes8 = t8;
}

/** Taps of a row of the filter that are summed up together. */
const tapsTogether: i32 = 5;

/** Adds the products under a tap in a vector that may reach over the edges of the row. */
// @ts-ignore: decorator
@inline
function maddAtEdge(plain: bool, stride: i32, t: v128, lanes: v128, y: v128, row: usize, at: i32): v128 {
  const x = plain ? loadTap(stride, row + ((<usize>at) << 2)) : loadTapCarefully(stride, row, at);
  return maddMasked(t, v128.and(lanes, tapMask(stride, at)), y, x);
}

/** As `walk3x3` under `taps` neighbouring taps of one row of any filter; `plain` is as in depthwise-taps.ts. */
// @ts-ignore: decorator
@inline
function walkTaps(
  stride: i32,
  plain: bool,
  dy: usize,
  plane: usize,
  shiftH: i32,
  shiftW: i32,
  taps: i32,
  first: i32,
  end: i32,
): void {
  let t0 = lanes0;
  let t1 = lanes1;
  let t2 = lanes2;
  let t3 = lanes3;
  let t4 = lanes4;
  const width = oW;
  const last = width - 4;
  const fresh = freshLanes();
  const shift = dW;
  const d = (<usize>shift) << 2;
  dy += (<usize>(first * width)) << 2;
  for (; first < end; first++, dy += (<usize>width) << 2) {
    const ih = first * stride + shiftH;
    if (<u32>ih >= <u32>H) continue;
    const row = plane + ((<usize>(ih * W)) << 2);
    for (let ow = 0; ow < width; ow += 4) {
      let lanes = i32x4.splat(-1);
      if (ow > last) {
        ow = last;
        lanes = fresh;
      }
      const y = v128.load(dy + ((<usize>ow) << 2));
      const at = ow * stride + shiftW;
      if (!plain || ow == 0 || ow == last) {
        t0 = maddAtEdge(plain, stride, t0, lanes, y, row, at);
        if (taps > 1) t1 = maddAtEdge(plain, stride, t1, lanes, y, row, at + shift);
        if (taps > 2) t2 = maddAtEdge(plain, stride, t2, lanes, y, row, at + shift * 2);
        if (taps > 3) t3 = maddAtEdge(plain, stride, t3, lanes, y, row, at + shift * 3);
        if (taps > 4) t4 = maddAtEdge(plain, stride, t4, lanes, y, row, at + shift * 4);
        continue;
      }
      const p = row + ((<usize>at) << 2);
      t0 = madd(t0, y, loadTap(stride, p));
      if (taps > 1) t1 = madd(t1, y, loadTap(stride, p + d));
      if (taps > 2) t2 = madd(t2, y, loadTap(stride, p + d * 2));
      if (taps > 3) t3 = madd(t3, y, loadTap(stride, p + d * 3));
      if (taps > 4) t4 = madd(t4, y, loadTap(stride, p + d * 4));
    }
  }
  lanes0 = t0;
  lanes1 = t1;
  lanes2 = t2;
  lanes3 = t3;
  lanes4 = t4;
}

function walk3x3Unit(dy: usize, plane: usize, first: i32, end: i32): void {
  walk3x3(1, dy, plane, first, end);
}

function walk3x3Half(dy: usize, plane: usize, first: i32, end: i32): void {
  walk3x3(2, dy, plane, first, end);
}

function walkUnit(dy: usize, plane: usize, shiftH: i32, shiftW: i32, taps: i32, first: i32, end: i32): void {
  walkTaps(1, true, dy, plane, shiftH, shiftW, taps, first, end);
}

function walkHalf(dy: usize, plane: usize, shiftH: i32, shiftW: i32, taps: i32, first: i32, end: i32): void {
  walkTaps(2, true, dy, plane, shiftH, shiftW, taps, first, end);
}

function walkCarefully(
  stride: i32,
  dy: usize,
  plane: usize,
  shiftH: i32,
  shiftW: i32,
  taps: i32,
  first: i32,
  end: i32,
): void {
  walkTaps(stride, false, dy, plane, shiftH, shiftW, taps, first, end);
}

/** `walkCarefully` under nine taps: the sums of each row of the filter take the place of the first row's meanwhile. */
function walk3x3Carefully(stride: i32, dy: usize, plane: usize, first: i32, end: i32): void {
  if (first >= end) return;
  for (let kh = 0; kh < 3; kh++) {
    walkCarefully(stride, dy, plane, kh - pH, -pW, 3, first, end);
    let t = lanes0;
    lanes0 = lanes3;
    lanes3 = lanes6;
    lanes6 = t;
    t = lanes1;
    lanes1 = lanes4;
    lanes4 = lanes7;
    lanes7 = t;
    t = lanes2;
    lanes2 = lanes5;
    lanes5 = lanes8;
    lanes8 = t;
  }
}

function sumProducts3x3(stride: i32, dy: usize, x: usize, dw: usize, batch: i32, dyImage: usize, xImage: usize): void {
  beginSums();
  for (; batch > 0; batch--, dy += dyImage, x += xImage) {
    findPlainRows(stride, x);
    const a = plainBegin;
    const b = plainEnd;
    beginPlane();
    walk3x3Carefully(stride, dy, x, 0, a);
    if (stride == 1) walk3x3Unit(dy, x, a, b);
    else walk3x3Half(dy, x, a, b);
    walk3x3Carefully(stride, dy, x, b, oH);
    endPlane();
  }
  storeSums(dw, 9);
}

/** dw (kH * kW numbers) = sums over `batch` planes; those of dy lie `dyImage` bytes apart, those of x `xImage`. */
export function sumProducts(
  stride: i32,
  dy: usize,
  x: usize,
  dw: usize,
  batch: i32,
  dyImage: usize,
  xImage: usize,
): void {
  if (isNine()) {
    sumProducts3x3(stride, dy, x, dw, batch, dyImage, xImage);
    return;
  }
  for (let kh = 0; kh < kH; kh++)
    for (let kw = 0; kw < kW; kw += tapsTogether) {
      const taps = min(tapsTogether, kW - kw);
      const shiftH = kh * dH - pH;
      const shiftW = kw * dW - pW;
      let y = dy;
      let plane = x;
      beginSums();
      for (let n = batch; n > 0; n--, y += dyImage, plane += xImage) {
        findPlainRows(stride, plane);
        const a = plainBegin;
        const b = plainEnd;
        beginPlane();
        if (a > 0) walkCarefully(stride, y, plane, shiftH, shiftW, taps, 0, a);
        if (stride == 1) walkUnit(y, plane, shiftH, shiftW, taps, a, b);
        else walkHalf(y, plane, shiftH, shiftW, taps, a, b);
        if (b < oH) walkCarefully(stride, y, plane, shiftH, shiftW, taps, b, oH);
        endPlane();
      }
      storeSums(dw, taps);
      dw += (<usize>taps) << 2;
    }
}
