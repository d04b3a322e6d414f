/**
 * Group normalisation of x [batch, channels, size], channels in `groups` (Wu and He 2018). Results may lie where x or
 * dy lies: each group is read before it is written.
 */
import type { Memory } from '../memory.ts';
import { clearRow, isZeroRow } from './zero-row.ts';

/** y = (x - mean) / sqrt(variance + epsilon) * scale + bias, statistics [batch, groups], scale and bias [channels]. */
export function groupNorm(
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
  groups: number,
  epsilon: number,
): void {
  const f = m.f32;
  const perGroup = channels / groups;
  const count = perGroup * size;
  for (let group = 0; group < batch * groups; group++) {
    const start = x / 4 + group * count;
    let sum = 0;
    for (let i = start; i < start + count; i++) sum += f[i]!;
    const centre = sum / count;
    let squares = 0;
    for (let i = start; i < start + count; i++) squares += (f[i]! - centre) * (f[i]! - centre);
    f[mean / 4 + group] = centre;
    f[invStd / 4 + group] = 1 / Math.sqrt(squares / count + epsilon);
    const middle = f[mean / 4 + group]!;
    const inverse = f[invStd / 4 + group]!;
    for (let c = 0; c < perGroup; c++) {
      const channel = (group % groups) * perGroup + c;
      const factor = inverse * f[scale / 4 + channel]!;
      const shift = f[bias / 4 + channel]!;
      let i = start + c * size;
      const o = y / 4 + group * count + c * size;
      for (let j = o; j < o + size; j++, i++) f[j] = (f[i]! - middle) * factor + shift;
    }
  }
}

/** Gradients of `groupNorm`: dx, dscale [channels], dbias [channels]. Groups whose gradient is 0 count for nothing. */
export function groupNormGrad(
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
  groups: number,
): void {
  const f = m.f32;
  const perGroup = channels / groups;
  const count = perGroup * size;
  f.fill(0, dscale / 4, dscale / 4 + channels);
  f.fill(0, dbias / 4, dbias / 4 + channels);
  for (let group = 0; group < batch * groups; group++) {
    if (isZeroRow(f, dy / 4 + group * count, count, 1)) {
      clearRow(f, dx / 4 + group * count, count, 1);
      continue;
    }
    const middle = f[mean / 4 + group]!;
    const inverse = f[invStd / 4 + group]!;
    const first = (group % groups) * perGroup;
    let sum = 0;
    let weighted = 0;
    for (let c = 0; c < perGroup; c++) {
      let i = x / 4 + group * count + c * size;
      const start = dy / 4 + group * count + c * size;
      let channelSum = 0;
      let channelWeighted = 0;
      for (let j = start; j < start + size; j++, i++) {
        channelSum += f[j]!;
        channelWeighted += f[j]! * (f[i]! - middle);
      }
      const factor = f[scale / 4 + first + c]!;
      sum += channelSum * factor;
      weighted += channelWeighted * factor;
      const ds = dscale / 4 + first + c;
      const db = dbias / 4 + first + c;
      f[ds] = f[ds]! + channelWeighted * inverse;
      f[db] = f[db]! + channelSum;
    }
    const meanGradient = sum / count;
    const slope = (weighted * inverse * inverse) / count;
    for (let c = 0; c < perGroup; c++) {
      const factor = f[scale / 4 + first + c]!;
      const start = group * count + c * size;
      let i = x / 4 + start;
      let j = dy / 4 + start;
      const end = dx / 4 + start + size;
      for (let o = dx / 4 + start; o < end; o++, i++, j++)
        f[o] = inverse * (factor * f[j]! - meanGradient - (f[i]! - middle) * slope);
    }
  }
}
