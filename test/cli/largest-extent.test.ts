import { describe, expect, it } from 'vitest';
import { largestExtent } from '../../src/cli/largest-extent.ts';

const never = (): boolean => false;

/** Extents up to `largest` can be borne; notes which are tried. */
function upTo(largest: number): {
  attempt: (extent: number) => Promise<{ extent: number } | undefined>;
  tried: number[];
} {
  const tried: number[] = [];
  return {
    tried,
    attempt: async (extent) => {
      tried.push(extent);
      return extent <= largest ? { extent } : undefined;
    },
  };
}

describe('the largest extent', () => {
  it('is found exactly, whatever it is and wherever the limit lies', async () => {
    for (let limit = 1; limit <= 40; limit++)
      for (let largest = 1; largest <= 45; largest++) {
        const { attempt, tried } = upTo(largest);
        expect(await largestExtent(attempt, limit, never), `${largest} below ${limit}`).toEqual({
          extent: Math.min(largest, limit),
        });
        expect(Math.max(...tried)).toBeLessThanOrEqual(limit);
        expect(new Set(tried).size).toBe(tried.length);
      }
  });

  it('is none where 1 is too much already', async () => {
    expect(await largestExtent(upTo(0).attempt, 8, never)).toBeUndefined();
  });

  it('is the largest so far once it is told to stop', async () => {
    const { attempt, tried } = upTo(1000);
    expect(await largestExtent(attempt, 4096, () => tried.length >= 4)).toEqual({ extent: 8 });
  });
});
