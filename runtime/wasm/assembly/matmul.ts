/**
 * Matrix product of strided factors; batches are walked by the caller. out [rows, columns], whose rows are contiguous and
 * `outRow` apart, = a times b plus bias. Strides are elements. An element does not depend on the extents it is computed
 * with, as long as they are on the same side of `narrow` and of each other where one is: so threads take ranges of rows
 * or columns.
 */
import {
  absent,
  columnBlock,
  depthBlock,
  multiplyBlock,
  packColumns,
  packedColumnsBytes,
  packRows,
  rowBlock,
  multiplyAdd,
} from './gemm';
import { sumLanes } from './vector';

/** As in the plain kernel: up to this many rows or columns nothing is packed and no scratch is used. */
const narrow: i32 = 2;

/** Starts a block of the product at the bias. */
export function fillBias(
  c: usize,
  stride: usize,
  rows: i32,
  columns: i32,
  bias: usize,
  biasRow: usize,
  biasColumn: usize,
): void {
  for (let r = 0; r < rows; r++, c += stride, bias += biasRow) {
    let from = bias;
    let to = c;
    for (let k = 0; k < columns; k++, to += 4, from += biasColumn) store<f32>(to, load<f32>(from));
  }
}

export function matmul(
  a: usize,
  b: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  rows: i32,
  columns: i32,
  inner: i32,
  aRow: usize,
  aColumn: usize,
  bRow: usize,
  bColumn: usize,
  biasRow: usize,
  biasColumn: usize,
  outRow: usize,
): void {
  const hasBias = bias != absent;
  aRow <<= 2;
  aColumn <<= 2;
  bRow <<= 2;
  bColumn <<= 2;
  biasRow <<= 2;
  biasColumn <<= 2;
  const stride = outRow << 2;
  if (inner == 0 || min(rows, columns) <= narrow) {
    if (hasBias) fillBias(out, stride, rows, columns, bias, biasRow, biasColumn);
    else for (let r = 0; r < rows; r++) memory.fill(out + <usize>r * stride, 0, (<usize>columns) << 2);
    multiplyNarrow(a, b, out, stride, rows, columns, inner, aRow, aColumn, bRow, bColumn);
    return;
  }
  const left = scratch + packedColumnsBytes(columns, inner);
  for (let jc = 0; jc < columns; jc += columnBlock) {
    const nc = min(columnBlock, columns - jc);
    for (let pc = 0; pc < inner; pc += depthBlock) {
      const kc = min(depthBlock, inner - pc);
      packColumns(scratch, b + <usize>pc * bRow + <usize>jc * bColumn, nc, kc, bColumn, bRow);
      for (let ic = 0; ic < rows; ic += rowBlock) {
        const mc = min(rowBlock, rows - ic);
        packRows(left, a + <usize>ic * aRow + <usize>pc * aColumn, mc, kc, aRow, aColumn);
        let right = scratch;
        let c = out + <usize>ic * stride + ((<usize>jc) << 2);
        for (let j = 0; j < nc; j += 8, right += (<usize>kc) << 5, c += 32) {
          let panel = left;
          let block = c;
          for (let i = 0; i < mc; i += 4, panel += (<usize>kc) << 4, block += 4 * stride) {
            if (pc == 0 && hasBias)
              fillBias(
                block,
                stride,
                min(4, mc - i),
                min(8, nc - j),
                bias + <usize>(ic + i) * biasRow + <usize>(jc + j) * biasColumn,
                biasRow,
                biasColumn,
              );
            multiplyBlock(panel, right, kc, block, stride, mc - i, nc - j, pc != 0 || hasBias);
          }
        }
      }
    }
  }
}

/** Sum of products of two strided vectors. */
function dot(a: usize, b: usize, count: i32, aStep: usize, bStep: usize): f32 {
  let i = 0;
  let tail: f32 = 0;
  if (aStep == 4 && bStep == 4) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (; i + 16 <= count; i += 16, a += 64, b += 64) {
      s0 = multiplyAdd(v128.load(a), v128.load(b), s0);
      s1 = multiplyAdd(v128.load(a, 16), v128.load(b, 16), s1);
      s2 = multiplyAdd(v128.load(a, 32), v128.load(b, 32), s2);
      s3 = multiplyAdd(v128.load(a, 48), v128.load(b, 48), s3);
    }
    for (; i + 4 <= count; i += 4, a += 16, b += 16) s0 = multiplyAdd(v128.load(a), v128.load(b), s0);
    tail = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  for (; i < count; i++, a += aStep, b += bStep) tail += load<f32>(a) * load<f32>(b);
  return tail;
}

/** out[i] += scalar * x[i]; `outStep` and `xStep` in bytes. */
function addScaled(out: usize, x: usize, count: i32, scalar: f32, outStep: usize, xStep: usize): void {
  let i = 0;
  if (outStep == 4 && xStep == 4) {
    const s = f32x4.splat(scalar);
    for (; i + 8 <= count; i += 8, out += 32, x += 32) {
      v128.store(out, multiplyAdd(s, v128.load(x), v128.load(out)));
      v128.store(out, multiplyAdd(s, v128.load(x, 16), v128.load(out, 16)), 16);
    }
  }
  for (; i < count; i++, out += outStep, x += xStep) store<f32>(out, load<f32>(out) + scalar * load<f32>(x));
}

/** Products with very few rows or columns: walks the wide factor in the order in which it is stored. */
function multiplyNarrow(
  a: usize,
  b: usize,
  out: usize,
  stride: usize,
  rows: i32,
  columns: i32,
  inner: i32,
  aRow: usize,
  aColumn: usize,
  bRow: usize,
  bColumn: usize,
): void {
  if (rows <= columns ? bColumn == 4 && bRow != 4 : aRow == 4 && aColumn != 4) {
    for (let p = 0; p < inner; p++) {
      if (rows <= columns)
        for (let r = 0; r < rows; r++)
          addScaled(
            out + <usize>r * stride,
            b + <usize>p * bRow,
            columns,
            load<f32>(a + <usize>r * aRow + <usize>p * aColumn),
            4,
            4,
          );
      else
        for (let c = 0; c < columns; c++)
          addScaled(
            out + ((<usize>c) << 2),
            a + <usize>p * aColumn,
            rows,
            load<f32>(b + <usize>p * bRow + <usize>c * bColumn),
            stride,
            4,
          );
    }
    return;
  }
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const to = out + <usize>r * stride + ((<usize>c) << 2);
      store<f32>(to, load<f32>(to) + dot(a + <usize>r * aRow, b + <usize>c * bColumn, inner, aColumn, bRow));
    }
}
