/**
 * Padding with elements of the tensor itself, and its adjoint. `mode`: 0 repeats the edge, 1 reflects about it, 2 wraps
 * round. `extents` are those of the operand, `padded` those of the result, `before` the elements added ahead; each list
 * has at least one entry.
 */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** Index within [0, extent) of the element shown at `index`, which may lie outside. */
function shown(index: number, extent: number, mode: number): number {
  if (index >= 0 && index < extent) return index;
  if (mode === 0) return index < 0 ? 0 : extent - 1;
  const period = mode === 1 ? Math.max(1, 2 * (extent - 1)) : extent;
  const within = ((index % period) + period) % period;
  return within < extent ? within : period - within;
}

/** Element offset, in the operand, of the start of row `row` of the result. */
function sourceRow(
  row: number,
  mode: number,
  extents: readonly number[],
  padded: readonly number[],
  before: readonly number[],
): number {
  let rest = row;
  let stride = extents[extents.length - 1]!;
  let offset = 0;
  for (let d = padded.length - 2; d >= 0; d--) {
    const index = rest % padded[d]!;
    rest = (rest - index) / padded[d]!;
    offset += shown(index - before[d]!, extents[d]!, mode) * stride;
    stride *= extents[d]!;
  }
  return offset;
}

function rowCount(padded: readonly number[]): number {
  let rows = 1;
  for (let d = 0; d < padded.length - 1; d++) rows *= padded[d]!;
  return rows;
}

export function padBorder(
  m: Memory,
  type: number,
  x: number,
  out: number,
  mode: number,
  extents: readonly number[],
  padded: readonly number[],
  before: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const last = padded.length - 1;
  const width = padded[last]!;
  const rows = rowCount(padded);
  let o = out / bytes;
  for (let row = 0; row < rows; row++) {
    const start = x / bytes + sourceRow(row, mode, extents, padded, before);
    for (let k = 0; k < width; k++) e[o++] = e[start + shown(k - before[last]!, extents[last]!, mode)]!;
  }
}

/** dx = the sums of the elements of dy at which each element of x was shown. */
export function padBorderGrad(
  m: Memory,
  dy: number,
  dx: number,
  mode: number,
  extents: readonly number[],
  padded: readonly number[],
  before: readonly number[],
): void {
  const f = m.f32;
  const last = padded.length - 1;
  const width = padded[last]!;
  const rows = rowCount(padded);
  let count = 1;
  for (const extent of extents) count *= extent;
  f.fill(0, dx / 4, dx / 4 + count);
  let i = dy / 4;
  for (let row = 0; row < rows; row++) {
    const start = dx / 4 + sourceRow(row, mode, extents, padded, before);
    for (let k = 0; k < width; k++) {
      const o = start + shown(k - before[last]!, extents[last]!, mode);
      f[o] = f[o]! + f[i++]!;
    }
  }
}
