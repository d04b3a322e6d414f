/**
 * Batch normalisation over x [batch, channels, size]. Statistics take two passes (the mean, then the centred squares)
 * with double accumulators. Results may lie where x or dy lies: each channel is read before it is written.
 */
import type { FloatArray, Memory } from '../memory.ts';
import { clearRow, isZeroRow } from './zero-row.ts';

/** y = (x - mean) / sqrt(variance + epsilon) * scale + bias per channel; keeps mean and inverse deviation. */
export function batchNorm(
  m: Memory,
  x: number,
  scale: number,
  bias: number,
  y: number,
  mean: number,
  invStd: number,
  batch: number,
  channels: number,
  size: number,
  epsilon: number,
): void {
  const f = m.f32;
  const count = batch * size;
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let n = 0; n < batch; n++) {
      const start = x / 4 + (n * channels + c) * size;
      for (let i = start; i < start + size; i++) sum += f[i]!;
    }
    const centre = sum / count;
    let squares = 0;
    for (let n = 0; n < batch; n++) {
      const start = x / 4 + (n * channels + c) * size;
      for (let i = start; i < start + size; i++) squares += (f[i]! - centre) * (f[i]! - centre);
    }
    f[mean / 4 + c] = centre;
    f[invStd / 4 + c] = 1 / Math.sqrt(squares / count + epsilon);
    const factor = f[scale / 4 + c]! * f[invStd / 4 + c]!;
    const shift = f[bias / 4 + c]!;
    const middle = f[mean / 4 + c]!;
    scaleChannel(f, x, y, c, batch, channels, size, middle, factor, shift);
  }
}

/** y = (x - middle) * factor + shift over one channel. */
function scaleChannel(
  f: FloatArray,
  x: number,
  y: number,
  c: number,
  batch: number,
  channels: number,
  size: number,
  middle: number,
  factor: number,
  shift: number,
): void {
  for (let n = 0; n < batch; n++) {
    let i = x / 4 + (n * channels + c) * size;
    const o = y / 4 + (n * channels + c) * size;
    for (let j = o; j < o + size; j++, i++) f[j] = (f[i]! - middle) * factor + shift;
  }
}

/**
 * Where the gradient of a channel is 0 all over: clears dx there, and tells so. Nothing of the channel counts then, also
 * where it is infinite or NaN.
 */
function clearUnread(
  f: FloatArray,
  dy: number,
  dx: number,
  c: number,
  batch: number,
  channels: number,
  size: number,
): boolean {
  for (let n = 0; n < batch; n++) if (!isZeroRow(f, dy / 4 + (n * channels + c) * size, size, 1)) return false;
  for (let n = 0; n < batch; n++) clearRow(f, dx / 4 + (n * channels + c) * size, size, 1);
  return true;
}

/** Gradients of `batchNorm`: dx, dscale [channels], dbias [channels]. */
export function batchNormGrad(
  m: Memory,
  dy: number,
  x: number,
  scale: number,
  mean: number,
  invStd: number,
  dx: number,
  dscale: number,
  dbias: number,
  batch: number,
  channels: number,
  size: number,
): void {
  const f = m.f32;
  const count = batch * size;
  for (let c = 0; c < channels; c++) {
    if (clearUnread(f, dy, dx, c, batch, channels, size)) {
      for (const result of [dscale, dbias]) f[result / 4 + c] = 0;
      continue;
    }
    const middle = f[mean / 4 + c]!;
    const inverse = f[invStd / 4 + c]!;
    let sum = 0;
    let weighted = 0;
    for (let n = 0; n < batch; n++) {
      let i = x / 4 + (n * channels + c) * size;
      const start = dy / 4 + (n * channels + c) * size;
      for (let j = start; j < start + size; j++, i++) {
        sum += f[j]!;
        weighted += f[j]! * (f[i]! - middle);
      }
    }
    const factor = f[scale / 4 + c]! * inverse;
    const meanGradient = sum / count;
    const slope = (weighted * inverse * inverse) / count;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * size;
      let i = x / 4 + start;
      let j = dy / 4 + start;
      const end = dx / 4 + start + size;
      for (let o = dx / 4 + start; o < end; o++, i++, j++)
        f[o] = factor * (f[j]! - meanGradient - (f[i]! - middle) * slope);
    }
    f[dscale / 4 + c] = weighted * inverse;
    f[dbias / 4 + c] = sum;
  }
}

/** y = (x - mean) / sqrt(variance + epsilon) * scale + bias, with given statistics. */
export function batchNormInference(
  m: Memory,
  x: number,
  scale: number,
  bias: number,
  mean: number,
  variance: number,
  y: number,
  batch: number,
  channels: number,
  size: number,
  epsilon: number,
): void {
  const f = m.f32;
  for (let c = 0; c < channels; c++) {
    const factor = f[scale / 4 + c]! / Math.sqrt(f[variance / 4 + c]! + epsilon);
    scaleChannel(f, x, y, c, batch, channels, size, f[mean / 4 + c]!, factor, f[bias / 4 + c]!);
  }
}

/** Gradients of `batchNormInference` in all five operands. */
export function batchNormInferenceGrad(
  m: Memory,
  dy: number,
  x: number,
  scale: number,
  mean: number,
  variance: number,
  dx: number,
  dscale: number,
  dbias: number,
  dmean: number,
  dvariance: number,
  batch: number,
  channels: number,
  size: number,
  epsilon: number,
): void {
  const f = m.f32;
  for (let c = 0; c < channels; c++) {
    if (clearUnread(f, dy, dx, c, batch, channels, size)) {
      for (const result of [dscale, dbias, dmean, dvariance]) f[result / 4 + c] = 0;
      continue;
    }
    const middle = f[mean / 4 + c]!;
    const inverse = 1 / Math.sqrt(f[variance / 4 + c]! + epsilon);
    const factor = f[scale / 4 + c]! * inverse;
    let sum = 0;
    let weighted = 0;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * size;
      let i = x / 4 + start;
      let j = dy / 4 + start;
      const end = dx / 4 + start + size;
      for (let o = dx / 4 + start; o < end; o++, i++, j++) {
        const gradient = f[j]!;
        sum += gradient;
        weighted += gradient * (f[i]! - middle);
        f[o] = gradient * factor;
      }
    }
    f[dscale / 4 + c] = weighted * inverse;
    f[dbias / 4 + c] = sum;
    f[dmean / 4 + c] = -factor * sum;
    f[dvariance / 4 + c] = -0.5 * factor * inverse * inverse * weighted;
  }
}

/**
 * Moves running statistics towards a batch's: new = old * momentum + batch * (1 - momentum). The batch's population
 * variance is recovered from its inverse deviation. In place.
 */
export function batchNormUpdate(
  m: Memory,
  runningMean: number,
  runningVariance: number,
  mean: number,
  invStd: number,
  newMean: number,
  newVariance: number,
  channels: number,
  momentum: number,
  epsilon: number,
): void {
  const f = m.f32;
  for (let c = 0; c < channels; c++) {
    const inverse = f[invStd / 4 + c]!;
    const variance = Math.max(0, 1 / (inverse * inverse) - epsilon);
    f[newMean / 4 + c] = f[runningMean / 4 + c]! * momentum + f[mean / 4 + c]! * (1 - momentum);
    f[newVariance / 4 + c] = f[runningVariance / 4 + c]! * momentum + variance * (1 - momentum);
  }
}
