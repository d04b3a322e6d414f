/**
 * Walks a broadcast element by element row: `dims` are the extents of the output, `stridesA` and `stridesB` the element
 * strides of two operands (0 where they are broadcast). Adjacent dimensions are collapsed by the caller
 * (src/ops/broadcasting.ts), so that the innermost row is long.
 */

/** Position within the outer dimensions; kernels are not re-entrant, so one is enough. */
const position = new Float64Array(16);

/** Number of innermost rows. */
export function beginRows(dims: readonly number[]): number {
  let rows = 1;
  for (let d = 0; d < dims.length - 1; d++) {
    rows *= dims[d]!;
    position[d] = 0;
  }
  return rows;
}

/** Advances the outer position by one row. */
export function nextRow(dims: readonly number[]): void {
  for (let d = dims.length - 2; d >= 0; d--) {
    position[d] = position[d]! + 1;
    if (position[d]! < dims[d]!) return;
    position[d] = 0;
  }
}

/** Element offset of the current row under `strides`. */
export function rowOffset(dims: readonly number[], strides: readonly number[]): number {
  let offset = 0;
  for (let d = 0; d < dims.length - 1; d++) offset += position[d]! * strides[d]!;
  return offset;
}
