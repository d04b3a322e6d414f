/** Reductions of integers and bools, for every such type; dimensions as in reduce.ts. */
import type { Memory } from '../memory.ts';
import { offsetAt } from './broadcast.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** `operation`: 0 sum, 1 product, 2 largest, 3 smallest. The result is divided by `divisor` and truncated. */
export function reduceIntegers(
  m: Memory,
  type: number,
  operation: number,
  x: number,
  out: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
  divisor: number,
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  let count = 1;
  for (const extent of kept) count *= extent;
  let size = 1;
  for (const extent of reduced) size *= extent;
  for (let n = 0; n < count; n++) {
    const start = x / bytes + offsetAt(n, kept, keptStrides, kept.length);
    let result = operation === 1 ? 1 : 0;
    for (let k = 0; k < size; k++) {
      const value = e[start + offsetAt(k, reduced, reducedStrides, reduced.length)]!;
      if (operation === 0) result += value;
      else if (operation === 1) result = bytes === 4 ? Math.imul(result, value) : result * value + 0;
      else if (k === 0) result = value;
      else result = operation === 2 ? Math.max(result, value) : Math.min(result, value);
    }
    e[out / bytes + n] = divisor === 1 ? result : Math.trunc(result / divisor) + 0;
  }
}
