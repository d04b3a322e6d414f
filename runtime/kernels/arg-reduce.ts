/** Indices of the largest and smallest elements along one dimension, for any element type; int64 results. */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/**
 * x has extents [outer, extent, inner]. Among equals the first is taken, or the last if `last` is 1; a NaN beats every
 * number.
 */
export function argmax(
  m: Memory,
  type: number,
  x: number,
  out: number,
  outer: number,
  extent: number,
  inner: number,
  last: number,
): void {
  const e = elementsOf(m, type);
  const start = x / elementBytes(type);
  for (let n = 0; n < outer; n++)
    for (let c = 0; c < inner; c++) {
      let best = 0;
      let bestValue = e[start + n * extent * inner + c]!;
      for (let k = 1; k < extent; k++) {
        const value = e[start + (n * extent + k) * inner + c]!;
        if (value > bestValue || (last !== 0 && value === bestValue) || beats(value, bestValue, last)) {
          best = k;
          bestValue = value;
        }
      }
      m.f64[out / 8 + n * inner + c] = best;
    }
}

/** As `argmax`, for the smallest elements. */
export function argmin(
  m: Memory,
  type: number,
  x: number,
  out: number,
  outer: number,
  extent: number,
  inner: number,
  last: number,
): void {
  const e = elementsOf(m, type);
  const start = x / elementBytes(type);
  for (let n = 0; n < outer; n++)
    for (let c = 0; c < inner; c++) {
      let best = 0;
      let bestValue = e[start + n * extent * inner + c]!;
      for (let k = 1; k < extent; k++) {
        const value = e[start + (n * extent + k) * inner + c]!;
        if (value < bestValue || (last !== 0 && value === bestValue) || beats(value, bestValue, last)) {
          best = k;
          bestValue = value;
        }
      }
      m.f64[out / 8 + n * inner + c] = best;
    }
}

/** Whether a NaN takes over: the first one does, and any later one if the last is wanted. */
function beats(value: number, bestValue: number, last: number): boolean {
  return Number.isNaN(value) && (last !== 0 || !Number.isNaN(bestValue));
}
