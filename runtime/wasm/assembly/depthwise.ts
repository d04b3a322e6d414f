/**
 * Convolution of single channels with few filters each: no product to block, so rows are walked directly. The gradient
 * of the input is the same walk over dy, phase by phase of the stride. Common geometries have walks of their own,
 * faster by several times: depthwise-same.ts and depthwise-half.ts.
 */
import {
  addPlaneHalf,
  addPlaneHalfGradInput,
  inputReadable,
  resultReadable,
  setHalf,
  sumHalfProducts,
} from './depthwise-half';
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
import { addProducts, addRow, clearSums, setRows, sumOf } from './depthwise-rows';
import { endInside, firstInside, firstTap, tapDistance } from './window';

/** Whether the result has the input's extents, so that depthwise-same.ts serves. */
// @ts-ignore: decorator
@inline
function keepsExtents(D: i32, H: i32, W: i32, kD: i32, oH: i32, oW: i32, sH: i32, sW: i32, pD: i32): bool {
  return D == 1 && kD == 1 && pD == 0 && H == oH && W == oW && sH == 1 && sW == 1 && W >= leastWidth;
}

/** Whether depthwise-half.ts serves. */
// @ts-ignore: decorator
@inline
function isHalf(D: i32, kD: i32, kH: i32, kW: i32, sH: i32, sW: i32, pD: i32, dH: i32, dW: i32): bool {
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
  const plane = (<usize>(D * H * W)) << 2;
  const size = (<usize>(oD * oH * oW)) << 2;
  const end = x + <usize>(batch * channels) * plane;
  setRows(W, x, end);
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, x, end);
    const near = kH == 3 && kW == 3 && pH == 1 && pW == 1 && dH == 1 && dW == 1;
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < filters; c++, out += plane) {
        const channel = x + <usize>(n * channels + c / perChannel) * plane;
        const weights = w + ((<usize>(c * kH * kW)) << 2);
        if (near) addPlane3x3(channel, weights, 4, out);
        else addPlane(channel, weights, out, kH, kW, -pH, -pW, dH, dW);
      }
    return;
  }
  const half = isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW);
  if (half) setHalf(H, W, oH, oW, pH, pW, x, end);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < filters; c++) {
      const channel = x + <usize>(n * channels + c / perChannel) * plane;
      const weights = w + ((<usize>(c * kD * kH * kW)) << 2);
      if (half && inputReadable(channel)) {
        addPlaneHalf(channel, weights, out);
        out += size;
        continue;
      }
      for (let od = 0; od < oD; od++) {
        const id = od * sD - pD;
        const lastD = endInside(id, dD, D, kD);
        for (let oh = 0; oh < oH; oh++, out += (<usize>oW) << 2) {
          const ih = oh * sH - pH;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let kd = firstInside(id, dD); kd < lastD; kd++)
            if (h1 > h0)
              addRow(
                out,
                1,
                oW,
                channel + ((<usize>(((id + kd * dD) * H + ih + h0 * dH) * W)) << 2),
                (<usize>(dH * W)) << 2,
                h1 - h0,
                sW,
                -pW,
                dW,
                kW,
                weights + ((<usize>((kd * kH + h0) * kW)) << 2),
                (<usize>kW) << 2,
                4,
              );
        }
      }
    }
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
  const plane = (<usize>(D * H * W)) << 2;
  const size = (<usize>(oD * oH * oW)) << 2;
  const nD = tapDistance(sD, dD);
  const nH = tapDistance(sH, dH);
  const nW = tapDistance(sW, dW);
  // Neighbouring taps of one phase are this far apart in dy, downwards.
  const jumpH = (nH * dH) / sH;
  const jumpW = (nW * dW) / sW;
  const end = dy + <usize>(batch * filters) * size;
  setRows(oW, dy, end);
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, dy, end);
    const near = kH == 3 && kW == 3 && pH == 1 && pW == 1 && dH == 1 && dW == 1;
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < channels; c++, dx += size)
        for (let f = c * perChannel; f < (c + 1) * perChannel; f++) {
          const channel = dy + <usize>(n * filters + f) * size;
          const weights = w + ((<usize>(f * kH * kW)) << 2);
          if (near) addPlane3x3(channel, weights + 32, -4, dx);
          else addPlane(channel, weights, dx, kH, kW, pH, pW, -dH, -dW);
        }
    return;
  }
  const half = isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW);
  if (half) setHalf(H, W, oH, oW, pH, pW, dy, end);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++) {
      const first = dy + <usize>(n * filters + c * perChannel) * size;
      if (half && resultReadable(first) && resultReadable(first + <usize>(perChannel - 1) * size)) {
        for (let f = 0; f < perChannel; f++)
          addPlaneHalfGradInput(first + <usize>f * size, w + <usize>(c * perChannel + f) * 36, dx);
        dx += plane;
        continue;
      }
      for (let id = 0; id < D; id++)
        for (let ih = 0; ih < H; ih++, dx += (<usize>W) << 2)
          for (let f = c * perChannel; f < (c + 1) * perChannel; f++) {
            const channel = dy + <usize>(n * filters + f) * size;
            const weights = w + ((<usize>(f * kD * kH * kW)) << 2);
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
                  dx + ((<usize>rw) << 2),
                  sW,
                  (W - rw + sW - 1) / sW,
                  channel + ((<usize>((od * oH + oh) * oW)) << 2),
                  -((<usize>(jumpH * oW)) << 2),
                  rows,
                  1,
                  (rw + pW - kw * dW) / sW,
                  -jumpW,
                  (kW - 1 - kw) / nW + 1,
                  weights + ((<usize>((kd * kH + kh) * kW + kw)) << 2),
                  (<usize>(nH * kW)) << 2,
                  (<usize>nW) << 2,
                );
              }
            }
          }
    }
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
  const size = (<usize>(oD * oH * oW)) << 2;
  const plane = (<usize>(D * H * W)) << 2;
  const end = x + <usize>(batch * channels) * plane;
  setRows(W, x, end);
  if (keepsExtents(D, H, W, kD, oH, oW, sH, sW, pD)) {
    setPlanes(H, W, x, end);
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
  const half = isHalf(D, kD, kH, kW, sH, sW, pD, dH, dW);
  if (half) setHalf(H, W, oH, oW, pH, pW, x, end);
  const xImage = <usize>channels * plane;
  for (let f = 0; f < filters; f++) {
    const channel = x + <usize>(f / perChannel) * plane;
    if (half && inputReadable(channel) && inputReadable(channel + <usize>(batch - 1) * xImage)) {
      sumHalfProducts(dy + <usize>f * size, channel, dw, batch, <usize>filters * size, xImage);
      dw += 36;
      continue;
    }
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
            const image = channel + <usize>n * xImage;
            const from = dy + <usize>(n * filters + f) * size;
            clearSums();
            for (let od = firstInside(shiftD, sD); od < d1; od++)
              for (let oh = firstInside(shiftH, sH); oh < h1; oh++)
                addProducts(
                  from + ((<usize>((od * oH + oh) * oW)) << 2),
                  oW,
                  image + ((<usize>(((od * sD + shiftD) * H + oh * sH + shiftH) * W)) << 2),
                  sW,
                  kw * dW - pW,
                  dW,
                  taps,
                );
            t0 += sumOf(0);
            t1 += sumOf(1);
            t2 += sumOf(2);
          }
          store<f32>(dw, <f32>t0);
          if (taps > 1) store<f32>(dw, <f32>t1, 4);
          if (taps > 2) store<f32>(dw, <f32>t2, 8);
          dw += (<usize>taps) << 2;
        }
  }
}
