import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPlacement } from '../../../passes/arena/check.ts';
import { overlaps, randomInstance, toIntervals } from './instances.ts';

const two = toIntervals([
  { start: 0, end: 4, bytes: 10 },
  { start: 3, end: 5, bytes: 10 },
]);

describe('checkPlacement', () => {
  it('passes intervals that touch, in bytes or in time', () => {
    expect(checkPlacement(two, [0, 10])).toEqual([]);
    const inTime = toIntervals([
      { start: 0, end: 3, bytes: 10 },
      { start: 3, end: 5, bytes: 10 },
    ]);
    expect(checkPlacement(inTime, [0, 0])).toEqual([]);
  });

  it('names the pair that overlaps by a byte at a step', () => {
    expect(checkPlacement(two, [0, 9])).toEqual([{ kind: 'overlap', first: 0, second: 1 }]);
    expect(checkPlacement(two, [9, 0])).toEqual([{ kind: 'overlap', first: 0, second: 1 }]);
  });

  it('names intervals outside the capacity, and offsets that are none', () => {
    expect(checkPlacement(two, [0, 10], 20)).toEqual([]);
    expect(checkPlacement(two, [0, 10], 19)).toEqual([{ kind: 'outside', index: 1 }]);
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(checkPlacement(two, [bad, 10])).toEqual([{ kind: 'outside', index: 0 }]);
    expect(checkPlacement(two, [0])).toEqual([{ kind: 'outside', index: 1 }]);
  });

  it('has no complaint about intervals of no bytes or no steps', () => {
    const empty = toIntervals([
      { start: 0, end: 4, bytes: 10 },
      { start: 1, end: 2, bytes: 0 },
      { start: 1, end: 1, bytes: 10 },
    ]);
    expect(checkPlacement(empty, [0, 0, 0])).toEqual([]);
  });

  it('finds a fault iff there is one, and reports only pairs that overlap', () => {
    let wrong = 0;
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 2, max: 90 }),
        fc.constantFrom(8, 60, 900),
        (seed, count, spread) => {
          const list = randomInstance(seed, { count, steps: 40, longest: 8, largest: 6 });
          const offsets = randomInstance(seed + 1, { count, steps: spread, longest: 1, largest: 1 }).map(
            (i) => i.start,
          );
          const truth = new Set(overlaps(list, offsets));
          const found = checkPlacement(toIntervals(list), offsets).map((fault) =>
            fault.kind === 'overlap' ? `${fault.first}-${fault.second}` : 'outside',
          );
          if (truth.size > 0) wrong++;
          expect(found.length > 0).toBe(truth.size > 0);
          for (const pair of found) expect(truth).toContain(pair);
        },
      ),
      { numRuns: 400 },
    );
    expect(wrong).toBeGreaterThan(50);
    expect(wrong).toBeLessThan(400);
  });

  it('finds one moved interval among 50,000', () => {
    const count = 50_000;
    const list = Array.from({ length: count }, (_, i) => ({ start: i, end: i + 1000, bytes: 4 }));
    const offsets = Float64Array.from(list, (_, i) => 4 * (i % 1000));
    expect(checkPlacement(toIntervals(list), offsets)).toEqual([]);
    // One byte up, into the place that 30,416 leaves a step later to 31,416.
    offsets[31_415] = offsets[31_415]! + 1;
    expect(checkPlacement(toIntervals(list), offsets)).toContainEqual({
      kind: 'overlap',
      first: 30_416,
      second: 31_415,
    });
  });
});
