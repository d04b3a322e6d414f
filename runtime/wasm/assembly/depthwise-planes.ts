/**
 * Planes under a filter at stride 1 or 2 (depthwise-taps.ts), added to the result: the forward pass, and at stride 1
 * the gradient of the input, which is the same walk over dy with the filter turned round. A plane that is read has H
 * rows of W columns, one of the result oH rows of oW. Sums under a column of taps are masked at the edges of rows;
 * rows above and below the plane are left out. Sums begin with -0, to which adding changes nothing, so that rows that
 * need care have the same bits as those that need none.
 */
import {
  dH,
  dW,
  evens,
  findPlainRows,
  first0,
  first1,
  first2,
  H,
  isNine,
  kH,
  kW,
  last0,
  last1,
  last2,
  loadTap,
  loadTapCarefully,
  odds,
  oH,
  oW,
  pH,
  plainBegin,
  plainEnd,
  pW,
  tapMask,
  W,
} from './depthwise-taps';
import { endInside, firstInside } from './window';

// @ts-ignore: decorator
@inline
function madd(sum: v128, w: v128, x: v128): v128 {
  return f32x4.add(sum, f32x4.mul(w, x));
}

/** Rows `first` up to `end` of the result under a filter of 3x3 at stride 1, whose weights stay in registers. */
function walk3x3Unit(plane: usize, weights: usize, step: usize, out: usize, first: i32, end: i32): void {
  const w0 = v128.load_splat<f32>(weights);
  const w1 = v128.load_splat<f32>(weights + step);
  const w2 = v128.load_splat<f32>(weights + step * 2);
  const w3 = v128.load_splat<f32>(weights + step * 3);
  const w4 = v128.load_splat<f32>(weights + step * 4);
  const w5 = v128.load_splat<f32>(weights + step * 5);
  const w6 = v128.load_splat<f32>(weights + step * 6);
  const w7 = v128.load_splat<f32>(weights + step * 7);
  const w8 = v128.load_splat<f32>(weights + step * 8);
  const nothing = f32x4.splat(-0.0);
  const height = H;
  const across = (<usize>W) << 2;
  const width = (<usize>oW) << 2;
  let ih = first - pH;
  let row = plane + ((<usize>(ih * W - pW)) << 2);
  out += <usize>first * width;
  for (; first < end; first++, ih++, row += across, out += width) {
    const top = <u32>ih < <u32>height;
    const middle = <u32>(ih + 1) < <u32>height;
    const bottom = <u32>(ih + 2) < <u32>height;
    const final = out + width - 16;
    const tail = v128.load(final);
    let old = v128.load(out);
    let to = out;
    let p = row;
    while (true) {
      let t0 = nothing;
      let t1 = t0;
      let t2 = t0;
      if (top) {
        t0 = f32x4.mul(w0, v128.load(p));
        t1 = f32x4.mul(w1, v128.load(p, 4));
        t2 = f32x4.mul(w2, v128.load(p, 8));
      }
      if (middle) {
        const q = p + across;
        t0 = madd(t0, w3, v128.load(q));
        t1 = madd(t1, w4, v128.load(q, 4));
        t2 = madd(t2, w5, v128.load(q, 8));
      }
      if (bottom) {
        const q = p + across * 2;
        t0 = madd(t0, w6, v128.load(q));
        t1 = madd(t1, w7, v128.load(q, 4));
        t2 = madd(t2, w8, v128.load(q, 8));
      }
      if (to == out) {
        t0 = v128.and(t0, first0);
        t1 = v128.and(t1, first1);
        t2 = v128.and(t2, first2);
      } else if (to == final) {
        t0 = v128.and(t0, last0);
        t1 = v128.and(t1, last1);
        t2 = v128.and(t2, last2);
      }
      v128.store(to, f32x4.add(old, f32x4.add(f32x4.add(t0, t1), t2)));
      if (to == final) break;
      to += 16;
      p += 16;
      if (to < final) old = v128.load(to);
      else {
        p -= to - final;
        to = final;
        old = tail;
      }
    }
  }
}

/**
 * As `walk3x3Unit` at stride 2: columns are summed up where they lie, taps 0 and 1 in turns, and parted by tap once for
 * all three rows.
 */
function walk3x3Half(plane: usize, weights: usize, out: usize, first: i32, end: i32): void {
  const w0 = v128.load64_splat(weights);
  const w2 = v128.load_splat<f32>(weights, 8);
  const w3 = v128.load64_splat(weights, 12);
  const w5 = v128.load_splat<f32>(weights, 20);
  const w6 = v128.load64_splat(weights, 24);
  const w8 = v128.load_splat<f32>(weights, 32);
  const nothing = f32x4.splat(-0.0);
  const height = H;
  const across = (<usize>W) << 2;
  const width = (<usize>oW) << 2;
  let ih = 2 * first - pH;
  let row = plane + ((<usize>(ih * W - pW)) << 2);
  out += <usize>first * width;
  for (; first < end; first++, ih += 2, row += across * 2, out += width) {
    const top = <u32>ih < <u32>height;
    const middle = <u32>(ih + 1) < <u32>height;
    const bottom = <u32>(ih + 2) < <u32>height;
    const final = out + width - 16;
    const tail = v128.load(final);
    let old = v128.load(out);
    let to = out;
    let p = row;
    while (true) {
      let a = nothing;
      let b = nothing;
      let c = nothing;
      let d = nothing;
      if (top) {
        a = f32x4.mul(w0, v128.load(p));
        b = f32x4.mul(w0, v128.load(p, 16));
        c = f32x4.mul(w2, v128.load(p, 8));
        d = f32x4.mul(w2, v128.load(p, 24));
      }
      if (middle) {
        const q = p + across;
        a = madd(a, w3, v128.load(q));
        b = madd(b, w3, v128.load(q, 16));
        c = madd(c, w5, v128.load(q, 8));
        d = madd(d, w5, v128.load(q, 24));
      }
      if (bottom) {
        const q = p + across * 2;
        a = madd(a, w6, v128.load(q));
        b = madd(b, w6, v128.load(q, 16));
        c = madd(c, w8, v128.load(q, 8));
        d = madd(d, w8, v128.load(q, 24));
      }
      let t0 = evens(a, b);
      let t1 = odds(a, b);
      let t2 = evens(c, d);
      if (to == out) {
        t0 = v128.and(t0, first0);
        t1 = v128.and(t1, first1);
        t2 = v128.and(t2, first2);
      } else if (to == final) {
        t0 = v128.and(t0, last0);
        t1 = v128.and(t1, last1);
        t2 = v128.and(t2, last2);
      }
      v128.store(to, f32x4.add(old, f32x4.add(f32x4.add(t0, t1), t2)));
      if (to == final) break;
      to += 16;
      p += 32;
      if (to < final) old = v128.load(to);
      else {
        p -= (to - final) * 2;
        to = final;
        old = tail;
      }
    }
  }
}

/** As `walk3x3Unit` for any filter; `plain` is as in depthwise-taps.ts. */
// @ts-ignore: decorator
@inline
function walkTaps(
  stride: i32,
  plain: bool,
  plane: usize,
  weights: usize,
  step: usize,
  out: usize,
  first: i32,
  end: i32,
): void {
  const width = oW;
  const last = width - 4;
  const taps = kW;
  const dilation = dW;
  const down = (<usize>(dH * W)) << 2;
  const rowStep = <usize>taps * step;
  const start = -pW;
  out += (<usize>(first * width)) << 2;
  for (; first < end; first++, out += (<usize>width) << 2) {
    const ih = first * stride - pH;
    const h0 = firstInside(ih, dH);
    const rows = endInside(ih, dH, H, kH) - h0;
    if (rows <= 0) continue;
    const row = plane + ((<usize>((ih + h0 * dH) * W)) << 2);
    const firstTap = weights + <usize>h0 * rowStep;
    const tail = v128.load(out + ((<usize>last) << 2));
    for (let ow = 0; ow < width; ow += 4) {
      let sum = tail;
      if (ow <= last) sum = v128.load(out + ((<usize>ow) << 2));
      else ow = last;
      const isEdge = !plain || ow == 0 || ow == last;
      let total = f32x4.splat(-0.0);
      let tap = firstTap;
      let at = ow * stride + start;
      for (let kw = 0; kw < taps; kw++, at += dilation, tap += step) {
        let t = f32x4.splat(-0.0);
        let w = tap;
        let from = plain ? row + ((<usize>at) << 2) : row;
        for (let k = rows; k > 0; k--, from += down, w += rowStep)
          t = madd(t, v128.load_splat<f32>(w), plain ? loadTap(stride, from) : loadTapCarefully(stride, from, at));
        if (isEdge) t = v128.and(t, tapMask(stride, at));
        total = f32x4.add(total, t);
      }
      v128.store(out + ((<usize>ow) << 2), f32x4.add(sum, total));
    }
  }
}

// One function an instance: the registers of each loop are then allocated for it alone.
function walkUnit(plane: usize, weights: usize, step: usize, out: usize, first: i32, end: i32): void {
  walkTaps(1, true, plane, weights, step, out, first, end);
}

function walkHalf(plane: usize, weights: usize, step: usize, out: usize, first: i32, end: i32): void {
  walkTaps(2, true, plane, weights, step, out, first, end);
}

function walkCarefully(
  stride: i32,
  plane: usize,
  weights: usize,
  step: usize,
  out: usize,
  first: i32,
  end: i32,
): void {
  walkTaps(stride, false, plane, weights, step, out, first, end);
}

/** out += the plane under the filter, whose weights lie `step` bytes apart. */
export function addPlane(
  stride: i32,
  plane: usize,
  weights: usize,
  step: usize,
  out: usize,
): void {
  findPlainRows(stride, plane);
  const a = plainBegin;
  const b = plainEnd;
  if (isNine()) {
    if (stride == 1) walk3x3Unit(plane, weights, step, out, a, b);
    else walk3x3Half(plane, weights, out, a, b);
  } else if (stride == 1) walkUnit(plane, weights, step, out, a, b);
  else walkHalf(plane, weights, step, out, a, b);
  if (a > 0) walkCarefully(stride, plane, weights, step, out, 0, a);
  if (b < oH) walkCarefully(stride, plane, weights, step, out, b, oH);
}
