import { describe, expect, it } from 'vitest';
import { elementCount } from '../../../src/ir/graph.ts';
import { lrn } from '../../../src/ops/lrn.ts';
import { oneHot } from '../../../src/ops/one-hot.ts';
import { topK } from '../../../src/ops/top-k.ts';
import { checkGradient, integers, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

const random = seeded(91);

describe('top_k', () => {
  it('gives the largest or smallest in order, equal ones by position', () => {
    for (let round = 0; round < 40; round++) {
      const shape = Array.from({ length: randomInt(random, 1, 3) }, () => randomInt(random, 1, 9));
      const axis = randomInt(random, 0, shape.length - 1);
      const k = randomInt(random, 1, shape[axis]!);
      // Few values, so that many are equal.
      const drawn = integers(random, shape, 0, 4);
      const x = { ...drawn, type: { dtype: 'f32', shape } as const };
      const largest = random() < 0.5;
      const [values, indices] = run(topK, [x], { axis, k, largest, sorted: true });
      const inner = elementCount(shape.slice(axis + 1));
      for (let row = 0; row < elementCount(shape) / shape[axis]!; row++) {
        const block = Math.floor(row / inner);
        const at = (i: number, extent: number) => (block * extent + i) * inner + (row % inner);
        const line = Array.from({ length: shape[axis]! }, (_, i) => ({ i, value: x.data[at(i, shape[axis]!)]! }));
        line.sort((a, b) => (largest ? b.value - a.value : a.value - b.value) || a.i - b.i);
        for (let j = 0; j < k; j++) {
          expect(indices!.data[at(j, k)]).toBe(line[j]!.i);
          expect(values!.data[at(j, k)]).toBe(line[j]!.value);
        }
      }
    }
  });

  it('takes NaN for the largest', () => {
    const x = tensor([4], [1, Number.NaN, Number.POSITIVE_INFINITY, -2]);
    const order = (largest: boolean) => run(topK, [x], { axis: 0, k: 4, largest, sorted: true })[1]!.data;
    expect(order(true)).toEqual([1, 2, 0, 3]);
    expect(order(false)).toEqual([3, 0, 2, 1]);
  });

  it('has the gradient of central differences', () => {
    const x = uniform(random, [3, 5, 2]);
    for (const axis of [0, 1, 2])
      checkGradient(topK, [x], { axis, k: 2, largest: axis > 0, sorted: true }, { tolerance: 1e-8 });
  });
});

describe('one_hot', () => {
  it('encodes along a new dimension, counting negative indices from the end', () => {
    const indices = { type: { dtype: 'i64', shape: [5] } as const, data: Float64Array.from([0, 2, -1, 3, -4]) };
    const y = run(oneHot, [indices, tensor([2], [0.5, 7])], { axis: 1, depth: 3 })[0]!;
    expect(y.data).toEqual([7, 0.5, 0.5, 0.5, 0.5, 7, 0.5, 0.5, 7, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    const first = run(oneHot, [indices, tensor([2], [0, 1])], { axis: 0, depth: 3 })[0]!;
    expect(first.type.shape).toEqual([3, 5]);
    expect(first.data).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0]);
  });

  it('is differentiable in its two values', () => {
    const indices = integers(random, [2, 3], -5, 5);
    for (const axis of [0, 1, 2]) checkGradient(oneHot, [indices, uniform(random, [2])], { axis, depth: 4 });
  });
});

describe('lrn', () => {
  it('divides by a power of the mean square of neighbouring channels', () => {
    for (let round = 0; round < 20; round++) {
      const [batch, channels, size] = [randomInt(random, 1, 2), randomInt(random, 1, 6), randomInt(random, 1, 4)];
      const attributes = { size: randomInt(random, 1, 5), alpha: 0.4, beta: 0.75, bias: 1.5 };
      const x = uniform(random, [batch, channels, size], -2, 2);
      const y = run(lrn, [x], attributes)[0]!;
      const expected = y.data.map((_, i) => {
        const c = Math.floor(i / size) % channels;
        let sum = 0;
        for (let j = 0; j < channels; j++) {
          const inside =
            j >= c - Math.floor((attributes.size - 1) / 2) && j <= c + Math.ceil((attributes.size - 1) / 2);
          if (inside) sum += x.data[i + (j - c) * size]! ** 2;
        }
        return x.data[i]! / (1.5 + (0.4 / attributes.size) * sum) ** 0.75;
      });
      expect(relativeError(y.data, expected)).toBeLessThan(1e-12);
      checkGradient(lrn, [x], attributes, { tolerance: 1e-7 });
    }
  });
});
