import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { scatterElements, scatterNd } from '../../../src/ops/scatter.ts';
import { checkGradient, integers, randomInt, run, seeded, tensor, uniform } from './harness.ts';

const random = seeded(81);
const reductions = ['none', 'add', 'mul', 'min', 'max'] as const;
const combine = {
  none: (_: number, update: number) => update,
  add: (old: number, update: number) => old + update,
  mul: (old: number, update: number) => old * update,
  min: Math.min,
  max: Math.max,
};
const positionOf = (index: number, shape: readonly number[]) =>
  shape.map((extent, d) => Math.floor(index / elementCount(shape.slice(d + 1))) % extent);
const offset = (position: readonly number[], shape: readonly number[]) =>
  position.reduce((sum, p, d) => sum * shape[d]! + (p < 0 ? p + shape[d]! : p), 0);
const indices = (shape: number[], values: number[]): Tensor => ({
  type: { dtype: 'i64', shape },
  data: Float64Array.from(values),
});

describe('scatter_elements', () => {
  it('writes, in order, where one coordinate is the index; its gradient is that of central differences', () => {
    for (let round = 0; round < 40; round++) {
      const shape = Array.from({ length: randomInt(random, 1, 3) }, () => randomInt(random, 1, 4));
      const axis = randomInt(random, 0, shape.length - 1);
      const part = shape.map((extent, d) => (d === axis ? randomInt(random, 1, 4) : randomInt(random, 1, extent)));
      const x = uniform(random, shape);
      const at = integers(random, part, -shape[axis]!, shape[axis]! - 1);
      const updates = uniform(random, part);
      for (const reduction of reductions) {
        const expected = Array.from(x.data);
        Array.from(updates.data).forEach((update, i) => {
          const o = offset(
            positionOf(i, part).map((p, d) => (d === axis ? at.data[i]! : p)),
            shape,
          );
          expected[o] = combine[reduction](expected[o]!, update);
        });
        expect(run(scatterElements, [x, at, updates], { axis, reduction })[0]!.data).toEqual(expected);
        checkGradient(scatterElements, [x, at, updates], { axis, reduction }, { tolerance: 1e-7 });
      }
    }
  });

  it('passes each factor the product of the others, zeros among them', () => {
    const at = indices([3], [0, 0, 1]);
    checkGradient(scatterElements, [tensor([2], [2, 3]), at, tensor([3], [0, 5, 0])], { axis: 0, reduction: 'mul' });
    checkGradient(scatterElements, [tensor([2], [0, 3]), at, tensor([3], [0, 5, 1])], { axis: 0, reduction: 'mul' });
  });

  it('refuses an index out of range', () => {
    expect(() =>
      run(scatterElements, [tensor([2], [1, 2]), indices([1], [2]), tensor([1], [3])], { axis: 0, reduction: 'none' }),
    ).toThrow(new RangeError('index 2 at element 0 is out of range for an extent of 2'));
  });
});

describe('scatter_nd', () => {
  it('writes slices at index tuples; its gradient is that of central differences', () => {
    for (let round = 0; round < 40; round++) {
      const shape = Array.from({ length: randomInt(random, 1, 3) }, () => randomInt(random, 1, 4));
      const length = randomInt(random, 1, shape.length);
      const smallest = Math.min(...shape.slice(0, length));
      const tuples = Array.from({ length: randomInt(random, 0, 2) }, () => randomInt(random, 1, 3));
      const x = uniform(random, shape);
      const at = integers(random, [...tuples, length], -smallest, smallest - 1);
      const inner = shape.slice(length);
      const updates = uniform(random, [...tuples, ...inner]);
      for (const reduction of reductions) {
        const expected = Array.from(x.data);
        Array.from(updates.data).forEach((update, i) => {
          const t = Math.floor(i / elementCount(inner));
          const tuple = Array.from(at.data).slice(t * length, (t + 1) * length);
          const o = offset([...tuple, ...positionOf(i % elementCount(inner), inner)], shape);
          expected[o] = combine[reduction](expected[o]!, update);
        });
        expect(run(scatterNd, [x, at, updates], { reduction })[0]!.data).toEqual(expected);
        checkGradient(scatterNd, [x, at, updates], { reduction }, { tolerance: 1e-7 });
      }
    }
  });

  it('names what does not fit', () => {
    const x = uniform(random, [3, 2]);
    expect(() => run(scatterNd, [x, indices([1, 1], [0]), uniform(random, [1, 3])], { reduction: 'none' })).toThrow(
      'updates must be f32[1,2], not f32[1,3]',
    );
    expect(() => run(scatterNd, [x, indices([1, 1], [0]), uniform(random, [1, 2])], { reduction: 'sum' })).toThrow(
      'unknown reduction "sum"',
    );
  });
});
