/** Root-mean-square normalisation of x [rows, width] (Zhang and Sennrich 2019); may run in place on x or dy. */
import type { Memory } from '../memory.ts';
import { clearRow, isZeroRow } from './zero-row.ts';

/** y = x / sqrt(mean of squares + epsilon) * scale; keeps the inverse root. */
export function rmsNorm(
  m: Memory,
  x: number,
  scale: number,
  y: number,
  invRms: number,
  rows: number,
  width: number,
  epsilon: number,
): void {
  const f = m.f32;
  const s = scale / 4;
  for (let r = 0; r < rows; r++) {
    const i = x / 4 + r * width;
    const o = y / 4 + r * width;
    let squares = 0;
    for (let k = 0; k < width; k++) squares += f[i + k]! * f[i + k]!;
    f[invRms / 4 + r] = 1 / Math.sqrt(squares / width + epsilon);
    const inverse = f[invRms / 4 + r]!;
    for (let k = 0; k < width; k++) f[o + k] = f[i + k]! * inverse * f[s + k]!;
  }
}

/** Gradients of `rmsNorm`: dx, dscale [width]. Rows whose gradient is 0 count for nothing. */
export function rmsNormGrad(
  m: Memory,
  dy: number,
  x: number,
  scale: number,
  invRms: number,
  dx: number,
  dscale: number,
  rows: number,
  width: number,
): void {
  const f = m.f32;
  const s = scale / 4;
  const ds = dscale / 4;
  f.fill(0, ds, ds + width);
  for (let r = 0; r < rows; r++) {
    const i = x / 4 + r * width;
    const j = dy / 4 + r * width;
    const o = dx / 4 + r * width;
    if (isZeroRow(f, j, width, 1)) {
      clearRow(f, o, width, 1);
      continue;
    }
    const inverse = f[invRms / 4 + r]!;
    let weighted = 0;
    for (let k = 0; k < width; k++) {
      const normalized = f[i + k]! * inverse;
      weighted += f[j + k]! * f[s + k]! * normalized;
      f[ds + k] = f[ds + k]! + f[j + k]! * normalized;
    }
    const slope = (weighted * inverse) / width;
    for (let k = 0; k < width; k++) f[o + k] = inverse * (f[j + k]! * f[s + k]! - f[i + k]! * slope);
  }
}
