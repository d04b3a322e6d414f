/** Gradients against central differences on shapes and attributes drawn at random; zero-size and scalar tensors too. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attributes, TensorType } from '../../src/ir/graph.ts';
import type { Op, OpExample } from '../../src/ir/op.ts';
import { add, divide, multiply, subtract } from '../../src/ops/binary.ts';
import { concat } from '../../src/ops/concat.ts';
import { cumsum } from '../../src/ops/cumsum.ts';
import { pad } from '../../src/ops/pad.ts';
import { maximum, minimum, power, prelu } from '../../src/ops/power.ts';
import { reduceMax, reduceMean, reduceMin, reduceProd, reduceSum } from '../../src/ops/reduce.ts';
import { slice } from '../../src/ops/slice.ts';
import { split } from '../../src/ops/split.ts';
import { tile } from '../../src/ops/tile.ts';
import { transpose } from '../../src/ops/transpose.ts';
import { where } from '../../src/ops/where.ts';
import { drawOperands, gradientError, gradientsOf } from '../op-check.ts';

const f32 = (shape: readonly number[]): TensorType => ({ dtype: 'f32', shape });

function check<A extends Attributes>(op: Op<A>, example: OpExample<A>, seed: number): void {
  const operands = drawOperands(example, seed);
  const { gradients, cotangents } = gradientsOf(op, example, operands, seed);
  gradients.forEach((gradient, i) => {
    if (gradient === undefined) return;
    expect(gradient.type).toEqual(example.operands[i]);
    expect(gradientError(op, example, operands, cotangents, i, gradient), `operand ${i}`).toBeLessThan(1e-6);
  });
}

const shapes = (min: number, minLength = 0) => fc.array(fc.integer({ min, max: 4 }), { minLength, maxLength: 3 });
const listOf = (length: number, max: number) => fc.array(fc.nat(max), { minLength: length, maxLength: length });

/** A shape, and how another operand's is made of it: which extents become 1 and how many leading ones go. */
const pairs = fc.record({
  shape: shapes(0),
  ones: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  dropped: fc.nat(3),
  swapped: fc.boolean(),
  seed: fc.nat(1e6),
});

/** The seed is fixed: once in a few hundred runs two elements lie nearer than the step of the differences, at a kink. */
const runs = { numRuns: 25, seed: 20 };

describe('gradients on random shapes', () => {
  it.each([
    { op: add },
    { op: subtract },
    { op: multiply },
    { op: divide, range: [0.5, 2] as const },
    { op: power, range: [0.5, 2] as const },
    { op: minimum },
    { op: maximum },
    { op: prelu },
  ])('$op.name', ({ op, range }) => {
    fc.assert(
      fc.property(pairs, ({ shape, ones, dropped, swapped, seed }) => {
        const other = shape.map((extent, d) => (ones[d] ? 1 : extent)).slice(dropped);
        const operands = swapped ? [f32(other), f32(shape)] : [f32(shape), f32(other)];
        check(op, { operands, attributes: {}, ...(range !== undefined && { range }) }, seed);
      }),
      runs,
    );
  });

  it('where', () => {
    fc.assert(
      fc.property(pairs, fc.nat(2), ({ shape, ones, dropped, swapped, seed }, turn) => {
        const other = shape.map((extent, d) => (ones[d] ? 1 : extent)).slice(dropped);
        const third = swapped ? [] : other;
        const drawn = [shape, other, third];
        const [c, a, b] = [drawn[turn]!, drawn[(turn + 1) % 3]!, drawn[(turn + 2) % 3]!];
        check(where, { operands: [{ dtype: 'bool', shape: c }, f32(a), f32(b)], attributes: {} }, seed);
      }),
      runs,
    );
  });

  it.each([{ op: reduceSum }, { op: reduceMean }, { op: reduceProd }, { op: reduceMax }, { op: reduceMin }])(
    '$op.name',
    ({ op }) => {
      const cases = shapes(1).chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, d) => d))));
      fc.assert(
        fc.property(cases, fc.boolean(), fc.nat(1e6), ([shape, axes], keepDims, seed) => {
          check(op, { operands: [f32(shape)], attributes: { axes, keep_dims: keepDims } }, seed);
        }),
        runs,
      );
    },
  );

  it('transpose, tile and cumsum', () => {
    const cases = shapes(0, 1).chain((shape) => {
      const dimensions = shape.map((_, d) => d);
      return fc.record({
        operands: fc.constant([f32(shape)]),
        permutation: fc.shuffledSubarray(dimensions, { minLength: shape.length }),
        repeats: listOf(shape.length, 3),
        axis: fc.nat(shape.length - 1),
        exclusive: fc.boolean(),
        reverse: fc.boolean(),
        seed: fc.nat(1e6),
      });
    });
    fc.assert(
      fc.property(cases, ({ operands, permutation, repeats, axis, exclusive, reverse, seed }) => {
        check(transpose, { operands, attributes: { permutation } }, seed);
        check(tile, { operands, attributes: { repeats } }, seed);
        check(cumsum, { operands, attributes: { axis, exclusive, reverse } }, seed);
      }),
      runs,
    );
  });

  it('concat and split', () => {
    const cases = shapes(0, 1).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.nat(shape.length - 1),
        sizes: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
        seed: fc.nat(1e6),
      }),
    );
    fc.assert(
      fc.property(cases, ({ shape, axis, sizes, seed }) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        check(concat, { operands: sizes.map((size) => f32(shape.with(axis, size))), attributes: { axis } }, seed);
        check(split, { operands: [f32(shape.with(axis, total))], attributes: { axis, sizes } }, seed);
      }),
      runs,
    );
  });

  it('slice and pad', () => {
    const cases = shapes(1, 1).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        starts: fc.tuple(...shape.map((extent) => fc.nat(extent - 1))),
        steps: fc.array(fc.constantFrom(-2, -1, 1, 2), { minLength: shape.length, maxLength: shape.length }),
        before: listOf(shape.length, 5),
        after: listOf(shape.length, 5),
        mode: fc.constantFrom('constant', 'edge', 'reflect', 'wrap'),
        seed: fc.nat(1e6),
      }),
    );
    fc.assert(
      fc.property(cases, ({ shape, starts, steps, before, after, mode, seed }) => {
        const operands = [f32(shape)];
        const axes = shape.map((_, d) => d);
        const ends = shape.map((extent, d) => (steps[d]! > 0 ? extent : -1));
        check(slice, { operands, attributes: { axes, starts, ends, steps } }, seed);
        check(pad, { operands, attributes: { before, after, mode, value: 0 } }, seed);
      }),
      runs,
    );
  });
});
