/** Cumulative sums and triangular parts, for any numeric element type. Right in place. */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/**
 * Running sums along the middle dimension of [outer, extent, inner]. `exclusive`: each element is left out of its own
 * sum; `reverse`: from the end. Sums are kept in double precision until they are stored.
 */
export function cumsum(
  m: Memory,
  type: number,
  x: number,
  out: number,
  outer: number,
  extent: number,
  inner: number,
  exclusive: number,
  reverse: number,
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const step = reverse !== 0 ? -inner : inner;
  for (let n = 0; n < outer; n++)
    for (let c = 0; c < inner; c++) {
      const first = (n * extent + (reverse !== 0 ? extent - 1 : 0)) * inner + c;
      let i = x / bytes + first;
      let o = out / bytes + first;
      let sum = 0;
      for (let k = 0; k < extent; k++, i += step, o += step) {
        const value = e[i]!;
        e[o] = exclusive !== 0 ? sum : sum + value;
        sum += value;
      }
    }
}

/** The upper or lower triangle, from the `k`-th diagonal on, of `count` matrices; zeros elsewhere. */
export function trilu(
  m: Memory,
  type: number,
  x: number,
  out: number,
  count: number,
  rows: number,
  columns: number,
  upper: number,
  k: number,
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  let i = x / bytes;
  let o = out / bytes;
  for (let n = 0; n < count; n++)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++, i++, o++) e[o] = (upper !== 0 ? c - r >= k : c - r <= k) ? e[i]! : 0;
}
