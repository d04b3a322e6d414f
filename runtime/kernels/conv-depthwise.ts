/** Convolutions of one channel by few filters (depthwise ones), as plain loops; dx and y are added to. */
import type { FloatArray } from '../memory.ts';
import { plane, positions, taps } from './conv-geometry.ts';
import { endInside, firstInside } from './window.ts';

/** Adds to y, whose planes hold the bias; one channel a group. */
export function convDepthwise(f: FloatArray, x: number, w: number, out: number, g: readonly number[]): void {
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const perGroup = filters / g[3]!;
  const volume = taps(g);
  let o = out;
  for (let n = 0; n < g[0]!; n++)
    for (let c = 0; c < filters; c++) {
      const channel = x + (n * g[1]! + Math.floor(c / perGroup)) * plane(g);
      const weights = w + c * volume;
      for (let od = 0; od < g[10]!; od++) {
        const id = od * g[13]! - g[16]!;
        const d0 = firstInside(id, dD);
        const d1 = endInside(id, dD, g[4]!, g[7]!);
        for (let oh = 0; oh < g[11]!; oh++) {
          const ih = oh * g[14]! - g[17]!;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let ow = 0; ow < g[12]!; ow++, o++) {
            const iw = ow * g[15]! - g[18]!;
            const w0 = firstInside(iw, dW);
            const w1 = endInside(iw, dW, W, kW);
            let sum = f[o]!;
            for (let kd = d0; kd < d1; kd++)
              for (let kh = h0; kh < h1; kh++) {
                const row = channel + ((id + kd * dD) * H + ih + kh * dH) * W + iw;
                const tap = weights + (kd * kH + kh) * kW;
                for (let kw = w0; kw < w1; kw++) sum += f[row + kw * dW]! * f[tap + kw]!;
              }
            f[o] = sum;
          }
        }
      }
    }
}

/** Scatters dy times the filter into dx, whose planes hold zeros or a bias. */
export function convDepthwiseGradInput(f: FloatArray, dy: number, w: number, dx: number, g: readonly number[]): void {
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const perGroup = filters / g[3]!;
  const volume = taps(g);
  let i = dy;
  for (let n = 0; n < g[0]!; n++)
    for (let c = 0; c < filters; c++) {
      const channel = dx + (n * g[1]! + Math.floor(c / perGroup)) * plane(g);
      const weights = w + c * volume;
      for (let od = 0; od < g[10]!; od++) {
        const id = od * g[13]! - g[16]!;
        const d0 = firstInside(id, dD);
        const d1 = endInside(id, dD, g[4]!, g[7]!);
        for (let oh = 0; oh < g[11]!; oh++) {
          const ih = oh * g[14]! - g[17]!;
          const h0 = firstInside(ih, dH);
          const h1 = endInside(ih, dH, H, kH);
          for (let ow = 0; ow < g[12]!; ow++, i++) {
            const iw = ow * g[15]! - g[18]!;
            const w0 = firstInside(iw, dW);
            const w1 = endInside(iw, dW, W, kW);
            const value = f[i]!;
            for (let kd = d0; kd < d1; kd++)
              for (let kh = h0; kh < h1; kh++) {
                const row = channel + ((id + kd * dD) * H + ih + kh * dH) * W + iw;
                const tap = weights + (kd * kH + kh) * kW;
                for (let kw = w0; kw < w1; kw++) f[row + kw * dW] = f[row + kw * dW]! + value * f[tap + kw]!;
              }
          }
        }
      }
    }
}

/** One tap at a time: the sum over batch and positions in one double accumulator. */
export function convDepthwiseGradWeight(f: FloatArray, x: number, dy: number, dw: number, g: readonly number[]): void {
  const batch = g[0]!;
  const channels = g[1]!;
  const filters = g[2]!;
  const H = g[5]!;
  const W = g[6]!;
  const oD = g[10]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const sD = g[13]!;
  const sH = g[14]!;
  const sW = g[15]!;
  const perGroup = filters / g[3]!;
  let o = dw;
  for (let c = 0; c < filters; c++)
    for (let kd = 0; kd < g[7]!; kd++)
      for (let kh = 0; kh < g[8]!; kh++)
        for (let kw = 0; kw < g[9]!; kw++, o++) {
          const shiftD = kd * g[19]! - g[16]!;
          const shiftH = kh * g[20]! - g[17]!;
          const shiftW = kw * g[21]! - g[18]!;
          const w0 = firstInside(shiftW, sW);
          const w1 = endInside(shiftW, sW, W, oW);
          let sum = 0;
          for (let n = 0; n < batch; n++) {
            const channel = x + (n * channels + Math.floor(c / perGroup)) * plane(g);
            const result = dy + (n * filters + c) * positions(g);
            for (let od = firstInside(shiftD, sD); od < endInside(shiftD, sD, g[4]!, oD); od++)
              for (let oh = firstInside(shiftH, sH); oh < endInside(shiftH, sH, H, oH); oh++) {
                const row = channel + ((od * sD + shiftD) * H + oh * sH + shiftH) * W + shiftW;
                const from = result + (od * oH + oh) * oW;
                for (let ow = w0; ow < w1; ow++) sum += f[from + ow]! * f[row + ow * sW]!;
              }
          }
          f[o] = sum;
        }
}
