/** Rows that nobody reads: their gradient is 0 all along, and so are those of what they are made of. */
import type { FloatArray } from '../memory.ts';

/** Whether `count` elements from `start` on, `step` apart, are all 0. Ends at the first that is not: mostly at once. */
export function isZeroRow(f: FloatArray, start: number, count: number, step: number): boolean {
  const end = start + count * step;
  let i = start;
  while (i < end && f[i] === 0) i += step;
  return i >= end;
}

/** Writes zeros to `count` elements from `start` on, `step` apart. */
export function clearRow(f: FloatArray, start: number, count: number, step: number): void {
  const end = start + count * step;
  for (let i = start; i < end; i += step) f[i] = 0;
}
