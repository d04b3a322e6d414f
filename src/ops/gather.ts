/** Reading by index: gather (whole slices), gather_elements, gather_nd, and their adjoint gradients. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import {
  gatherGrad as gatherGradKernel,
  gather as gatherKernel,
  gatherTuplesGrad as gatherTuplesGradKernel,
  gatherTuples as gatherTuplesKernel,
} from '../../runtime/kernels/gather.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { contiguousStrides } from './broadcasting.ts';
import { checkAxis } from './operands.ts';
import { splitAt } from './softmax.ts';
import { f32, i32, i64 } from './types.ts';

type Axis = { axis: number };
type Shape = { shape: readonly number[] };

const axisSpec = { kind: 'int', doc: 'dimension the indices count in' } as const;
const shapeSpec = { kind: 'ints', doc: 'shape of the result' } as const;

export function checkIndices(indices: TensorType | undefined): TensorType {
  if (indices === undefined) throw new ShapeError('takes a tensor and indices');
  if (indices.dtype !== 'i32' && indices.dtype !== 'i64')
    throw new ShapeError(`indices must be i32 or i64, not ${formatType(indices)}`);
  return indices;
}

/** What the kernels that walk index tuples are told; see runtime/kernels/gather.ts. */
export interface TupleWalk {
  readonly inner: number;
  readonly dims: readonly number[];
  readonly baseStrides: readonly number[];
  readonly extents: readonly number[];
  readonly strides: readonly number[];
}

export type TupleArguments = [
  inner: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
];

export const walkArguments = ({ inner, dims, baseStrides, extents, strides }: TupleWalk): TupleArguments => [
  inner,
  dims,
  baseStrides,
  extents,
  strides,
];

/** Tuples of one index along `axis`; the other coordinates are those of the index itself. */
export function elementsWalk(x: readonly number[], indices: readonly number[], axis: number): TupleWalk {
  const strides = contiguousStrides(x);
  return {
    inner: 1,
    dims: indices,
    baseStrides: strides.map((stride, d) => (d === axis ? 0 : stride)),
    extents: [x[axis]!],
    strides: [strides[axis]!],
  };
}

/** Tuples of the indices' last dimension, for each element of the `batchDims` leading ones. */
export function tuplesWalk(x: readonly number[], indices: readonly number[], batchDims: number): TupleWalk {
  const length = indices.at(-1)!;
  const strides = contiguousStrides(x);
  const dims = indices.slice(0, -1);
  return {
    inner: elementCount(x.slice(batchDims + length)),
    dims,
    baseStrides: dims.map((_, d) => (d < batchDims ? strides[d]! : 0)),
    extents: x.slice(batchDims, batchDims + length),
    strides: strides.slice(batchDims, batchDims + length),
  };
}

/** What every index of every tuple is below; tuples have parts of their own bounds, and share one tensor. */
export function leastExtent({ extents }: TupleWalk): number | undefined {
  return extents.length === 0 ? undefined : Math.min(...extents);
}

/** Throws unless `indices` has the rank of `x` and is not larger in any dimension but `axis`. */
export function checkElements(x: TensorType, indices: TensorType, axis: number): void {
  checkAxis(x, axis);
  const fits = x.shape.length === indices.shape.length && indices.shape.every((e, d) => d === axis || e <= x.shape[d]!);
  if (!fits)
    throw new ShapeError(
      `indices ${formatType(indices)} do not fit ${formatType(x)} along axis ${axis}`,
      'they have its rank, and are not larger in the other dimensions',
    );
}

/** Throws unless the last dimension of `indices` is a tuple into `x` after `batchDims`. */
export function checkTuples(x: TensorType, indices: TensorType, batchDims: number): void {
  const length = indices.shape.at(-1);
  const fits =
    length !== undefined &&
    batchDims >= 0 &&
    batchDims < indices.shape.length &&
    length + batchDims <= x.shape.length &&
    sameShape(x.shape.slice(0, batchDims), indices.shape.slice(0, batchDims));
  if (!fits)
    throw new ShapeError(
      `the tuples of ${formatType(indices)} do not index ${formatType(x)} after ${batchDims} dimensions`,
    );
}

export const gather: Op<Axis> = {
  name: 'gather',
  doc: 'Slices of a tensor along one dimension, at indices of any shape (negative ones count from the end).',
  attributes: { axis: axisSpec },
  effect: 'pure',
  passesOn: (operand) => operand === 0,
  infer: ([x, given], { axis }) => {
    if (x === undefined) throw new ShapeError('takes a tensor and indices');
    const indices = checkIndices(given);
    checkAxis(x, axis);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  flops: () => 0,
  bytesMoved: ({ results, operands }) =>
    8 * elementCount(results[0]!.type.shape) + 8 * elementCount(operands[1]!.type.shape),
  indexBound: ({ operands, attributes }, operand) =>
    operand === 1 ? operands[0]!.type.shape[attributes.axis] : undefined,
  gradientReads: { operands: [1] },
  gradient: (g) => [
    g.emit(gatherGrad, [g.cotangents[0]!, g.operands[1]!], {
      axis: g.attributes.axis,
      shape: g.operands[0]!.type.shape,
    }),
    undefined,
  ],
  lower: ({ operands: [x, indices], attributes }, at) => [
    call(
      gatherKernel,
      typeCode(x!.type.dtype),
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      ...splitAt(x!.type.shape, attributes.axis),
      elementCount(indices!.type.shape),
    ),
  ],
  examples: [
    { operands: [f32(5, 3), i64(2, 4)], attributes: { axis: 0 }, ranges: { 1: [-5, 4] } },
    { operands: [f32(2, 4, 3), i32(5)], attributes: { axis: 1 }, ranges: { 1: [0, 3] } },
    { operands: [i64(4, 3), i64()], attributes: { axis: 1 }, ranges: { 0: [-9, 9], 1: [0, 2] } },
  ],
};

export const gatherGrad: Op<Axis & Shape> = {
  name: 'gather_grad',
  doc: 'Gradient of gather: slices added up at their indices.',
  attributes: { axis: axisSpec, shape: shapeSpec },
  effect: 'pure',
  infer: ([dy, given], { axis, shape }) => {
    const indices = checkIndices(given);
    const wanted = [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)];
    if (dy === undefined || dy.dtype !== 'f32' || !sameShape(dy.shape, wanted))
      throw new ShapeError(`the gradient must be ${formatType(f32(...wanted))}`);
    return [f32(...shape)];
  },
  indexBound: ({ attributes: { axis, shape } }, operand) => (operand === 1 ? shape[axis] : undefined),
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  lower: ({ operands: [, indices], attributes }, at) => [
    call(
      gatherGradKernel,
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      ...splitAt(attributes.shape, attributes.axis),
      elementCount(indices!.type.shape),
    ),
  ],
  examples: [{ operands: [f32(2, 4, 3), i64(2, 4)], attributes: { axis: 0, shape: [5, 3] }, ranges: { 1: [-5, 4] } }],
};

export const gatherElements: Op<Axis> = {
  name: 'gather_elements',
  doc: 'Elements of a tensor at indices along one dimension, the other coordinates being those of the index.',
  attributes: { axis: axisSpec },
  effect: 'pure',
  infer: ([x, given], { axis }) => {
    if (x === undefined) throw new ShapeError('takes a tensor and indices');
    const indices = checkIndices(given);
    checkElements(x, indices, axis);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  indexBound: ({ operands, attributes: { axis } }, operand) =>
    operand === 1 ? operands[0]!.type.shape[axis] : undefined,
  flops: () => 0,
  gradientReads: { operands: [1] },
  gradient: (g) => [
    g.emit(gatherElementsGrad, [g.cotangents[0]!, g.operands[1]!], {
      axis: g.attributes.axis,
      shape: g.operands[0]!.type.shape,
    }),
    undefined,
  ],
  lower: ({ operands: [x, indices], attributes }, at) => [
    call(
      gatherTuplesKernel,
      typeCode(x!.type.dtype),
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      ...walkArguments(elementsWalk(x!.type.shape, indices!.type.shape, attributes.axis)),
    ),
  ],
  examples: [
    { operands: [f32(3, 4), i64(2, 4)], attributes: { axis: 0 }, ranges: { 1: [-3, 2] } },
    { operands: [f32(2, 3, 2), i32(2, 5, 1)], attributes: { axis: 1 }, ranges: { 1: [0, 2] } },
  ],
};

export const gatherElementsGrad: Op<Axis & Shape> = {
  name: 'gather_elements_grad',
  doc: 'Gradient of gather_elements (and of top_k): elements added up at their indices.',
  attributes: { axis: axisSpec, shape: shapeSpec },
  effect: 'pure',
  infer: ([dy, given], { axis, shape }) => {
    const indices = checkIndices(given);
    checkElements(f32(...shape), indices, axis);
    if (dy === undefined || dy.dtype !== 'f32' || !sameShape(dy.shape, indices.shape))
      throw new ShapeError(`the gradient must be ${formatType(f32(...indices.shape))}`);
    return [f32(...shape)];
  },
  indexBound: ({ attributes: { axis, shape } }, operand) => (operand === 1 ? shape[axis] : undefined),
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  lower: ({ operands: [, indices], attributes }, at) => [
    call(
      gatherTuplesGradKernel,
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      elementCount(attributes.shape),
      ...walkArguments(elementsWalk(attributes.shape, indices!.type.shape, attributes.axis)),
    ),
  ],
  examples: [{ operands: [f32(2, 4), i64(2, 4)], attributes: { axis: 0, shape: [3, 4] }, ranges: { 1: [0, 2] } }],
};

type BatchDims = { batch_dims: number };
const batchDimsSpec = { kind: 'int', doc: 'leading dimensions that tensor and indices share' } as const;

function gatheredShape(x: readonly number[], indices: readonly number[], batchDims: number): readonly number[] {
  return [...indices.slice(0, -1), ...x.slice(batchDims + indices.at(-1)!)];
}

export const gatherNd: Op<BatchDims> = {
  name: 'gather_nd',
  doc: 'Slices of a tensor at index tuples, the last dimension of the indices.',
  attributes: { batch_dims: batchDimsSpec },
  effect: 'pure',
  infer: ([x, given], { batch_dims }) => {
    if (x === undefined) throw new ShapeError('takes a tensor and indices');
    const indices = checkIndices(given);
    checkTuples(x, indices, batch_dims);
    return [{ dtype: x.dtype, shape: gatheredShape(x.shape, indices.shape, batch_dims) }];
  },
  indexBound: ({ operands: [x, indices], attributes }, operand) =>
    operand === 1 ? leastExtent(tuplesWalk(x!.type.shape, indices!.type.shape, attributes.batch_dims)) : undefined,
  flops: () => 0,
  gradientReads: { operands: [1] },
  gradient: (g) => [
    g.emit(gatherNdGrad, [g.cotangents[0]!, g.operands[1]!], {
      batch_dims: g.attributes.batch_dims,
      shape: g.operands[0]!.type.shape,
    }),
    undefined,
  ],
  lower: ({ operands: [x, indices], attributes }, at) => [
    call(
      gatherTuplesKernel,
      typeCode(x!.type.dtype),
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      ...walkArguments(tuplesWalk(x!.type.shape, indices!.type.shape, attributes.batch_dims)),
    ),
  ],
  examples: [
    { operands: [f32(3, 3, 2), i64(4, 2)], attributes: { batch_dims: 0 }, ranges: { 1: [-3, 2] } },
    { operands: [f32(2, 3, 2), i32(2, 4, 1)], attributes: { batch_dims: 1 }, ranges: { 1: [0, 2] } },
  ],
};

export const gatherNdGrad: Op<BatchDims & Shape> = {
  name: 'gather_nd_grad',
  doc: 'Gradient of gather_nd: slices added up at their index tuples.',
  attributes: { batch_dims: batchDimsSpec, shape: shapeSpec },
  effect: 'pure',
  infer: ([dy, given], { batch_dims, shape }) => {
    const indices = checkIndices(given);
    checkTuples(f32(...shape), indices, batch_dims);
    const wanted = gatheredShape(shape, indices.shape, batch_dims);
    if (dy === undefined || dy.dtype !== 'f32' || !sameShape(dy.shape, wanted))
      throw new ShapeError(`the gradient must be ${formatType(f32(...wanted))}`);
    return [f32(...shape)];
  },
  indexBound: ({ operands, attributes: { batch_dims, shape } }, operand) =>
    operand === 1 ? leastExtent(tuplesWalk(shape, operands[1]!.type.shape, batch_dims)) : undefined,
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  lower: ({ operands: [, indices], attributes }, at) => [
    call(
      gatherTuplesGradKernel,
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      elementCount(attributes.shape),
      ...walkArguments(tuplesWalk(attributes.shape, indices!.type.shape, attributes.batch_dims)),
    ),
  ],
  examples: [
    { operands: [f32(4, 2), i64(4, 2)], attributes: { batch_dims: 0, shape: [3, 3, 2] }, ranges: { 1: [0, 2] } },
  ],
};
