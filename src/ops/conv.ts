/**
 * conv and its two gradients, in one to three spatial dimensions. The gradients are ops of their own, because
 * conv_transpose is the one and differentiates into the other.
 */
import {
  convGradInput as convGradInputKernel,
  convGradInputScratch,
  convGradWeight as convGradWeightKernel,
  convGradWeightScratch,
  conv as convKernel,
  convScratch,
} from '../../runtime/kernels/conv.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import { type AttributeSpec, type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { reshape } from './reshape.ts';
import { sumTo } from './sum-to.ts';

export type ConvAttributes = {
  strides: readonly number[];
  pads: readonly number[];
  dilations: readonly number[];
  groups: number;
};

/** Attributes of the gradients: `shape` is that of the operand whose gradient is taken. */
export type ConvGradAttributes = ConvAttributes & { shape: readonly number[] };

export const convAttributeSpecs: { readonly [K in keyof ConvAttributes]-?: AttributeSpec } = {
  strides: { kind: 'ints', doc: 'step of the filter along each spatial dimension' },
  pads: { kind: 'ints', doc: 'zeros before each spatial dimension, then after each; negative ones crop' },
  dilations: { kind: 'ints', doc: 'distance of the taps of the filter' },
  groups: { kind: 'int', doc: 'groups of channels convolved separately' },
};

const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });
const product = (shape: readonly number[]): number => elementCount(shape);

/** Checks the types that conv and conv_transpose share; returns the number of spatial dimensions. */
export function checkConvOperands(operands: readonly TensorType[], attributes: ConvAttributes): number {
  const [x, w] = operands;
  if (x === undefined || w === undefined || operands.length > 3) throw new ShapeError('takes two or three operands');
  for (const operand of operands)
    if (operand.dtype !== 'f32') throw new ShapeError(`operands must be f32, not ${formatType(operand)}`);
  const spatial = x.shape.length - 2;
  if (spatial < 1 || spatial > 3 || w.shape.length !== spatial + 2)
    throw new ShapeError(
      `image ${formatType(x)} and filter ${formatType(w)} do not fit`,
      'both have a batch or filter dimension, a channel dimension and the same one to three spatial dimensions',
    );
  const { strides, pads, dilations, groups } = attributes;
  if (strides.length !== spatial || dilations.length !== spatial || pads.length !== 2 * spatial)
    throw new ShapeError(
      `${spatial} spatial dimensions need ${spatial} strides, ${spatial} dilations and ${2 * spatial} pads; ` +
        `given are ${strides.length}, ${dilations.length} and ${pads.length}`,
    );
  if (strides.some((s) => s < 1) || dilations.some((d) => d < 1) || groups < 1)
    throw new ShapeError('strides, dilations and groups must be at least 1');
  return spatial;
}

function inferConv(operands: readonly TensorType[], attributes: ConvAttributes): TensorType {
  const spatial = checkConvOperands(operands, attributes);
  const x = operands[0]!;
  const w = operands[1]!;
  const bias = operands[2];
  const { strides, pads, dilations, groups } = attributes;
  if (x.shape[1] !== w.shape[1]! * groups || w.shape[0]! % groups !== 0)
    throw new ShapeError(
      `filter ${formatType(w)} in ${groups} groups wants ${w.shape[1]! * groups} channels and a multiple of ${groups} ` +
        `filters; the image is ${formatType(x)}`,
    );
  if (bias !== undefined && !sameShape(bias.shape, [w.shape[0]!]))
    throw new ShapeError(`bias ${formatType(bias)} must be f32[${w.shape[0]}]`);
  const extents = Array.from({ length: spatial }, (_, d) => {
    const padded = x.shape[2 + d]! + pads[d]! + pads[spatial + d]!;
    const room = padded - dilations[d]! * (w.shape[2 + d]! - 1) - 1;
    if (room < 0) throw new ShapeError(`filter ${formatType(w)} is larger than the padded image ${formatType(x)}`);
    return Math.floor(room / strides[d]!) + 1;
  });
  return f32(x.shape[0]!, w.shape[0]!, ...extents);
}

/** The kernels' geometry (runtime/kernels/conv-geometry.ts) of an image, a filter and a result. */
export function convGeometry(
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
  attributes: ConvAttributes,
): readonly number[] {
  const spatial = x.length - 2;
  const three = (values: readonly number[], fill: number) => [
    ...new Array<number>(3 - spatial).fill(fill),
    ...values.slice(0, spatial),
  ];
  return [
    x[0]!,
    x[1]!,
    w[0]!,
    attributes.groups,
    ...three(x.slice(2), 1),
    ...three(w.slice(2), 1),
    ...three(y.slice(2), 1),
    ...three(attributes.strides, 1),
    ...three(attributes.pads, 0),
    ...three(attributes.dilations, 1),
  ];
}

/** Sum of an image's gradient over batch and positions: the gradient of a bias per channel. */
export function channelSum(emitter: Emitter, dy: Value): Value {
  const { shape } = dy.type;
  const kept = shape.map((extent, d) => (d === 1 ? extent : 1));
  return emitter.emit(reshape, [sumTo(emitter, dy, kept)], { shape: [shape[1]!] });
}

export const conv: Op<ConvAttributes> = {
  name: 'conv',
  doc: 'Convolution of an image [N, C, d...] with filters [F, C/groups, k...]; an optional third operand is a bias [F].',
  attributes: convAttributeSpecs,
  effect: 'pure',
  expensive: true,
  infer: (operands, attributes) => [inferConv(operands, attributes)],
  flops: ({ operands, results }) =>
    product(results[0]!.type.shape) * (2 * product(operands[1]!.type.shape.slice(1)) + (operands.length > 2 ? 1 : 0)),
  scratch: ({ operands: [x, w], results: [y], attributes }) =>
    convScratch(convGeometry(x!.type.shape, w!.type.shape, y!.type.shape, attributes)),
  gradientReads: { operands: [0, 1] },
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    const [x, w] = g.operands;
    const { strides, pads, dilations, groups } = g.attributes;
    const attributes = { strides, pads, dilations, groups };
    return [
      g.wants(0) ? g.emit(convGradInput, [dy, w!], { ...attributes, shape: x!.type.shape }) : undefined,
      g.wants(1) ? g.emit(convGradWeight, [x!, dy], { ...attributes, shape: w!.type.shape }) : undefined,
      g.operands.length > 2 && g.wants(2) ? channelSum(g, dy) : undefined,
    ];
  },
  lower: ({ operands: [x, w, bias], results: [y], attributes }, at) => [
    call(
      convKernel,
      at.operand(0),
      at.operand(1),
      bias === undefined ? -1 : at.operand(2),
      at.result(0),
      at.scratch,
      convGeometry(x!.type.shape, w!.type.shape, y!.type.shape, attributes),
    ),
  ],
  examples: [
    {
      operands: [f32(2, 3, 6, 5), f32(4, 3, 3, 2), f32(4)],
      attributes: { strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2], groups: 1 },
    },
    {
      operands: [f32(1, 4, 7), f32(6, 2, 3)],
      attributes: { strides: [1], pads: [1, 1], dilations: [1], groups: 2 },
    },
    {
      operands: [f32(2, 3, 5, 5), f32(3, 1, 3, 3)],
      attributes: { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 3 },
    },
    {
      operands: [f32(1, 2, 3, 4, 3), f32(2, 2, 2, 2, 2)],
      attributes: { strides: [1, 2, 1], pads: [0, 1, 0, 0, 0, 1], dilations: [1, 1, 1], groups: 1 },
    },
  ],
};

const gradientShape: AttributeSpec = { kind: 'ints', doc: 'shape of the result' };

export const convGradInput: Op<ConvGradAttributes> = {
  name: 'conv_grad_input',
  doc: "Gradient of a convolution's image, from the gradient of its result and the filters.",
  attributes: { ...convAttributeSpecs, shape: gradientShape },
  effect: 'pure',
  expensive: true,
  infer: ([dy, w], { shape, ...attributes }) => {
    if (dy === undefined || w === undefined) throw new ShapeError('takes two operands');
    checkGradientOf(dy, f32(...shape), w, attributes);
    return [f32(...shape)];
  },
  flops: ({ operands: [dy, w] }) => 2 * product(dy!.type.shape) * product(w!.type.shape.slice(1)),
  scratch: ({ operands: [dy, w], attributes }) =>
    convGradInputScratch(convGeometry(attributes.shape, w!.type.shape, dy!.type.shape, attributes)),
  lower: ({ operands: [dy, w], attributes }, at) => [
    call(
      convGradInputKernel,
      at.operand(0),
      at.operand(1),
      at.result(0),
      at.scratch,
      convGeometry(attributes.shape, w!.type.shape, dy!.type.shape, attributes),
    ),
  ],
  examples: [
    {
      operands: [f32(1, 4, 3, 5), f32(4, 3, 3, 3)],
      attributes: { strides: [2, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1, shape: [1, 3, 6, 5] },
    },
  ],
};

export const convGradWeight: Op<ConvGradAttributes> = {
  name: 'conv_grad_weight',
  doc: "Gradient of a convolution's filters, from its image and the gradient of its result.",
  attributes: { ...convAttributeSpecs, shape: gradientShape },
  effect: 'pure',
  expensive: true,
  infer: ([x, dy], { shape, ...attributes }) => {
    if (x === undefined || dy === undefined) throw new ShapeError('takes two operands');
    checkGradientOf(dy, x, f32(...shape), attributes);
    return [f32(...shape)];
  },
  flops: ({ operands: [, dy], attributes }) => 2 * product(dy!.type.shape) * product(attributes.shape.slice(1)),
  scratch: ({ operands: [x, dy], attributes }) =>
    convGradWeightScratch(convGeometry(x!.type.shape, attributes.shape, dy!.type.shape, attributes)),
  lower: ({ operands: [x, dy], attributes }, at) => [
    call(
      convGradWeightKernel,
      at.operand(0),
      at.operand(1),
      at.result(0),
      at.scratch,
      convGeometry(x!.type.shape, attributes.shape, dy!.type.shape, attributes),
    ),
  ],
  examples: [
    {
      operands: [f32(2, 3, 6, 5), f32(2, 4, 3, 5)],
      attributes: { strides: [2, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1, shape: [4, 3, 3, 3] },
    },
  ],
};

function checkGradientOf(dy: TensorType, x: TensorType, w: TensorType, attributes: ConvAttributes): void {
  const y = inferConv([x, w], attributes);
  if (!sameShape(y.shape, dy.shape))
    throw new ShapeError(`the convolution's result is ${formatType(y)}, its gradient ${formatType(dy)}`);
}
