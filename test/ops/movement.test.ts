/**
 * Ops that move elements, on shapes drawn at random, against the definition of each by indices; large cases for the inner
 * loops that only long rows and tiles reach; and what is free: views.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DType, elementCount, type Tensor } from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import { broadcastTo } from '../../src/ops/broadcast-to.ts';
import { concat } from '../../src/ops/concat.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { pad } from '../../src/ops/pad.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { slice, viewSlice } from '../../src/ops/slice.ts';
import { split, splitTo, splitView } from '../../src/ops/split.ts';
import { tile } from '../../src/ops/tile.ts';
import { transpose, transposeTo } from '../../src/ops/transpose.ts';
import { trilu } from '../../src/ops/trilu.ts';
import { elementAt, indices, tensor } from '../tensors.ts';

const dtypes: readonly DType[] = ['f32', 'i32', 'i64', 'bool', 'u8', 'i8', 'i16'];
const anyDType = fc.constantFrom(...dtypes);

/** Numbers 0, 1, 2, ... (bools: alternating), so that every element is known by its value. */
function numbered(dtype: DType, shape: readonly number[]): Tensor {
  const data = Array.from({ length: elementCount(shape) }, (_, i) =>
    dtype === 'bool' ? ((i * 5 + 1) % 3) % 2 : i % 120,
  );
  return tensor(dtype, shape, data);
}

const anyShape = (minLength = 0) => fc.array(fc.integer({ min: 0, max: 5 }), { minLength, maxLength: 4 });

function expectElements(result: Tensor, shape: readonly number[], wanted: (index: number[]) => number): void {
  expect(result.type.shape).toEqual(shape);
  expect(Array.from(result.data)).toEqual(indices(shape).map(wanted));
}

describe('transpose', () => {
  const check = (dtype: DType, shape: readonly number[], permutation: readonly number[]): void => {
    const x = numbered(dtype, shape);
    const to = permutation.map((d) => shape[d]!);
    expectElements(evaluate(transpose, [x], { permutation })[0]!, to, (index) => {
      const from = new Array<number>(shape.length);
      permutation.forEach((d, i) => {
        from[d] = index[i]!;
      });
      return elementAt(x, from);
    });
  };

  it('permutes any dimensions of any type', () => {
    const cases = anyShape().chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray(
          shape.map((_, d) => d),
          { minLength: shape.length },
        ),
      ),
    );
    fc.assert(fc.property(anyDType, cases, (dtype, [shape, permutation]) => check(dtype, shape, permutation)));
  });

  it.each([
    { shape: [33, 50], permutation: [1, 0] },
    { shape: [3, 17, 2, 40], permutation: [0, 2, 3, 1] },
    { shape: [2, 20, 3, 18], permutation: [0, 2, 1, 3] },
    { shape: [5, 16, 16], permutation: [2, 1, 0] },
  ])('permutes $shape by $permutation in tiles or rows', ({ shape, permutation }) => {
    check('f32', shape, permutation);
  });

  it('is a view where only dimensions of extent 1 move', () => {
    const builder = new GraphBuilder('transposes');
    const x = builder.resident('input', 'x', { dtype: 'f32', shape: [2, 1, 3] });
    expect(transposeTo(builder, x, [1, 0, 2]).type.shape).toEqual([1, 2, 3]);
    expect(transposeTo(builder, x, [0, 1, 2])).toBe(x);
    transposeTo(builder, x, [2, 1, 0]);
    expect(builder.nodes.map((node) => node.op)).toEqual(['reshape', 'transpose']);
  });

  it('refuses what is no permutation', () => {
    const x = numbered('f32', [2, 3]);
    for (const permutation of [[0], [0, 0], [0, 2], [0, 1, 2]])
      expect(() => evaluate(transpose, [x], { permutation })).toThrow('not a permutation');
  });
});

describe('slice', () => {
  const bounds = (extent: number) =>
    fc
      .tuple(fc.integer({ min: -4, max: 4 }), fc.nat(extent), fc.nat(extent))
      .filter(([step]) => step !== 0)
      .map(([step, a, b]) =>
        step > 0
          ? { start: Math.min(a, b), end: Math.max(a, b), step }
          : { start: Math.max(a, b, 1) - 1, end: Math.min(a, b) - 1, step },
      )
      .filter(({ start, end, step }) => start < extent || (end - start) / step <= 0);

  it('takes every step-th index, up or down', () => {
    const cases = anyShape(1).chain((shape) =>
      fc
        .subarray(
          shape.map((_, d) => d),
          { minLength: 1 },
        )
        .chain((axes) =>
          fc.tuple(fc.constant(shape), fc.constant(axes), fc.tuple(...axes.map((d) => bounds(shape[d]!)))),
        ),
    );
    fc.assert(
      fc.property(anyDType, cases, (dtype, [shape, axes, cuts]) => {
        const x = numbered(dtype, shape);
        const chosen = shape.map((extent, d) => {
          const cut = cuts[axes.indexOf(d)];
          const { start, end, step } = cut ?? { start: 0, end: extent, step: 1 };
          const list: number[] = [];
          for (let i = start; step > 0 ? i < end : i > end; i += step) list.push(i);
          return list;
        });
        const attributes = {
          axes,
          starts: cuts.map((cut) => cut.start),
          ends: cuts.map((cut) => cut.end),
          steps: cuts.map((cut) => cut.step),
        };
        expectElements(
          evaluate(slice, [x], attributes)[0]!,
          chosen.map((list) => list.length),
          (index) =>
            elementAt(
              x,
              index.map((i, d) => (shape[d] === 1 ? 0 : chosen[d]![i]!)),
            ),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('refuses bounds that reach out of the operand', () => {
    const x = numbered('f32', [4]);
    for (const [start, end, step] of [
      [0, 5, 1],
      [4, -1, -1],
      [-1, 2, 1],
      [0, 2, 0],
    ])
      expect(() => evaluate(slice, [x], { axes: [0], starts: [start!], ends: [end!], steps: [step!] })).toThrow(
        'reach out of f32[4]',
      );
    expect(() => evaluate(slice, [x], { axes: [1], starts: [0], ends: [1], steps: [1] })).toThrow('do not fit f32[4]');
  });

  it('has a form that is a view of consecutive elements', () => {
    const part = evaluate(viewSlice, [numbered('i64', [3, 4])], { offset: 4, shape: [2, 2, 2] })[0]!;
    expect(part).toEqual({ type: { dtype: 'i64', shape: [2, 2, 2] }, data: Float64Array.of(4, 5, 6, 7, 8, 9, 10, 11) });
    expect(() => evaluate(viewSlice, [numbered('f32', [4])], { offset: 3, shape: [2] })).toThrow(
      'reaches out of f32[4]',
    );
  });
});

describe('concat and split', () => {
  it('undo each other along any axis', () => {
    const cases = anyShape(1).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.nat(shape.length - 1),
        sizes: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(anyDType, cases, (dtype, { shape, axis, sizes }) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const whole = numbered(dtype, shape.with(axis, total));
        const parts = evaluate(split, [whole], { axis, sizes });
        let start = 0;
        parts.forEach((part, i) => {
          const from = start;
          start += sizes[i]!;
          expectElements(part, shape.with(axis, sizes[i]!), (index) =>
            elementAt(whole, total === 1 ? index.with(axis, 0) : index.with(axis, index[axis]! + from)),
          );
        });
        const joined = evaluate(concat, parts, { axis })[0]!;
        expect(joined.type).toEqual(whole.type);
        expect(Array.from(joined.data)).toEqual(whole.data);
      }),
      { numRuns: 150 },
    );
  });

  it('join and part long rows', () => {
    const whole = numbered('f32', [3, 90]);
    const parts = evaluate(split, [whole], { axis: 1, sizes: [20, 3, 67] });
    expect(Array.from(evaluate(concat, parts, { axis: 1 })[0]!.data)).toEqual(whole.data);
  });

  it('split as views where the parts are contiguous', () => {
    const builder = new GraphBuilder('splits');
    const x = builder.resident('input', 'x', { dtype: 'f32', shape: [1, 6, 2] });
    expect(splitTo(builder, x, 1, [2, 4]).map((part) => part.type.shape)).toEqual([
      [1, 2, 2],
      [1, 4, 2],
    ]);
    splitTo(builder, x, 2, [1, 1]);
    expect(builder.nodes.map((node) => node.op)).toEqual(['split_view', 'split']);
    const whole = numbered('f32', [6, 2]);
    const views = evaluate(splitView, [whole], { axis: 0, sizes: [1, 0, 5] });
    expect(views.map((view) => Array.from(view.data))).toEqual([[0, 1], [], Array.from(whole.data).slice(2)]);
  });

  it('name what does not fit', () => {
    const x = numbered('f32', [2, 3]);
    expect(() => evaluate(split, [x], { axis: 1, sizes: [1, 1] })).toThrow(
      'sizes [1,1] do not add up to axis 1 of f32[2,3]',
    );
    expect(() => evaluate(splitView, [x], { axis: 1, sizes: [1, 2] })).toThrow('are not contiguous');
    expect(() => evaluate(concat, [x, numbered('f32', [3, 3])], { axis: 1 })).toThrow(
      'operands do not fit along axis 1: f32[2,3], f32[3,3]',
    );
    expect(() => evaluate(concat, [x], { axis: 2 })).toThrow('axis 2 is not a dimension of f32[2,3]');
  });
});

describe('pad', () => {
  const shown: Record<string, (index: number, extent: number) => number> = {
    edge: (index, extent) => Math.min(Math.max(index, 0), extent - 1),
    wrap: (index, extent) => ((index % extent) + extent) % extent,
    reflect: (index, extent) => {
      let i = index;
      while (extent > 1 && (i < 0 || i >= extent)) i = i < 0 ? -i : 2 * (extent - 1) - i;
      return extent === 1 ? 0 : i;
    },
  };

  it.each(['constant', 'edge', 'reflect', 'wrap'])('%s', (mode) => {
    const cases = fc
      .array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })
      .chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.array(fc.nat(6), { minLength: shape.length, maxLength: shape.length }),
          fc.array(fc.nat(6), { minLength: shape.length, maxLength: shape.length }),
        ),
      );
    fc.assert(
      fc.property(fc.constantFrom<DType>('f32', 'i64', 'u8'), cases, (dtype, [shape, before, after]) => {
        const x = numbered(dtype, shape);
        const to = shape.map((extent, d) => before[d]! + extent + after[d]!);
        expectElements(evaluate(pad, [x], { before, after, mode, value: 9 })[0]!, to, (index) => {
          const from = index.map((i, d) => i - before[d]!);
          if (mode !== 'constant')
            return elementAt(
              x,
              from.map((i, d) => shown[mode]!(i, shape[d]!)),
            );
          return from.every((i, d) => i >= 0 && i < shape[d]!) ? elementAt(x, from) : 9;
        });
      }),
      { numRuns: 60 },
    );
  });

  it('refuses unknown modes and negative pads', () => {
    const x = numbered('f32', [3]);
    expect(() => evaluate(pad, [x], { before: [1], after: [0], mode: 'mirror', value: 0 })).toThrow(
      "unknown mode 'mirror'",
    );
    expect(() => evaluate(pad, [x], { before: [-1], after: [0], mode: 'edge', value: 0 })).toThrow('are negative');
    const nothing = numbered('f32', [0]);
    expect(() => evaluate(pad, [nothing], { before: [1], after: [0], mode: 'edge', value: 0 })).toThrow('no elements');
  });
});

describe('tile, broadcast_to, reshape and trilu', () => {
  it('repeat a tensor of any type', () => {
    const cases = anyShape().chain((shape) =>
      fc.tuple(fc.constant(shape), fc.array(fc.nat(3), { minLength: shape.length, maxLength: shape.length })),
    );
    fc.assert(
      fc.property(anyDType, cases, (dtype, [shape, repeats]) => {
        const x = numbered(dtype, shape);
        const to = shape.map((extent, d) => extent * repeats[d]!);
        expectElements(evaluate(tile, [x], { repeats })[0]!, to, (index) =>
          elementAt(
            x,
            index.map((i, d) => i % shape[d]!),
          ),
        );
      }),
    );
  });

  it('stretch a tensor of any type', () => {
    const cases = anyShape().chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        fc.nat(shape.length),
      ),
    );
    fc.assert(
      fc.property(anyDType, cases, (dtype, [shape, ones, dropped]) => {
        const x = numbered(dtype, shape.map((extent, d) => (ones[d] ? 1 : extent)).slice(dropped));
        expectElements(evaluate(broadcastTo, [x], { shape })[0]!, shape, (index) => elementAt(x, index));
      }),
    );
  });

  it('keep elements in order under another shape', () => {
    const x = numbered('i16', [2, 6]);
    expect(evaluate(reshape, [x], { shape: [3, 1, 4] })[0]).toEqual({
      type: { dtype: 'i16', shape: [3, 1, 4] },
      data: Int16Array.from(x.data),
    });
    expect(() => evaluate(reshape, [x], { shape: [5] })).toThrow('i16[2,6] has 12 elements, [5] has 5');
  });

  it('keep triangles', () => {
    fc.assert(
      fc.property(
        anyDType,
        fc.tuple(fc.nat(3), fc.nat(4), fc.nat(4)),
        fc.boolean(),
        fc.integer({ min: -5, max: 5 }),
        (dtype, shape, upper, k) => {
          const x = numbered(dtype, shape);
          expectElements(evaluate(trilu, [x], { upper, k })[0]!, shape, (index) => {
            const [, row, column] = index;
            const kept = upper ? column! >= row! + k : column! <= row! + k;
            return kept ? elementAt(x, index) : 0;
          });
        },
      ),
    );
  });
});
