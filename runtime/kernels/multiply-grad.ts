/**
 * Products and quotients of a gradient, with broadcasting; see broadcast.ts for dims and strides. Where dy is 0 the result
 * is 0, whatever b is. Right in place on an operand that is not stretched.
 */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

/** dy * b: of a product in the other factor. */
export function multiplyGrad(
  m: Memory,
  dy: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, j += sb) f[o++] = f[d] === 0 ? 0 : f[d]! * f[j]!;
  }
}

/** dy / b: of a quotient in the dividend. */
export function divideGrad(
  m: Memory,
  dy: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const sd = stridesDy[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let d = dy / 4 + rowOffset(dims, stridesDy);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, d += sd, j += sb) f[o++] = f[d] === 0 ? 0 : f[d]! / f[j]!;
  }
}
