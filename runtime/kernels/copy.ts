/** Strided copies: broadcasts, transpositions, slices. */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

/** out (contiguous, extents `dims`) = x read under `strides`. */
export function copyStrided(
  m: Memory,
  x: number,
  out: number,
  dims: readonly number[],
  strides: readonly number[],
): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const stride = strides[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = x / 4 + rowOffset(dims, strides);
    for (let k = 0; k < width; k++, i += stride) f[o++] = f[i]!;
  }
}
