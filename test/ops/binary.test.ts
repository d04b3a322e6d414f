/** Elementwise ops of two operands: any two shapes that broadcast, and the arithmetic of integers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType, Tensor } from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import type { NoAttributes, Op } from '../../src/ir/op.ts';
import { add, divide, modulo, multiply, subtract } from '../../src/ops/binary.ts';
import { equal, greater, greaterEqual, less, lessEqual } from '../../src/ops/comparison.ts';
import { multiplySumTo } from '../../src/ops/dot.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { logicalAnd, logicalOr, logicalXor } from '../../src/ops/logical.ts';
import { maximum, minimum, power, prelu } from '../../src/ops/power.ts';
import { where } from '../../src/ops/where.ts';
import { drawTensor, numbers } from '../op-check.ts';
import { elementAt, indices, tensor } from '../tensors.ts';

/** A shape, and operands' shapes that broadcast to it: some extents 1, some leading dimensions left out. */
const broadcastCase = (operands: number) =>
  fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(4), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })), {
        minLength: operands - 1,
        maxLength: operands - 1,
      }),
      fc.nat(operands - 1),
      fc.nat(),
    )
    .map(([whole, others, at, seed]) => {
      const shapes = others.map(([dropped, ones]) =>
        whole.map((extent, d) => (ones[d] ? 1 : extent)).slice(Math.min(dropped, whole.length)),
      );
      return { whole, shapes: shapes.toSpliced(at, 0, whole), seed };
    });

const floatOps: readonly [Op<NoAttributes>, (a: number, b: number) => number][] = [
  [add, (a, b) => a + b],
  [subtract, (a, b) => a - b],
  [multiply, (a, b) => a * b],
  [divide, (a, b) => a / b],
  [power, (a, b) => a ** b],
  [minimum, Math.min],
  [maximum, Math.max],
  [prelu, (a, b) => (a < 0 ? a * b : a)],
  [equal, (a, b) => Number(a === b)],
  [less, (a, b) => Number(a < b)],
  [lessEqual, (a, b) => Number(a <= b)],
  [greater, (a, b) => Number(a > b)],
  [greaterEqual, (a, b) => Number(a >= b)],
];

function expectElements(result: Tensor, shape: readonly number[], wanted: (index: number[]) => number): void {
  expect(result.type.shape).toEqual(shape);
  const exact = result.type.dtype === 'f32' ? Math.fround : (value: number) => value;
  expect(Array.from(result.data)).toEqual(indices(shape).map((index) => exact(wanted(index))));
}

describe('broadcasting', () => {
  it.each(floatOps.map(([op, f]) => ({ name: op.name, op, f })))('$name of floats', ({ op, f }) => {
    fc.assert(
      fc.property(broadcastCase(2), ({ whole, shapes, seed }) => {
        const next = numbers(seed);
        const [a, b] = shapes.map((shape) => drawTensor({ dtype: 'f32', shape }, next, [-2, 2]));
        expectElements(evaluate(op, [a!, b!], {})[0]!, whole, (index) => f(elementAt(a!, index), elementAt(b!, index)));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    { name: 'logical_and', op: logicalAnd, f: (a: number, b: number) => a & b },
    { name: 'logical_or', op: logicalOr, f: (a: number, b: number) => a | b },
    { name: 'logical_xor', op: logicalXor, f: (a: number, b: number) => a ^ b },
  ])('$name', ({ op, f }) => {
    fc.assert(
      fc.property(broadcastCase(2), ({ whole, shapes, seed }) => {
        const next = numbers(seed);
        const [a, b] = shapes.map((shape) => drawTensor({ dtype: 'bool', shape }, next));
        expectElements(evaluate(op, [a!, b!], {})[0]!, whole, (index) => f(elementAt(a!, index), elementAt(b!, index)));
      }),
      { numRuns: 40 },
    );
  });

  it.each(['f32', 'i64', 'i32', 'u8', 'bool'] as const)('where, of %s', (dtype) => {
    fc.assert(
      fc.property(broadcastCase(3), ({ whole, shapes, seed }) => {
        const next = numbers(seed);
        const [c, a, b] = shapes.map((shape, i) =>
          drawTensor({ dtype: i === 0 ? 'bool' : dtype, shape }, next, [0, 9]),
        );
        expectElements(evaluate(where, [c!, a!, b!], {})[0]!, whole, (index) =>
          elementAt(c!, index) !== 0 ? elementAt(a!, index) : elementAt(b!, index),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('multiplies for a gradient, and sums at once what was broadcast', () => {
    const builder = new GraphBuilder('products');
    const [a, b] = [[2, 3], [3]].map((shape, i) => builder.resident('input', `x${i}`, { dtype: 'f32', shape }));
    multiplySumTo(builder, a!, b!, [2, 3]);
    multiplySumTo(builder, a!, b!, [3]);
    expect(builder.nodes.map((node) => node.op)).toEqual(['multiply_grad', 'multiply_sum_to']);
  });

  it('names the shapes that do not broadcast', () => {
    const [a, b] = [tensor('f32', [2, 3], [1, 2, 3, 4, 5, 6]), tensor('f32', [2], [1, 2])];
    expect(() => evaluate(add, [a, b], {})).toThrow('shapes do not broadcast: f32[2,3] and f32[2]');
    expect(() => evaluate(add, [a, tensor('i32', [3], [1, 2, 3])], {})).toThrow('f32[2,3] and i32[3]');
  });
});

describe('arithmetic of integers', () => {
  const apply = <A extends NoAttributes>(op: Op<A>, attributes: A, dtype: DType, a: number[], b: number[]): number[] =>
    Array.from(evaluate(op, [tensor(dtype, [a.length], a), tensor(dtype, [b.length], b)], attributes)[0]!.data);

  it.each(['i32', 'i64', 'i8', 'i16'] as const)('divides %s toward zero', (dtype) => {
    expect(apply(divide, {}, dtype, [7, -7, 7, -7, 0], [2, 2, -2, -2, -5])).toEqual([3, -3, -3, 3, 0]);
  });

  it.each(['i32', 'i64', 'i8', 'i16'] as const)('takes remainders of %s with either sign', (dtype) => {
    const [a, b] = [
      [7, -7, 7, -7, -6],
      [3, 3, -3, -3, 3],
    ];
    expect(apply(modulo, { fmod: false }, dtype, a!, b!)).toEqual([1, 2, -2, -1, 0]);
    expect(apply(modulo, { fmod: true }, dtype, a!, b!)).toEqual([1, -1, 1, -1, 0]);
  });

  it('wraps to the width of the type', () => {
    expect(apply(add, {}, 'i32', [2147483647], [1])).toEqual([-2147483648]);
    expect(apply(multiply, {}, 'i32', [123456789], [987654321])).toEqual([Math.imul(123456789, 987654321)]);
    expect(apply(add, {}, 'u8', [200], [100])).toEqual([44]);
    expect(apply(subtract, {}, 'i8', [-100], [100])).toEqual([56]);
  });

  it('keeps int64 exact up to 2^53, and without a negative zero', () => {
    expect(apply(add, {}, 'i64', [2 ** 52], [2 ** 52 - 1])).toEqual([2 ** 53 - 1]);
    expect(apply(multiply, {}, 'i64', [3_000_000_019], [3_000_017])).toEqual([3_000_000_019 * 3_000_017]);
    expect(apply(multiply, {}, 'i64', [0], [-5]).map((value) => Object.is(value, 0))).toEqual([true]);
    expect(apply(divide, {}, 'i64', [-1], [2]).map((value) => Object.is(value, 0))).toEqual([true]);
  });

  it('raises integers to powers', () => {
    expect(apply(power, {}, 'i64', [2, -3, 10, 2], [10, 3, 15, -1])).toEqual([1024, -27, 1e15, 0]);
  });

  it.each(['i32', 'i64', 'u8', 'bool'] as const)('compares %s', (dtype) => {
    const [a, b] = [
      [0, 1, 1],
      [1, 1, 0],
    ];
    expect(apply(less, {}, dtype, a!, b!)).toEqual([1, 0, 0]);
    expect(apply(greaterEqual, {}, dtype, a!, b!)).toEqual([0, 1, 1]);
    expect(apply(equal, {}, dtype, a!, b!)).toEqual([0, 1, 0]);
  });
});

describe('remainders of floats', () => {
  const remainders = (fmod: boolean, a: number[], b: number[]): number[] =>
    Array.from(evaluate(modulo, [tensor('f32', [a.length], a), tensor('f32', [b.length], b)], { fmod })[0]!.data);

  it('take the sign of the divisor, or of the dividend', () => {
    expect(remainders(false, [5.5, -5.5, 5.5, -5.5, 1], [2, 2, -2, -2, Infinity])).toEqual([1.5, 0.5, -0.5, -1.5, 1]);
    expect(remainders(true, [5.5, -5.5, 5.5, -5.5], [2, 2, -2, -2])).toEqual([1.5, -1.5, 1.5, -1.5]);
  });
});
