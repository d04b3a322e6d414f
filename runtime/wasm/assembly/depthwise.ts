/**
 * Convolution of single channels with few filters each: no product to block, so rows are walked directly. Strides 1
 * and 2 in two dimensions have walks of their own, faster by several times (depthwise-planes.ts, depthwise-spread.ts,
 * depthwise-filter.ts); any other geometry is walked by depthwise-rows.ts, where the gradient of the input is the
 * forward walk over dy, phase by phase of the stride.
 */
import { sumProducts } from './depthwise-filter';
import { addPlane } from './depthwise-planes';
import { addProducts, addRow, clearSums, setRows, sumOf } from './depthwise-rows';
import { addSpread, leastSpread, setSpread } from './depthwise-spread';
import { freshLanes, leastWidth, setFilter, setMasks, setPlanes, setReach, setSource } from './depthwise-taps';
import { endInside, firstInside, firstTap, tapDistance } from './window';

/** Whether the walks for strides 1 and 2 serve: in two dimensions, over rows that hold a vector. */
// @ts-ignore: decorator
@inline
function isPlanar(D: i32, oD: i32, kD: i32, pD: i32, W: i32, oW: i32, sH: i32, sW: i32): bool {
  return D == 1 && oD == 1 && kD == 1 && pD == 0 && W >= leastWidth && oW >= leastWidth && sH == sW && sH <= 2;
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
  if (isPlanar(D, oD, kD, pD, W, oW, sH, sW)) {
    setFilter(kH, kW, dH, dW);
    setPlanes(H, W, oH, oW, pH, pW);
    setSource(x, end);
    setMasks(sH, 1, 2, i32x4.splat(-1));
    setReach(sH, (kH - 1) * dH, (kW - 1) * dW);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < filters; c++, out += size) {
        const channel = x + <usize>(n * channels + c / perChannel) * plane;
        const weights = w + ((<usize>(c * kH * kW)) << 2);
        addPlane(sH, channel, weights, 4, out);
      }
    return;
  }
  setRows(W, x, end);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < filters; c++) {
      const channel = x + <usize>(n * channels + c / perChannel) * plane;
      const weights = w + ((<usize>(c * kD * kH * kW)) << 2);
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
  if (isPlanar(D, oD, kD, pD, W, oW, sH, sW) && (sH == 1 || (dH == 1 && dW == 1 && W >= leastSpread))) {
    setFilter(kH, kW, dH, dW);
    const last = (<usize>(kH * kW - 1)) << 2;
    if (sH == 1) {
      setPlanes(oH, oW, H, W, (kH - 1) * dH - pH, (kW - 1) * dW - pW);
      setMasks(1, 1, 2, i32x4.splat(-1));
      setReach(1, (kH - 1) * dH, (kW - 1) * dW);
    } else setSpread(H, W, oH, oW, pH, pW);
    setSource(dy, end);
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < channels; c++, dx += plane)
        for (let f = c * perChannel; f < (c + 1) * perChannel; f++) {
          const channel = dy + <usize>(n * filters + f) * size;
          const weights = w + ((<usize>(f * kH * kW)) << 2);
          if (sH == 1) addPlane(1, channel, weights + last, -4, dx);
          else addSpread(channel, weights, dx);
        }
    return;
  }
  setRows(oW, dy, end);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
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
  const xImage = <usize>channels * plane;
  if (isPlanar(D, oD, kD, pD, W, oW, sH, sW)) {
    setFilter(kH, kW, dH, dW);
    setPlanes(H, W, oH, oW, pH, pW);
    setSource(x, end);
    setMasks(sH, 1, 2, freshLanes());
    setReach(sH, (kH - 1) * dH, (kW - 1) * dW);
    const dyImage = <usize>filters * size;
    for (let f = 0; f < filters; f++, dw += (<usize>(kH * kW)) << 2) {
      const channel = x + <usize>(f / perChannel) * plane;
      const from = dy + <usize>f * size;
      sumProducts(sH, from, channel, dw, batch, dyImage, xImage);
    }
    return;
  }
  setRows(W, x, end);
  for (let f = 0; f < filters; f++) {
    const channel = x + <usize>(f / perChannel) * plane;
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
