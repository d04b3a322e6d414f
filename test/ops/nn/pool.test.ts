import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { averagePool, lpPool, maxPool, maxPoolWithIndices, type PoolAttributes } from '../../../src/ops/pool.ts';
import { checkGradient, f32, gradients, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

interface Window {
  /** Elements of x inside the image. */
  readonly inside: readonly number[];
  /** Positions inside the padded image. */
  readonly padded: number;
}

/** The windows by definition, one for each element of the result. */
function windows(x: readonly number[], y: readonly number[], attributes: PoolAttributes): Window[] {
  const { kernel, strides, pads, dilations } = attributes;
  const spatial = x.slice(2);
  const unravel = (index: number, shape: readonly number[]) =>
    shape.map((extent, d) => Math.floor(index / elementCount(shape.slice(d + 1))) % extent);
  return Array.from({ length: elementCount(y) }, (_, i) => {
    const [n, c, ...o] = unravel(i, y);
    const inside: number[] = [];
    let padded = 0;
    for (let t = 0; t < elementCount(kernel); t++) {
      const at = unravel(t, kernel).map((k, d) => o[d]! * strides[d]! + k * dilations[d]! - pads[d]!);
      if (at.every((p, d) => p < spatial[d]! + pads[spatial.length + d]!)) padded++;
      if (at.every((p, d) => p >= 0 && p < spatial[d]!))
        inside.push(at.reduce((sum, p, d) => sum * spatial[d]! + p, n! * x[1]! + c!));
    }
    return { inside, padded };
  });
}

function draw(random: () => number, spatial: number): { x: Tensor; attributes: PoolAttributes } {
  const list = (low: number, high: number, count = spatial) =>
    Array.from({ length: count }, () => randomInt(random, low, high));
  const kernel = list(1, 3);
  const dilations = list(1, 2);
  const pads = [...kernel, ...kernel].map((k) => randomInt(random, 0, k - 1));
  const extents = kernel.map((k, d) => dilations[d]! * (k - 1) + 1 + randomInt(random, 0, 4));
  return {
    x: uniform(random, [randomInt(random, 1, 2), randomInt(random, 1, 3), ...extents]),
    attributes: { kernel, strides: list(1, 3), pads, dilations, ceil_mode: random() < 0.5 },
  };
}

describe('pools', () => {
  it('take the largest, the mean and the norm of the windows by definition', () => {
    const random = seeded(21);
    for (let round = 0; round < 120; round++) {
      const { x, attributes } = draw(random, 1 + (round % 3));
      const y = run(maxPool, [x], attributes)[0]!;
      const expected = windows(x.type.shape, y.type.shape, attributes);
      const max = expected.map(({ inside }) => Math.max(...inside.map((i) => x.data[i]!)));
      expect(Array.from(y.data)).toEqual(max);
      const [values, indices] = run(maxPoolWithIndices, [x], { ...attributes, storage_order: 0 });
      expect(Array.from(values!.data)).toEqual(max);
      expect(Array.from(indices!.data, (i) => x.data[i] ?? Number.NEGATIVE_INFINITY)).toEqual(max);
      for (const count_include_pad of [false, true]) {
        const mean = run(averagePool, [x], { ...attributes, count_include_pad })[0]!;
        const means = expected.map(({ inside, padded }) => {
          const sum = inside.reduce((total, i) => total + x.data[i]!, 0);
          const count = count_include_pad ? padded : inside.length;
          return count === 0 ? 0 : sum / count;
        });
        expect(relativeError(mean.data, means)).toBeLessThan(1e-12);
      }
      const norm = run(lpPool, [x], { ...attributes, p: 3 })[0]!;
      const norms = expected.map(
        ({ inside }) => inside.reduce((sum, i) => sum + Math.abs(x.data[i]!) ** 3, 0) ** (1 / 3),
      );
      expect(relativeError(norm.data, norms)).toBeLessThan(1e-12);
    }
  });

  it('have the gradients of central differences', () => {
    const random = seeded(22);
    for (let round = 0; round < 18; round++) {
      const { x, attributes } = draw(random, 1 + (round % 3));
      checkGradient(maxPool, [x], attributes, { tolerance: 1e-8 });
      checkGradient(maxPoolWithIndices, [x], { ...attributes, storage_order: 1 }, { tolerance: 1e-8 });
      checkGradient(averagePool, [x], { ...attributes, count_include_pad: round % 2 === 0 }, { tolerance: 1e-8 });
      const away = uniform(random, x.type.shape, 0.5, 2);
      checkGradient(lpPool, [away], { ...attributes, p: 1 + (round % 3) }, { tolerance: 1e-6 });
    }
  });

  it('drop a last window that starts in the pads, with ceil_mode', () => {
    const attributes = { kernel: [1], strides: [2], pads: [0, 0], dilations: [1], ceil_mode: true };
    expect(maxPool.infer([f32(1, 1, 4)], attributes)[0]!.shape).toEqual([1, 1, 2]);
    const padded = { kernel: [3], strides: [2], pads: [1, 1], dilations: [1], ceil_mode: true };
    expect(maxPool.infer([f32(1, 1, 5)], padded)[0]!.shape).toEqual([1, 1, 3]);
    expect(maxPool.infer([f32(1, 1, 4)], padded)[0]!.shape).toEqual([1, 1, 3]);
  });

  it('give the first of equal maxima the gradient, and count its index in either order', () => {
    const x = tensor([1, 1, 2, 2], [3, 1, 3, 3]);
    const attributes = { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], ceil_mode: false };
    const dx = gradients(maxPool, [x], attributes, [tensor([1, 1, 1, 1], [5])], [0])[0]!;
    expect(Array.from(dx.data)).toEqual([5, 0, 0, 0]);
    const second = tensor([1, 1, 2, 2], [0, 1, 7, 3]);
    const indexOf = (storage_order: number) =>
      run(maxPoolWithIndices, [second], { ...attributes, storage_order })[1]!.data[0];
    expect([indexOf(0), indexOf(1)]).toEqual([2, 1]);
  });
});
