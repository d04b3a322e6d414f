/**
 * Depthwise 3x3 convolution at stride 2: four positions of a row of the result at a time, the even and odd columns of
 * the input parted by shuffles, what lies outside masked.
 */
import { firstLanes, loadLanes, storeLanes, sumLanes } from './vector';

/** Extents of the input and the result, pads before, and the bytes of the source, within which vectors may be read. */
let H: i32 = 0;
let W: i32 = 0;
let oH: i32 = 0;
let oW: i32 = 0;
let pH: i32 = 0;
let pW: i32 = 0;
let begin: usize = 0;
let end: usize = 0;

export function setHalf(
  h: i32,
  w: i32,
  resultH: i32,
  resultW: i32,
  padH: i32,
  padW: i32,
  from: usize,
  to: usize,
): void {
  H = h;
  W = w;
  oH = resultH;
  oW = resultW;
  pH = padH;
  pW = padW;
  begin = from;
  end = to;
}

/** Whether `count` floats from p on may be read. */
// @ts-ignore: decorator
@inline
function readable(p: usize, count: i32): bool {
  const last = p + ((<usize>count) << 2);
  return p >= begin && p < end && last <= end && last > p;
}

/** Lanes whose column at + 2 * lane lies inside the input. */
// @ts-ignore: decorator
@inline
function inside(at: i32): v128 {
  return i32x4.lt_u(i32x4.add(i32x4.splat(at), i32x4(0, 2, 4, 6)), i32x4.splat(W));
}

/** Whether all vectors that the plane of the input at `plane` is read in lie inside its tensor. */
export function inputReadable(plane: usize): bool {
  return readable(plane - ((<usize>pW) << 2), pW + (H - 1) * W + 2 * ((oW + 3) & ~3) + 4);
}

/** The same for a plane of dy. */
export function resultReadable(plane: usize): bool {
  return readable(plane - 4, 1 + (oH - 1) * oW + ((((W + 1) >> 1) + 3) & ~3) + ((pW + 1) >> 1));
}

/** Elements 0, 2, 4, 6 of eight. */
// @ts-ignore: decorator
@inline
function evens(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function odds(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 1, 3, 5, 7);
}

/** Sum of one row of taps; `p` is the element under tap 0 of the first position. */
// @ts-ignore: decorator
@inline
function tapRow(p: usize, w0: v128, w1: v128, w2: v128, left: v128, middle: v128, right: v128): v128 {
  const a = v128.load(p);
  const b = v128.load(p, 16);
  const even = evens(a, b);
  const next = v128.shuffle<f32>(even, v128.load(p, 32), 1, 2, 3, 4);
  const sum = f32x4.add(v128.and(left, f32x4.mul(w0, even)), v128.and(middle, f32x4.mul(w1, odds(a, b))));
  return f32x4.add(sum, v128.and(right, f32x4.mul(w2, next)));
}

/** out += one plane, which is readable, convolved with the filter at `weights`. */
export function addPlaneHalf(plane: usize, weights: usize, out: usize): void {
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
  for (let oh = 0; oh < oH; oh++, out += (<usize>oW) << 2) {
    const ih = 2 * oh - pH;
    const hasTop = <u32>ih < <u32>H;
    const hasMiddle = <u32>(ih + 1) < <u32>H;
    const hasBottom = <u32>(ih + 2) < <u32>H;
    let p = plane + ((<usize>(ih * W - pW)) << 2);
    let to = out;
    for (let ow = 0; ow < oW; ow += 4, to += 16, p += 32) {
      const at = 2 * ow - pW;
      const left = inside(at);
      const middle = inside(at + 1);
      const right = inside(at + 2);
      let sum = loadLanes(to, oW - ow);
      if (hasTop) sum = f32x4.add(sum, tapRow(p, w0, w1, w2, left, middle, right));
      if (hasMiddle) sum = f32x4.add(sum, tapRow(p + across, w3, w4, w5, left, middle, right));
      if (hasBottom) sum = f32x4.add(sum, tapRow(p + across * 2, w6, w7, w8, left, middle, right));
      storeLanes(to, oW - ow, sum);
    }
  }
}

/** Lanes whose position of the result, from `at` on, exists. */
// @ts-ignore: decorator
@inline
function existing(at: i32): v128 {
  return i32x4.lt_u(i32x4.add(i32x4.splat(at), i32x4(0, 1, 2, 3)), i32x4.splat(oW));
}

/**
 * dx += the adjoint on one plane of dy, which is readable. Columns of one parity see taps 0 and 2, those of the other
 * tap 1; which is which depends on the pad, and so it is with rows.
 */
export function addPlaneHalfGradInput(plane: usize, weights: usize, dx: usize): void {
  const odd = (pW & 1) != 0;
  // Column 2 i + b reads dy at i + (b + pW - kw) / 2: tap 0 at i + s0, tap 2 one before, tap 1 at i + s1.
  const s0 = (pW + 1) >> 1;
  const s1 = pW >> 1;
  const first = (<usize>s0) << 2;
  const middle = (<usize>s1) << 2;
  for (let ih = 0; ih < H; ih++, dx += (<usize>W) << 2) {
    // Rows of one parity see tap rows 0 and 2, those of the other tap row 1.
    const kh = (ih + pH) & 1;
    const upper = (ih + pH - kh) >> 1;
    const hasUpper = <u32>upper < <u32>oH;
    const hasLower = kh == 0 && <u32>(upper - 1) < <u32>oH;
    if (!hasUpper && !hasLower) continue;
    const w = weights + <usize>kh * 12;
    const w0 = v128.load_splat<f32>(w);
    const w1 = v128.load_splat<f32>(w, 4);
    const w2 = v128.load_splat<f32>(w, 8);
    const v0 = v128.load_splat<f32>(weights, 24);
    const v1 = v128.load_splat<f32>(weights, 28);
    const v2 = v128.load_splat<f32>(weights, 32);
    const upperRow = plane + ((<usize>(upper * oW)) << 2);
    const lowerRow = upperRow - ((<usize>oW) << 2);
    let to = dx;
    for (let i = 0; 2 * i < W; i += 4, to += 32) {
      const at = (<usize>i) << 2;
      const m0 = existing(i + s0);
      const m1 = existing(i + s1);
      const m2 = existing(i + s0 - 1);
      let pair = f32x4.splat(0);
      let single = pair;
      if (hasUpper) {
        const p = upperRow + at;
        pair = v128.and(m0, f32x4.mul(w0, v128.load(p + first)));
        pair = f32x4.add(pair, v128.and(m2, f32x4.mul(w2, v128.load(p + first - 4))));
        single = v128.and(m1, f32x4.mul(w1, v128.load(p + middle)));
      }
      if (hasLower) {
        const p = lowerRow + at;
        pair = f32x4.add(pair, v128.and(m0, f32x4.mul(v0, v128.load(p + first))));
        pair = f32x4.add(pair, v128.and(m2, f32x4.mul(v2, v128.load(p + first - 4))));
        single = f32x4.add(single, v128.and(m1, f32x4.mul(v1, v128.load(p + middle))));
      }
      const even = odd ? single : pair;
      const uneven = odd ? pair : single;
      const count = W - 2 * i;
      const low = v128.shuffle<f32>(even, uneven, 0, 4, 1, 5);
      storeLanes(to, count, f32x4.add(loadLanes(to, count), low));
      if (count > 4) {
        const high = v128.shuffle<f32>(even, uneven, 2, 6, 3, 7);
        storeLanes(to + 16, count - 4, f32x4.add(loadLanes(to + 16, count - 4), high));
      }
    }
  }
}

/** Sums of products of dy with the input under each tap. */
let sum0: f64 = 0;
let sum1: f64 = 0;
let sum2: f64 = 0;
let sum3: f64 = 0;
let sum4: f64 = 0;
let sum5: f64 = 0;
let sum6: f64 = 0;
let sum7: f64 = 0;
let sum8: f64 = 0;

/**
 * dw (9 numbers) = sum over `batch` planes, of which those of dy and x lie `dyImage` and `xImage` bytes apart; those of
 * x are readable.
 */
export function sumHalfProducts(dy: usize, x: usize, dw: usize, batch: i32, dyImage: usize, xImage: usize): void {
  sum0 = 0;
  sum1 = 0;
  sum2 = 0;
  sum3 = 0;
  sum4 = 0;
  sum5 = 0;
  sum6 = 0;
  sum7 = 0;
  sum8 = 0;
  for (let n = 0; n < batch; n++, dy += dyImage, x += xImage) addHalfProducts(dy, x);
  store<f32>(dw, <f32>sum0);
  store<f32>(dw, <f32>sum1, 4);
  store<f32>(dw, <f32>sum2, 8);
  store<f32>(dw, <f32>sum3, 12);
  store<f32>(dw, <f32>sum4, 16);
  store<f32>(dw, <f32>sum5, 20);
  store<f32>(dw, <f32>sum6, 24);
  store<f32>(dw, <f32>sum7, 28);
  store<f32>(dw, <f32>sum8, 32);
}

function addHalfProducts(dy: usize, plane: usize): void {
  const zero = f32x4.splat(0);
  let t0 = zero;
  let t1 = zero;
  let t2 = zero;
  let t3 = zero;
  let t4 = zero;
  let t5 = zero;
  let t6 = zero;
  let t7 = zero;
  let t8 = zero;
  const across = (<usize>W) << 2;
  for (let oh = 0; oh < oH; oh++, dy += (<usize>oW) << 2) {
    const ih = 2 * oh - pH;
    const hasTop = <u32>ih < <u32>H;
    const hasMiddle = <u32>(ih + 1) < <u32>H;
    const hasBottom = <u32>(ih + 2) < <u32>H;
    let p = plane + ((<usize>(ih * W - pW)) << 2);
    for (let ow = 0; ow < oW; ow += 4, p += 32) {
      const at = 2 * ow - pW;
      const y = loadLanes(dy + ((<usize>ow) << 2), oW - ow);
      const lanes = firstLanes(oW - ow);
      const left = v128.and(lanes, inside(at));
      const middle = v128.and(lanes, inside(at + 1));
      const right = v128.and(lanes, inside(at + 2));
      if (hasTop) {
        const a = v128.load(p);
        const b = v128.load(p, 16);
        const x0 = evens(a, b);
        const x1 = odds(a, b);
        const x2 = v128.shuffle<f32>(x0, v128.load(p, 32), 1, 2, 3, 4);
        t0 = f32x4.add(t0, v128.and(left, f32x4.mul(y, x0)));
        t1 = f32x4.add(t1, v128.and(middle, f32x4.mul(y, x1)));
        t2 = f32x4.add(t2, v128.and(right, f32x4.mul(y, x2)));
      }
      if (hasMiddle) {
        const q = p + across;
        const a = v128.load(q);
        const b = v128.load(q, 16);
        const x0 = evens(a, b);
        const x1 = odds(a, b);
        const x2 = v128.shuffle<f32>(x0, v128.load(q, 32), 1, 2, 3, 4);
        t3 = f32x4.add(t3, v128.and(left, f32x4.mul(y, x0)));
        t4 = f32x4.add(t4, v128.and(middle, f32x4.mul(y, x1)));
        t5 = f32x4.add(t5, v128.and(right, f32x4.mul(y, x2)));
      }
      if (hasBottom) {
        const q = p + across * 2;
        const a = v128.load(q);
        const b = v128.load(q, 16);
        const x0 = evens(a, b);
        const x1 = odds(a, b);
        const x2 = v128.shuffle<f32>(x0, v128.load(q, 32), 1, 2, 3, 4);
        t6 = f32x4.add(t6, v128.and(left, f32x4.mul(y, x0)));
        t7 = f32x4.add(t7, v128.and(middle, f32x4.mul(y, x1)));
        t8 = f32x4.add(t8, v128.and(right, f32x4.mul(y, x2)));
      }
    }
  }
  sum0 += <f64>sumLanes(t0);
  sum1 += <f64>sumLanes(t1);
  sum2 += <f64>sumLanes(t2);
  sum3 += <f64>sumLanes(t3);
  sum4 += <f64>sumLanes(t4);
  sum5 += <f64>sumLanes(t5);
  sum6 += <f64>sumLanes(t6);
  sum7 += <f64>sumLanes(t7);
  sum8 += <f64>sumLanes(t8);
}
