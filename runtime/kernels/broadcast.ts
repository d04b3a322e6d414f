/**
 * Walks a broadcast element by element row: `dims` are the extents of the output, `stridesA` and `stridesB` the element
 * strides of two operands (0 where they are broadcast). Adjacent dimensions are collapsed by the caller
 * (src/ops/broadcasting.ts), so that the innermost row is long. `outer` is the number of dimensions outside a row.
 */

/**
 * Position within the outer dimensions; kernels are not re-entrant, so one is enough. Integers keep the indices that are
 * made of it integers, which halves the time of short rows.
 */
const position = new Int32Array(16);

/** Number of innermost rows. */
export function beginRows(dims: readonly number[], outer = dims.length - 1): number {
  let rows = 1;
  for (let d = 0; d < outer; d++) {
    rows *= dims[d]!;
    position[d] = 0;
  }
  return rows;
}

/** Advances the outer position by one row. */
export function nextRow(dims: readonly number[], outer = dims.length - 1): void {
  for (let d = outer - 1; d >= 0; d--) {
    position[d] = position[d]! + 1;
    if (position[d]! < dims[d]!) return;
    position[d] = 0;
  }
}

/** Element offset of the current row under `strides`. */
export function rowOffset(dims: readonly number[], strides: readonly number[], outer = dims.length - 1): number {
  let offset = 0;
  for (let d = 0; d < outer; d++) offset += position[d]! * strides[d]!;
  return offset;
}

/** Element offset, under `strides`, of the `index`-th position of the first `outer` dimensions in row-major order. */
export function offsetAt(
  index: number,
  dims: readonly number[],
  strides: readonly number[],
  outer = dims.length - 1,
): number {
  let offset = 0;
  let rest = index;
  for (let d = outer - 1; d >= 0; d--) {
    const extent = dims[d]!;
    const coordinate = rest % extent;
    offset += coordinate * strides[d]!;
    rest = (rest - coordinate) / extent;
  }
  return offset;
}
