/** Pooling over windows of one to three spatial dimensions: largest, mean and p-norm. */
import {
  averagePoolGrad as averagePoolGradKernel,
  averagePool as averagePoolKernel,
  lpPoolGrad as lpPoolGradKernel,
  lpPool as lpPoolKernel,
  maxPoolGrad as maxPoolGradKernel,
  maxPool as maxPoolKernel,
  maxPoolWithIndices as maxPoolWithIndicesKernel,
} from '../../runtime/kernels/pool.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type Application, type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';

export type PoolAttributes = {
  kernel: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
  dilations: readonly number[];
  ceil_mode: boolean;
};
export type AveragePoolAttributes = PoolAttributes & { count_include_pad: boolean };
export type LpPoolAttributes = PoolAttributes & { p: number };

type Specs<A> = { readonly [K in keyof A]-?: AttributeSpec };

const poolSpecs: Specs<PoolAttributes> = {
  kernel: { kind: 'ints', doc: 'extents of the window' },
  strides: { kind: 'ints', doc: 'step of the window' },
  pads: { kind: 'ints', doc: 'pads before each spatial dimension, then after each' },
  dilations: { kind: 'ints', doc: 'distance of the elements of the window' },
  ceil_mode: { kind: 'bool', doc: 'round the extents of the result up' },
};
const averageSpecs: Specs<AveragePoolAttributes> = {
  ...poolSpecs,
  count_include_pad: { kind: 'bool', doc: 'count the pads as zeros' },
};
const lpSpecs: Specs<LpPoolAttributes> = { ...poolSpecs, p: { kind: 'int', doc: 'exponent of the norm' } };

const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });

/** Type of the result. With `ceil_mode`, a last window that would start in the pads after the image is dropped. */
function inferPool(operands: readonly TensorType[], attributes: PoolAttributes): TensorType {
  const [x] = operands;
  if (x === undefined) throw new ShapeError('takes an operand');
  const { kernel, strides, pads, dilations, ceil_mode } = attributes;
  const spatial = x.shape.length - 2;
  if (x.dtype !== 'f32' || spatial < 1 || spatial > 3)
    throw new ShapeError(`${formatType(x)} is not a float image of one to three spatial dimensions`);
  if ([kernel, strides, dilations].some((list) => list.length !== spatial) || pads.length !== 2 * spatial)
    throw new ShapeError(
      `${spatial} spatial dimensions need ${spatial} window extents, strides and dilations and ${2 * spatial} pads`,
    );
  if ([...kernel, ...strides, ...dilations].some((v) => v < 1) || pads.some((v) => v < 0))
    throw new ShapeError('window extents, strides and dilations must be at least 1, pads at least 0');
  const extents = kernel.map((k, d) => {
    const extent = x.shape[2 + d]!;
    const room = extent + pads[d]! + pads[spatial + d]! - dilations[d]! * (k - 1) - 1;
    if (room < 0) throw new ShapeError(`a window of ${kernel.join('x')} is larger than the padded ${formatType(x)}`);
    const steps = room / strides[d]!;
    const count = (ceil_mode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil_mode && (count - 1) * strides[d]! >= extent + pads[d]! ? count - 1 : count;
  });
  return f32(x.shape[0]!, x.shape[1]!, ...extents);
}

/** The kernels' geometry; see runtime/kernels/pool.ts. */
function geometry(x: readonly number[], y: readonly number[], attributes: PoolAttributes): readonly number[] {
  const spatial = x.length - 2;
  const three = (values: readonly number[], fill: number) => [
    ...new Array<number>(3 - spatial).fill(fill),
    ...values.slice(0, spatial),
  ];
  return [
    x[0]! * x[1]!,
    ...three(x.slice(2), 1),
    ...three(attributes.kernel, 1),
    ...three(y.slice(2), 1),
    ...three(attributes.strides, 1),
    ...three(attributes.pads, 0),
    ...three(attributes.dilations, 1),
    ...three(attributes.pads.slice(spatial), 0),
  ];
}

const forwardGeometry = ({ operands, results, attributes }: Application<PoolAttributes>): readonly number[] =>
  geometry(operands[0]!.type.shape, results[0]!.type.shape, attributes);

const backwardGeometry = ({ operands, results, attributes }: Application<PoolAttributes>): readonly number[] =>
  geometry(results[0]!.type.shape, operands[0]!.type.shape, attributes);

/** One comparison or addition for each element of each window. */
const forwardFlops = ({ results, attributes }: Application<PoolAttributes>): number =>
  elementCount(results[0]!.type.shape) * elementCount(attributes.kernel);

const backwardFlops = ({ operands, attributes }: Application<PoolAttributes>): number =>
  elementCount(operands[0]!.type.shape) * elementCount(attributes.kernel);

function inferPoolGrad(dy: TensorType | undefined, x: TensorType, attributes: PoolAttributes): readonly TensorType[] {
  const y = inferPool([x], attributes);
  if (dy === undefined || !sameShape(dy.shape, y.shape))
    throw new ShapeError(`the gradient of a pool over ${formatType(x)} must be ${formatType(y)}`);
  return [x];
}

const window2d = { kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2], ceil_mode: false };
const window1d = { kernel: [3], strides: [2], pads: [1, 1], dilations: [1], ceil_mode: true };
const window3d = {
  kernel: [2, 2, 2],
  strides: [1, 2, 1],
  pads: [0, 1, 0, 1, 0, 0],
  dilations: [1, 1, 1],
  ceil_mode: false,
};

export const maxPool: Op<PoolAttributes> = {
  name: 'max_pool',
  doc: 'Largest element of each window; pads count as minus infinity.',
  attributes: poolSpecs,
  effect: 'pure',
  infer: (operands, attributes) => [inferPool(operands, attributes)],
  flops: forwardFlops,
  gradientReads: { operands: [0] },
  gradient: (g) => [g.emit(maxPoolGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes)],
  lower: (application, at) => [call(maxPoolKernel, at.operand(0), at.result(0), forwardGeometry(application))],
  examples: [
    { operands: [f32(2, 2, 5, 6)], attributes: window2d },
    { operands: [f32(1, 3, 6)], attributes: window1d },
    { operands: [f32(1, 2, 3, 4, 3)], attributes: window3d },
  ],
};

/** Its kernel looks for the maxima in x again: no indices are kept. */
export const maxPoolGrad: Op<PoolAttributes> = {
  name: 'max_pool_grad',
  doc: 'Gradient of max_pool, from that of its result and its operand.',
  attributes: poolSpecs,
  effect: 'pure',
  infer: ([dy, x], attributes) => {
    if (x === undefined) throw new ShapeError('takes two operands');
    return inferPoolGrad(dy, x, attributes);
  },
  flops: backwardFlops,
  lower: (application, at) => [
    call(maxPoolGradKernel, at.operand(0), at.operand(1), at.result(0), backwardGeometry(application)),
  ],
  examples: [{ operands: [f32(2, 2, 3, 5), f32(2, 2, 5, 6)], attributes: window2d }],
};

export const maxPoolWithIndices: Op<PoolAttributes & { storage_order: number }> = {
  name: 'max_pool_with_indices',
  doc: 'max_pool, and the index of each maximum in the flattened operand (i64).',
  attributes: {
    ...poolSpecs,
    storage_order: { kind: 'int', doc: '1: indices count the spatial dimensions with the first one fastest' },
  },
  effect: 'pure',
  infer: (operands, attributes) => {
    const y = inferPool(operands, attributes);
    return [y, { dtype: 'i64', shape: y.shape }];
  },
  flops: forwardFlops,
  gradientReads: { operands: [0] },
  gradient: (g) => {
    const dy = g.cotangents[0];
    if (dy === undefined) return [undefined];
    const { kernel, strides, pads, dilations, ceil_mode } = g.attributes;
    return [g.emit(maxPoolGrad, [dy, g.operands[0]!], { kernel, strides, pads, dilations, ceil_mode })];
  },
  lower: (application, at) => [
    call(
      maxPoolWithIndicesKernel,
      at.operand(0),
      at.result(0),
      at.result(1),
      application.attributes.storage_order,
      forwardGeometry(application),
    ),
  ],
  examples: [{ operands: [f32(2, 2, 5, 6)], attributes: { ...window2d, storage_order: 1 } }],
};

export const averagePool: Op<AveragePoolAttributes> = {
  name: 'average_pool',
  doc: 'Mean of each window.',
  attributes: averageSpecs,
  effect: 'pure',
  infer: (operands, attributes) => [inferPool(operands, attributes)],
  flops: forwardFlops,
  gradientReads: {},
  gradient: (g) => [g.emit(averagePoolGrad, [g.cotangents[0]!], { ...g.attributes, shape: g.operands[0]!.type.shape })],
  lower: (application, at) => [
    call(
      averagePoolKernel,
      at.operand(0),
      at.result(0),
      application.attributes.count_include_pad ? 1 : 0,
      forwardGeometry(application),
    ),
  ],
  examples: [
    { operands: [f32(2, 2, 5, 6)], attributes: { ...window2d, count_include_pad: true } },
    { operands: [f32(1, 3, 6)], attributes: { ...window1d, count_include_pad: false } },
    { operands: [f32(1, 2, 3, 4, 3)], attributes: { ...window3d, count_include_pad: false } },
  ],
};

export const averagePoolGrad: Op<AveragePoolAttributes & { shape: readonly number[] }> = {
  name: 'average_pool_grad',
  doc: 'Gradient of average_pool, from that of its result.',
  attributes: { ...averageSpecs, shape: { kind: 'ints', doc: "shape of the pool's operand" } },
  effect: 'pure',
  infer: ([dy], { shape, ...attributes }) => inferPoolGrad(dy, f32(...shape), attributes),
  flops: backwardFlops,
  lower: (application, at) => [
    call(
      averagePoolGradKernel,
      at.operand(0),
      at.result(0),
      application.attributes.count_include_pad ? 1 : 0,
      backwardGeometry(application),
    ),
  ],
  examples: [
    { operands: [f32(2, 2, 3, 5)], attributes: { ...window2d, count_include_pad: false, shape: [2, 2, 5, 6] } },
  ],
};

export const lpPool: Op<LpPoolAttributes> = {
  name: 'lp_pool',
  doc: 'The p-norm of each window.',
  attributes: lpSpecs,
  effect: 'pure',
  infer: (operands, attributes) => [inferPool(operands, attributes)],
  flops: (application) => 2 * forwardFlops(application),
  gradientReads: { operands: [0], results: [0] },
  gradient: (g) => [g.emit(lpPoolGrad, [g.cotangents[0]!, g.operands[0]!, g.results[0]!], g.attributes)],
  lower: (application, at) => [
    call(lpPoolKernel, at.operand(0), at.result(0), application.attributes.p, forwardGeometry(application)),
  ],
  examples: [
    { operands: [f32(1, 2, 5, 6)], attributes: { ...window2d, p: 2 }, range: [0.5, 2] },
    { operands: [f32(1, 2, 6)], attributes: { ...window1d, p: 3 }, range: [-2, -0.5] },
  ],
};

export const lpPoolGrad: Op<LpPoolAttributes> = {
  name: 'lp_pool_grad',
  doc: 'Gradient of lp_pool, from that of its result, its operand and its result.',
  attributes: lpSpecs,
  effect: 'pure',
  infer: ([dy, x, y], attributes) => {
    if (x === undefined || y === undefined) throw new ShapeError('takes three operands');
    return inferPoolGrad(dy, x, attributes);
  },
  flops: (application) => 4 * backwardFlops(application),
  lower: (application, at) => [
    call(
      lpPoolGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.result(0),
      application.attributes.p,
      backwardGeometry(application),
    ),
  ],
  examples: [
    {
      operands: [f32(1, 2, 3, 5), f32(1, 2, 5, 6), f32(1, 2, 3, 5)],
      attributes: { ...window2d, p: 2 },
      range: [0.5, 2],
    },
  ],
};
