/** Reductions over axes. */
import type { Value } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import { argmax, argmin } from '../../../ops/arg-reduce.ts';
import { add, subtract } from '../../../ops/binary.ts';
import { less } from '../../../ops/comparison.ts';
import { cumsum } from '../../../ops/cumsum.ts';
import { isInf } from '../../../ops/logical.ts';
import { reduceMax, reduceMean, reduceMin, reduceProd, reduceSum } from '../../../ops/reduce.ts';
import { absolute, exp, log, normRoot, square } from '../../../ops/unary.ts';
import { where } from '../../../ops/where.ts';
import { axesFrom, castTo, frontAxis, reshaped, scalarConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

type Reduction = Op<{ axes: readonly number[]; keep_dims: boolean }>;

interface Axes {
  readonly axes: readonly number[];
  readonly keep_dims: boolean;
}

/** The axes to reduce over; undefined where the node asks for none and is to leave its operand alone. */
function reductionAxes(c: LoweringContext, x: Value, asOperandSince: number): Axes | undefined {
  const rank = x.type.shape.length;
  const given = axesFrom(c, rank, asOperandSince) ?? [];
  const keep_dims = c.attributes.int('keepdims', 1) !== 0;
  if (given.length > 0) return { axes: given, keep_dims };
  if (c.attributes.int('noop_with_empty_axes', 0) !== 0) return undefined;
  return { axes: Array.from({ length: rank }, (_, d) => d), keep_dims };
}

/** A reduction; over no axes, or axes of extent 1 where the reduction of one element is that element, nothing happens. */
function reduced(c: LoweringContext, op: Reduction, x: Value, { axes, keep_dims }: Axes): Value {
  const { shape } = x.type;
  if (axes.every((axis) => shape[axis] === 1))
    return reshaped(c, x, keep_dims ? shape : shape.filter((_, d) => !axes.includes(d)));
  return c.emit(op, [x], { axes, keep_dims });
}

interface ReductionRule {
  readonly onnx: string;
  /** From this opset the axes are an operand. */
  readonly asOperandSince?: number;
  /** Applied to each element first, also where no axes are reduced. */
  readonly before?: (c: LoweringContext, x: Value) => Value;
  readonly reduce: Reduction;
  readonly after?: (c: LoweringContext, x: Value) => Value;
}

function reduction({ onnx, asOperandSince = 18, before, reduce, after }: ReductionRule): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const axes = reductionAxes(c, x, asOperandSince);
      const prepared = before?.(c, x) ?? x;
      const all = axes === undefined ? prepared : reduced(c, reduce, prepared, axes);
      return [after?.(c, all) ?? all];
    },
  };
}

/** Reductions that pick an element also take booleans (opset 20). */
function extremum(onnx: string, reduce: Reduction): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const axes = reductionAxes(c, x, 18);
      if (axes === undefined) return [x];
      const { dtype } = x.type;
      const native = dtype === 'f32' || dtype === 'i32' || dtype === 'i64';
      return [castTo(c, reduced(c, reduce, native ? x : castTo(c, x, 'i32'), axes), dtype)];
    },
  };
}

/**
 * log(sum(exp(x))), shifted by the maximum so that nothing overflows. Rows with an infinite maximum have that value, and
 * gradient 0: theirs would be NaN.
 */
function lowerLogSumExp(c: LoweringContext): Value {
  const x = c.operand(0);
  const axes = reductionAxes(c, x, 18);
  if (axes === undefined) return x;
  const largest = reduced(c, reduceMax, x, { ...axes, keep_dims: true });
  const sum = reduced(c, reduceSum, c.emit(exp, [c.emit(subtract, [x, largest], {})], {}), axes);
  const shift = reshaped(c, largest, sum.type.shape);
  const finite = c.emit(add, [c.emit(log, [sum], {}), shift], {});
  const isInfinite = c.emit(isInf, [shift], { positive: true, negative: true });
  const [zero, below, above] = [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY].map((value) =>
    scalarConstant(c, 'f32', value),
  );
  const infinity = c.emit(where, [c.emit(less, [shift, zero!], {}), below!, above!], {});
  return c.emit(where, [isInfinite, infinity, finite], {});
}

function argument(onnx: string, op: typeof argmax): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: false,
    lower: (c) => {
      const x = c.operand(0);
      return [
        c.emit(op, [x], {
          axis: frontAxis(c, c.attributes.int('axis', 0), x.type.shape.length),
          keep_dims: c.attributes.int('keepdims', 1) !== 0,
          select_last: c.attributes.int('select_last_index', 0) !== 0,
        }),
      ];
    },
  };
}

export const reductionLowerings: readonly OnnxLowering[] = [
  reduction({ onnx: 'ReduceSum', asOperandSince: 13, reduce: reduceSum }),
  reduction({ onnx: 'ReduceMean', reduce: reduceMean }),
  reduction({ onnx: 'ReduceProd', reduce: reduceProd }),
  reduction({ onnx: 'ReduceSumSquare', before: (c, x) => c.emit(square, [x], {}), reduce: reduceSum }),
  reduction({ onnx: 'ReduceL1', before: (c, x) => c.emit(absolute, [x], {}), reduce: reduceSum }),
  reduction({
    onnx: 'ReduceL2',
    before: (c, x) => c.emit(square, [x], {}),
    reduce: reduceSum,
    after: (c, x) => c.emit(normRoot, [x], { p: 2 }),
  }),
  reduction({ onnx: 'ReduceLogSum', reduce: reduceSum, after: (c, x) => c.emit(log, [x], {}) }),
  { onnx: 'ReduceLogSumExp', since: 1, gradient: true, lower: (c) => [lowerLogSumExp(c)] },
  extremum('ReduceMax', reduceMax),
  extremum('ReduceMin', reduceMin),
  argument('ArgMax', argmax),
  argument('ArgMin', argmin),
  {
    onnx: 'CumSum',
    since: 11,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const axis = c.numbers(1)?.[0] ?? c.fail('its axis is left out');
      return [
        c.emit(cumsum, [x], {
          axis: frontAxis(c, axis, x.type.shape.length),
          exclusive: c.attributes.int('exclusive', 0) !== 0,
          reverse: c.attributes.int('reverse', 0) !== 0,
        }),
      ];
    },
  },
];
