/** Comparisons of two operands of any one type, with broadcasting; the result is 0 or 1 (bool). */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';
import { elementBytes, elementsOf } from './elements.ts';

export function equal(
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = e[i]! === e[j]! ? 1 : 0;
  }
}

export function less(
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = e[i]! < e[j]! ? 1 : 0;
  }
}

export function lessEqual(
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = e[i]! <= e[j]! ? 1 : 0;
  }
}

export function greater(
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = e[i]! > e[j]! ? 1 : 0;
  }
}

export function greaterEqual(
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) flags[o++] = e[i]! >= e[j]! ? 1 : 0;
  }
}
