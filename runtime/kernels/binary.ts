/** Elementwise kernels of two float operands with broadcasting; see broadcast.ts for dims and strides. */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

export function add(
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! + f[j]!;
  }
}

export function multiply(
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! * f[j]!;
  }
}
