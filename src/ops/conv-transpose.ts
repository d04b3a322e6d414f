/**
 * conv_transpose: the gradient of a convolution's image as an operator of its own. Its gradients are the convolution
 * and the gradient of its filters, with image and result in each other's place.
 */
import { convGradInput as convGradInputKernel, convGradInputScratch } from '../../runtime/kernels/conv.ts';
import { addChannelBias } from '../../runtime/kernels/conv-transpose.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape } from '../ir/graph.ts';
import { type Application, type Op, ShapeError } from '../ir/op.ts';
import {
  type ConvAttributes,
  channelSum,
  checkConvOperands,
  conv,
  convAttributeSpecs,
  convGeometry,
  convGradWeight,
} from './conv.ts';
import { f32 } from './types.ts';

export type ConvTransposeAttributes = ConvAttributes & { output_padding: readonly number[] };

/** The convolution's geometry: our result is its image, our operand its result. */
const geometryOf = ({ operands: [x, w], results: [y], attributes }: Application<ConvTransposeAttributes>) =>
  convGeometry(y!.type.shape, w!.type.shape, x!.type.shape, attributes);

/** The attributes of the convolution from our result back to our operand; what `output_padding` added it crops. */
function adjoint({ strides, pads, dilations, groups, output_padding }: ConvTransposeAttributes): ConvAttributes {
  const spatial = strides.length;
  return { strides, pads: pads.map((p, d) => (d < spatial ? p : p - output_padding[d - spatial]!)), dilations, groups };
}

export const convTranspose: Op<ConvTransposeAttributes> = {
  name: 'conv_transpose',
  doc: 'Transposed convolution of an image [N, C, d...] with filters [C, F/groups, k...]; an optional third operand is a bias [F].',
  attributes: {
    ...convAttributeSpecs,
    output_padding: { kind: 'ints', doc: 'rows added after each spatial dimension of the result' },
  },
  effect: 'pure',
  expensive: true,
  infer: (operands, attributes) => {
    const spatial = checkConvOperands(operands, attributes);
    const x = operands[0]!;
    const w = operands[1]!;
    const bias = operands[2];
    const { strides, pads, dilations, groups, output_padding } = attributes;
    if (output_padding.length !== spatial) throw new ShapeError(`output_padding must have ${spatial} extents`);
    if (x.shape[1] !== w.shape[0] || w.shape[0]! % groups !== 0)
      throw new ShapeError(`filters ${formatType(w)} in ${groups} groups do not take the channels of ${formatType(x)}`);
    // The gradient is a convolution of our result, in which every window must have a place.
    if (x.shape.slice(2).includes(0)) throw new ShapeError(`the image ${formatType(x)} has an extent of 0`);
    const filters = w.shape[1]! * groups;
    if (bias !== undefined && !sameShape(bias.shape, [filters]))
      throw new ShapeError(`bias ${formatType(bias)} must be f32[${filters}]`);
    const extents = strides.map((stride, d) => {
      const reach = dilations[d]! * (w.shape[2 + d]! - 1) + 1;
      const extent = (x.shape[2 + d]! - 1) * stride + output_padding[d]! + reach - pads[d]! - pads[spatial + d]!;
      if (extent < 0) throw new ShapeError(`pads [${pads.join(',')}] leave nothing of the result`);
      return extent;
    });
    return [f32(x.shape[0]!, filters, ...extents)];
  },
  flops: ({ operands, results }) =>
    2 * elementCount(operands[0]!.type.shape) * elementCount(operands[1]!.type.shape.slice(1)) +
    (operands.length > 2 ? elementCount(results[0]!.type.shape) : 0),
  scratch: (application) => convGradInputScratch(geometryOf(application)),
  gradientReads: { operands: [0, 1] },
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    const [x, w] = g.operands;
    const attributes = adjoint(g.attributes);
    return [
      g.wants(0) ? g.emit(conv, [dy, w!], attributes) : undefined,
      g.wants(1) ? g.emit(convGradWeight, [dy, x!], { ...attributes, shape: w!.type.shape }) : undefined,
      g.operands.length > 2 && g.wants(2) ? channelSum(g, dy) : undefined,
    ];
  },
  lower: (application, at) => {
    const { shape } = application.results[0]!.type;
    const product = call(
      convGradInputKernel,
      at.operand(0),
      at.operand(1),
      at.result(0),
      at.scratch,
      geometryOf(application),
    );
    if (application.operands.length < 3) return [product];
    return [
      product,
      call(addChannelBias, at.operand(2), at.result(0), shape[0]!, shape[1]!, elementCount(shape.slice(2))),
    ];
  },
  examples: [
    {
      operands: [f32(2, 4, 3, 3), f32(4, 3, 3, 2), f32(3)],
      attributes: { strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2], groups: 1, output_padding: [1, 0] },
    },
    {
      operands: [f32(1, 4, 5), f32(4, 2, 3)],
      attributes: { strides: [2], pads: [0, 1], dilations: [1], groups: 2, output_padding: [0] },
    },
    {
      operands: [f32(1, 3, 3, 4), f32(3, 1, 2, 2)],
      attributes: { strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 3, output_padding: [0, 1] },
    },
  ],
};
