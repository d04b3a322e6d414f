/**
 * Sums of products of two float tensors, without the tensor of the products: inner products, and the gradients of
 * operands that were broadcast. Dimensions as in reduce.ts, with strides for either operand (0 where it is stretched);
 * sums are kept in double precision until they are stored. Where `isGradient` is 1, a is a gradient, and its zeros count
 * for nothing, whatever b is there.
 */
import type { Memory } from '../memory.ts';
import { offsetAt } from './broadcast.ts';

const lanes = new Float64Array(256);

export function sumOfProducts(
  m: Memory,
  a: number,
  b: number,
  out: number,
  kept: readonly number[],
  keptA: readonly number[],
  keptB: readonly number[],
  reduced: readonly number[],
  reducedA: readonly number[],
  reducedB: readonly number[],
  isGradient: number,
): void {
  const f = m.f32;
  let o = out / 4;
  const width = reduced[reduced.length - 1]!;
  const sa = reducedA[reduced.length - 1]!;
  const sb = reducedB[reduced.length - 1]!;
  let rows = 1;
  for (let d = 0; d < reduced.length - 1; d++) rows *= reduced[d]!;
  const columns = kept[kept.length - 1]!;
  const ca = keptA[kept.length - 1]!;
  const cb = keptB[kept.length - 1]!;
  let groups = 1;
  for (let d = 0; d < kept.length - 1; d++) groups *= kept[d]!;
  if (columns === 1 || sa === 1) {
    const count = groups * columns;
    for (let n = 0; n < count; n++) {
      const startA = a / 4 + offsetAt(n, kept, keptA, kept.length);
      const startB = b / 4 + offsetAt(n, kept, keptB, kept.length);
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        let i = startA + offsetAt(r, reduced, reducedA);
        let j = startB + offsetAt(r, reduced, reducedB);
        for (let k = 0; k < width; k++, i += sa, j += sb) if (isGradient !== 1 || f[i] !== 0) sum += f[i]! * f[j]!;
      }
      f[o++] = sum;
    }
    return;
  }
  for (let n = 0; n < groups; n++) {
    const startA = a / 4 + offsetAt(n, kept, keptA);
    const startB = b / 4 + offsetAt(n, kept, keptB);
    for (let first = 0; first < columns; first += lanes.length) {
      const count = Math.min(lanes.length, columns - first);
      lanes.fill(0, 0, count);
      for (let r = 0; r < rows; r++) {
        let rowA = startA + first * ca + offsetAt(r, reduced, reducedA);
        let rowB = startB + first * cb + offsetAt(r, reduced, reducedB);
        for (let k = 0; k < width; k++, rowA += sa, rowB += sb)
          for (let c = 0, i = rowA, j = rowB; c < count; c++, i += ca, j += cb)
            if (isGradient !== 1 || f[i] !== 0) lanes[c] = lanes[c]! + f[i]! * f[j]!;
      }
      for (let c = 0; c < count; c++) f[o++] = lanes[c]!;
    }
  }
}
