/** Softmax and its logarithm over the middle dimension of [outer, extent, inner]; may run in place. */
import type { FloatArray, Memory } from '../memory.ts';
import { clearRow, isZeroRow } from './zero-row.ts';

function largest(f: FloatArray, start: number, end: number, step: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < end; k += step) max = Math.max(max, f[start + k]!);
  return max;
}

/** Exponentials of a row less `max`, divided by their sum. */
function normalize(f: FloatArray, i: number, o: number, end: number, step: number, max: number): void {
  let sum = 0;
  for (let k = 0; k < end; k += step) {
    const value = Math.exp(f[i + k]! - max);
    f[o + k] = value;
    sum += value;
  }
  const scale = 1 / sum;
  for (let k = 0; k < end; k += step) f[o + k] = f[o + k]! * scale;
}

/** out = exp(x - max) / sum of the same. */
export function softmax(m: Memory, x: number, out: number, outer: number, extent: number, inner: number): void {
  const f = m.f32;
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * extent * inner + (row % inner);
    const i = x / 4 + start;
    const end = extent * inner;
    normalize(f, i, out / 4 + start, end, inner, largest(f, i, end, inner));
  }
}

/** As `softmax`, but zeros for a row of nothing but minus infinity: all of it is masked out. */
export function maskedSoftmax(m: Memory, x: number, out: number, outer: number, extent: number, inner: number): void {
  const f = m.f32;
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * extent * inner + (row % inner);
    const i = x / 4 + start;
    const end = extent * inner;
    const max = largest(f, i, end, inner);
    if (max === Number.NEGATIVE_INFINITY) clearRow(f, out / 4 + start, extent, inner);
    else normalize(f, i, out / 4 + start, end, inner, max);
  }
}

/** dx = y (dy - sum of dy y), and 0 where dy is 0 all along the row; may run in place on dy or y. */
export function softmaxGrad(
  m: Memory,
  dy: number,
  y: number,
  dx: number,
  outer: number,
  extent: number,
  inner: number,
): void {
  const f = m.f32;
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * extent * inner + (row % inner);
    const i = dy / 4 + start;
    const j = y / 4 + start;
    const o = dx / 4 + start;
    const end = extent * inner;
    if (isZeroRow(f, i, extent, inner)) {
      clearRow(f, o, extent, inner);
      continue;
    }
    let sum = 0;
    for (let k = 0; k < end; k += inner) sum += f[i + k]! * f[j + k]!;
    for (let k = 0; k < end; k += inner) f[o + k] = f[j + k]! * (f[i + k]! - sum);
  }
}

/** out = x - max - log(sum of exp(x - max)). */
export function logSoftmax(m: Memory, x: number, out: number, outer: number, extent: number, inner: number): void {
  const f = m.f32;
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * extent * inner + (row % inner);
    const i = x / 4 + start;
    const o = out / 4 + start;
    const end = extent * inner;
    const max = largest(f, i, end, inner);
    let sum = 0;
    for (let k = 0; k < end; k += inner) sum += Math.exp(f[i + k]! - max);
    const shift = Math.log(sum);
    for (let k = 0; k < end; k += inner) f[o + k] = f[i + k]! - max - shift;
  }
}

/** dx = dy - exp(y) (sum of dy); and 0 where dy is 0 all along the row; may run in place on dy or y. */
export function logSoftmaxGrad(
  m: Memory,
  dy: number,
  y: number,
  dx: number,
  outer: number,
  extent: number,
  inner: number,
): void {
  const f = m.f32;
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * extent * inner + (row % inner);
    const i = dy / 4 + start;
    const j = y / 4 + start;
    const o = dx / 4 + start;
    const end = extent * inner;
    if (isZeroRow(f, i, extent, inner)) {
      clearRow(f, o, extent, inner);
      continue;
    }
    let sum = 0;
    for (let k = 0; k < end; k += inner) sum += f[i + k]!;
    for (let k = 0; k < end; k += inner) f[o + k] = f[i + k]! - Math.exp(f[j + k]!) * sum;
  }
}
