/**
 * Elementwise arithmetic of integers with broadcasting, for every integer type (see elements.ts and broadcast.ts).
 * Storing wraps results to the width of the type; int64 is exact up to 2^53. Division truncates toward zero; a division
 * by zero has no meaning and stores zero in the narrow types. `+ 0` keeps -0 out of int64, which is stored as a double.
 */
import type { Memory } from '../memory.ts';
import { floorModulo } from './binary.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';
import { elementBytes, elementsOf } from './elements.ts';

export function addIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = e[i]! + e[j]!;
  }
}

export function subtractIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = e[i]! - e[j]!;
  }
}

export function multiplyIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb)
      e[o++] = bytes === 4 ? Math.imul(e[i]!, e[j]!) : e[i]! * e[j]! + 0;
  }
}

export function divideIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = Math.trunc(e[i]! / e[j]!) + 0;
  }
}

export function powerIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = Math.trunc(e[i]! ** e[j]!) + 0;
  }
}

export function minimumIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = Math.min(e[i]!, e[j]!);
  }
}

export function maximumIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = Math.max(e[i]!, e[j]!);
  }
}

export function moduloIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = floorModulo(e[i]!, e[j]!) + 0;
  }
}

export function remainderIntegers(
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
  const width = dims[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, i += sa, j += sb) e[o++] = (e[i]! % e[j]!) + 0;
  }
}
