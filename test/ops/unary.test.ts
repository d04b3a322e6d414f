/** Values that elementwise ops must have: at large arguments, at NaN, at halves; and conversions between types. */
import { describe, expect, it } from 'vitest';
import { erfValue } from '../../runtime/kernels/erf.ts';
import type { DType } from '../../runtime/memory.ts';
import type { Attributes } from '../../src/ir/graph.ts';
import type { NoAttributes, Op } from '../../src/ir/op.ts';
import * as activation from '../../src/ops/activation.ts';
import { cast } from '../../src/ops/cast.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { isInf, isNan, logicalNot } from '../../src/ops/logical.ts';
import { clip } from '../../src/ops/scalar.ts';
import { absolute, negate, round, sign } from '../../src/ops/unary.ts';
import { doubleMemory } from '../double-memory.ts';
import { tensor } from '../tensors.ts';

function apply<A extends Attributes>(
  op: Op<A>,
  attributes: A,
  values: readonly number[],
  dtype: DType = 'f32',
): number[] {
  return Array.from(evaluate(op, [tensor(dtype, [values.length], values)], attributes)[0]!.data);
}

const exact = (op: Op<NoAttributes>, values: readonly number[]): number[] =>
  Array.from(evaluate(op, [tensor('f32', [values.length], values)], {}, doubleMemory)[0]!.data);

describe('the error function', () => {
  // From tables of 20 digits.
  it.each([
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [0.999, 0.8422852702064969],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [5, 0.9999999999984626],
    [6, 1],
    [Infinity, 1],
  ])('of %d is %d', (x, value) => {
    expect(Math.abs(erfValue(x) - value)).toBeLessThan(4e-16);
    expect(erfValue(-x)).toBe(-erfValue(x));
  });

  it('passes a NaN on', () => {
    expect(erfValue(Number.NaN)).toBe(Number.NaN);
  });
});

describe('activations', () => {
  const alpha = { alpha: 1 };
  const all: readonly { name: string; values: (x: readonly number[]) => number[] }[] = [
    { name: 'relu', values: (x) => apply(activation.relu, {}, x) },
    { name: 'sigmoid', values: (x) => apply(activation.sigmoid, {}, x) },
    { name: 'softplus', values: (x) => apply(activation.softplus, {}, x) },
    { name: 'softsign', values: (x) => apply(activation.softsign, {}, x) },
    { name: 'mish', values: (x) => apply(activation.mish, {}, x) },
    { name: 'elu', values: (x) => apply(activation.elu, alpha, x) },
    { name: 'celu', values: (x) => apply(activation.celu, alpha, x) },
    { name: 'leaky_relu', values: (x) => apply(activation.leakyRelu, alpha, x) },
    { name: 'gelu', values: (x) => apply(activation.gelu, { approximate: 'none' }, x) },
    { name: 'gelu by tanh', values: (x) => apply(activation.gelu, { approximate: 'tanh' }, x) },
    { name: 'swish', values: (x) => apply(activation.swish, alpha, x) },
    { name: 'hard_swish', values: (x) => apply(activation.hardSwish, {}, x) },
    { name: 'hard_sigmoid', values: (x) => apply(activation.hardSigmoid, { alpha: 0.2, beta: 0.5 }, x) },
  ];

  it.each(all)('$name passes a NaN on', ({ values }) => {
    expect(values([Number.NaN])).toEqual([Number.NaN]);
  });

  it.each(all)('$name is finite at -1000 and 1000', ({ values }) => {
    expect(values([-1000, 1000]).every(Number.isFinite)).toBe(true);
  });

  it('do not cancel near 0 or far from it', () => {
    expect(exact(activation.softplus, [-40])[0]! / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(exact(activation.softplus, [800])[0]).toBe(800);
    expect(exact(activation.sigmoid, [-700])[0]! / Math.exp(-700)).toBeCloseTo(1, 12);
    expect(apply(activation.elu, { alpha: 1 }, [-1e-6])[0]! / -1e-6).toBeCloseTo(1, 5);
  });
});

describe('rounding', () => {
  it('takes halves to the even neighbour', () => {
    expect(apply(round, {}, [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4, -2.6]).map((value) => value + 0)).toEqual([
      0, 2, 2, 0, -2, -2, 2, -3,
    ]);
  });
});

describe('clip', () => {
  it('lets the upper bound win', () => {
    expect(apply(clip, { min: 2, max: 1 }, [0, 1.5, 3])).toEqual([1, 1, 1]);
  });
});

describe('tests of floats', () => {
  const values = [1, Number.NaN, Infinity, -Infinity];

  it('tell NaN and infinities apart', () => {
    expect(apply(isNan, {}, values)).toEqual([0, 1, 0, 0]);
    expect(apply(isInf, { positive: true, negative: true }, values)).toEqual([0, 0, 1, 1]);
    expect(apply(isInf, { positive: true, negative: false }, values)).toEqual([0, 0, 1, 0]);
    expect(apply(isInf, { positive: false, negative: true }, values)).toEqual([0, 0, 0, 1]);
    expect(apply(logicalNot, {}, [0, 1], 'bool')).toEqual([1, 0]);
  });
});

describe('integers', () => {
  it.each(['i32', 'i64', 'i8', 'i16'] as const)('%s have a sign and a size', (dtype) => {
    expect(apply(negate, {}, [3, -3, 0], dtype)).toEqual([-3, 3, 0]);
    expect(apply(absolute, {}, [3, -3, 0], dtype)).toEqual([3, 3, 0]);
    expect(apply(sign, {}, [3, -3, 0], dtype)).toEqual([1, -1, 0]);
  });

  it('are not what other ops take', () => {
    expect(() => apply(activation.relu, {}, [1], 'i32')).toThrow('takes f32, not i32[1]');
  });
});

describe('cast', () => {
  it('cuts floats toward zero', () => {
    for (const to of ['i32', 'i64', 'i16', 'i8'] as const)
      expect(apply(cast, { to }, [2.7, -2.7, -0.3, 100, Number.NaN])).toEqual([2, -2, 0, 100, 0]);
    expect(Object.is(apply(cast, { to: 'i64' }, [-0.3])[0], 0)).toBe(true);
  });

  it('wraps integers to the width of the target', () => {
    expect(apply(cast, { to: 'i32' }, [2 ** 31, 2 ** 32 + 5], 'i64')).toEqual([-(2 ** 31), 5]);
    expect(apply(cast, { to: 'u8' }, [257, -1], 'i32')).toEqual([1, 255]);
  });

  it('makes a bool of whether x is not 0', () => {
    expect(apply(cast, { to: 'bool' }, [0, -0, 0.4, -3, Number.NaN])).toEqual([0, 0, 1, 1, 1]);
    expect(apply(cast, { to: 'bool' }, [0, 256, -1], 'i64')).toEqual([0, 1, 1]);
    expect(apply(cast, { to: 'f32' }, [0, 1], 'bool')).toEqual([0, 1]);
  });
});
