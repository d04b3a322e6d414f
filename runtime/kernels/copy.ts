/**
 * Copies between a contiguous and a strided tensor: broadcasts, transpositions, slices and tiles read under strides;
 * concatenations and zero padding write under them. The float kernels stand apart from the generic ones for speed; which
 * inner loop runs depends on dims and strides alone.
 */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** Rows at least this long are moved as blocks. */
const blockRow = 16;
/** Edge of the square tiles in which two swapped dimensions are walked, so that both sides stay in cache. */
const tile = 16;

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
  if (stride > 1 && dims.length > 1 && strides[dims.length - 2] === 1) {
    copyTransposed(m, x, out, dims, strides);
    return;
  }
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = x / 4 + rowOffset(dims, strides);
    if (stride === 1 && width >= blockRow) {
      f.copyWithin(o, i, i + width);
      o += width;
    } else for (let k = 0; k < width; k++, i += stride) f[o++] = f[i]!;
  }
}

/** copyStrided where the last two dimensions are swapped in x. */
function copyTransposed(m: Memory, x: number, out: number, dims: readonly number[], strides: readonly number[]): void {
  const f = m.f32;
  const columns = dims[dims.length - 1]!;
  const rows = dims[dims.length - 2]!;
  const stride = strides[dims.length - 1]!;
  const outer = dims.length - 2;
  let o = out / 4;
  for (let plane = beginRows(dims, outer); plane > 0; plane--, nextRow(dims, outer), o += rows * columns) {
    const i = x / 4 + rowOffset(dims, strides, outer);
    for (let r = 0; r < rows; r += tile) {
      const rowEnd = Math.min(rows, r + tile);
      for (let c = 0; c < columns; c += tile) {
        const columnEnd = Math.min(columns, c + tile);
        for (let row = r; row < rowEnd; row++) {
          let from = i + row + c * stride;
          for (let to = o + row * columns + c; to < o + row * columns + columnEnd; to++, from += stride)
            f[to] = f[from]!;
        }
      }
    }
  }
}

/** The same for any element type. */
export function copyStridedElements(
  m: Memory,
  type: number,
  x: number,
  out: number,
  dims: readonly number[],
  strides: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const width = dims[dims.length - 1]!;
  const stride = strides[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let i = x / bytes + rowOffset(dims, strides);
    for (let k = 0; k < width; k++, i += stride) e[o++] = e[i]!;
  }
}

/** out, written under `strides`, = x (contiguous, extents `dims`). */
export function copyInto(m: Memory, x: number, out: number, dims: readonly number[], strides: readonly number[]): void {
  const f = m.f32;
  const width = dims[dims.length - 1]!;
  const stride = strides[dims.length - 1]!;
  let i = x / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let o = out / 4 + rowOffset(dims, strides);
    if (stride === 1 && width >= blockRow) {
      f.copyWithin(o, i, i + width);
      i += width;
    } else for (let k = 0; k < width; k++, o += stride) f[o] = f[i++]!;
  }
}

/** The same for any element type. */
export function copyIntoElements(
  m: Memory,
  type: number,
  x: number,
  out: number,
  dims: readonly number[],
  strides: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const width = dims[dims.length - 1]!;
  const stride = strides[dims.length - 1]!;
  let i = x / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let o = out / bytes + rowOffset(dims, strides);
    for (let k = 0; k < width; k++, o += stride) e[o] = e[i++]!;
  }
}

/** `count` elements of any type set to `value`. */
export function fillElements(m: Memory, type: number, out: number, count: number, value: number): void {
  const first = out / elementBytes(type);
  elementsOf(m, type).fill(value, first, first + count);
}
