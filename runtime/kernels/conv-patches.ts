/** Packs patches of images into panels, for the products that are convolutions; see conv.ts and conv-geometry.ts. */
import type { FloatArray } from '../memory.ts';
import { plane, positions, taps } from './conv-geometry.ts';
import { clearLastPanel, packRows } from './gemm.ts';

/** First input coordinates of the patches of one panel of four, and the elements they start at. */
const laneStart = new Float64Array(4);
const laneD = new Int32Array(4);
const laneH = new Int32Array(4);
const laneW = new Int32Array(4);

/**
 * Packs patches as columns: positions first .. first + count of the whole batch, rows tap0 .. tap0 + depth of
 * (channel, kd, kh, kw). `image` is the first channel of the group in the first image.
 */
export function packPatches(
  f: FloatArray,
  to: number,
  image: number,
  first: number,
  count: number,
  tap0: number,
  depth: number,
  g: readonly number[],
): void {
  const D = g[4]!;
  const H = g[5]!;
  const W = g[6]!;
  const kD = g[7]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const dD = g[19]!;
  const dH = g[20]!;
  const dW = g[21]!;
  const size = positions(g);
  const channelSize = plane(g);
  const imageSize = g[1]! * channelSize;
  const volume = taps(g);
  const firstChannel = Math.floor(tap0 / volume);
  const firstKd = Math.floor((tap0 % volume) / (kH * kW));
  const firstKh = Math.floor((tap0 % (kH * kW)) / kW);
  const firstKw = tap0 % kW;
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4) {
    const lanes = Math.min(4, count - c);
    let interior = lanes === 4;
    for (let lane = 0; lane < lanes; lane++) {
      const column = first + c + lane;
      const n = Math.floor(column / size);
      const position = column % size;
      const id = Math.floor(position / (oH * oW)) * g[13]! - g[16]!;
      const ih = (Math.floor(position / oW) % oH) * g[14]! - g[17]!;
      const iw = (position % oW) * g[15]! - g[18]!;
      laneD[lane] = id;
      laneH[lane] = ih;
      laneW[lane] = iw;
      laneStart[lane] = image + n * imageSize + (id * H + ih) * W + iw;
      if (id < 0 || ih < 0 || iw < 0 || id + (kD - 1) * dD >= D || ih + (kH - 1) * dH >= H || iw + (kW - 1) * dW >= W)
        interior = false;
    }
    let kd = firstKd;
    let kh = firstKh;
    let kw = firstKw;
    let base = firstChannel * channelSize;
    if (interior) {
      const s0 = laneStart[0]!;
      const s1 = laneStart[1]!;
      const s2 = laneStart[2]!;
      const s3 = laneStart[3]!;
      for (let p = 0; p < depth; ) {
        const run = Math.min(kW - kw, depth - p);
        let i = base + (kd * dD * H + kh * dH) * W + kw * dW;
        for (let t = 0; t < run; t++, i += dW, to += 4) {
          f[to] = f[s0 + i]!;
          f[to + 1] = f[s1 + i]!;
          f[to + 2] = f[s2 + i]!;
          f[to + 3] = f[s3 + i]!;
        }
        p += run;
        kw = 0;
        if (++kh === kH) {
          kh = 0;
          if (++kd === kD) {
            kd = 0;
            base += channelSize;
          }
        }
      }
    } else {
      for (let p = 0; p < depth; ) {
        const run = Math.min(kW - kw, depth - p);
        const i = base + (kd * dD * H + kh * dH) * W + kw * dW;
        for (let lane = 0; lane < 4; lane++) {
          const id = laneD[lane]! + kd * dD;
          const ih = laneH[lane]! + kh * dH;
          let q = to + lane;
          if (lane < lanes && id >= 0 && id < D && ih >= 0 && ih < H) {
            let source = laneStart[lane]! + i;
            let iw = laneW[lane]! + kw * dW;
            for (let t = 0; t < run; t++, q += 4, source += dW, iw += dW) f[q] = iw >= 0 && iw < W ? f[source]! : 0;
          } else {
            for (let t = 0; t < run; t++, q += 4) f[q] = 0;
          }
        }
        to += 4 * run;
        p += run;
        kw = 0;
        if (++kh === kH) {
          kh = 0;
          if (++kd === kD) {
            kd = 0;
            base += channelSize;
          }
        }
      }
    }
  }
}

/** Packs `count` channels at positions first .. first + depth of the batch into panels of 4 rows. */
export function packPositions(
  f: FloatArray,
  to: number,
  from: number,
  count: number,
  first: number,
  depth: number,
  size: number,
  imageStride: number,
): void {
  for (let r = 0; r < count; r += 4) {
    for (let p = 0; p < depth; ) {
      const n = Math.floor((first + p) / size);
      const start = (first + p) % size;
      const run = Math.min(depth - p, size - start);
      packRows(f, to, from + n * imageStride + r * size + start, Math.min(4, count - r), run, size, 1);
      to += 4 * run;
      p += run;
    }
  }
}

/**
 * The transpose of `packPatches`: columns are (channel, kd, kh, kw) tap0 .. tap0 + count, the depth runs over positions
 * first .. first + depth of the batch.
 */
export function packPatchRows(
  f: FloatArray,
  to: number,
  image: number,
  tap0: number,
  count: number,
  first: number,
  depth: number,
  g: readonly number[],
): void {
  const D = g[4]!;
  const H = g[5]!;
  const W = g[6]!;
  const kH = g[8]!;
  const kW = g[9]!;
  const oH = g[11]!;
  const oW = g[12]!;
  const stride = g[15]!;
  const size = positions(g);
  const channelSize = plane(g);
  const imageSize = g[1]! * channelSize;
  const volume = taps(g);
  clearLastPanel(f, to, count, depth);
  for (let c = 0; c < count; c += 4, to += 4 * depth) {
    for (let lane = 0; lane < 4; lane++) {
      let q = to + lane;
      if (c + lane >= count) {
        for (let p = 0; p < depth; p++, q += 4) f[q] = 0;
        continue;
      }
      const tap = tap0 + c + lane;
      const shiftD = (Math.floor(tap / (kH * kW)) % g[7]!) * g[19]! - g[16]!;
      const shiftH = (Math.floor(tap / kW) % kH) * g[20]! - g[17]!;
      const shiftW = (tap % kW) * g[21]! - g[18]!;
      const channel = image + Math.floor(tap / volume) * channelSize;
      let ow = first % oW;
      let oh = Math.floor(first / oW) % oH;
      let od = Math.floor((first % size) / (oH * oW));
      let n = Math.floor(first / size);
      for (let p = 0; p < depth; ) {
        const run = Math.min(oW - ow, depth - p);
        const id = od * g[13]! + shiftD;
        const ih = oh * g[14]! + shiftH;
        if (id >= 0 && id < D && ih >= 0 && ih < H) {
          let iw = ow * stride + shiftW;
          let source = channel + n * imageSize + (id * H + ih) * W + iw;
          for (let t = 0; t < run; t++, q += 4, source += stride, iw += stride)
            f[q] = iw >= 0 && iw < W ? f[source]! : 0;
        } else {
          for (let t = 0; t < run; t++, q += 4) f[q] = 0;
        }
        p += run;
        ow = 0;
        if (++oh === oH) {
          oh = 0;
          if (++od === g[10]!) {
            od = 0;
            n++;
          }
        }
      }
    }
  }
}
