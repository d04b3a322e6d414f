/** Reductions of float tensors over strided dimensions. */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';

/**
 * out[j] = sum of x over the dimensions whose output stride is 0. `dims` walk x in row-major order, `strides` lead
 * into `out`, which has `count` elements.
 */
export function sumTo(
  m: Memory,
  x: number,
  out: number,
  count: number,
  dims: readonly number[],
  strides: readonly number[],
): void {
  const f = m.f32;
  const base = out / 4;
  f.fill(0, base, base + count);
  const width = dims[dims.length - 1]!;
  const stride = strides[dims.length - 1]!;
  let i = x / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let o = base + rowOffset(dims, strides);
    if (stride === 0) {
      let sum = f[o]!;
      for (let k = 0; k < width; k++) sum += f[i++]!;
      f[o] = sum;
    } else {
      for (let k = 0; k < width; k++, o += stride) f[o] = f[o]! + f[i++]!;
    }
  }
}
