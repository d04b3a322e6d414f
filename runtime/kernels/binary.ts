/**
 * Elementwise kernels of two float operands with broadcasting; see broadcast.ts for dims and strides. Right in place on
 * an operand that is not stretched.
 */
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

export function subtract(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! - f[j]!;
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

export function divide(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! / f[j]!;
  }
}

export function power(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! ** f[j]!;
  }
}

export function minimum(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = Math.min(f[i]!, f[j]!);
  }
}

export function maximum(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = Math.max(f[i]!, f[j]!);
  }
}

/** The remainder that has the sign of the divisor. */
export function modulo(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = floorModulo(f[i]!, f[j]!);
  }
}

/** The remainder that has the sign of the dividend (C's fmod). */
export function remainder(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) f[o++] = f[i]! % f[j]!;
  }
}

export function prelu(
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
    for (let k = 0; k < width; k++, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = p < 0 ? p * q : p;
    }
  }
}

/** p mod q with the sign of q; exact, as % is. */
export function floorModulo(p: number, q: number): number {
  const r = p % q;
  return r !== 0 && r < 0 !== q < 0 ? r + q : r;
}
