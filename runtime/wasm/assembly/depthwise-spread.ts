/**
 * Gradient of the input of a depthwise convolution at stride 2, added to dx. Columns of dx of one parity see the even
 * taps, those of the other the odd ones, and so it is with rows: sums are made over four neighbouring positions of dy
 * for each parity, and interleaved. So a plane of dy, which has H rows of W columns, is walked at stride 1 (depthwise-
 * taps.ts) for oH pairs of rows of oW pairs of columns.
 */
import {
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
  oH,
  oW,
  pH,
  plainBegin,
  plainEnd,
  pW,
  setMasks,
  setPlanes,
  setReach,
  tapMask,
  W,
} from './depthwise-taps';

/** Fewest columns of dx: a vector of pairs, of which the last may be cut in half. */
export const leastSpread: i32 = 7;

/** Extents of dx, and pads before of the convolution. */
let height: i32 = 0;
let width: i32 = 0;
let padH: i32 = 0;
let padW: i32 = 0;

/** Distance from a pair to the position of dy that the last tap sees, upwards; and to the one that the first sees. */
// @ts-ignore: decorator
@inline
function lastTap(pad: i32, taps: i32): i32 {
  return -((pad - taps + 2) >> 1);
}

// @ts-ignore: decorator
@inline
function firstTap(pad: i32): i32 {
  return (pad + 1) >> 1;
}

export function setSpread(h: i32, w: i32, fromH: i32, fromW: i32, padsH: i32, padsW: i32): void {
  height = h;
  width = w;
  padH = padsH;
  padW = padsW;
  setPlanes(fromH, fromW, (h + 1) >> 1, (w + 1) >> 1, lastTap(padH, kH), lastTap(padW, kW));
  setMasks(1, 1 - (padW & 1), 1, i32x4.splat(-1));
  setReach(1, lastTap(padH, kH) + firstTap(padH), lastTap(padW, kW) + firstTap(padW));
}

// @ts-ignore: decorator
@inline
function madd(sum: v128, w: v128, x: v128): v128 {
  return f32x4.add(sum, f32x4.mul(w, x));
}

// @ts-ignore: decorator
@inline
function interleaveLow(even: v128, odd: v128): v128 {
  return v128.shuffle<f32>(even, odd, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function interleaveHigh(even: v128, odd: v128): v128 {
  return v128.shuffle<f32>(even, odd, 2, 6, 3, 7);
}

/** The last four columns of dx, which end in the middle of a pair where the extent is odd. */
// @ts-ignore: decorator
@inline
function lastColumns(isOdd: bool, low: v128, high: v128): v128 {
  return isOdd ? v128.shuffle<f32>(low, high, 3, 4, 5, 6) : high;
}

/** Pairs of rows `first` up to `end` under a filter of 3x3. */
function walk3x3(plane: usize, weights: usize, dx: usize, first: i32, end: i32): void {
  const w0 = v128.load_splat<f32>(weights);
  const w1 = v128.load_splat<f32>(weights, 4);
  const w2 = v128.load_splat<f32>(weights, 8);
  const w3 = v128.load_splat<f32>(weights, 12);
  const w4 = v128.load_splat<f32>(weights, 16);
  const w5 = v128.load_splat<f32>(weights, 20);
  const w6 = v128.load_splat<f32>(weights, 24);
  const w7 = v128.load_splat<f32>(weights, 28);
  const w8 = v128.load_splat<f32>(weights, 32);
  const across = (<usize>W) << 2;
  const row = (<usize>width) << 2;
  const rows = H;
  const up = pH;
  const last = oW - 4;
  const isOdd = (width & 1) != 0;
  const oddRows = (padH & 1) != 0;
  const oddColumns = (padW & 1) != 0;
  // Under taps 0 and 2 of a row lie neighbours, and under tap 1 one of them.
  const middle: usize = oddColumns ? 0 : 4;
  const f0 = first2;
  const f1 = first1;
  const f2 = first0;
  const l0 = last2;
  const l1 = last1;
  const l2 = last0;
  dx += <usize>(2 * first) * row;
  let lower = first - up;
  let source = plane + ((<usize>(lower * W - pW)) << 2);
  for (; first < end; first++, lower++, source += across, dx += row * 2) {
    const hasLower = <u32>lower < <u32>rows;
    const hasUpper = <u32>(lower + 1) < <u32>rows;
    const hasMiddle = oddRows ? hasLower : hasUpper;
    // Rows of dx under taps 0 and 2, and under tap 1.
    const pairs = oddRows ? row : 0;
    const singles = row - pairs;
    const middleRow = oddRows ? 0 : across;
    const lowAt = dx + ((<usize>last) << 3);
    const highAt = dx + row - 16;
    const tail0 = v128.load(lowAt + pairs);
    const tail1 = v128.load(highAt + pairs);
    const tail2 = v128.load(lowAt + singles);
    const tail3 = v128.load(highAt + singles);
    let to = dx;
    let p = source;
    while (true) {
      let t0 = f32x4.splat(-0.0);
      let t1 = t0;
      let t2 = t0;
      let s0 = t0;
      let s1 = t0;
      let s2 = t0;
      if (hasUpper) {
        const q = p + across;
        t2 = f32x4.mul(w2, v128.load(q));
        t0 = f32x4.mul(w0, v128.load(q, 4));
        t1 = f32x4.mul(w1, v128.load(q + middle));
      }
      if (hasLower) {
        t2 = madd(t2, w8, v128.load(p));
        t0 = madd(t0, w6, v128.load(p, 4));
        t1 = madd(t1, w7, v128.load(p + middle));
      }
      if (hasMiddle) {
        const q = p + middleRow;
        s2 = f32x4.mul(w5, v128.load(q));
        s0 = f32x4.mul(w3, v128.load(q, 4));
        s1 = f32x4.mul(w4, v128.load(q + middle));
      }
      if (to == dx) {
        t0 = v128.and(t0, f0);
        t1 = v128.and(t1, f1);
        t2 = v128.and(t2, f2);
        s0 = v128.and(s0, f0);
        s1 = v128.and(s1, f1);
        s2 = v128.and(s2, f2);
      } else if (to == lowAt) {
        t0 = v128.and(t0, l0);
        t1 = v128.and(t1, l1);
        t2 = v128.and(t2, l2);
        s0 = v128.and(s0, l0);
        s1 = v128.and(s1, l1);
        s2 = v128.and(s2, l2);
      }
      t0 = f32x4.add(t0, t2);
      s0 = f32x4.add(s0, s2);
      let a = interleaveLow(t0, t1);
      let b = interleaveHigh(t0, t1);
      let c = interleaveLow(s0, s1);
      let d = interleaveHigh(s0, s1);
      if (oddColumns) {
        a = interleaveLow(t1, t0);
        b = interleaveHigh(t1, t0);
        c = interleaveLow(s1, s0);
        d = interleaveHigh(s1, s0);
      }
      if (to == lowAt) {
        v128.store(to + pairs, f32x4.add(tail0, a));
        v128.store(highAt + pairs, f32x4.add(tail1, lastColumns(isOdd, a, b)));
        v128.store(to + singles, f32x4.add(tail2, c));
        v128.store(highAt + singles, f32x4.add(tail3, lastColumns(isOdd, c, d)));
        break;
      }
      v128.store(to + pairs, f32x4.add(v128.load(to + pairs), a));
      v128.store(to + pairs, f32x4.add(v128.load(to + pairs, 16), b), 16);
      v128.store(to + singles, f32x4.add(v128.load(to + singles), c));
      v128.store(to + singles, f32x4.add(v128.load(to + singles, 16), d), 16);
      to += 32;
      p += 16;
      if (to > lowAt) {
        p -= (to - lowAt) >> 1;
        to = lowAt;
      }
    }
  }
}

/** Rows `first` up to `end` of dx under any filter; `plain` is as in depthwise-taps.ts. */
// @ts-ignore: decorator
@inline
function walkTaps(plain: bool, plane: usize, weights: usize, dx: usize, first: i32, end: i32): void {
  const across = (<usize>W) << 2;
  const row = (<usize>width) << 2;
  const rowStep = (<usize>kW) << 3;
  const taps = kW;
  const last = oW - 4;
  const isOdd = (width & 1) != 0;
  const parity = padW & 1;
  dx += <usize>first * row;
  for (; first < end; first++, dx += row) {
    let kh = (first + padH) & 1;
    let oh = (first + padH - kh) >> 1;
    // Rows of taps below the last row of dy are skipped, then those above row 0 are cut off.
    if (oh >= H) {
      kh += 2 * (oh - H + 1);
      oh = H - 1;
    }
    if (kh >= kH || oh < 0) continue;
    const rows = min((kH - 1 - kh) >> 1, oh) + 1;
    const source = plane + ((<usize>(oh * W)) << 2);
    const tail0 = v128.load(dx + ((<usize>last) << 3));
    const tail1 = v128.load(dx + row - 16);
    for (let j = 0; j < oW; j += 4) {
      const isLast = j >= last;
      j = min(j, last);
      const isEdge = !plain || j == 0 || isLast;
      let even = f32x4.splat(-0.0);
      let odd = even;
      let tap = weights + ((<usize>(kh * taps)) << 2);
      for (let kw = 0; kw < taps; kw++, tap += 4) {
        const isEven = (kw & 1) == parity;
        const at = j + ((padW - kw + <i32>!isEven) >> 1);
        let t = f32x4.splat(-0.0);
        let w = tap;
        let from = plain ? source + ((<usize>at) << 2) : source;
        for (let k = rows; k > 0; k--, from -= across, w += rowStep)
          t = madd(t, v128.load_splat<f32>(w), plain ? loadTap(1, from) : loadTapCarefully(1, from, at));
        if (isEdge) t = v128.and(t, tapMask(1, at));
        if (isEven) even = f32x4.add(even, t);
        else odd = f32x4.add(odd, t);
      }
      const low = interleaveLow(even, odd);
      const high = interleaveHigh(even, odd);
      const to = dx + ((<usize>j) << 3);
      if (isLast) {
        v128.store(to, f32x4.add(tail0, low));
        v128.store(dx + row - 16, f32x4.add(tail1, lastColumns(isOdd, low, high)));
      } else {
        v128.store(to, f32x4.add(v128.load(to), low));
        v128.store(to, f32x4.add(v128.load(to, 16), high), 16);
      }
    }
  }
}

function walkPlain(plane: usize, weights: usize, dx: usize, first: i32, end: i32): void {
  walkTaps(true, plane, weights, dx, first, end);
}

function walkCarefully(plane: usize, weights: usize, dx: usize, first: i32, end: i32): void {
  walkTaps(false, plane, weights, dx, first, end);
}

/** dx += the adjoint of a filter, not dilated, on one plane of dy. */
export function addSpread(plane: usize, weights: usize, dx: usize): void {
  findPlainRows(1, plane);
  // Half a pair of rows needs care too.
  const a = plainBegin;
  const b = max(a, min(plainEnd, height >> 1));
  if (isNine()) walk3x3(plane, weights, dx, a, b);
  else walkPlain(plane, weights, dx, 2 * a, 2 * b);
  walkCarefully(plane, weights, dx, 0, min(2 * a, height));
  walkCarefully(plane, weights, dx, min(2 * b, height), height);
}
