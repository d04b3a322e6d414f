import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPlacement } from '../../../passes/arena/check.ts';
import { residualOverhang } from '../../../passes/arena/overhang.ts';
import { placeArena } from '../../../passes/arena/place.ts';
import {
  type Interval,
  largestLoad,
  lowestHeight,
  overlaps,
  randomInstance,
  tightInstance,
  toIntervals,
  trainingTrace,
} from './instances.ts';

const intervalList = (most: number): fc.Arbitrary<Interval[]> =>
  fc.array(
    fc
      .record({ start: fc.nat(20), length: fc.nat(12), bytes: fc.nat(9) })
      .map(({ start, length, bytes }) => ({ start, end: start + length, bytes })),
    { maxLength: most },
  );

function heightOf(list: readonly Interval[], offsets: ArrayLike<number>): number {
  return list.reduce(
    (height, { start, end, bytes }, i) => (start < end ? Math.max(height, offsets[i]! + bytes) : height),
    0,
  );
}

describe('small instances', () => {
  it('places two intervals that meet one above the other, and two that do not in the same bytes', () => {
    const list = [
      { start: 0, end: 2, bytes: 64 },
      { start: 1, end: 3, bytes: 128 },
      { start: 2, end: 4, bytes: 64 },
    ];
    const { offsets, height, maxLoad, optimal } = placeArena(toIntervals(list));
    expect({ height, maxLoad, optimal }).toEqual({ height: 192, maxLoad: 192, optimal: true });
    expect(overlaps(list, offsets)).toEqual([]);
  });

  it('is at the optimum of every order on tiny instances, and says so', () => {
    for (let seed = 0; seed < 500; seed++) {
      const random = randomInstance(seed, { count: 3 + (seed % 4), steps: 6, longest: 4, largest: 6 });
      const list = seed % 2 === 0 ? random : tightInstance(seed).slice(0, 7);
      const { offsets, height, maxLoad, optimal } = placeArena(toIntervals(list));
      expect([seed, height, optimal]).toEqual([seed, lowestHeight(list), true]);
      expect([seed, maxLoad, overlaps(list, offsets)]).toEqual([seed, largestLoad(list), []]);
    }
  });

  it('proves an optimum above the largest load', () => {
    // All seven are needed: without any one of them, five bytes are enough.
    const list = [
      { start: 0, end: 1, bytes: 2 },
      { start: 0, end: 2, bytes: 3 },
      { start: 1, end: 3, bytes: 1 },
      { start: 1, end: 5, bytes: 1 },
      { start: 2, end: 5, bytes: 2 },
      { start: 4, end: 6, bytes: 2 },
      { start: 5, end: 6, bytes: 3 },
    ];
    expect(lowestHeight(list)).toBe(6);
    const { height, maxLoad, optimal } = placeArena(toIntervals(list));
    expect({ height, maxLoad, optimal }).toEqual({ height: 6, maxLoad: 5, optimal: true });
    for (const dropped of list) {
      const fewer = list.filter((interval) => interval !== dropped);
      expect(placeArena(toIntervals(fewer)).height).toBe(largestLoad(fewer));
    }
  });

  it('finds or rules out the largest load where no step has room to spare', () => {
    const above: number[] = [];
    const wrong: number[] = [];
    for (let seed = 0; seed < 20_000; seed++) {
      const list = tightInstance(seed);
      const { offsets, height, maxLoad, optimal } = placeArena(toIntervals(list));
      if (height > maxLoad) above.push(seed);
      if (!optimal || overlaps(list, offsets).length > 0) wrong.push(seed);
    }
    expect(wrong).toEqual([]);
    expect(above).toEqual([8786, 17_157]);
  });

  it('gives offset 0 to intervals of no bytes or no steps', () => {
    const list = [
      { start: 0, end: 5, bytes: 10 },
      { start: 1, end: 2, bytes: 0 },
      { start: 3, end: 3, bytes: 7 },
    ];
    const { offsets, height } = placeArena(toIntervals(list));
    expect([...offsets, height]).toEqual([0, 0, 0, 10]);
  });

  it('has nothing to place in an empty instance', () => {
    expect(placeArena(toIntervals([]))).toEqual({
      offsets: new Float64Array(0),
      height: 0,
      maxLoad: 0,
      optimal: true,
    });
  });

  it('keeps offsets and sizes to the alignment', () => {
    const list = randomInstance(3, { count: 60, steps: 30, longest: 10, largest: 1000 });
    const { offsets, height, maxLoad } = placeArena(toIntervals(list), { alignment: 64 });
    for (const offset of offsets) expect(offset % 64).toBe(0);
    expect(maxLoad).toBe(largestLoad(list.map((i) => ({ ...i, bytes: Math.ceil(i.bytes / 64) * 64 }))));
    expect(height).toBeGreaterThanOrEqual(maxLoad);
    expect(overlaps(list, offsets)).toEqual([]);
  });

  it('places bytes beyond 4 GiB exactly', () => {
    const large = 3 * 2 ** 40 + 64;
    const list = [
      { start: 0, end: 3, bytes: large },
      { start: 1, end: 2, bytes: large },
      { start: 2, end: 4, bytes: 64 },
    ];
    expect(placeArena(toIntervals(list)).height).toBe(2 * large);
  });

  it('refuses what is no instance', () => {
    const intervals = { start: [0, 0], end: [1, 1] };
    expect(() => placeArena({ ...intervals, bytes: [1, -1] })).toThrow(RangeError);
    expect(() => placeArena({ ...intervals, bytes: [1, Number.NaN] })).toThrow(RangeError);
    expect(() => placeArena({ ...intervals, bytes: [1, 1.5] })).toThrow(RangeError);
    expect(() => placeArena({ ...intervals, bytes: [1] })).toThrow('2 starts, 2 ends and 1 sizes');
    expect(() => placeArena({ ...intervals, bytes: [1, 1] }, { alignment: 0 })).toThrow(RangeError);
  });
});

describe('any instance', () => {
  it('never overlaps, is as high as its highest top, and not below the largest load', () => {
    fc.assert(
      fc.property(intervalList(40), fc.constantFrom('greedy' as const, 'full' as const), (list, effort) => {
        const { offsets, height, maxLoad, optimal } = placeArena(toIntervals(list), { effort, nodeLimit: 2000 });
        expect(overlaps(list, offsets)).toEqual([]);
        expect(checkPlacement(toIntervals(list), offsets, height)).toEqual([]);
        expect(height).toBe(heightOf(list, offsets));
        expect(maxLoad).toBe(largestLoad(list));
        expect(height).toBeGreaterThanOrEqual(maxLoad);
        if (height === maxLoad) expect(optimal).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is not higher with full effort than with greedy', () => {
    for (let seed = 0; seed < 20; seed++) {
      const intervals = toIntervals(randomInstance(seed, { count: 120, steps: 60, longest: 25, largest: 50 }));
      const full = placeArena(intervals, { nodeLimit: 20_000 }).height;
      expect(full).toBeLessThanOrEqual(placeArena(intervals, { effort: 'greedy' }).height);
    }
  });

  it('is the same every time', () => {
    const list = randomInstance(11, { count: 200, steps: 80, longest: 30, largest: 90 });
    const intervals = toIntervals(list);
    const once = placeArena(intervals, { nodeLimit: 20_000 });
    expect(placeArena(intervals, { nodeLimit: 20_000 })).toEqual(once);
    const plain = {
      start: Array.from(intervals.start),
      end: Array.from(intervals.end),
      bytes: Array.from(intervals.bytes),
    };
    expect(placeArena(plain, { nodeLimit: 20_000 })).toEqual(once);
  });

  it('stops at a capacity that is high enough', () => {
    const list = randomInstance(2, { count: 100, steps: 40, longest: 20, largest: 40 });
    const { maxLoad } = placeArena(toIntervals(list));
    const capacity = Math.ceil(1.2 * maxLoad);
    const { offsets, height } = placeArena(toIntervals(list), { capacity });
    expect(height).toBeLessThanOrEqual(capacity);
    expect(checkPlacement(toIntervals(list), offsets, capacity)).toEqual([]);
  });
});

describe('training traces', () => {
  for (const layers of [10, 100, 1000])
    it(`${layers} layers fit in exactly the bytes that are alive`, () => {
      const list = trainingTrace(layers, layers);
      const { offsets, height, maxLoad } = placeArena(toIntervals(list));
      expect(checkPlacement(toIntervals(list), offsets, height)).toEqual([]);
      expect(height).toBe(maxLoad);
    });

  it('lays out a chain of 40,000 layers: more than 100,000 intervals, within 1.005 of the largest load', () => {
    const intervals = toIntervals(trainingTrace(40_000, 1));
    expect(intervals.bytes.length).toBeGreaterThan(100_000);
    const { offsets, height, maxLoad } = placeArena(intervals);
    expect(checkPlacement(intervals, offsets, height)).toEqual([]);
    expect(height / maxLoad).toBeLessThanOrEqual(1.005);
  });

  it('lays out 100,000 short intervals in exactly the bytes that are alive', () => {
    const list = randomInstance(5, { count: 100_000, steps: 50_000, longest: 12, largest: 64, unit: 64 });
    const { offsets, height, maxLoad } = placeArena(toIntervals(list));
    expect(checkPlacement(toIntervals(list), offsets, height)).toEqual([]);
    expect(height).toBe(maxLoad);
  });
});

describe('residualOverhang', () => {
  it('names the intervals that end above a height', () => {
    const list = [
      { start: 0, end: 2, bytes: 64 },
      { start: 0, end: 2, bytes: 64 },
      { start: 1, end: 1, bytes: 999 },
    ];
    expect([...residualOverhang(toIntervals(list), [0, 64, 0], 64)]).toEqual([1]);
    expect([...residualOverhang(toIntervals(list), [0, 64, 0], 128)]).toEqual([]);
  });
});
