import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { gather, gatherElements, gatherNd } from '../../../src/ops/gather.ts';
import { checkGradient, integers, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

const random = seeded(51);
const positionOf = (index: number, shape: readonly number[]) =>
  shape.map((extent, d) => Math.floor(index / elementCount(shape.slice(d + 1))) % extent);
const elementAt = (x: Tensor, position: readonly number[]) =>
  x.data[position.reduce((sum, p, d) => sum * x.type.shape[d]! + (p < 0 ? p + x.type.shape[d]! : p), 0)]!;
const shapeOf = (rank: number) => Array.from({ length: rank }, () => randomInt(random, 1, 4));

describe('gather', () => {
  it('copies slices along an axis, negative indices counting from the end', () => {
    for (let round = 0; round < 30; round++) {
      const x = uniform(random, shapeOf(randomInt(random, 1, 4)));
      const axis = randomInt(random, 0, x.type.shape.length - 1);
      const extent = x.type.shape[axis]!;
      const indices = integers(random, shapeOf(randomInt(random, 0, 2)), -extent, extent - 1);
      const y = run(gather, [x, indices], { axis })[0]!;
      const rank = indices.type.shape.length;
      const expected = y.data.map((_, i) => {
        const position = positionOf(i, y.type.shape);
        const index = elementAt(indices, position.slice(axis, axis + rank));
        return elementAt(x, [...position.slice(0, axis), index, ...position.slice(axis + rank)]);
      });
      expect(y.data).toEqual(expected);
      checkGradient(gather, [x, indices], { axis }, { tolerance: 1e-8 });
    }
  });

  it('adds up the gradients of a slice read twice', () => {
    const indices = { ...integers(random, [3], 0, 0), data: Float64Array.from([1, 1, -1]) };
    checkGradient(gather, [tensor([2, 2], [1, 2, 3, 4]), indices], { axis: 0 }, { tolerance: 1e-8 });
  });

  it('refuses an index out of range', () => {
    const x = uniform(random, [2, 3]);
    const at = (value: number) => ({ ...integers(random, [2], 0, 0), data: Float64Array.from([0, value]) });
    const message = (value: number) => new RangeError(`index ${value} at element 1 is out of range for an extent of 3`);
    expect(() => run(gather, [x, at(3)], { axis: 1 })).toThrow(message(3));
    expect(() => run(gather, [x, at(-4)], { axis: 1 })).toThrow(message(-4));
    expect(() => run(gather, [x, at(0.5 * Number.NaN)], { axis: 1 })).toThrow(RangeError);
  });
});

describe('gather_elements', () => {
  it('replaces one coordinate by the index', () => {
    for (let round = 0; round < 30; round++) {
      const x = uniform(random, shapeOf(randomInt(random, 1, 3)));
      const axis = randomInt(random, 0, x.type.shape.length - 1);
      const shape = x.type.shape.map((extent, d) =>
        d === axis ? randomInt(random, 1, 5) : randomInt(random, 1, extent),
      );
      const extent = x.type.shape[axis]!;
      const indices = integers(random, shape, -extent, extent - 1);
      const y = run(gatherElements, [x, indices], { axis })[0]!;
      const expected = y.data.map((_, i) => {
        const position = positionOf(i, shape);
        return elementAt(
          x,
          position.map((p, d) => (d === axis ? indices.data[i]! : p)),
        );
      });
      expect(y.data).toEqual(expected);
      checkGradient(gatherElements, [x, indices], { axis }, { tolerance: 1e-8 });
    }
  });
});

describe('gather_nd', () => {
  it('copies the slices that index tuples name', () => {
    for (let round = 0; round < 30; round++) {
      const x = uniform(random, shapeOf(randomInt(random, 1, 4)));
      const rank = x.type.shape.length;
      const batch_dims = randomInt(random, 0, rank - 1);
      const length = randomInt(random, 1, rank - batch_dims);
      const batch = x.type.shape.slice(0, batch_dims);
      const smallest = Math.min(...x.type.shape.slice(batch_dims, batch_dims + length));
      const indices = integers(
        random,
        [...batch, ...shapeOf(randomInt(random, 0, 2)), length],
        -smallest,
        smallest - 1,
      );
      const y = run(gatherNd, [x, indices], { batch_dims })[0]!;
      const tuples = indices.type.shape.length - 1;
      const expected = y.data.map((_, i) => {
        const position = positionOf(i, y.type.shape);
        const tuple = Array.from({ length }, (_, k) => elementAt(indices, [...position.slice(0, tuples), k]));
        return elementAt(x, [...position.slice(0, batch_dims), ...tuple, ...position.slice(tuples)]);
      });
      expect(relativeError(y.data, expected)).toBe(0);
      checkGradient(gatherNd, [x, indices], { batch_dims }, { tolerance: 1e-8 });
    }
  });
});
