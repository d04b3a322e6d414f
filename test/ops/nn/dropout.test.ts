import { describe, expect, it } from 'vitest';
import { randomKey, uniformAt } from '../../../runtime/rng.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { dropout, dropoutMask } from '../../../src/ops/dropout.ts';
import { evaluate } from '../../../src/ops/evaluate.ts';
import { checkGradient, run, seeded, uniform } from './harness.ts';

const rng = (seed: number, step: number): Tensor => ({
  type: { dtype: 'i32', shape: [2] },
  data: Int32Array.from([seed, step]),
});

describe('the counter-based generator', () => {
  it('draws these numbers on every machine', () => {
    const key = randomKey(42, 7, 3);
    expect([key, ...[0, 1, 2, 2 ** 32].map((index) => uniformAt(key, index) * 2 ** 24)]).toMatchInlineSnapshot(`
      [
        -1166941808,
        7181438,
        8992654,
        8560980,
        8516985,
      ]
    `);
  });

  it('is uniform, and independent between neighbours in index, seed, step and site', () => {
    const count = 40_000;
    const stream = (seed: number, step: number, site: number, shift = 0) => {
      const key = randomKey(seed, step, site);
      return Float64Array.from({ length: count }, (_, i) => uniformAt(key, i + shift));
    };
    const base = stream(1, 1, 1);
    const buckets = new Array<number>(64).fill(0);
    expect(base.every((u) => u >= 0 && u < 1)).toBe(true);
    for (const u of base) buckets[Math.floor(u * 64)]!++;
    // Chi-square with 63 degrees of freedom: mean 63, deviation 11.
    const expected = count / 64;
    expect(buckets.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(63 + 5 * 11.2);
    for (const other of [stream(2, 1, 1), stream(1, 2, 1), stream(1, 1, 2), stream(1, 1, 1, 1), stream(1, 1, 1, 256)]) {
      let correlation = 0;
      for (let i = 0; i < count; i++) correlation += (base[i]! - 0.5) * (other[i]! - 0.5) * 12;
      // Deviation 1 / sqrt(count).
      expect(Math.abs(correlation / count)).toBeLessThan(5 / Math.sqrt(count));
    }
  });
});

describe('dropout', () => {
  const x = uniform(seeded(71), [50, 40], 0.5, 1);

  it('keeps what its mask keeps, scaled', () => {
    for (const ratio of [0, 0.1, 0.5, 0.9, 1]) {
      const y = run(dropout, [x, rng(5, 6)], { ratio, site: 2 })[0]!;
      const mask = evaluate(dropoutMask, [rng(5, 6)], { ratio, site: 2, shape: [50, 40] })[0]!;
      const kept = Array.from(mask.data).reduce((a, b) => a + b, 0) / 2000;
      expect(Math.abs(kept - (1 - ratio))).toBeLessThan(5 * Math.sqrt((ratio * (1 - ratio)) / 2000) + 1e-9);
      y.data.forEach((value, i) => {
        expect(value).toBe(mask.data[i] === 1 ? x.data[i]! * (1 / (1 - ratio)) : 0);
      });
    }
  });

  it('draws the same for the same seed, step and site, and others for others', () => {
    const drawn = (seed: number, step: number, site: number) =>
      Array.from(evaluate(dropout, [x, rng(seed, step)], { ratio: 0.5, site })[0]!.data);
    expect(drawn(5, 6, 2)).toEqual(drawn(5, 6, 2));
    expect(drawn(5, 6, 2)).not.toEqual(drawn(4, 6, 2));
    expect(drawn(5, 6, 2)).not.toEqual(drawn(5, 7, 2));
    expect(drawn(5, 6, 2)).not.toEqual(drawn(5, 6, 3));
  });

  it('has the gradient of central differences, from the seed alone', () => {
    checkGradient(dropout, [uniform(seeded(72), [4, 5]), rng(1, 2)], { ratio: 0.3, site: 1 }, { tolerance: 1e-8 });
  });
});
