/**
 * Normalisations. Statistics take two passes with double sums, elements are scaled in single precision. Results may lie
 * where x or dy lies. A row, group or channel whose gradient is 0 all over counts for nothing in any gradient.
 */
import { absent } from './gemm';
import { isZeroRow, sumProducts, sumRow, sumSquares } from './rows';
import { firstLanes, highDoubles, loadLanes, lowDoubles, splat, storeLanes, sumDoubles } from './vector';

/** y = (x - middle) * factor + shift over a row. */
function scaleRow(x: usize, y: usize, count: i32, middle: f32, factor: f32, shift: f32): void {
  const m = splat(middle);
  const f = splat(factor);
  const s = splat(shift);
  for (; count >= 4; count -= 4, x += 16, y += 16)
    v128.store(y, f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), m), f), s));
  for (; count > 0; count--, x += 4, y += 4) store<f32>(y, (load<f32>(x) - middle) * factor + shift);
}

/** dx = factor * (dy - meanGradient - (x - middle) * slope) over a row. */
function gradRow(
  dy: usize,
  x: usize,
  dx: usize,
  count: i32,
  middle: f32,
  factor: f32,
  meanGradient: f32,
  slope: f32,
): void {
  const m = splat(middle);
  const f = splat(factor);
  const g = splat(meanGradient);
  const s = splat(slope);
  for (; count >= 4; count -= 4, dy += 16, x += 16, dx += 16) {
    const centred = f32x4.mul(f32x4.sub(v128.load(x), m), s);
    v128.store(dx, f32x4.mul(f, f32x4.sub(f32x4.sub(v128.load(dy), g), centred)));
  }
  for (; count > 0; count--, dy += 4, x += 4, dx += 4)
    store<f32>(dx, factor * (load<f32>(dy) - meanGradient - (load<f32>(x) - middle) * slope));
}

export function batchNorm(
  x: usize,
  scale: usize,
  bias: usize,
  y: usize,
  mean: usize,
  invStd: usize,
  batch: i32,
  channels: i32,
  size: i32,
  epsilon: f64,
): void {
  const count = <f64>(batch * size);
  const plane = (<usize>size) << 2;
  const image = <usize>channels * plane;
  for (let c = 0; c < channels; c++) {
    const at = (<usize>c) << 2;
    const first = x + <usize>c * plane;
    let sum: f64 = 0;
    for (let n = 0; n < batch; n++) sum += sumRow(first + <usize>n * image, size);
    const centre = sum / count;
    let squares: f64 = 0;
    for (let n = 0; n < batch; n++) squares += sumSquares(first + <usize>n * image, size, centre);
    const inverse = <f32>(1 / Math.sqrt(squares / count + epsilon));
    store<f32>(mean + at, <f32>centre);
    store<f32>(invStd + at, inverse);
    const factor = load<f32>(scale + at) * inverse;
    const shift = load<f32>(bias + at);
    for (let n = 0; n < batch; n++) {
      const offset = <usize>c * plane + <usize>n * image;
      scaleRow(x + offset, y + offset, size, <f32>centre, factor, shift);
    }
  }
}

/** Where the gradient of a channel, whose first plane is at dy, is 0 all over: clears dx there, and tells so. */
function clearUnread(dy: usize, dx: usize, batch: i32, image: usize, size: i32): bool {
  for (let n = 0; n < batch; n++) if (!isZeroRow(dy + <usize>n * image, size)) return false;
  for (let n = 0; n < batch; n++) memory.fill(dx + <usize>n * image, 0, (<usize>size) << 2);
  return true;
}

export function batchNormGrad(
  dy: usize,
  x: usize,
  scale: usize,
  mean: usize,
  invStd: usize,
  dx: usize,
  dscale: usize,
  dbias: usize,
  batch: i32,
  channels: i32,
  size: i32,
): void {
  const count = <f64>(batch * size);
  const plane = (<usize>size) << 2;
  const image = <usize>channels * plane;
  for (let c = 0; c < channels; c++) {
    const at = (<usize>c) << 2;
    const first = <usize>c * plane;
    if (clearUnread(dy + first, dx + first, batch, image, size)) {
      store<f32>(dscale + at, 0);
      store<f32>(dbias + at, 0);
      continue;
    }
    const middle = load<f32>(mean + at);
    const inverse = load<f32>(invStd + at);
    let sum: f64 = 0;
    let weighted: f64 = 0;
    for (let n = 0; n < batch; n++) {
      const offset = <usize>c * plane + <usize>n * image;
      sum += sumRow(dy + offset, size);
      weighted += sumProducts(dy + offset, x + offset, size, <f64>middle);
    }
    const factor = load<f32>(scale + at) * inverse;
    const slope = (weighted * <f64>inverse * <f64>inverse) / count;
    for (let n = 0; n < batch; n++) {
      const offset = <usize>c * plane + <usize>n * image;
      gradRow(dy + offset, x + offset, dx + offset, size, middle, factor, <f32>(sum / count), <f32>slope);
    }
    store<f32>(dscale + at, <f32>(weighted * <f64>inverse));
    store<f32>(dbias + at, <f32>sum);
  }
}

export function batchNormInference(
  x: usize,
  scale: usize,
  bias: usize,
  mean: usize,
  variance: usize,
  y: usize,
  batch: i32,
  channels: i32,
  size: i32,
  epsilon: f64,
): void {
  const plane = (<usize>size) << 2;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++, x += plane, y += plane) {
      const at = (<usize>c) << 2;
      const factor = <f32>(<f64>load<f32>(scale + at) / Math.sqrt(<f64>load<f32>(variance + at) + epsilon));
      scaleRow(x, y, size, load<f32>(mean + at), factor, load<f32>(bias + at));
    }
}

/** Gradients of `batchNormInference` in all five operands. */
export function batchNormInferenceGrad(
  dy: usize,
  x: usize,
  scale: usize,
  mean: usize,
  variance: usize,
  dx: usize,
  dscale: usize,
  dbias: usize,
  dmean: usize,
  dvariance: usize,
  batch: i32,
  channels: i32,
  size: i32,
  epsilon: f64,
): void {
  const plane = (<usize>size) << 2;
  const image = <usize>channels * plane;
  for (let c = 0; c < channels; c++) {
    const at = (<usize>c) << 2;
    const first = <usize>c * plane;
    if (clearUnread(dy + first, dx + first, batch, image, size)) {
      store<f32>(dscale + at, 0);
      store<f32>(dbias + at, 0);
      store<f32>(dmean + at, 0);
      store<f32>(dvariance + at, 0);
      continue;
    }
    const middle = <f64>load<f32>(mean + at);
    const inverse = 1 / Math.sqrt(<f64>load<f32>(variance + at) + epsilon);
    const factor = <f64>load<f32>(scale + at) * inverse;
    let sum: f64 = 0;
    let weighted: f64 = 0;
    for (let n = 0; n < batch; n++) {
      const offset = <usize>c * plane + <usize>n * image;
      sum += sumRow(dy + offset, size);
      weighted += sumProducts(dy + offset, x + offset, size, middle);
      scaleRow(dy + offset, dx + offset, size, 0, <f32>factor, 0);
    }
    store<f32>(dscale + at, <f32>(weighted * inverse));
    store<f32>(dbias + at, <f32>sum);
    store<f32>(dmean + at, <f32>(-factor * sum));
    store<f32>(dvariance + at, <f32>(-0.5 * factor * inverse * inverse * weighted));
  }
}

export function groupNorm(
  x: usize,
  scale: usize,
  bias: usize,
  y: usize,
  mean: usize,
  invStd: usize,
  batch: i32,
  channels: i32,
  size: i32,
  groups: i32,
  epsilon: f64,
): void {
  const perGroup = channels / groups;
  const count = perGroup * size;
  const plane = (<usize>size) << 2;
  for (let group = 0; group < batch * groups; group++, mean += 4, invStd += 4) {
    const centre = sumRow(x, count) / <f64>count;
    const inverse = <f32>(1 / Math.sqrt(sumSquares(x, count, centre) / <f64>count + epsilon));
    store<f32>(mean, <f32>centre);
    store<f32>(invStd, inverse);
    for (let c = 0; c < perGroup; c++, x += plane, y += plane) {
      const at = (<usize>((group % groups) * perGroup + c)) << 2;
      scaleRow(x, y, size, <f32>centre, inverse * load<f32>(scale + at), load<f32>(bias + at));
    }
  }
}

export function groupNormGrad(
  dy: usize,
  x: usize,
  scale: usize,
  mean: usize,
  invStd: usize,
  dx: usize,
  dscale: usize,
  dbias: usize,
  batch: i32,
  channels: i32,
  size: i32,
  groups: i32,
): void {
  const perGroup = channels / groups;
  const count = <f64>(perGroup * size);
  const plane = (<usize>size) << 2;
  memory.fill(dscale, 0, (<usize>channels) << 2);
  memory.fill(dbias, 0, (<usize>channels) << 2);
  for (let group = 0; group < batch * groups; group++) {
    const start = <usize>(group * perGroup) * plane;
    if (isZeroRow(dy + start, perGroup * size)) {
      memory.fill(dx + start, 0, <usize>perGroup * plane);
      continue;
    }
    const middle = load<f32>(mean + ((<usize>group) << 2));
    const inverse = load<f32>(invStd + ((<usize>group) << 2));
    const first = (<usize>((group % groups) * perGroup)) << 2;
    let sum: f64 = 0;
    let weighted: f64 = 0;
    for (let c = 0; c < perGroup; c++) {
      const offset = <usize>(group * perGroup + c) * plane;
      const at = first + ((<usize>c) << 2);
      const channelSum = sumRow(dy + offset, size);
      const channelWeighted = sumProducts(dy + offset, x + offset, size, <f64>middle);
      const factor = <f64>load<f32>(scale + at);
      sum += channelSum * factor;
      weighted += channelWeighted * factor;
      store<f32>(dscale + at, <f32>(<f64>load<f32>(dscale + at) + channelWeighted * <f64>inverse));
      store<f32>(dbias + at, <f32>(<f64>load<f32>(dbias + at) + channelSum));
    }
    const meanGradient = sum / count;
    const slope = (weighted * <f64>inverse * <f64>inverse) / count;
    for (let c = 0; c < perGroup; c++) {
      const offset = <usize>(group * perGroup + c) * plane;
      const factor = load<f32>(scale + first + ((<usize>c) << 2));
      gradGroupRow(dy + offset, x + offset, dx + offset, size, middle, factor, inverse, <f32>meanGradient, <f32>slope);
    }
  }
}

/** dx = inverse * (dy * factor - meanGradient - (x - middle) * slope) over a row. */
function gradGroupRow(
  dy: usize,
  x: usize,
  dx: usize,
  count: i32,
  middle: f32,
  factor: f32,
  inverse: f32,
  meanGradient: f32,
  slope: f32,
): void {
  const m = splat(middle);
  const f = splat(factor);
  const g = splat(meanGradient);
  const s = splat(slope);
  const i = splat(inverse);
  for (; count >= 4; count -= 4, dy += 16, x += 16, dx += 16) {
    const centred = f32x4.mul(f32x4.sub(v128.load(x), m), s);
    v128.store(dx, f32x4.mul(i, f32x4.sub(f32x4.sub(f32x4.mul(v128.load(dy), f), g), centred)));
  }
  for (; count > 0; count--, dy += 4, x += 4, dx += 4)
    store<f32>(dx, inverse * (load<f32>(dy) * factor - meanGradient - (load<f32>(x) - middle) * slope));
}

export function layerNorm(
  x: usize,
  scale: usize,
  bias: usize,
  y: usize,
  mean: usize,
  invStd: usize,
  rows: i32,
  width: i32,
  epsilon: f64,
): void {
  const row = (<usize>width) << 2;
  for (let r = 0; r < rows; r++, x += row, y += row, mean += 4, invStd += 4) {
    const centre = sumRow(x, width) / <f64>width;
    const inverse = <f32>(1 / Math.sqrt(sumSquares(x, width, centre) / <f64>width + epsilon));
    store<f32>(mean, <f32>centre);
    store<f32>(invStd, inverse);
    const m = splat(<f32>centre);
    const i = splat(inverse);
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const v = loadLanes(x + at, width - k);
      const s = loadLanes(scale + at, width - k);
      let z = f32x4.mul(f32x4.mul(f32x4.sub(v, m), i), s);
      if (bias != absent) z = f32x4.add(z, loadLanes(bias + at, width - k));
      storeLanes(y + at, width - k, z);
    }
  }
}

// @ts-ignore: decorator
@inline
function addTo(p: usize, count: i32, x: v128): void {
  storeLanes(p, count, f32x4.add(loadLanes(p, count), x));
}

export function layerNormGrad(
  dy: usize,
  x: usize,
  scale: usize,
  mean: usize,
  invStd: usize,
  dx: usize,
  dscale: usize,
  dbias: usize,
  rows: i32,
  width: i32,
): void {
  const row = (<usize>width) << 2;
  memory.fill(dscale, 0, row);
  if (dbias != absent) memory.fill(dbias, 0, row);
  for (let r = 0; r < rows; r++, dy += row, x += row, dx += row, mean += 4, invStd += 4) {
    if (isZeroRow(dy, width)) {
      memory.fill(dx, 0, row);
      continue;
    }
    const middle = load<f32>(mean);
    const inverse = load<f32>(invStd);
    const m = splat(middle);
    const i = splat(inverse);
    let sum = f64x2.splat(0);
    let weighted = f64x2.splat(0);
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const count = width - k;
      const g = loadLanes(dy + at, count);
      let normalized = f32x4.mul(f32x4.sub(loadLanes(x + at, count), m), i);
      if (count < 4) normalized = v128.and(normalized, firstLanes(count));
      const scaled = f32x4.mul(g, loadLanes(scale + at, count));
      const product = f32x4.mul(scaled, normalized);
      sum = f64x2.add(sum, f64x2.add(lowDoubles(scaled), highDoubles(scaled)));
      weighted = f64x2.add(weighted, f64x2.add(lowDoubles(product), highDoubles(product)));
      addTo(dscale + at, count, f32x4.mul(g, normalized));
      if (dbias != absent) addTo(dbias + at, count, g);
    }
    const meanGradient = splat(<f32>(sumDoubles(sum) / <f64>width));
    const slope = splat(<f32>((sumDoubles(weighted) * <f64>inverse) / <f64>width));
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const count = width - k;
      const g = loadLanes(dy + at, count);
      const v = loadLanes(x + at, count);
      const s = loadLanes(scale + at, count);
      const centred = f32x4.mul(f32x4.sub(v, m), slope);
      const z = f32x4.mul(i, f32x4.sub(f32x4.sub(f32x4.mul(g, s), meanGradient), centred));
      storeLanes(dx + at, count, z);
    }
  }
}

export function rmsNorm(x: usize, scale: usize, y: usize, invRms: usize, rows: i32, width: i32, epsilon: f64): void {
  const row = (<usize>width) << 2;
  for (let r = 0; r < rows; r++, x += row, y += row, invRms += 4) {
    const inverse = <f32>(1 / Math.sqrt(sumSquares(x, width, 0) / <f64>width + epsilon));
    store<f32>(invRms, inverse);
    const i = splat(inverse);
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const v = loadLanes(x + at, width - k);
      const s = loadLanes(scale + at, width - k);
      const z = f32x4.mul(f32x4.mul(v, i), s);
      storeLanes(y + at, width - k, z);
    }
  }
}

export function rmsNormGrad(
  dy: usize,
  x: usize,
  scale: usize,
  invRms: usize,
  dx: usize,
  dscale: usize,
  rows: i32,
  width: i32,
): void {
  const row = (<usize>width) << 2;
  memory.fill(dscale, 0, row);
  for (let r = 0; r < rows; r++, dy += row, x += row, dx += row, invRms += 4) {
    if (isZeroRow(dy, width)) {
      memory.fill(dx, 0, row);
      continue;
    }
    const inverse = load<f32>(invRms);
    const i = splat(inverse);
    let weighted = f64x2.splat(0);
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const count = width - k;
      const g = loadLanes(dy + at, count);
      const normalized = f32x4.mul(loadLanes(x + at, count), i);
      const scaled = f32x4.mul(g, loadLanes(scale + at, count));
      const product = f32x4.mul(scaled, normalized);
      weighted = f64x2.add(weighted, f64x2.add(lowDoubles(product), highDoubles(product)));
      addTo(dscale + at, count, f32x4.mul(g, normalized));
    }
    const slope = splat(<f32>((sumDoubles(weighted) * <f64>inverse) / <f64>width));
    for (let k = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const count = width - k;
      const g = loadLanes(dy + at, count);
      const v = loadLanes(x + at, count);
      const s = loadLanes(scale + at, count);
      const z = f32x4.mul(i, f32x4.sub(f32x4.mul(g, s), f32x4.mul(v, slope)));
      storeLanes(dx + at, count, z);
    }
  }
}

/** y [batch, channels, size] += bias [channels], in place. */
export function addChannelBias(bias: usize, y: usize, batch: i32, channels: i32, size: i32): void {
  const plane = (<usize>size) << 2;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++, y += plane) {
      const value = load<f32>(bias + ((<usize>c) << 2));
      const b = splat(value);
      let k = 0;
      for (; k + 4 <= size; k += 4) {
        const p = y + ((<usize>k) << 2);
        v128.store(p, f32x4.add(v128.load(p), b));
      }
      for (; k < size; k++) {
        const p = y + ((<usize>k) << 2);
        store<f32>(p, load<f32>(p) + value);
      }
    }
}
