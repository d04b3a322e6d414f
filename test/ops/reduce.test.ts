/** Reductions over any axes of any shape, against sums element by element; wide rows, ties and empty groups. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DType, elementCount, type Tensor } from '../../src/ir/graph.ts';
import { argmax, argmin } from '../../src/ops/arg-reduce.ts';
import { cumsum } from '../../src/ops/cumsum.ts';
import { dot, multiplySumToOp } from '../../src/ops/dot.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { reduceMax, reduceMean, reduceMin, reduceProd, reduceSum } from '../../src/ops/reduce.ts';
import { sumToOp } from '../../src/ops/sum-to.ts';
import { drawTensor, numbers } from '../op-check.ts';
import { elementAt, indices, tensor } from '../tensors.ts';

const sum = (group: readonly number[]): number => group.reduce((a, b) => a + b, 0);

/** Right but for the last rounding to float32, whatever the order of the sum in double precision. */
function expectRounded(value: number, wanted: number): void {
  expect(Math.abs(value - wanted)).toBeLessThanOrEqual(2 ** -23 * Math.abs(wanted) + 1e-12);
}

const reductions = [
  { name: 'reduce_sum', op: reduceSum, f: sum },
  { name: 'reduce_prod', op: reduceProd, f: (group: number[]) => group.reduce((a, b) => a * b, 1) },
  { name: 'reduce_max', op: reduceMax, f: (group: number[]) => Math.max(...group) },
  { name: 'reduce_min', op: reduceMin, f: (group: number[]) => Math.min(...group) },
  { name: 'reduce_mean', op: reduceMean, f: (group: number[]) => sum(group) / group.length },
];

/** Groups of elements that share an index of `to`, which x's shape broadcasts from; in the order of `to`. */
function groupsOf(x: Tensor, to: readonly number[]): number[][] {
  const groups = Array.from({ length: elementCount(to) }, (): number[] => []);
  const numbering = tensor('i64', to, groups.keys());
  indices(x.type.shape).forEach((index, position) => {
    groups[elementAt(numbering, index)]!.push(x.data[position]!);
  });
  return groups;
}

const shapeAndAxes = (minExtent: number) =>
  fc.array(fc.integer({ min: minExtent, max: 4 }), { maxLength: 4 }).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray(
        shape.map((_, d) => d),
        { minLength: 0 },
      ),
      keepDims: fc.boolean(),
      seed: fc.nat(),
    }),
  );

describe.each(reductions)('$name', ({ name, op, f }) => {
  it('of floats over any axes', () => {
    fc.assert(
      fc.property(shapeAndAxes(1), ({ shape, axes, keepDims, seed }) => {
        const x = drawTensor({ dtype: 'f32', shape }, numbers(seed));
        const to = shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
        const result = evaluate(op, [x], { axes, keep_dims: keepDims })[0]!;
        expect(result.type.shape).toEqual(keepDims ? to : shape.filter((_, d) => !axes.includes(d)));
        groupsOf(x, to).forEach((group, i) => {
          expectRounded(result.data[i]!, f(group));
        });
      }),
      { numRuns: 100 },
    );
  });

  it.each(['i32', 'i64'] satisfies DType[])('of %s over any axes', (dtype) => {
    fc.assert(
      fc.property(shapeAndAxes(1), ({ shape, axes, seed }) => {
        const x = drawTensor({ dtype, shape }, numbers(seed), [-3, 3]);
        const to = shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
        const result = evaluate(op, [x], { axes, keep_dims: false })[0]!;
        const exact = (value: number): number => (dtype === 'i32' ? value | 0 : Math.trunc(value) + 0);
        fc.pre(groupsOf(x, to).every((group) => Math.abs(f(group)) < 2 ** 50));
        expect(Array.from(result.data)).toEqual(groupsOf(x, to).map((group) => exact(f(group)) + 0));
      }),
      { numRuns: 60 },
    );
  });

  it('of 300 columns, which are more than are reduced side by side', () => {
    const x = drawTensor({ dtype: 'f32', shape: [3, 300] }, numbers(5), [0.5, 1.5]);
    const result = evaluate(op, [x], { axes: [0], keep_dims: false })[0]!;
    groupsOf(x, [1, 300]).forEach((group, i) => {
      expectRounded(result.data[i]!, f(group));
    });
    expect(result.data.length, name).toBe(300);
  });
});

describe('reductions', () => {
  it('of nothing are the neutral element', () => {
    const nothing = tensor('f32', [0, 2], []);
    const over = { axes: [0], keep_dims: false };
    expect(Array.from(evaluate(reduceSum, [nothing], over)[0]!.data)).toEqual([0, 0]);
    expect(Array.from(evaluate(reduceProd, [nothing], over)[0]!.data)).toEqual([1, 1]);
    expect(Array.from(evaluate(reduceMax, [nothing], over)[0]!.data)).toEqual([-Infinity, -Infinity]);
    expect(Array.from(evaluate(reduceMin, [nothing], over)[0]!.data)).toEqual([Infinity, Infinity]);
  });

  it('pass a NaN on', () => {
    const x = tensor('f32', [3], [1, Number.NaN, 3]);
    for (const { op } of reductions)
      expect(evaluate(op, [x], { axes: [0], keep_dims: false })[0]!.data[0]).toBe(Number.NaN);
  });

  it('sum in double precision: small terms are not lost beside a large one', () => {
    const x = tensor('f32', [1001], [2 ** 24, ...new Array<number>(1000).fill(1)]);
    expect(evaluate(reduceSum, [x], { axes: [0], keep_dims: false })[0]!.data[0]).toBe(2 ** 24 + 1000);
    const column = tensor(
      'f32',
      [1001, 2],
      [...x.data].flatMap((value) => [value, 0]),
    );
    expect(evaluate(reduceSum, [column], { axes: [0], keep_dims: false })[0]!.data[0]).toBe(2 ** 24 + 1000);
  });

  it('multiply int32 with wrapping', () => {
    const x = tensor('i32', [3], [65536, 65536, 3]);
    expect(evaluate(reduceProd, [x], { axes: [0], keep_dims: false })[0]!.data[0]).toBe(0);
  });

  it('take bools as 0 and 1', () => {
    const x = tensor('bool', [2, 2], [1, 0, 1, 1]);
    expect(Array.from(evaluate(reduceMax, [x], { axes: [1], keep_dims: false })[0]!.data)).toEqual([1, 1]);
    expect(Array.from(evaluate(reduceMin, [x], { axes: [1], keep_dims: false })[0]!.data)).toEqual([0, 1]);
  });

  it('refuse axes that are not ascending dimensions', () => {
    const x = tensor('f32', [2, 2], [1, 2, 3, 4]);
    expect(() => evaluate(reduceSum, [x], { axes: [2], keep_dims: false })).toThrow('axes [2]');
    expect(() => evaluate(reduceSum, [x], { axes: [1, 0], keep_dims: false })).toThrow('axes [1,0]');
  });
});

describe('sum_to, multiply_sum_to and dot', () => {
  const targets = shapeAndAxes(0).map(({ shape, axes, seed }) => {
    const stretched = shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
    const lead = stretched.findIndex((extent) => extent !== 1);
    return { shape, to: seed % 2 === 0 ? stretched : stretched.slice(lead < 0 ? stretched.length : lead), seed };
  });

  it('sum over what was broadcast', () => {
    fc.assert(
      fc.property(targets, ({ shape, to, seed }) => {
        const x = drawTensor({ dtype: 'f32', shape }, numbers(seed));
        const result = evaluate(sumToOp, [x], { shape: to })[0]!;
        groupsOf(x, to).forEach((group, i) => {
          expectRounded(result.data[i]!, sum(group));
        });
      }),
      { numRuns: 100 },
    );
  });

  it('sum products, of operands that are broadcast themselves', () => {
    fc.assert(
      fc.property(targets, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), ({ shape, to, seed }, ones) => {
        const next = numbers(seed);
        const a = drawTensor({ dtype: 'f32', shape }, next);
        const b = drawTensor({ dtype: 'f32', shape: shape.map((extent, d) => (ones[d] ? 1 : extent)) }, next);
        const products = tensor(
          'f32',
          shape,
          indices(shape).map((index) => elementAt(a, index) * elementAt(b, index)),
        );
        for (const pair of [
          [a, b],
          [b, a],
        ]) {
          const result = evaluate(multiplySumToOp, pair, { shape: to })[0]!;
          expect(result.type.shape).toEqual(to);
          groupsOf(products, to).forEach((group, i) => {
            expectRounded(result.data[i]!, sum(group));
          });
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([1, 300])('reach beyond 256 columns, of a factor of %i', (width) => {
    const a = drawTensor({ dtype: 'f32', shape: [3, 300] }, numbers(1));
    const b = drawTensor({ dtype: 'f32', shape: [3, width] }, numbers(2));
    const result = evaluate(multiplySumToOp, [a, b], { shape: [300] })[0]!;
    for (let c = 0; c < 300; c++) {
      const terms = [0, 1, 2].map((row) => a.data[300 * row + c]! * b.data[width * row + (c % width)]!);
      expect(result.data[c]).toBe(Math.fround(sum(terms)));
    }
  });

  it('give the inner product', () => {
    const [a, b] = [tensor('f32', [2, 2], [1, 2, 3, 4]), tensor('f32', [2, 2], [5, 6, 7, 8])];
    expect(evaluate(dot, [a, b], {})[0]).toEqual({ type: { dtype: 'f32', shape: [] }, data: Float32Array.of(70) });
  });
});

describe('argmax and argmin', () => {
  it('find the first or the last of equals along any axis', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
        fc.nat(2),
        fc.boolean(),
        fc.constantFrom<DType>('f32', 'i32', 'i64'),
        fc.nat(),
        (shape, wanted, last, dtype, seed) => {
          const axis = wanted % shape.length;
          const whole = drawTensor({ dtype: 'i32', shape }, numbers(seed), [-1, 1]);
          const x = tensor(dtype, shape, whole.data);
          const groups = groupsOf(x, shape.with(axis, 1));
          const place = (group: number[], extreme: number): number =>
            last ? group.lastIndexOf(extreme) : group.indexOf(extreme);
          const attributes = { axis, keep_dims: true, select_last: last };
          expect(Array.from(evaluate(argmax, [x], attributes)[0]!.data)).toEqual(
            groups.map((group) => place(group, Math.max(...group))),
          );
          expect(Array.from(evaluate(argmin, [x], attributes)[0]!.data)).toEqual(
            groups.map((group) => place(group, Math.min(...group))),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('take a NaN for the extreme', () => {
    const x = tensor('f32', [4], [1, Number.NaN, 3, Number.NaN]);
    const at = (op: typeof argmax, last: boolean): number =>
      evaluate(op, [x], { axis: 0, keep_dims: false, select_last: last })[0]!.data[0]!;
    expect([at(argmax, false), at(argmin, false), at(argmax, true), at(argmin, true)]).toEqual([1, 1, 3, 3]);
  });
});

describe('cumsum', () => {
  it.each([
    { exclusive: false, reverse: false, sums: [1, 3, 6, 10] },
    { exclusive: true, reverse: false, sums: [0, 1, 3, 6] },
    { exclusive: false, reverse: true, sums: [10, 9, 7, 4] },
    { exclusive: true, reverse: true, sums: [9, 7, 4, 0] },
  ])('exclusive $exclusive, reverse $reverse', ({ exclusive, reverse, sums }) => {
    for (const dtype of ['f32', 'i32', 'i64'] as const) {
      const row = evaluate(cumsum, [tensor(dtype, [4], [1, 2, 3, 4])], { axis: 0, exclusive, reverse })[0]!;
      expect(Array.from(row.data)).toEqual(sums);
    }
    const columns = tensor('f32', [4, 2], [1, 10, 2, 20, 3, 30, 4, 40]);
    const result = evaluate(cumsum, [columns], { axis: 0, exclusive, reverse })[0]!;
    expect(Array.from(result.data)).toEqual(sums.flatMap((sum) => [sum, 10 * sum]));
  });
});
