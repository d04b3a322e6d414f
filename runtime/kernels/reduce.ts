/**
 * Reductions of float tensors. A tensor x is given by two lists of dimensions: those kept, which number the elements of
 * `out` in row-major order, and those reduced, each with x's element strides. Adjacent dimensions are collapsed by the
 * caller (src/ops/reduction.ts). Sums and products are kept in double precision until they are stored.
 *
 * Where the last reduced dimension is the contiguous one, elements are reduced row by row; otherwise the last kept
 * dimension is, and rows of `out` are reduced side by side in `lanes`, so that x is read in order either way.
 */
import type { Memory } from '../memory.ts';
import { offsetAt } from './broadcast.ts';

const lanes = new Float64Array(256);

function product(dims: readonly number[], count: number): number {
  let result = 1;
  for (let d = 0; d < count; d++) result *= dims[d]!;
  return result;
}

/** Sums, divided by `divisor`: 1, or the number of elements reduced for a mean. */
export function reduceSum(
  m: Memory,
  x: number,
  out: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
  divisor: number,
): void {
  const f = m.f32;
  const base = x / 4;
  let o = out / 4;
  const width = reduced[reduced.length - 1]!;
  const stride = reducedStrides[reduced.length - 1]!;
  const rows = product(reduced, reduced.length - 1);
  const columns = kept[kept.length - 1]!;
  const columnStride = keptStrides[kept.length - 1]!;
  if (columns === 1 || stride === 1) {
    const count = product(kept, kept.length);
    for (let n = 0; n < count; n++) {
      const start = base + offsetAt(n, kept, keptStrides, kept.length);
      let acc = 0;
      for (let r = 0; r < rows; r++) {
        let i = start + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, i += stride) acc += f[i]!;
      }
      f[o++] = acc / divisor;
    }
    return;
  }
  const groups = product(kept, kept.length - 1);
  for (let n = 0; n < groups; n++) {
    const start = base + offsetAt(n, kept, keptStrides);
    for (let first = 0; first < columns; first += lanes.length) {
      const count = Math.min(lanes.length, columns - first);
      lanes.fill(0, 0, count);
      for (let r = 0; r < rows; r++) {
        let row = start + first * columnStride + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, row += stride)
          for (let c = 0, i = row; c < count; c++, i += columnStride) lanes[c] = lanes[c]! + f[i]!;
      }
      for (let c = 0; c < count; c++) f[o++] = lanes[c]! / divisor;
    }
  }
}

/** Products. */
export function reduceProd(
  m: Memory,
  x: number,
  out: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
): void {
  const f = m.f32;
  const base = x / 4;
  let o = out / 4;
  const width = reduced[reduced.length - 1]!;
  const stride = reducedStrides[reduced.length - 1]!;
  const rows = product(reduced, reduced.length - 1);
  const columns = kept[kept.length - 1]!;
  const columnStride = keptStrides[kept.length - 1]!;
  if (columns === 1 || stride === 1) {
    const count = product(kept, kept.length);
    for (let n = 0; n < count; n++) {
      const start = base + offsetAt(n, kept, keptStrides, kept.length);
      let acc = 1;
      for (let r = 0; r < rows; r++) {
        let i = start + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, i += stride) acc *= f[i]!;
      }
      f[o++] = acc;
    }
    return;
  }
  const groups = product(kept, kept.length - 1);
  for (let n = 0; n < groups; n++) {
    const start = base + offsetAt(n, kept, keptStrides);
    for (let first = 0; first < columns; first += lanes.length) {
      const count = Math.min(lanes.length, columns - first);
      lanes.fill(1, 0, count);
      for (let r = 0; r < rows; r++) {
        let row = start + first * columnStride + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, row += stride)
          for (let c = 0, i = row; c < count; c++, i += columnStride) lanes[c] = lanes[c]! * f[i]!;
      }
      for (let c = 0; c < count; c++) f[o++] = lanes[c]!;
    }
  }
}

/** Largest elements; NaN where there is one. */
export function reduceMax(
  m: Memory,
  x: number,
  out: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
): void {
  const f = m.f32;
  const base = x / 4;
  let o = out / 4;
  const width = reduced[reduced.length - 1]!;
  const stride = reducedStrides[reduced.length - 1]!;
  const rows = product(reduced, reduced.length - 1);
  const columns = kept[kept.length - 1]!;
  const columnStride = keptStrides[kept.length - 1]!;
  if (columns === 1 || stride === 1) {
    const count = product(kept, kept.length);
    for (let n = 0; n < count; n++) {
      const start = base + offsetAt(n, kept, keptStrides, kept.length);
      let acc = Number.NEGATIVE_INFINITY;
      for (let r = 0; r < rows; r++) {
        let i = start + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, i += stride) acc = Math.max(acc, f[i]!);
      }
      f[o++] = acc;
    }
    return;
  }
  const groups = product(kept, kept.length - 1);
  for (let n = 0; n < groups; n++) {
    const start = base + offsetAt(n, kept, keptStrides);
    for (let first = 0; first < columns; first += lanes.length) {
      const count = Math.min(lanes.length, columns - first);
      lanes.fill(Number.NEGATIVE_INFINITY, 0, count);
      for (let r = 0; r < rows; r++) {
        let row = start + first * columnStride + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, row += stride)
          for (let c = 0, i = row; c < count; c++, i += columnStride) lanes[c] = Math.max(lanes[c]!, f[i]!);
      }
      for (let c = 0; c < count; c++) f[o++] = lanes[c]!;
    }
  }
}

/** Smallest elements; NaN where there is one. */
export function reduceMin(
  m: Memory,
  x: number,
  out: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
): void {
  const f = m.f32;
  const base = x / 4;
  let o = out / 4;
  const width = reduced[reduced.length - 1]!;
  const stride = reducedStrides[reduced.length - 1]!;
  const rows = product(reduced, reduced.length - 1);
  const columns = kept[kept.length - 1]!;
  const columnStride = keptStrides[kept.length - 1]!;
  if (columns === 1 || stride === 1) {
    const count = product(kept, kept.length);
    for (let n = 0; n < count; n++) {
      const start = base + offsetAt(n, kept, keptStrides, kept.length);
      let acc = Number.POSITIVE_INFINITY;
      for (let r = 0; r < rows; r++) {
        let i = start + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, i += stride) acc = Math.min(acc, f[i]!);
      }
      f[o++] = acc;
    }
    return;
  }
  const groups = product(kept, kept.length - 1);
  for (let n = 0; n < groups; n++) {
    const start = base + offsetAt(n, kept, keptStrides);
    for (let first = 0; first < columns; first += lanes.length) {
      const count = Math.min(lanes.length, columns - first);
      lanes.fill(Number.POSITIVE_INFINITY, 0, count);
      for (let r = 0; r < rows; r++) {
        let row = start + first * columnStride + offsetAt(r, reduced, reducedStrides);
        for (let k = 0; k < width; k++, row += stride)
          for (let c = 0, i = row; c < count; c++, i += columnStride) lanes[c] = Math.min(lanes[c]!, f[i]!);
      }
      for (let c = 0; c < count; c++) f[o++] = lanes[c]!;
    }
  }
}
