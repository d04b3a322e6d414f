/** Reductions over axes: sum, mean, largest, smallest, product. */

import { typeCode } from '../../runtime/kernels/elements.ts';
import * as kernels from '../../runtime/kernels/reduce.ts';
import {
  reduceExtremeGrad as extremeGradKernel,
  reduceProdGrad as prodGradKernel,
} from '../../runtime/kernels/reduce-grad.ts';
import { reduceIntegers } from '../../runtime/kernels/reduce-integer.ts';
import type { Memory } from '../../runtime/memory.ts';
import { call } from '../../runtime/program.ts';
import { type DType, elementCount, formatType, type TensorType, type Value } from '../ir/graph.ts';
import { type Application, type Emitter, type GradientContext, type Op, type OpExample, ShapeError } from '../ir/op.ts';
import { broadcastTo } from './broadcast-to.ts';
import { integers, oneOperand } from './operands.ts';
import { reduceAxes } from './reduction.ts';
import { reshapeTo } from './reshape.ts';
import { scale } from './scalar.ts';
import { f32, i32, i64 } from './types.ts';

type Reduce = { axes: readonly number[]; keep_dims: boolean };

const attributes = {
  axes: { kind: 'ints', doc: 'dimensions reduced, ascending and not negative; none: nothing is reduced' },
  keep_dims: { kind: 'bool', doc: 'whether reduced dimensions stay, with extent 1' },
} as const;

const keptShape = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((extent, d) => (axes.includes(d) ? 1 : extent));

function inferReduce(x: TensorType, { axes, keep_dims: keepDims }: Reduce): TensorType {
  if (axes.some((axis, i) => x.shape[axis] === undefined || (i > 0 && axes[i - 1]! >= axis)))
    throw new ShapeError(`axes [${axes.join(',')}] are not ascending dimensions of ${formatType(x)}`);
  const shape = keepDims ? keptShape(x.shape, axes) : x.shape.filter((_, d) => !axes.includes(d));
  return { dtype: x.dtype, shape };
}

/** Elements that become one. */
const groupSize = ({ operands, attributes: { axes } }: Application<Reduce>): number =>
  axes.reduce((count, axis) => count * operands[0]!.type.shape[axis]!, 1);

/** A value of the reduced shape with its reduced dimensions at extent 1. */
const unreduced = (g: GradientContext<Reduce>, value: Value): Value =>
  reshapeTo(g, value, keptShape(g.operands[0]!.type.shape, g.attributes.axes));

const spread = (g: GradientContext<Reduce>, value: Value): Value =>
  stretch(g, unreduced(g, value), g.operands[0]!.type.shape);

const stretch = (emitter: Emitter, value: Value, shape: readonly number[]): Value =>
  elementCount(value.type.shape) === elementCount(shape)
    ? reshapeTo(emitter, value, shape)
    : emitter.emit(broadcastTo, [value], { shape });

interface ReduceSpec {
  readonly name: string;
  readonly doc: string;
  readonly kernel: (
    m: Memory,
    x: number,
    out: number,
    kept: readonly number[],
    keptStrides: readonly number[],
    reduced: readonly number[],
    reducedStrides: readonly number[],
    ...divisor: number[]
  ) => void;
  /** What the result is divided by, where the kernel divides. */
  readonly divisor?: (application: Application<Reduce>) => number;
  /** Argument `operation` of the kernel for integers. */
  readonly operation: number;
  readonly gradientReads?: Op<Reduce>['gradientReads'];
  readonly gradient: (g: GradientContext<Reduce>, dy: Value) => Value;
  /** Whether a reduction of no elements has a finite value. */
  readonly empty: boolean;
}

function reduceOp(spec: ReduceSpec): Op<Reduce> {
  const whole = { 0: [-3, 3] } as const;
  const shapes: readonly OpExample<Reduce>[] = [
    { operands: [f32(3, 4)], attributes: { axes: [1], keep_dims: false } },
    { operands: [f32(3, 4)], attributes: { axes: [0], keep_dims: true } },
    { operands: [f32(2, 3, 4)], attributes: { axes: [0, 2], keep_dims: true } },
    { operands: [f32(2, 3, 2, 3)], attributes: { axes: [1, 3], keep_dims: false } },
    { operands: [f32(2, 3, 2, 3)], attributes: { axes: [0, 2], keep_dims: false } },
    { operands: [f32(2, 3)], attributes: { axes: [0, 1], keep_dims: false } },
    { operands: [f32(2, 3)], attributes: { axes: [], keep_dims: false } },
    { operands: [f32()], attributes: { axes: [], keep_dims: true } },
    { operands: [f32(0, 3)], attributes: { axes: [1], keep_dims: false } },
    { operands: [i64(4)], attributes: { axes: [0], keep_dims: false }, ranges: whole },
    { operands: [i32(2, 3)], attributes: { axes: [0], keep_dims: true }, ranges: whole },
  ];
  return {
    name: spec.name,
    doc: spec.doc,
    attributes,
    effect: 'pure',
    infer: (operands, given) => [inferReduce(oneOperand(operands, reducible), given)],
    flops: ({ operands }) => elementCount(operands[0]!.type.shape),
    gradientReads: spec.gradientReads ?? {},
    gradient: (g) => [spec.gradient(g, g.cotangents[0]!)],
    lower: (application, at) => {
      const { dtype, shape } = application.operands[0]!.type;
      const { kept, reduced } = reduceAxes(shape, application.attributes.axes);
      const divisor = spec.divisor?.(application);
      const divided = divisor === undefined ? [] : [divisor];
      const [x, out] = [at.operand(0), at.result(0)];
      const [keptStrides, reducedStrides] = [kept.strides[0]!, reduced.strides[0]!];
      return dtype === 'f32'
        ? [call(spec.kernel, x, out, kept.dims, keptStrides, reduced.dims, reducedStrides, ...divided)]
        : [
            call(
              reduceIntegers,
              typeCode(dtype),
              spec.operation,
              x,
              out,
              kept.dims,
              keptStrides,
              reduced.dims,
              reducedStrides,
              divisor ?? 1,
            ),
          ];
    },
    examples: spec.empty ? [...shapes, { operands: [f32(0, 3)], attributes: { axes: [0], keep_dims: false } }] : shapes,
  };
}

const reducible: readonly DType[] = ['f32', 'bool', ...integers];

export const reduceSum: Op<Reduce> = reduceOp({
  name: 'reduce_sum',
  doc: 'Sum over axes.',
  kernel: kernels.reduceSum,
  divisor: () => 1,
  operation: 0,
  gradient: spread,
  empty: true,
});

export const reduceMean: Op<Reduce> = reduceOp({
  name: 'reduce_mean',
  doc: 'Mean over axes; of integers, truncated toward zero.',
  kernel: kernels.reduceSum,
  divisor: groupSize,
  operation: 0,
  gradient: (g, dy) => spread(g, g.emit(scale, [dy], { factor: 1 / groupSize(g) })),
  empty: false,
});

/** The type of x, once the reduced operands are known to have one element a group. */
function inferGrad(
  x: TensorType | undefined,
  reduced: readonly (TensorType | undefined)[],
  axes: readonly number[],
): TensorType {
  if (x === undefined || x.dtype !== 'f32') throw new ShapeError('takes f32 operands, the second of them x');
  const groups = elementCount(inferReduce(x, { axes, keep_dims: true }).shape);
  for (const operand of reduced)
    if (operand === undefined || operand.dtype !== 'f32' || elementCount(operand.shape) !== groups)
      throw new ShapeError(`wants ${groups} elements for ${formatType(x)} reduced over [${axes.join(',')}]`);
  return x;
}

const extremeGrad: Op<{ axes: readonly number[] }> = {
  name: 'reduce_extreme_grad',
  doc: 'dy where x equals the largest or smallest element y of its group, shared evenly among equals, else 0.',
  attributes: { axes: { kind: 'ints', doc: 'dimensions of x that were reduced to give dy and y' } },
  effect: 'pure',
  inPlace: [[1]],
  infer: ([dy, x, y], { axes }) => [inferGrad(x, [dy, y], axes)],
  flops: ({ operands }) => 2 * elementCount(operands[1]!.type.shape),
  lower: ({ operands, attributes: { axes } }, at) => {
    const { kept, reduced } = reduceAxes(operands[1]!.type.shape, axes);
    return [
      call(
        extremeGradKernel,
        at.operand(0),
        at.operand(1),
        at.operand(2),
        at.result(0),
        kept.dims,
        kept.strides[0]!,
        reduced.dims,
        reduced.strides[0]!,
      ),
    ];
  },
  examples: [{ operands: [f32(2, 1), f32(2, 3), f32(2, 1)], attributes: { axes: [1] } }],
};

const extremeGradient = (g: GradientContext<Reduce>, dy: Value): Value =>
  g.emit(extremeGrad, [dy, g.operands[0]!, g.results[0]!], { axes: g.attributes.axes });

export const reduceMax: Op<Reduce> = reduceOp({
  name: 'reduce_max',
  doc: 'Largest element over axes.',
  kernel: kernels.reduceMax,
  operation: 2,
  gradientReads: { operands: [0], results: [0] },
  gradient: extremeGradient,
  empty: false,
});

export const reduceMin: Op<Reduce> = reduceOp({
  name: 'reduce_min',
  doc: 'Smallest element over axes.',
  kernel: kernels.reduceMin,
  operation: 3,
  gradientReads: { operands: [0], results: [0] },
  gradient: extremeGradient,
  empty: false,
});

const prodGrad: Op<{ axes: readonly number[] }> = {
  name: 'reduce_prod_grad',
  doc: 'dy times the product of the other elements of the group of x, right where some are 0.',
  attributes: { axes: { kind: 'ints', doc: 'dimensions of x that were reduced' } },
  effect: 'pure',
  inPlace: [[1]],
  infer: ([dy, x], { axes }) => [inferGrad(x, [dy], axes)],
  flops: ({ operands }) => 3 * elementCount(operands[1]!.type.shape),
  lower: ({ operands, attributes: { axes } }, at) => {
    const { kept, reduced } = reduceAxes(operands[1]!.type.shape, axes);
    return [
      call(
        prodGradKernel,
        at.operand(0),
        at.operand(1),
        at.result(0),
        kept.dims,
        kept.strides[0]!,
        reduced.dims,
        reduced.strides[0]!,
      ),
    ];
  },
  examples: [{ operands: [f32(2), f32(2, 3)], attributes: { axes: [1] } }],
};

export const reduceProd: Op<Reduce> = reduceOp({
  name: 'reduce_prod',
  doc: 'Product over axes.',
  kernel: kernels.reduceProd,
  operation: 1,
  gradientReads: { operands: [0] },
  gradient: (g, dy) => g.emit(prodGrad, [dy, g.operands[0]!], { axes: g.attributes.axes }),
  empty: true,
});

export const reduceOps: readonly Op[] = [
  reduceSum,
  reduceMean,
  reduceMax,
  reduceMin,
  extremeGrad,
  reduceProd,
  prodGrad,
];
