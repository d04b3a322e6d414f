/**
 * Batch normalisation: in training, with given statistics, and the update of the running ones. Channels are
 * dimension 1.
 */
import {
  batchNormGrad as batchNormGradKernel,
  batchNormInferenceGrad as batchNormInferenceGradKernel,
  batchNormInference as batchNormInferenceKernel,
  batchNorm as batchNormKernel,
  batchNormUpdate as batchNormUpdateKernel,
} from '../../runtime/kernels/batch-norm.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import { type AttributeSpec, type Emitter, type NoAttributes, type Op, ShapeError } from '../ir/op.ts';
import { reshape } from './reshape.ts';
import { addDefined, statisticsGradient, wanted } from './statistics.ts';
import { f32 } from './types.ts';

type Epsilon = { epsilon: number };
const epsilonSpec: AttributeSpec = { kind: 'float', doc: 'added to the variance' };

/** Checks that the rest of the operands are f32[C]. */
function checkOperands(operands: readonly TensorType[], count: number, images = 1): readonly [TensorType, TensorType] {
  const x = operands[0];
  if (x === undefined || operands.length !== count)
    throw new ShapeError(`takes ${count} operands, not ${operands.length}`);
  if (x.dtype !== 'f32' || x.shape.length < 2)
    throw new ShapeError(`${formatType(x)} is not a float tensor with a batch and a channel dimension`);
  const channel = f32(x.shape[1]!);
  operands.forEach((operand, i) => {
    const wanted = i < images ? x : channel;
    if (operand.dtype !== 'f32' || !sameShape(operand.shape, wanted.shape))
      throw new ShapeError(
        `operand ${i} must be ${formatType(wanted)} for ${formatType(x)}, not ${formatType(operand)}`,
      );
  });
  return [x, channel];
}

/** Batch, channels and elements of a channel. */
function extents(x: Value): readonly [number, number, number] {
  const { shape } = x.type;
  return [shape[0]!, shape[1]!, elementCount(shape.slice(2))];
}

/** A statistic per channel, shaped to broadcast over `x`. */
function perChannel(emitter: Emitter, x: Value, statistic: Value | undefined): Value | undefined {
  const shape = x.type.shape.map((extent, d) => (d === 1 ? extent : 1));
  return statistic && emitter.emit(reshape, [statistic], { shape });
}

export const batchNorm: Op<Epsilon> = {
  name: 'batch_norm',
  doc: 'Normalises each channel by its mean and deviation over the batch; returns these (inverse deviation) too.',
  attributes: { epsilon: epsilonSpec },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands) => {
    const [x, channel] = checkOperands(operands, 3);
    if (elementCount(x.shape.with(1, 1)) === 0)
      throw new ShapeError(`the channels of ${formatType(x)} have no elements to take statistics of`);
    return [x, channel, channel];
  },
  flops: ({ operands }) => 6 * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0, 1], results: [1, 2] },
  gradient: (g) => {
    const [x, scale] = g.operands;
    const [, mean, invStd] = g.results;
    const [dy, dMean, dInverse] = g.cotangents;
    const [dx, dScale, dBias] = dy === undefined ? [] : g.emitAll(batchNormGrad, [dy, x!, scale!, mean!, invStd!], {});
    if (!g.wants(0) || (dMean === undefined && dInverse === undefined)) return wanted(g, [dx, dScale, dBias]);
    const through = statisticsGradient(g, {
      x: x!,
      mean: perChannel(g, x!, mean)!,
      inverse: perChannel(g, x!, invStd)!,
      dMean: perChannel(g, x!, dMean),
      dInverse: perChannel(g, x!, dInverse),
    });
    return wanted(g, [addDefined(g, dx, through), dScale, dBias]);
  },
  lower: ({ operands, attributes }, at) => [
    call(
      batchNormKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.result(0),
      at.result(1),
      at.result(2),
      ...extents(operands[0]!),
      attributes.epsilon,
    ),
  ],
  examples: [
    { operands: [f32(3, 2, 2, 3), f32(2), f32(2)], attributes: { epsilon: 1e-3 } },
    { operands: [f32(6, 3), f32(3), f32(3)], attributes: { epsilon: 1e-2 } },
  ],
};

export const batchNormGrad: Op<NoAttributes> = {
  name: 'batch_norm_grad',
  doc: 'Gradients of batch_norm in its operand, scale and bias.',
  attributes: {},
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: (operands) => {
    const [x, channel] = checkOperands(operands, 5, 2);
    return [x, channel, channel];
  },
  flops: ({ operands }) => 9 * elementCount(operands[0]!.type.shape),
  lower: ({ operands }, at) => [
    call(
      batchNormGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.operand(4),
      at.result(0),
      at.result(1),
      at.result(2),
      ...extents(operands[0]!),
    ),
  ],
  examples: [{ operands: [f32(3, 2, 2, 3), f32(3, 2, 2, 3), f32(2), f32(2), f32(2)], attributes: {} }],
};

export const batchNormInference: Op<Epsilon> = {
  name: 'batch_norm_inference',
  doc: 'Normalises each channel by a given mean and variance: operands x, scale, bias, mean, variance.',
  attributes: { epsilon: epsilonSpec },
  effect: 'pure',
  statistics: [3, 4],
  inPlace: [[0]],
  infer: (operands) => [checkOperands(operands, 5)[0]],
  flops: ({ operands }) => 3 * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0, 1, 3, 4] },
  gradient: (g) => {
    const [x, scale, , mean, variance] = g.operands;
    return wanted(g, g.emitAll(batchNormInferenceGrad, [g.cotangents[0]!, x!, scale!, mean!, variance!], g.attributes));
  },
  lower: ({ operands, attributes }, at) => [
    call(
      batchNormInferenceKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.operand(4),
      at.result(0),
      ...extents(operands[0]!),
      attributes.epsilon,
    ),
  ],
  examples: [
    {
      operands: [f32(2, 3, 2, 2), f32(3), f32(3), f32(3), f32(3)],
      attributes: { epsilon: 1e-3 },
      ranges: { 4: [0.5, 2] },
    },
  ],
};

export const batchNormInferenceGrad: Op<Epsilon> = {
  name: 'batch_norm_inference_grad',
  doc: 'Gradients of batch_norm_inference in its operand, scale, bias, mean and variance.',
  attributes: { epsilon: epsilonSpec },
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: (operands) => {
    const [x, channel] = checkOperands(operands, 5, 2);
    return [x, channel, channel, channel, channel];
  },
  flops: ({ operands }) => 5 * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => [
    call(
      batchNormInferenceGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.operand(4),
      at.result(0),
      at.result(1),
      at.result(2),
      at.result(3),
      at.result(4),
      ...extents(operands[0]!),
      attributes.epsilon,
    ),
  ],
  examples: [
    {
      operands: [f32(2, 3, 2, 2), f32(2, 3, 2, 2), f32(3), f32(3), f32(3)],
      attributes: { epsilon: 1e-3 },
      ranges: { 4: [0.5, 2] },
    },
  ],
};

export const batchNormUpdate: Op<Epsilon & { momentum: number }> = {
  name: 'batch_norm_update',
  doc: 'Moves running mean and variance towards those of a batch: operands running mean and variance, mean, inverse deviation.',
  attributes: { momentum: { kind: 'float', doc: 'share of the old statistics' }, epsilon: epsilonSpec },
  effect: 'state',
  writes: [0, 1],
  infer: (operands) => {
    const [mean] = operands;
    if (mean === undefined || operands.length !== 4 || operands.some((operand) => operand.dtype !== 'f32'))
      throw new ShapeError('takes four float operands');
    for (const operand of operands)
      if (mean.shape.length !== 1 || !sameShape(operand.shape, mean.shape))
        throw new ShapeError(`statistics differ in shape: ${operands.map(formatType).join(', ')}`);
    return [mean, mean];
  },
  flops: ({ operands }) => 9 * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => [
    call(
      batchNormUpdateKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.result(0),
      at.result(1),
      elementCount(operands[0]!.type.shape),
      attributes.momentum,
      attributes.epsilon,
    ),
  ],
  examples: [
    { operands: [f32(3), f32(3), f32(3), f32(3)], attributes: { momentum: 0.9, epsilon: 1e-5 }, range: [0.5, 2] },
  ],
};
