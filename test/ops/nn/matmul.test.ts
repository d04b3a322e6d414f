import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { broadcastShape, broadcastStrides } from '../../../src/ops/broadcasting.ts';
import { evaluate } from '../../../src/ops/evaluate.ts';
import { matmul } from '../../../src/ops/matmul.ts';
import { checkGradient, f32, randomInt, relativeError, run, seeded, uniform } from './harness.ts';

/** The definition, one element at a time. */
function direct(a: Tensor, b: Tensor, bias: Tensor | undefined, ta: boolean, tb: boolean): number[] {
  const [m, k] = ta ? [a.type.shape.at(-1)!, a.type.shape.at(-2)!] : [a.type.shape.at(-2)!, a.type.shape.at(-1)!];
  const n = tb ? b.type.shape.at(-2)! : b.type.shape.at(-1)!;
  const batch = broadcastShape([f32(...a.type.shape.slice(0, -2)), f32(...b.type.shape.slice(0, -2))]);
  const sa = broadcastStrides(a.type.shape.slice(0, -2), batch);
  const sb = broadcastStrides(b.type.shape.slice(0, -2), batch);
  const shape = [...batch, m, n];
  const sBias = bias && broadcastStrides(bias.type.shape, shape);
  return Array.from({ length: elementCount(shape) }, (_, index) => {
    const position = shape.map((_, d) => Math.floor(index / elementCount(shape.slice(d + 1))) % shape[d]!);
    const [i, j] = position.slice(-2) as [number, number];
    const at = (strides: readonly number[]) => strides.reduce((sum, s, d) => sum + s * position[d]!, 0);
    let sum = bias === undefined ? 0 : bias.data[at(sBias!)]!;
    for (let p = 0; p < k; p++)
      sum +=
        a.data[at(sa) * m * k + (ta ? p * m + i : i * k + p)]! * b.data[at(sb) * k * n + (tb ? j * k + p : p * n + j)]!;
    return sum;
  });
}

describe('matmul', () => {
  it('is the product by definition for any size, transposition, batch and bias', () => {
    const random = seeded(1);
    for (let round = 0; round < 120; round++) {
      const [m, n, k] = [randomInt(random, 0, 13), randomInt(random, 0, 13), randomInt(random, 0, 17)];
      const ta = random() < 0.5;
      const tb = random() < 0.5;
      const batch = Array.from({ length: randomInt(random, 0, 2) }, () => randomInt(random, 1, 3));
      const part = () => batch.slice(randomInt(random, 0, batch.length)).map((extent) => (random() < 0.3 ? 1 : extent));
      const a = uniform(random, [...part(), ...(ta ? [k, m] : [m, k])]);
      const b = uniform(random, [...part(), ...(tb ? [n, k] : [k, n])]);
      const biases = [
        undefined,
        uniform(random, [n]),
        uniform(random, [m, 1]),
        uniform(random, [m, n]),
        uniform(random, [1]),
      ];
      const bias = biases[randomInt(random, 0, 4)];
      const operands = bias === undefined ? [a, b] : [a, b, bias];
      const y = run(matmul, operands, { transpose_a: ta, transpose_b: tb })[0]!;
      expect(relativeError(y.data, direct(a, b, bias, ta, tb))).toBeLessThan(1e-12);
    }
  });

  it('crosses the borders of its blocks', () => {
    const random = seeded(2);
    for (const [m, n, k] of [
      [97, 5, 257],
      [3, 1027, 300],
      [193, 9, 513],
    ] as const) {
      const a = uniform(random, [m, k]);
      const b = uniform(random, [n, k]);
      const y = run(matmul, [a, b], { transpose_a: false, transpose_b: true })[0]!;
      expect(relativeError(y.data, direct(a, b, undefined, false, true))).toBeLessThan(1e-12);
    }
  });

  it('gives the same product for a batch folded into rows as for each element by itself', () => {
    const random = seeded(3);
    const a = uniform(random, [3, 7, 19]);
    const b = uniform(random, [19, 6]);
    const all = evaluate(matmul, [a, b], { transpose_a: false, transpose_b: false })[0]!;
    const one = (i: number) =>
      evaluate(matmul, [{ type: f32(7, 19), data: Float64Array.from(a.data).slice(i * 133, (i + 1) * 133) }, b], {
        transpose_a: false,
        transpose_b: false,
      })[0]!;
    expect([...all.data]).toEqual([...one(0).data, ...one(1).data, ...one(2).data]);
  });

  it('lets NaN and infinities through where they stand and nowhere else', () => {
    const a = uniform(seeded(4), [5, 6]);
    const b = uniform(seeded(5), [6, 7]);
    const data = Float64Array.from(a.data);
    data[2 * 6 + 1] = Number.NaN;
    data[4 * 6] = Number.POSITIVE_INFINITY;
    const y = run(matmul, [{ type: a.type, data }, b], { transpose_a: false, transpose_b: false })[0]!;
    y.data.forEach((value, i) => {
      expect(Number.isFinite(value)).toBe(Math.floor(i / 7) !== 2 && Math.floor(i / 7) !== 4);
    });
  });

  it('has the gradient of central differences', () => {
    const random = seeded(6);
    for (const ta of [false, true])
      for (const tb of [false, true])
        for (const [before, after, bias] of [
          [[], [], [4]],
          [[2], [], [3, 4]],
          [[2], [2], [1]],
          [[2, 1], [3], [3, 1, 4]],
          [[2], [1], [3, 1]],
          [[2], [1, 1], [4]],
        ] as const) {
          const a = uniform(random, [...before, ...(ta ? [5, 3] : [3, 5])]);
          const b = uniform(random, [...after, ...(tb ? [4, 5] : [5, 4])]);
          checkGradient(
            matmul,
            [a, b, uniform(random, bias)],
            { transpose_a: ta, transpose_b: tb },
            { tolerance: 1e-8 },
          );
        }
  });

  it('names the shapes that do not multiply', () => {
    expect(() => matmul.infer([f32(2, 3), f32(4, 5)], { transpose_a: false, transpose_b: false })).toThrow(
      'f32[2,3] and f32[4,5] do not multiply: inner extents are 3 and 4',
    );
    expect(() => matmul.infer([f32(2, 3), f32(3, 5), f32(4)], { transpose_a: false, transpose_b: false })).toThrow(
      'shapes do not broadcast: f32[4] and f32[2,5]',
    );
  });
});
