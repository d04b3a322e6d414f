/**
 * Gradients of elementwise kernels of two operands with broadcasting, before they are summed to an operand's shape. Right
 * in place on operands that are not stretched. Where dy is 0 the result is 0, whatever the operands are.
 */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

/** d(a ** b) / da = b a^(b - 1); 0 where b is, also for a = 0. */
export function powerGradBase(
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = q === 0 || f[d] === 0 ? 0 : f[d]! * q * p ** (q - 1);
    }
  }
}

/** d(a ** b) / db = a^b log(a); 0 for a = 0, NaN for a < 0. */
export function powerGradExponent(
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = (p === 0 && q >= 0) || f[d] === 0 ? 0 : f[d]! * p ** q * Math.log(p);
    }
  }
}

/** dy where a is the smaller, half of it where both are. */
export function minimumGrad(
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = p < q ? f[d]! : p === q ? f[d]! / 2 : 0;
    }
  }
}

/** dy where a is the larger, half of it where both are. */
export function maximumGrad(
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = p > q ? f[d]! : p === q ? f[d]! / 2 : 0;
    }
  }
}

/** dy where a is positive, else dy * b. */
export function preluGrad(
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, i += sa, j += sb) {
      const p = f[i]!;
      const q = f[j]!;
      f[o++] = p > 0 || f[d] === 0 ? f[d]! : f[d]! * q;
    }
  }
}
