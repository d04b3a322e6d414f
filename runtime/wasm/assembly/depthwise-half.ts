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

/** Four columns at, at + step, ... of a row of `width` elements; zero outside. Element by element. */
function loadCarefully(row: usize, at: i32, step: i32, width: i32): v128 {
  let x = f32x4.splat(0);
  if (<u32>at < <u32>width) x = v128.load32_zero(row + ((<usize>at) << 2));
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + ((<usize>at) << 2), x, 1);
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + ((<usize>at) << 2), x, 2);
  at += step;
  if (<u32>at < <u32>width) x = v128.load_lane<f32>(row + ((<usize>at) << 2), x, 3);
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

/** The row of a plane, or its first one where there is no such row: what is read there is masked. */
// @ts-ignore: decorator
@inline
function rowOrFirst(plane: usize, row: i32, rows: i32, width: i32): usize {
  return <u32>row < <u32>rows ? plane + ((<usize>(row * width)) << 2) : plane;
}

/** All ones if the row exists. */
// @ts-ignore: decorator
@inline
function rowMask(row: i32, rows: i32): v128 {
  return i32x4.splat(<u32>row < <u32>rows ? -1 : 0);
}

/** out += one plane convolved with the filter at `weights`. */
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
  const shift = (<usize>pW) << 2;
  // A row is read from -pW up to the end of its last vector.
  const reach = ((oW + 3) & ~3) * 2 + 2;
  for (let oh = 0; oh < oH; oh++, out += (<usize>oW) << 2) {
    const ih = 2 * oh - pH;
    let p0 = rowOrFirst(plane, ih, H, W) - shift;
    let p1 = rowOrFirst(plane, ih + 1, H, W) - shift;
    let p2 = rowOrFirst(plane, ih + 2, H, W) - shift;
    const m0 = rowMask(ih, H);
    const m1 = rowMask(ih + 1, H);
    const m2 = rowMask(ih + 2, H);
    const whole = readable(p0, reach) && readable(p1, reach) && readable(p2, reach);
    let to = out;
    for (let ow = 0; ow < oW; ow += 4, to += 16, p0 += 32, p1 += 32, p2 += 32) {
      const at = 2 * ow - pW;
      const left = inside(at);
      const middle = inside(at + 1);
      const right = inside(at + 2);
      let sum = loadLanes(to, oW - ow);
      let row: v128;
      if (whole) {
        row = v128.and(left, f32x4.mul(w0, evens(p0)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w1, evens(p0 + 4))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w2, evens(p0 + 8))));
        sum = f32x4.add(sum, v128.and(m0, row));
        row = v128.and(left, f32x4.mul(w3, evens(p1)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w4, evens(p1 + 4))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w5, evens(p1 + 8))));
        sum = f32x4.add(sum, v128.and(m1, row));
        row = v128.and(left, f32x4.mul(w6, evens(p2)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w7, evens(p2 + 4))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w8, evens(p2 + 8))));
        sum = f32x4.add(sum, v128.and(m2, row));
      } else {
        const r0 = rowOrFirst(plane, ih, H, W);
        const r1 = rowOrFirst(plane, ih + 1, H, W);
        const r2 = rowOrFirst(plane, ih + 2, H, W);
        row = v128.and(left, f32x4.mul(w0, loadCarefully(r0, at, 2, W)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w1, loadCarefully(r0, at + 1, 2, W))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w2, loadCarefully(r0, at + 2, 2, W))));
        sum = f32x4.add(sum, v128.and(m0, row));
        row = v128.and(left, f32x4.mul(w3, loadCarefully(r1, at, 2, W)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w4, loadCarefully(r1, at + 1, 2, W))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w5, loadCarefully(r1, at + 2, 2, W))));
        sum = f32x4.add(sum, v128.and(m1, row));
        row = v128.and(left, f32x4.mul(w6, loadCarefully(r2, at, 2, W)));
        row = f32x4.add(row, v128.and(middle, f32x4.mul(w7, loadCarefully(r2, at + 1, 2, W))));
        row = f32x4.add(row, v128.and(right, f32x4.mul(w8, loadCarefully(r2, at + 2, 2, W))));
        sum = f32x4.add(sum, v128.and(m2, row));
      }
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

/** Adds two vectors of neighbouring columns, even and odd, to a row of dx of which `count` columns are left. */
// @ts-ignore: decorator
@inline
function addInterleaved(to: usize, count: i32, even: v128, uneven: v128): void {
  const low = v128.shuffle<f32>(even, uneven, 0, 4, 1, 5);
  storeLanes(to, count, f32x4.add(loadLanes(to, count), low));
  if (count > 4) {
    const high = v128.shuffle<f32>(even, uneven, 2, 6, 3, 7);
    storeLanes(to + 16, count - 4, f32x4.add(loadLanes(to + 16, count - 4), high));
  }
}

/**
 * dx += the adjoint on one plane of dy. Columns of one parity see taps 0 and 2, those of the other tap 1; which is
 * which depends on the pad, and so it is with rows.
 */
export function addPlaneHalfGradInput(plane: usize, weights: usize, dx: usize): void {
  const odd = (pW & 1) != 0;
  // Column 2 i + b reads dy at i + (b + pW - kw) / 2: tap 0 at i + s0, tap 2 one before, tap 1 at i + s1.
  const s0 = (pW + 1) >> 1;
  const s1 = pW >> 1;
  const first = (<usize>s0) << 2;
  const middle = (<usize>s1) << 2;
  const reach = (((W + 1) >> 1) + 3) & ~3;
  for (let ih = 0; ih < H; ih++, dx += (<usize>W) << 2)
    for (let kh = (ih + pH) & 1; kh < 3; kh += 2) {
      const oh = (ih + pH - kh) >> 1;
      if (<u32>oh >= <u32>oH) continue;
      const row = plane + ((<usize>(oh * oW)) << 2);
      const w0 = v128.load_splat<f32>(weights + <usize>kh * 12);
      const w1 = v128.load_splat<f32>(weights + <usize>kh * 12, 4);
      const w2 = v128.load_splat<f32>(weights + <usize>kh * 12, 8);
      const whole = readable(row + first - 4, reach + 1) && readable(row + middle, reach);
      let p = row;
      let to = dx;
      for (let i = 0; 2 * i < W; i += 4, p += 16, to += 32) {
        let x0: v128;
        let x1: v128;
        let x2: v128;
        if (whole) {
          x0 = v128.load(p + first);
          x1 = v128.load(p + middle);
          x2 = v128.load(p + first - 4);
        } else {
          x0 = loadCarefully(row, i + s0, 1, oW);
          x1 = loadCarefully(row, i + s1, 1, oW);
          x2 = loadCarefully(row, i + s0 - 1, 1, oW);
        }
        const pair = f32x4.add(
          v128.and(existing(i + s0), f32x4.mul(w0, x0)),
          v128.and(existing(i + s0 - 1), f32x4.mul(w2, x2)),
        );
        const single = v128.and(existing(i + s1), f32x4.mul(w1, x1));
        addInterleaved(to, W - 2 * i, odd ? single : pair, odd ? pair : single);
      }
    }
}

/** Sums of products of dy with the input under each tap. */
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

/** Adds the products of one plane with one row of taps. */
function addTapRow(dy: usize, plane: usize, kh: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  const reach = ((oW + 3) & ~3) * 2 + 2;
  for (let oh = 0; oh < oH; oh++, dy += (<usize>oW) << 2) {
    const ih = 2 * oh - pH + kh;
    if (<u32>ih >= <u32>H) continue;
    const row = plane + ((<usize>(ih * W)) << 2);
    let p = row - ((<usize>pW) << 2);
    let from = dy;
    const whole = readable(p, reach);
    for (let ow = 0; ow < oW; ow += 4, p += 32, from += 16) {
      const at = 2 * ow - pW;
      const y = loadLanes(from, oW - ow);
      const lanes = firstLanes(oW - ow);
      const left = v128.and(lanes, inside(at));
      const middle = v128.and(lanes, inside(at + 1));
      const right = v128.and(lanes, inside(at + 2));
      if (whole) {
        s0 = f32x4.add(s0, v128.and(left, f32x4.mul(y, evens(p))));
        s1 = f32x4.add(s1, v128.and(middle, f32x4.mul(y, evens(p + 4))));
        s2 = f32x4.add(s2, v128.and(right, f32x4.mul(y, evens(p + 8))));
      } else {
        s0 = f32x4.add(s0, v128.and(left, f32x4.mul(y, loadCarefully(row, at, 2, W))));
        s1 = f32x4.add(s1, v128.and(middle, f32x4.mul(y, loadCarefully(row, at + 1, 2, W))));
        s2 = f32x4.add(s2, v128.and(right, f32x4.mul(y, loadCarefully(row, at + 2, 2, W))));
      }
    }
  }
  sum0 += <f64>sumLanes(s0);
  sum1 += <f64>sumLanes(s1);
  sum2 += <f64>sumLanes(s2);
}
