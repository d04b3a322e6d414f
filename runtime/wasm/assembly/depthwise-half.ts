/**
 * Depthwise 3x3 convolution at stride 2: four positions of a row of the result at a time, the even and odd columns of the
 * input parted by shuffles, what lies outside masked.
 */
import { firstLanes, loadPartial, sumLanes } from './vector';

/** Extents of the input and the result, pads before, and the bytes of the source, within which vectors may be read. */
let H: i32 = 0;
let W: i32 = 0;
let oH: i32 = 0;
let oW: i32 = 0;
let pH: i32 = 0;
let pW: i32 = 0;
let begin: usize = 0;
let end: usize = 0;

export function setHalf(h: i32, w: i32, resultH: i32, resultW: i32, padH: i32, padW: i32, from: usize, to: usize): void {
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
  const last = p + (<usize>count << 2);
  return p >= begin && p < end && last <= end && last > p;
}

/** Four columns at, at + step, ... of a row of `width` elements; zero outside. Element by element. */
function loadCarefully(row: usize, at: i32, step: i32, width: i32): v128 {
  let x = f32x4.splat(0);
  if (<u32>at < <u32>width) x = v128.load32_zero(row + (<usize>at << 2));
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + (<usize>at << 2), x, 1);
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + (<usize>at << 2), x, 2);
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + (<usize>at << 2), x, 3);
  return x;
}

/** Lanes whose column at + 2 * lane lies inside the input. */
// @ts-ignore: decorator
@inline
function inside(at: i32): v128 {
  return i32x4.lt_u(i32x4.add(i32x4.splat(at), i32x4(0, 2, 4, 6)), i32x4.splat(W));
}

// @ts-ignore: decorator
@inline
function evens(p: usize): v128 {
  return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function loadLanes(p: usize, count: i32): v128 {
  return count >= 4 ? v128.load(p) : loadPartial(p, count);
}

// @ts-ignore: decorator
@inline
function storeLanes(p: usize, count: i32, x: v128): void {
  if (count >= 4) v128.store(p, x);
  else if (count > 0) {
    v128.store_lane<f32>(p, x, 0);
    if (count > 1) v128.store_lane<f32>(p + 4, x, 1);
    if (count > 2) v128.store_lane<f32>(p + 8, x, 2);
  }
}

/** out += one plane convolved with the filter at `weights`. */
export function addPlaneHalf(plane: usize, weights: usize, out: usize): void {
  for (let oh = 0; oh < oH; oh++) {
    for (let kh = 0; kh < 3; kh++) {
      const ih = 2 * oh - pH + kh;
      if (<u32>ih >= <u32>H) continue;
      const row = plane + (<usize>(ih * W) << 2);
      const w0 = v128.load_splat<f32>(weights + <usize>kh * 12);
      const w1 = v128.load_splat<f32>(weights + <usize>kh * 12, 4);
      const w2 = v128.load_splat<f32>(weights + <usize>kh * 12, 8);
      for (let ow = 0; ow < oW; ow += 4) {
        const at = 2 * ow - pW;
        const p = row + (<usize>at << 2);
        const to = out + (<usize>ow << 2);
        let sum = loadLanes(to, oW - ow);
        if (readable(p, 10)) {
          sum = f32x4.add(sum, v128.and(inside(at), f32x4.mul(w0, evens(p))));
          sum = f32x4.add(sum, v128.and(inside(at + 1), f32x4.mul(w1, evens(p + 4))));
          sum = f32x4.add(sum, v128.and(inside(at + 2), f32x4.mul(w2, evens(p + 8))));
        } else {
          sum = f32x4.add(sum, v128.and(inside(at), f32x4.mul(w0, loadCarefully(row, at, 2, W))));
          sum = f32x4.add(sum, v128.and(inside(at + 1), f32x4.mul(w1, loadCarefully(row, at + 1, 2, W))));
          sum = f32x4.add(sum, v128.and(inside(at + 2), f32x4.mul(w2, loadCarefully(row, at + 2, 2, W))));
        }
        storeLanes(to, oW - ow, sum);
      }
    }
    out += <usize>oW << 2;
  }
}

/** Lanes whose position of the result, from `at` on, exists. */
// @ts-ignore: decorator
@inline
function existing(at: i32): v128 {
  return i32x4.lt_u(i32x4.add(i32x4.splat(at), i32x4(0, 1, 2, 3)), i32x4.splat(oW));
}

// @ts-ignore: decorator
@inline
function loadShifted(row: usize, at: i32): v128 {
  const p = row + (<usize>at << 2);
  return readable(p, 4) ? v128.load(p) : loadCarefully(row, at, 1, oW);
}

/**
 * dx += the adjoint on one plane of dy. Columns of one parity see taps 0 and 2, those of the other tap 1; which is which
 * depends on the pad.
 */
export function addPlaneHalfGradInput(plane: usize, weights: usize, dx: usize): void {
  const odd = (pW & 1) != 0;
  // Column 2 i + b reads dy at i + (b + pW - kw) / 2.
  const s0 = (pW + 1) >> 1;
  const s1 = pW >> 1;
  for (let ih = 0; ih < H; ih++, dx += <usize>W << 2)
    for (let kh = (ih + pH) & 1; kh < 3; kh += 2) {
      const oh = (ih + pH - kh) >> 1;
      if (<u32>oh >= <u32>oH) continue;
      const row = plane + (<usize>(oh * oW) << 2);
      const w0 = v128.load_splat<f32>(weights + <usize>kh * 12);
      const w1 = v128.load_splat<f32>(weights + <usize>kh * 12, 4);
      const w2 = v128.load_splat<f32>(weights + <usize>kh * 12, 8);
      for (let i = 0; 2 * i < W; i += 4) {
        const first = v128.and(existing(i + s0), f32x4.mul(w0, loadShifted(row, i + s0)));
        const last = v128.and(existing(i + s0 - 1), f32x4.mul(w2, loadShifted(row, i + s0 - 1)));
        const pair = f32x4.add(first, last);
        const single = v128.and(existing(i + s1), f32x4.mul(w1, loadShifted(row, i + s1)));
        const even = odd ? single : pair;
        const uneven = odd ? pair : single;
        const to = dx + (<usize>i << 3);
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

/** Adds, to three double sums at a time, the products of dy with one row of taps. */
let sum0: f64 = 0;
let sum1: f64 = 0;
let sum2: f64 = 0;

/** dw (9 numbers) = sum over `batch` planes, of which those of dy and x lie `dyImage` and `xImage` bytes apart. */
export function sumHalfProducts(dy: usize, x: usize, dw: usize, batch: i32, dyImage: usize, xImage: usize): void {
  for (let kh = 0; kh < 3; kh++, dw += 12) {
    sum0 = 0;
    sum1 = 0;
    sum2 = 0;
    for (let n = 0; n < batch; n++) addTapRow(dy + <usize>n * dyImage, x + <usize>n * xImage, kh);
    store<f32>(dw, <f32>sum0);
    store<f32>(dw, <f32>sum1, 4);
    store<f32>(dw, <f32>sum2, 8);
  }
}

function addTapRow(dy: usize, plane: usize, kh: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  for (let oh = 0; oh < oH; oh++, dy += <usize>oW << 2) {
    const ih = 2 * oh - pH + kh;
    if (<u32>ih >= <u32>H) continue;
    const row = plane + (<usize>(ih * W) << 2);
    for (let ow = 0; ow < oW; ow += 4) {
      const at = 2 * ow - pW;
      const p = row + (<usize>at << 2);
      const y = loadLanes(dy + (<usize>ow << 2), oW - ow);
      const lanes = firstLanes(oW - ow);
      if (readable(p, 10)) {
        s0 = f32x4.add(s0, v128.and(v128.and(lanes, inside(at)), f32x4.mul(y, evens(p))));
        s1 = f32x4.add(s1, v128.and(v128.and(lanes, inside(at + 1)), f32x4.mul(y, evens(p + 4))));
        s2 = f32x4.add(s2, v128.and(v128.and(lanes, inside(at + 2)), f32x4.mul(y, evens(p + 8))));
      } else {
        s0 = f32x4.add(s0, v128.and(v128.and(lanes, inside(at)), f32x4.mul(y, loadCarefully(row, at, 2, W))));
        s1 = f32x4.add(s1, v128.and(v128.and(lanes, inside(at + 1)), f32x4.mul(y, loadCarefully(row, at + 1, 2, W))));
        s2 = f32x4.add(s2, v128.and(v128.and(lanes, inside(at + 2)), f32x4.mul(y, loadCarefully(row, at + 2, 2, W))));
      }
    }
  }
  sum0 += <f64>sumLanes(s0);
  sum1 += <f64>sumLanes(s1);
  sum2 += <f64>sumLanes(s2);
}
