import { describe, expect, it } from 'vitest';
import { type Fit, placeInOrder } from '../../../passes/arena/first-fit.ts';
import { splitProblem } from '../../../passes/arena/problem.ts';

/** Offsets in the order of the intervals, each `[start, end, bytes]`, placed in that order; all are of one part. */
function placed(intervals: readonly (readonly [number, number, number])[], fit: Fit, limit = Number.POSITIVE_INFINITY) {
  const column = (k: 0 | 1 | 2): number[] => intervals.map((interval) => interval[k]);
  const parts = splitProblem({ start: column(0), end: column(1), bytes: column(2) }, 1);
  expect(parts.length).toBe(1);
  const part = parts[0]!;
  const order = Int32Array.from(intervals, (_, i) => part.index.indexOf(i));
  const offsets = new Float64Array(intervals.length);
  const height = placeInOrder(part, order, fit, limit, offsets);
  return { height, offsets: Array.from(order, (k) => offsets[k]) };
}

describe('placing in an order', () => {
  it('gives those of which one ends where the other begins the same bytes', () => {
    const joined = [
      [0, 2, 5],
      [2, 4, 5],
      [0, 4, 1],
    ] as const;
    expect(placed(joined, 'first')).toEqual({ height: 6, offsets: [0, 0, 5] });
  });

  it('takes the lowest gap, or the smallest, that is large enough, an exact one too', () => {
    // Gaps of 4 at 1 and of 2 at 6 below what lives throughout; those that made them have ended.
    const gaps = [
      [0, 9, 1],
      [0, 2, 4],
      [0, 9, 1],
      [0, 2, 2],
      [0, 9, 1],
    ] as const;
    expect(placed([...gaps, [3, 9, 2]], 'first').offsets.at(-1)).toBe(1);
    expect(placed([...gaps, [3, 9, 2]], 'best').offsets.at(-1)).toBe(6);
    expect(placed([...gaps, [3, 9, 4]], 'best').offsets.at(-1)).toBe(1);
    expect(placed([...gaps, [3, 9, 5]], 'best').offsets.at(-1)).toBe(9);
  });

  it('gives up once the limit is reached', () => {
    const two = [
      [0, 2, 3],
      [0, 2, 3],
    ] as const;
    expect(placed(two, 'first', 7).height).toBe(6);
    expect(placed(two, 'first', 6).height).toBe(Number.POSITIVE_INFINITY);
  });
});
