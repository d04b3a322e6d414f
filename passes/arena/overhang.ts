/** What stands out of a placement: where a planner must lower the load if the arena is to shrink. */
import type { ArenaIntervals } from './problem.ts';

/** Numbers of the intervals that end above `height` bytes, in order of number. */
export function residualOverhang(intervals: ArenaIntervals, offsets: ArrayLike<number>, height: number): Int32Array {
  const above: number[] = [];
  for (let i = 0; i < intervals.bytes.length; i++)
    if (
      intervals.bytes[i]! > 0 &&
      intervals.start[i]! < intervals.end[i]! &&
      offsets[i]! + intervals.bytes[i]! > height
    )
      above.push(i);
  return Int32Array.from(above);
}
