/**
 * The blocked matrix product under matmul and the convolutions (Goto and van de Geijn 2008): panels of both factors are
 * packed into scratch, a 4x4 block of the product is held in locals. Who packs the panels decides what is multiplied:
 * matmul packs strided matrices, convolutions pack patches of images, so that no whole im2col matrix ever exists.
 *
 * Panels of the left factor hold 4 rows, `depth` x 4 numbers each; panels of the right factor 4 columns. Both are padded
 * with zeros, the right one to a multiple of 8 columns, so that kernels of 8 columns fit in the same scratch.
 *
 * The order of additions depends on the problem's extents only: blocks of `depthBlock` terms are summed in double
 * precision and added to the result one after another.
 */
import type { FloatArray } from '../memory.ts';

export const depthBlock = 256;
export const rowBlock = 96;
export const columnBlock = 1024;

/** Elements of the packed panels of the right factor, which lie first in the scratch. */
export function packedColumnsLength(columns: number, inner: number): number {
  return Math.ceil(Math.min(columns, columnBlock) / 8) * 8 * Math.min(inner, depthBlock);
}

/** Bytes of scratch of a product of `rows` x `inner` and `inner` x `columns`; 0 where there is nothing to do. */
export function gemmScratch(rows: number, columns: number, inner: number): number {
  if (rows === 0 || columns === 0 || inner === 0) return 0;
  const left = Math.ceil(Math.min(rows, rowBlock) / 4) * 4 * Math.min(inner, depthBlock);
  return 4 * (packedColumnsLength(columns, inner) + left);
}

/** Packs rows `count` x `depth` of a strided matrix into panels of 4 rows at element `to`. */
export function packRows(
  f: FloatArray,
  to: number,
  from: number,
  count: number,
  depth: number,
  rowStride: number,
  depthStride: number,
): void {
  for (let r = 0; r < count; r += 4) {
    const lanes = Math.min(4, count - r);
    let source = from + r * rowStride;
    if (lanes === 4) {
      const s1 = rowStride;
      const s2 = 2 * rowStride;
      const s3 = 3 * rowStride;
      for (let p = 0; p < depth; p++, source += depthStride, to += 4) {
        f[to] = f[source]!;
        f[to + 1] = f[source + s1]!;
        f[to + 2] = f[source + s2]!;
        f[to + 3] = f[source + s3]!;
      }
    } else {
      for (let p = 0; p < depth; p++, source += depthStride, to += 4) {
        for (let lane = 0; lane < 4; lane++) f[to + lane] = lane < lanes ? f[source + lane * rowStride]! : 0;
      }
    }
  }
}

/** As `packRows`, for the right factor; fills up to a multiple of 8 columns. */
export function packColumns(
  f: FloatArray,
  to: number,
  from: number,
  count: number,
  depth: number,
  columnStride: number,
  depthStride: number,
): void {
  packRows(f, to, from, count, depth, columnStride, depthStride);
  clearLastPanel(f, to, count, depth);
}

/** Zeros the panel that pads `count` columns to a multiple of 8, if there is one. */
export function clearLastPanel(f: FloatArray, to: number, count: number, depth: number): void {
  const panels = Math.ceil(count / 4);
  if (panels % 2 === 1) f.fill(0, to + panels * 4 * depth, to + (panels + 1) * 4 * depth);
}

/**
 * Adds to each 4x4 block of one packed column panel: for rows r < `rows` and lanes l < `lanes`,
 * f[c(l) + r * rowStride] += sum over depth of left[r] * right[l].
 */
export function multiplyPanels(
  f: FloatArray,
  left: number,
  right: number,
  rows: number,
  lanes: number,
  depth: number,
  rowStride: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
): void {
  for (let r = 0; r < rows; r += 4, left += 4 * depth) {
    let s00 = 0;
    let s01 = 0;
    let s02 = 0;
    let s03 = 0;
    let s10 = 0;
    let s11 = 0;
    let s12 = 0;
    let s13 = 0;
    let s20 = 0;
    let s21 = 0;
    let s22 = 0;
    let s23 = 0;
    let s30 = 0;
    let s31 = 0;
    let s32 = 0;
    let s33 = 0;
    let i = left;
    let j = right;
    for (let p = 0; p < depth; p++, i += 4, j += 4) {
      const b0 = f[j]!;
      const b1 = f[j + 1]!;
      const b2 = f[j + 2]!;
      const b3 = f[j + 3]!;
      let a = f[i]!;
      s00 += a * b0;
      s01 += a * b1;
      s02 += a * b2;
      s03 += a * b3;
      a = f[i + 1]!;
      s10 += a * b0;
      s11 += a * b1;
      s12 += a * b2;
      s13 += a * b3;
      a = f[i + 2]!;
      s20 += a * b0;
      s21 += a * b1;
      s22 += a * b2;
      s23 += a * b3;
      a = f[i + 3]!;
      s30 += a * b0;
      s31 += a * b1;
      s32 += a * b2;
      s33 += a * b3;
    }
    const o = r * rowStride;
    const remaining = rows - r;
    addBlockRow(f, o, lanes, c0, c1, c2, c3, s00, s01, s02, s03);
    if (remaining > 1) addBlockRow(f, o + rowStride, lanes, c0, c1, c2, c3, s10, s11, s12, s13);
    if (remaining > 2) addBlockRow(f, o + 2 * rowStride, lanes, c0, c1, c2, c3, s20, s21, s22, s23);
    if (remaining > 3) addBlockRow(f, o + 3 * rowStride, lanes, c0, c1, c2, c3, s30, s31, s32, s33);
  }
}

function addBlockRow(
  f: FloatArray,
  o: number,
  lanes: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  s0: number,
  s1: number,
  s2: number,
  s3: number,
): void {
  f[c0 + o] = f[c0 + o]! + s0;
  if (lanes > 1) f[c1 + o] = f[c1 + o]! + s1;
  if (lanes > 2) f[c2 + o] = f[c2 + o]! + s2;
  if (lanes > 3) f[c3 + o] = f[c3 + o]! + s3;
}
