/** Batched matrix product with any transposition, over strides; the product itself is gemm.ts. */
import type { FloatArray, Memory } from '../memory.ts';
import {
  columnBlock,
  depthBlock,
  gemmScratch,
  multiplyPanels,
  packColumns,
  packedColumnsLength,
  packRows,
  rowBlock,
} from './gemm.ts';

/** Up to this many rows or columns packing costs more than it saves, and dot products are taken directly. */
const narrow = 2;

/** Bytes of scratch of `matmul`. */
export function matmulScratch(rows: number, columns: number, inner: number): number {
  return Math.min(rows, columns) <= narrow ? 0 : gemmScratch(rows, columns, inner);
}

/**
 * out [...batchDims, rows, columns] (contiguous) = a [..., rows, inner] times b [..., inner, columns], plus bias. All
 * strides count elements; `bias` is -1 where there is none.
 */
export function matmul(
  m: Memory,
  a: number,
  b: number,
  bias: number,
  out: number,
  scratch: number,
  rows: number,
  columns: number,
  inner: number,
  aRow: number,
  aColumn: number,
  bRow: number,
  bColumn: number,
  biasRow: number,
  biasColumn: number,
  batchDims: readonly number[],
  aBatch: readonly number[],
  bBatch: readonly number[],
  biasBatch: readonly number[],
): void {
  const f = m.f32;
  let batches = 1;
  for (let d = 0; d < batchDims.length; d++) batches *= batchDims[d]!;
  for (let batch = 0; batch < batches; batch++) {
    let i = a / 4;
    let j = b / 4;
    let k = bias / 4;
    let rest = batch;
    for (let d = batchDims.length - 1; d >= 0; d--) {
      const position = rest % batchDims[d]!;
      rest = (rest - position) / batchDims[d]!;
      i += position * aBatch[d]!;
      j += position * bBatch[d]!;
      k += position * biasBatch[d]!;
    }
    const o = out / 4 + batch * rows * columns;
    if (bias < 0) f.fill(0, o, o + rows * columns);
    else copyBias(f, k, o, rows, columns, biasRow, biasColumn);
    if (Math.min(rows, columns) <= narrow)
      multiplyNarrow(f, i, j, o, rows, columns, inner, aRow, aColumn, bRow, bColumn);
    else multiplyBlocked(f, i, j, o, scratch / 4, rows, columns, inner, aRow, aColumn, bRow, bColumn);
  }
}

function copyBias(
  f: FloatArray,
  bias: number,
  o: number,
  rows: number,
  columns: number,
  biasRow: number,
  biasColumn: number,
): void {
  for (let r = 0; r < rows; r++) {
    let k = bias + r * biasRow;
    for (let c = 0; c < columns; c++, k += biasColumn) f[o++] = f[k]!;
  }
}

function multiplyBlocked(
  f: FloatArray,
  a: number,
  b: number,
  o: number,
  scratch: number,
  rows: number,
  columns: number,
  inner: number,
  aRow: number,
  aColumn: number,
  bRow: number,
  bColumn: number,
): void {
  const left = scratch + packedColumnsLength(columns, inner);
  for (let jc = 0; jc < columns; jc += columnBlock) {
    const nc = Math.min(columnBlock, columns - jc);
    for (let pc = 0; pc < inner; pc += depthBlock) {
      const kc = Math.min(depthBlock, inner - pc);
      packColumns(f, scratch, b + pc * bRow + jc * bColumn, nc, kc, bColumn, bRow);
      for (let ic = 0; ic < rows; ic += rowBlock) {
        const mc = Math.min(rowBlock, rows - ic);
        packRows(f, left, a + ic * aRow + pc * aColumn, mc, kc, aRow, aColumn);
        for (let c = 0; c < nc; c += 4) {
          const to = o + ic * columns + jc + c;
          multiplyPanels(f, left, scratch + c * kc, mc, nc - c, kc, columns, to, to + 1, to + 2, to + 3);
        }
      }
    }
  }
}

/** Products with very few rows or columns: one vector times the wide factor at a time. */
function multiplyNarrow(
  f: FloatArray,
  a: number,
  b: number,
  o: number,
  rows: number,
  columns: number,
  inner: number,
  aRow: number,
  aColumn: number,
  bRow: number,
  bColumn: number,
): void {
  if (rows <= columns) {
    for (let r = 0; r < rows; r++)
      vectorTimesMatrix(f, a + r * aRow, b, o + r * columns, columns, inner, aColumn, bRow, bColumn, 1);
  } else {
    for (let c = 0; c < columns; c++)
      vectorTimesMatrix(f, b + c * bColumn, a, o + c, rows, inner, bRow, aColumn, aRow, columns);
  }
}

/**
 * f[o + c * oStride] += sum over p of f[v + p * vStride] * f[w + p * wDepth + c * wStride], walking the matrix in the
 * order in which it is stored.
 */
function vectorTimesMatrix(
  f: FloatArray,
  v: number,
  w: number,
  o: number,
  count: number,
  inner: number,
  vStride: number,
  wDepth: number,
  wStride: number,
  oStride: number,
): void {
  if (wDepth <= wStride) {
    for (let c = 0; c < count; c++, o += oStride) {
      let i = v;
      let j = w + c * wStride;
      let even = 0;
      let odd = 0;
      let p = 1;
      for (; p < inner; p += 2, i += 2 * vStride, j += 2 * wDepth) {
        even += f[i]! * f[j]!;
        odd += f[i + vStride]! * f[j + wDepth]!;
      }
      if (p === inner) even += f[i]! * f[j]!;
      f[o] = f[o]! + (even + odd);
    }
    return;
  }
  let p = 0;
  for (; p + 4 <= inner; p += 4) {
    const v0 = f[v + p * vStride]!;
    const v1 = f[v + (p + 1) * vStride]!;
    const v2 = f[v + (p + 2) * vStride]!;
    const v3 = f[v + (p + 3) * vStride]!;
    let j = w + p * wDepth;
    let to = o;
    for (let c = 0; c < count; c++, j += wStride, to += oStride) {
      f[to] = f[to]! + (v0 * f[j]! + v1 * f[j + wDepth]! + (v2 * f[j + 2 * wDepth]! + v3 * f[j + 3 * wDepth]!));
    }
  }
  for (; p < inner; p++) {
    const v0 = f[v + p * vStride]!;
    let j = w + p * wDepth;
    let to = o;
    for (let c = 0; c < count; c++, j += wStride, to += oStride) f[to] = f[to]! + v0 * f[j]!;
  }
}
