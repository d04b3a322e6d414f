import { describe, expect, it } from 'vitest';
import { normalAt, normalQuantile, randomKey, uniformAt } from '../../../runtime/rng.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { evaluate } from '../../../src/ops/evaluate.ts';
import { bernoulli, randomNormal, randomUniform } from '../../../src/ops/random.ts';

const rng = (seed: number, step: number): Tensor => ({
  type: { dtype: 'i32', shape: [2] },
  data: Int32Array.from([seed, step]),
});
const count = 40_000;
const common = { site: 3, seed: [] };
const normals = (from: Tensor, more: Partial<typeof common> | { seed: readonly number[] } = {}) =>
  evaluate(randomNormal, [from], { shape: [count], mean: 0, scale: 1, ...common, ...more })[0]!.data;
const same = (a: Tensor['data'], b: Tensor['data']): boolean => Array.from(a).every((x, i) => Object.is(x, b[i]));
const moment = (data: Tensor['data'], power: number, about = 0): number =>
  Array.from(data).reduce((sum, x) => sum + (x - about) ** power, 0) / data.length;

describe('standard normal numbers', () => {
  it('are the quantiles of the uniform ones, to the precision of doubles', () => {
    // NormalDist().inv_cdf(k / 2**24 + 2**-25) of Python's statistics module.
    const quantiles: readonly (readonly [number, number])[] = [
      [0, -5.419983174916869],
      [1, -5.220113060600539],
      [12345, -3.1802071080999976],
      [1258291, -1.4395313446176727],
      [8388607, -7.470334394666561e-8],
      [8388608, 7.470334394666561e-8],
      [16000000, 1.6815748669637072],
      [16777215, 5.419983174916869],
    ];
    for (const [k, z] of quantiles) {
      expect(Math.abs(normalQuantile(k / 2 ** 24 + 2 ** -25) - z)).toBeLessThan(1e-14 * Math.abs(z) + 1e-22);
    }
  });

  it('follow the uniform numbers of the same index', () => {
    const key = randomKey(1, 2, 3);
    for (let i = 0; i < 100; i++) expect(normalAt(key, i)).toBe(normalQuantile(uniformAt(key, i) + 2 ** -25));
  });

  it('have the moments, the tails and the symmetry of the distribution', () => {
    const z = normals(rng(5, 6));
    // Deviations of the means of z, z^2, z^3 and z^4: sqrt(1, 2, 15, 96 / count).
    [0, 1, 0, 3].forEach((expected, i) => {
      expect(Math.abs(moment(z, i + 1) - expected)).toBeLessThan(5 * Math.sqrt([1, 2, 15, 96][i]! / count));
    });
    const share = Array.from(z).filter((x) => Math.abs(x) > 1.959963984540054).length / count;
    expect(Math.abs(share - 0.05)).toBeLessThan(5 * Math.sqrt((0.05 * 0.95) / count));
  });
});

describe('random tensors', () => {
  it('random_uniform is uniform in [low, high)', () => {
    const u = evaluate(randomUniform, [rng(1, 2)], { shape: [count], low: -1, high: 3, ...common })[0]!.data;
    const mean = moment(u, 1);
    expect(Math.abs(mean - 1)).toBeLessThan(5 * Math.sqrt(16 / 12 / count));
    expect(Math.abs(moment(u, 2, 1) - 16 / 12)).toBeLessThan(0.02);
    expect(Array.from(u).every((x) => x >= -1 && x <= 3)).toBe(true);
  });

  it('random_normal is moved and stretched', () => {
    const z = normals(rng(1, 2));
    const moved = evaluate(randomNormal, [rng(1, 2)], { shape: [2, 3], mean: 5, scale: 0.5, ...common })[0]!;
    expect(moved.type.shape).toEqual([2, 3]);
    Array.from(moved.data).forEach((value, i) => {
      expect(Math.abs(value - (5 + 0.5 * z[i]!))).toBeLessThan(1e-6);
    });
  });

  it('bernoulli is 1 with the probability of each element', () => {
    for (const p of [0, 0.1, 0.5, 0.9, 1]) {
      const tensor: Tensor = { type: { dtype: 'f32', shape: [count] }, data: new Float32Array(count).fill(p) };
      const drawn = evaluate(bernoulli, [tensor, rng(3, 4)], common)[0]!.data;
      expect(Math.abs(moment(drawn, 1) - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / count));
      expect(new Set(drawn).size).toBeLessThanOrEqual(2);
    }
  });

  it('are the same for the same seed, step and site, and others for others', () => {
    const base = normals(rng(5, 6));
    expect(same(normals(rng(5, 6)), base)).toBe(true);
    const others = [normals(rng(4, 6)), normals(rng(5, 7)), normals(rng(5, 6), { site: 4 })];
    for (const other of others) {
      let correlation = 0;
      for (let i = 0; i < count; i++) correlation += base[i]! * other[i]!;
      expect(Math.abs(correlation / count)).toBeLessThan(5 / Math.sqrt(count));
    }
    // A seed of the node's own takes the place of the run's, and of nothing else.
    const own = normals(rng(5, 6), { seed: [9] });
    expect(same(normals(rng(4, 6), { seed: [9] }), own)).toBe(true);
    expect(same(normals(rng(9, 6)), own)).toBe(true);
    expect(same(normals(rng(5, 7), { seed: [9] }), own)).toBe(false);
  });

  it('are these numbers on every machine', () => {
    expect(Array.from(normals(rng(42, 7))).slice(0, 4)).toEqual([
      -0.18134832382202148, 0.09037144482135773, 0.02575645223259926, -2.4948925971984863,
    ]);
  });
});
