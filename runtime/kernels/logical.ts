/** Logic on bools stored as 0 or 1, and tests of floats that give bools. */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

export function logicalAnd(
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a + rowOffset(dims, stridesA);
    let j = b + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = flags[i]! & flags[j]!;
  }
}

export function logicalOr(
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a + rowOffset(dims, stridesA);
    let j = b + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = flags[i]! | flags[j]!;
  }
}

export function logicalXor(
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a + rowOffset(dims, stridesA);
    let j = b + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = flags[i]! ^ flags[j]!;
  }
}

export function logicalNot(m: Memory, x: number, y: number, count: number): void {
  const flags = m.u8;
  for (let k = 0; k < count; k++) flags[y + k] = 1 - flags[x + k]!;
}

export function isNan(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const flags = m.u8;
  const i = x / 4;
  for (let k = 0; k < count; k++) flags[y + k] = Number.isNaN(f[i + k]!) ? 1 : 0;
}

/** `positive` and `negative` (0 or 1) say which infinities count. */
export function isInf(m: Memory, x: number, y: number, count: number, positive: number, negative: number): void {
  const f = m.f32;
  const flags = m.u8;
  const i = x / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    flags[y + k] = v === Number.POSITIVE_INFINITY ? positive : v === Number.NEGATIVE_INFINITY ? negative : 0;
  }
}
