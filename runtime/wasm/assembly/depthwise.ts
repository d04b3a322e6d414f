/**
 * Convolution of single channels with few filters each: no product to block, so rows are walked directly, four positions
 * at a time. Position i of a row and tap j meet at source column i * step + start + j * shift; what lies outside the image
 * is masked. The gradient of the input is the same walk over dy, phase by phase of the stride.
 */
import { addPlaneHalf, addPlaneHalfGradInput, setHalf, sumHalfProducts } from './depthwise-half';
import {
  addPlane,
  addPlane3x3,
  addProducts3x3,
  clearSums3x3,
  leastWidth,
  setPlanes,
  storeSums3x3,
  sumProductsShifted,
} from './depthwise-same';
import { sumLanes } from './vector';

/** The source row: extents along it, and the bytes of its tensor, within which whole vectors may be read. */
let width: i32 = 0;
let begin: usize = 0;
let end: usize = 0;

// @ts-ignore: decorator
@inline
function loadStrided(p: usize, step: i32): v128 {
  if (step == 1) return v128.load(p);
  if (step == 2) return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
  const s = <usize>step << 2;
  let x = v128.load32_zero(p);
  x = v128.load_lane<f32>(p + s, x, 1);
  x = v128.load_lane<f32>(p + 2 * s, x, 2);
  return v128.load_lane<f32>(p + 3 * s, x, 3);
}

/** All ones in the lanes whose column lies inside the row: `at`, `step` apart. */
// @ts-ignore: decorator
@inline
function insideRow(at: i32, step: i32): v128 {
  return i32x4.lt_u(columnsFrom(at, step), i32x4.splat(width));
}

// @ts-ignore: decorator
@inline
function columnsFrom(at: i32, step: i32): v128 {
  return i32x4.add(i32x4.splat(at), i32x4.mul(i32x4.splat(step), i32x4(0, 1, 2, 3)));
}

/** Four elements from column `at`, `step` apart; anything in the lanes outside `mask`. */
function loadInside(row: usize, at: i32, step: i32, mask: v128): v128 {
  if (step <= 2) {
    const p = row + (<usize>at << 2);
    if (p >= begin && p < end && p + 32 <= end) return loadStrided(p, step);
  }
  const i = v128.and(mask, columnsFrom(at, step));
  let x = v128.load32_zero(row + (<usize>i32x4.extract_lane(i, 0) << 2));
  x = v128.load_lane<f32>(row + (<usize>i32x4.extract_lane(i, 1) << 2), x, 1);
  x = v128.load_lane<f32>(row + (<usize>i32x4.extract_lane(i, 2) << 2), x, 2);
  return v128.load_lane<f32>(row + (<usize>i32x4.extract_lane(i, 3) << 2), x, 3);
}

/** y times four elements of a row, zero in the lanes outside it or outside `lanes`. */
// @ts-ignore: decorator
@inline
function productInside(y: v128, row: usize, at: i32, step: i32, lanes: v128): v128 {
  const mask = v128.and(lanes, insideRow(at, step));
  return v128.and(mask, f32x4.mul(y, loadInside(row, at, step, mask)));
}

// @ts-ignore: decorator
@inline
function storeStrided(to: usize, step: i32, lanes: i32, x: v128): void {
  if (step == 1 && lanes >= 4) {
    v128.store(to, x);
    return;
  }
  const s = <usize>step << 2;
  v128.store_lane<f32>(to, x, 0);
  if (lanes > 1) v128.store_lane<f32>(to + s, x, 1);
  if (lanes > 2) v128.store_lane<f32>(to + 2 * s, x, 2);
  if (lanes > 3) v128.store_lane<f32>(to + 3 * s, x, 3);
}

// @ts-ignore: decorator
@inline
function loadResult(from: usize, step: i32, lanes: i32): v128 {
  if (step == 1 && lanes >= 4) return v128.load(from);
  const s = <usize>step << 2;
  let x = v128.load32_zero(from);
  if (lanes > 1) x = v128.load_lane<f32>(from + s, x, 1);
  if (lanes > 2) x = v128.load_lane<f32>(from + 2 * s, x, 2);
  if (lanes > 3) x = v128.load_lane<f32>(from + 3 * s, x, 3);
  return x;
}

/**
 * out[i * outStep] += sum over tap rows and taps of weight times source, i < count. `source` is the row under tap row 0;
 * tap rows are `rowShift` bytes apart in the source and `rowWeight` in the filter, taps `tapWeight`.
 */
function addRow(
  out: usize,
  outStep: i32,
  count: i32,
  source: usize,
  rowShift: usize,
  rows: i32,
  step: i32,
  start: i32,
  shift: i32,
  taps: i32,
  weights: usize,
  rowWeight: usize,
  tapWeight: usize,
): void {
  const reach = (taps - 1) * shift;
  const low = start + min(0, reach);
  const high = start + max(0, reach);
  const outBytes = <usize>outStep << 2;
  // Positions first .. last see whole taps; a strided vector reads up to the end of its last step.
  const first = low >= 0 ? 0 : (-low + step - 1) / step;
  const tail = step == 2 ? 7 : 3 * step;
  let i = 0;
  while (i < count) {
    if (i >= first && i * step + high + tail < width) {
      const n = min((width - tail - high + step - 1) / step, count - 3);
      if (rows == 3 && taps == 3 && outStep == 1 && step == 1) {
        if (i < n) {
          addInterior3x3(
            out + (<usize>i << 2),
            source + (<usize>(i + start) << 2),
            n - i,
            rowShift,
            <usize>shift << 2,
            weights,
            rowWeight,
            tapWeight,
          );
          i += ((n - i + 3) >> 2) << 2;
          continue;
        }
      } else if (i < n) {
        for (; i < n; i += 4) {
          const to = out + <usize>i * outBytes;
          let sum = loadResult(to, outStep, 4);
          let row = source + (<usize>(i * step + start) << 2);
          let w = weights;
          for (let r = 0; r < rows; r++, row += rowShift, w += rowWeight) {
            let p = row;
            let tap = w;
            for (let t = 0; t < taps; t++, p += <usize>shift << 2, tap += tapWeight)
              sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(tap), loadStrided(p, step)));
          }
          storeStrided(to, outStep, 4, sum);
        }
        continue;
      }
    }
    const to = out + <usize>i * outBytes;
    let sum = loadResult(to, outStep, count - i);
    let row = source;
    let w = weights;
    for (let r = 0; r < rows; r++, row += rowShift, w += rowWeight) {
      let at = i * step + start;
      let tap = w;
      for (let t = 0; t < taps; t++, at += shift, tap += tapWeight)
        sum = f32x4.add(sum, productInside(v128.load_splat<f32>(tap), row, at, step, i32x4.splat(-1)));
    }
    storeStrided(to, outStep, count - i, sum);
    i += 4;
  }
}

/** The inside of a row under a 3x3 filter at stride 1, in vectors of four: 9 weights in registers. */
function addInterior3x3(
  out: usize,
  p: usize,
  count: i32,
  rowShift: usize,
  shift: usize,
  weights: usize,
  rowWeight: usize,
  tapWeight: usize,
): void {
  const w00 = v128.load_splat<f32>(weights);
  const w01 = v128.load_splat<f32>(weights + tapWeight);
  const w02 = v128.load_splat<f32>(weights + 2 * tapWeight);
  weights += rowWeight;
  const w10 = v128.load_splat<f32>(weights);
  const w11 = v128.load_splat<f32>(weights + tapWeight);
  const w12 = v128.load_splat<f32>(weights + 2 * tapWeight);
  weights += rowWeight;
  const w20 = v128.load_splat<f32>(weights);
  const w21 = v128.load_splat<f32>(weights + tapWeight);
  const w22 = v128.load_splat<f32>(weights + 2 * tapWeight);
  const shift2 = shift * 2;
  let p1 = p + rowShift;
  let p2 = p1 + rowShift;
  for (; count > 0; count -= 4, p += 16, p1 += 16, p2 += 16, out += 16) {
    let sum = v128.load(out);
    let other = f32x4.mul(w00, v128.load(p));
    sum = f32x4.add(sum, f32x4.mul(w01, v128.load(p + shift)));
    other = f32x4.add(other, f32x4.mul(w02, v128.load(p + shift2)));
    sum = f32x4.add(sum, f32x4.mul(w10, v128.load(p1)));
    other = f32x4.add(other, f32x4.mul(w11, v128.load(p1 + shift)));
    sum = f32x4.add(sum, f32x4.mul(w12, v128.load(p1 + shift2)));
    other = f32x4.add(other, f32x4.mul(w20, v128.load(p2)));
    sum = f32x4.add(sum, f32x4.mul(w21, v128.load(p2 + shift)));
    other = f32x4.add(other, f32x4.mul(w22, v128.load(p2 + shift2)));
    v128.store(out, f32x4.add(sum, other));
  }
}

/** First index k >= 0 with start + k * step >= 0, for step > 0. */
// @ts-ignore: decorator
@inline
function firstInside(start: i32, step: i32): i32 {
  return start >= 0 ? 0 : (-start + step - 1) / step;
}

/** End of the indices k < count with start + k * step < extent, for step > 0. */
// @ts-ignore: decorator
@inline
function endInside(start: i32, step: i32, extent: i32, count: i32): i32 {
  return extent <= start ? 0 : min(count, (extent - start + step - 1) / step);
}

/** Whether the result has the input's extents, so that depthwise-same.ts serves. */
// @ts-ignore: decorator
@inline
function keepsExtents(D: i32, H: i32, W: i32, kD: i32, oH: i32, oW: i32, sH: i32, sW: i32, pD: i32): bool {
  return D == 1 && kD == 1 && pD == 0 && H == oH && W == oW && sH == 1 && sW == 1 && W >= leastWidth;
}

/** Whether depthwise-half.ts serves. */
// @ts-ignore: decorator
@inline
function isHalf(
  D: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  dH: i32,
  dW: i32,
): bool {
  return D == 1 && kD == 1 && pD == 0 && kH == 3 && kW == 3 && sH == 2 && sW == 2 && dH == 1 && dW == 1;
}

/** out, whose planes hold the bias, += x convolved with w; filters / channels filters a channel. */
export function convDepthwise(
  x: usize,
  w: usize,
  out: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const perChannel = filters / channels;
  const plane = <usize>(D * H * W) << 2;
  width = W;
  begin = x;
  end = x + <usize>(batch * channels) * plane;
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, begin, end);
    const near = kH == 3 && kW == 3 && pH == 1 && pW == 1 && dH == 1 && dW == 1;
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < filters; c++, out += plane) {
        const channel = x + <usize>(n * channels + c / perChannel) * plane;
        const weights = w + (<usize>(c * kH * kW) << 2);
        if (near) addPlane3x3(channel, weights, 4, out);
        else addPlane(channel, weights, out, kH, kW, -pH, -pW, dH, dW);
      }
    return;
  }
  if (isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW)) {
    setHalf(H, W, oH, oW, pH, pW, begin, end);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < filters; c++, out += <usize>(oH * oW) << 2)
        addPlaneHalf(x + <usize>(n * channels + c / perChannel) * plane, w + <usize>c * 36, out);
    return;
  }
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < filters; c++) {
      const channel = x + <usize>(n * channels + c / perChannel) * plane;
      const weights = w + (<usize>(c * kD * kH * kW) << 2);
      for (let od = 0; od < oD; od++) {
        const id = od * sD - pD;
        const lastD = endInside(id, dD, D, kD);
        for (let oh = 0; oh < oH; oh++, out += <usize>oW << 2) {
          const ih = oh * sH - pH;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let kd = firstInside(id, dD); kd < lastD; kd++)
            if (h1 > h0)
              addRow(
                out,
                1,
                oW,
                channel + (<usize>(((id + kd * dD) * H + ih + h0 * dH) * W) << 2),
                <usize>(dH * W) << 2,
                h1 - h0,
                sW,
                -pW,
                dW,
                kW,
                weights + (<usize>((kd * kH + h0) * kW) << 2),
                <usize>kW << 2,
                4,
              );
        }
      }
    }
}

/** First tap along an axis that reaches `position` of the input, or `taps` if none does. */
// @ts-ignore: decorator
@inline
function firstTap(position: i32, pad: i32, dilation: i32, stride: i32, taps: i32): i32 {
  let k = 0;
  while (k < taps && (position + pad - k * dilation) % stride != 0) k++;
  return k;
}

function tapDistance(stride: i32, dilation: i32): i32 {
  let a = stride;
  let b = dilation;
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return stride / a;
}

/** dx, filled with zeros, += the adjoint of the convolution applied to dy. */
export function convDepthwiseGradInput(
  dy: usize,
  w: usize,
  dx: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const perChannel = filters / channels;
  const size = <usize>(oD * oH * oW) << 2;
  const nD = tapDistance(sD, dD);
  const nH = tapDistance(sH, dH);
  const nW = tapDistance(sW, dW);
  // Neighbouring taps of one phase are this far apart in dy, downwards.
  const jumpD = (nD * dD) / sD;
  const jumpH = (nH * dH) / sH;
  const jumpW = (nW * dW) / sW;
  width = oW;
  begin = dy;
  end = dy + <usize>(batch * filters) * size;
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, begin, end);
    const near = kH == 3 && kW == 3 && pH == 1 && pW == 1 && dH == 1 && dW == 1;
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < channels; c++, dx += size)
        for (let f = c * perChannel; f < (c + 1) * perChannel; f++) {
          const channel = dy + <usize>(n * filters + f) * size;
          const weights = w + (<usize>(f * kH * kW) << 2);
          if (near) addPlane3x3(channel, weights + 32, -4, dx);
          else addPlane(channel, weights, dx, kH, kW, pH, pW, -dH, -dW);
        }
    return;
  }
  if (isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW)) {
    setHalf(H, W, oH, oW, pH, pW, begin, end);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < channels; c++, dx += <usize>(H * W) << 2)
        for (let f = c * perChannel; f < (c + 1) * perChannel; f++)
          addPlaneHalfGradInput(dy + <usize>(n * filters + f) * size, w + <usize>f * 36, dx);
    return;
  }
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let id = 0; id < D; id++)
        for (let ih = 0; ih < H; ih++, dx += <usize>W << 2)
          for (let f = c * perChannel; f < (c + 1) * perChannel; f++) {
            const channel = dy + <usize>(n * filters + f) * size;
            const weights = w + (<usize>(f * kD * kH * kW) << 2);
            let kh = firstTap(ih, pH, dH, sH, kH);
            let oh = (ih + pH - kh * dH) / sH;
            // Tap rows below the last row of dy are skipped, then those above row 0 are cut off.
            while (kh < kH && oh >= oH) {
              kh += nH;
              oh -= jumpH;
            }
            if (kh >= kH || oh < 0) continue;
            const rows = min((kH - 1 - kh) / nH, oh / jumpH) + 1;
            for (let kd = firstTap(id, pD, dD, sD, kD); kd < kD; kd += nD) {
              const od = (id + pD - kd * dD) / sD;
              if (od < 0 || od >= oD) continue;
              for (let rw = 0; rw < min(sW, W); rw++) {
                const kw = firstTap(rw, pW, dW, sW, kW);
                if (kw >= kW) continue;
                addRow(
                  dx + (<usize>rw << 2),
                  sW,
                  (W - rw + sW - 1) / sW,
                  channel + (<usize>((od * oH + oh) * oW) << 2),
                  -(<usize>(jumpH * oW) << 2),
                  rows,
                  1,
                  (rw + pW - kw * dW) / sW,
                  -jumpW,
                  (kW - 1 - kw) / nW + 1,
                  weights + (<usize>((kd * kH + kh) * kW + kw) << 2),
                  <usize>(nH * kW) << 2,
                  <usize>nW << 2,
                );
              }
            }
          }
}

/** Sums for three neighbouring taps, carried from row to row. */
let sum0: v128 = f32x4.splat(0);
let sum1: v128 = f32x4.splat(0);
let sum2: v128 = f32x4.splat(0);

/** Adds dy[i] * x[i * step + at + j * shift] to sum j, j < taps <= 3, over a row of `count` positions. */
function addProducts(dy: usize, count: i32, row: usize, step: i32, at: i32, shift: i32, taps: i32): void {
  let s0 = sum0;
  let s1 = sum1;
  let s2 = sum2;
  const tail = step == 2 ? 7 : 3 * step;
  const high = at + (taps - 1) * shift;
  for (let i = 0; i < count; i += 4, dy += 16, at += 4 * step) {
    if (at >= 0 && i * step + high + tail < width && i + 4 <= count) {
      const y = v128.load(dy);
      const p = row + (<usize>at << 2);
      s0 = f32x4.add(s0, f32x4.mul(y, loadStrided(p, step)));
      if (taps > 1) s1 = f32x4.add(s1, f32x4.mul(y, loadStrided(p + (<usize>shift << 2), step)));
      if (taps > 2) s2 = f32x4.add(s2, f32x4.mul(y, loadStrided(p + (<usize>(2 * shift) << 2), step)));
    } else {
      let y: v128;
      if (i + 4 <= count) y = v128.load(dy);
      else {
        y = v128.load32_zero(dy);
        if (i + 1 < count) y = v128.load_lane<f32>(dy + 4, y, 1);
        if (i + 2 < count) y = v128.load_lane<f32>(dy + 8, y, 2);
      }
      const lanes = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count - i));
      s0 = f32x4.add(s0, productInside(y, row, at, step, lanes));
      if (taps > 1) s1 = f32x4.add(s1, productInside(y, row, at + shift, step, lanes));
      if (taps > 2) s2 = f32x4.add(s2, productInside(y, row, at + 2 * shift, step, lanes));
    }
  }
  sum0 = s0;
  sum1 = s1;
  sum2 = s2;
}

/** dw = sum over batch and positions of dy times x, each image summed in single precision and added in double. */
export function convDepthwiseGradWeight(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  channels: i32,
  filters: i32,
  D: i32,
  H: i32,
  W: i32,
  kD: i32,
  kH: i32,
  kW: i32,
  oD: i32,
  oH: i32,
  oW: i32,
  sD: i32,
  sH: i32,
  sW: i32,
  pD: i32,
  pH: i32,
  pW: i32,
  dD: i32,
  dH: i32,
  dW: i32,
): void {
  const perChannel = filters / channels;
  const size = <usize>(oD * oH * oW) << 2;
  const plane = <usize>(D * H * W) << 2;
  width = W;
  begin = x;
  end = x + <usize>(batch * channels) * plane;
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, begin, end);
    const near = kH == 3 && kW == 3 && pH == 1 && pW == 1 && dH == 1 && dW == 1;
    for (let f = 0; f < filters; f++) {
      if (near) {
        clearSums3x3();
        for (let n = 0; n < batch; n++)
          addProducts3x3(dy + <usize>(n * filters + f) * size, x + <usize>(n * channels + f / perChannel) * plane);
        storeSums3x3(dw);
        dw += 36;
        continue;
      }
      for (let kh = 0; kh < kH; kh++)
        for (let kw = 0; kw < kW; kw++, dw += 4) {
          let sum: f64 = 0;
          for (let n = 0; n < batch; n++) {
            const channel = x + <usize>(n * channels + f / perChannel) * plane;
            sum += sumProductsShifted(dy + <usize>(n * filters + f) * size, channel, kh * dH - pH, kw * dW - pW);
          }
          store<f32>(dw, <f32>sum);
        }
    }
    return;
  }
  if (isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW)) {
    setHalf(H, W, oH, oW, pH, pW, begin, end);
    const dyImage = <usize>filters * size;
    const xImage = <usize>channels * plane;
    for (let f = 0; f < filters; f++, dw += 36)
      sumHalfProducts(dy + <usize>f * size, x + <usize>(f / perChannel) * plane, dw, batch, dyImage, xImage);
    return;
  }
  for (let f = 0; f < filters; f++)
    for (let kd = 0; kd < kD; kd++)
      for (let kh = 0; kh < kH; kh++)
        for (let kw = 0; kw < kW; kw += 3) {
          const taps = min(3, kW - kw);
          const shiftD = kd * dD - pD;
          const shiftH = kh * dH - pH;
          const d1 = endInside(shiftD, sD, D, oD);
          const h1 = endInside(shiftH, sH, H, oH);
          let t0: f64 = 0;
          let t1: f64 = 0;
          let t2: f64 = 0;
          for (let n = 0; n < batch; n++) {
            const channel = x + <usize>(n * channels + f / perChannel) * plane;
            const from = dy + <usize>(n * filters + f) * size;
            sum0 = f32x4.splat(0);
            sum1 = sum0;
            sum2 = sum0;
            for (let od = firstInside(shiftD, sD); od < d1; od++)
              for (let oh = firstInside(shiftH, sH); oh < h1; oh++)
                addProducts(
                  from + (<usize>((od * oH + oh) * oW) << 2),
                  oW,
                  channel + (<usize>(((od * sD + shiftD) * H + oh * sH + shiftH) * W) << 2),
                  sW,
                  kw * dW - pW,
                  dW,
                  taps,
                );
            t0 += <f64>sumLanes(sum0);
            t1 += <f64>sumLanes(sum1);
            t2 += <f64>sumLanes(sum2);
          }
          store<f32>(dw, <f32>t0);
          if (taps > 1) store<f32>(dw, <f32>t1, 4);
          if (taps > 2) store<f32>(dw, <f32>t2, 8);
          dw += <usize>taps << 2;
        }
}
