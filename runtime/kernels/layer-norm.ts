/**
 * Layer normalisation of x [rows, width]. Statistics take two passes with double accumulators. Results may lie where x
 * or dy lies: each row is read before it is written.
 */
import type { Memory } from '../memory.ts';
import { clearRow, isZeroRow } from './zero-row.ts';

/** y = (x - mean) / sqrt(variance + epsilon) * scale + bias; `bias` is -1 where there is none. */
export function layerNorm(
  m: Memory,
  x: number,
  scale: number,
  bias: number,
  y: number,
  mean: number,
  invStd: number,
  rows: number,
  width: number,
  epsilon: number,
): void {
  const f = m.f32;
  const s = scale / 4;
  const b = bias / 4;
  for (let r = 0; r < rows; r++) {
    const i = x / 4 + r * width;
    const o = y / 4 + r * width;
    let sum = 0;
    for (let k = 0; k < width; k++) sum += f[i + k]!;
    const centre = sum / width;
    let squares = 0;
    for (let k = 0; k < width; k++) squares += (f[i + k]! - centre) * (f[i + k]! - centre);
    f[mean / 4 + r] = centre;
    f[invStd / 4 + r] = 1 / Math.sqrt(squares / width + epsilon);
    const middle = f[mean / 4 + r]!;
    const inverse = f[invStd / 4 + r]!;
    if (bias < 0) for (let k = 0; k < width; k++) f[o + k] = (f[i + k]! - middle) * inverse * f[s + k]!;
    else for (let k = 0; k < width; k++) f[o + k] = (f[i + k]! - middle) * inverse * f[s + k]! + f[b + k]!;
  }
}

/**
 * Gradients of `layerNorm`: dx, dscale [width], dbias [width]; `dbias` is -1 where it is not wanted. Rows whose gradient
 * is 0 count for nothing.
 */
export function layerNormGrad(
  m: Memory,
  dy: number,
  x: number,
  scale: number,
  mean: number,
  invStd: number,
  dx: number,
  dscale: number,
  dbias: number,
  rows: number,
  width: number,
): void {
  const f = m.f32;
  const s = scale / 4;
  const ds = dscale / 4;
  const db = dbias / 4;
  f.fill(0, ds, ds + width);
  if (dbias >= 0) f.fill(0, db, db + width);
  for (let r = 0; r < rows; r++) {
    const i = x / 4 + r * width;
    const j = dy / 4 + r * width;
    const o = dx / 4 + r * width;
    if (isZeroRow(f, j, width, 1)) {
      clearRow(f, o, width, 1);
      continue;
    }
    const middle = f[mean / 4 + r]!;
    const inverse = f[invStd / 4 + r]!;
    let sum = 0;
    let weighted = 0;
    for (let k = 0; k < width; k++) {
      const normalized = (f[i + k]! - middle) * inverse;
      const gradient = f[j + k]!;
      const scaled = gradient * f[s + k]!;
      sum += scaled;
      weighted += scaled * normalized;
      f[ds + k] = f[ds + k]! + gradient * normalized;
      if (dbias >= 0) f[db + k] = f[db + k]! + gradient;
    }
    const meanGradient = sum / width;
    const slope = (weighted * inverse) / width;
    for (let k = 0; k < width; k++)
      f[o + k] = inverse * (f[j + k]! * f[s + k]! - meanGradient - (f[i + k]! - middle) * slope);
  }
}
