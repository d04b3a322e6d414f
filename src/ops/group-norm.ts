/** Group normalisation; with as many groups as channels it is instance normalisation. */
import {
  groupNormGrad as groupNormGradKernel,
  groupNorm as groupNormKernel,
} from '../../runtime/kernels/group-norm.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { reshape } from './reshape.ts';
import { addDefined, statisticsGradient, wanted } from './statistics.ts';
import { f32 } from './types.ts';

const groupsSpec: AttributeSpec = { kind: 'int', doc: 'groups of channels normalised together' };

function checkImage(x: TensorType | undefined, groups: number): TensorType {
  if (x === undefined || x.dtype !== 'f32' || x.shape.length < 2)
    throw new ShapeError('takes a float tensor with a batch and a channel dimension first');
  if (groups < 1 || x.shape[1]! % groups !== 0)
    throw new ShapeError(`the ${x.shape[1]} channels of ${formatType(x)} do not make ${groups} groups`);
  return x;
}

function checkShapes(operands: readonly TensorType[], wanted: readonly TensorType[]): void {
  if (operands.length !== wanted.length)
    throw new ShapeError(`takes ${wanted.length} operands, not ${operands.length}`);
  wanted.forEach((type, i) => {
    const operand = operands[i]!;
    if (operand.dtype !== type.dtype || !sameShape(operand.shape, type.shape))
      throw new ShapeError(`operand ${i} must be ${formatType(type)}, not ${formatType(operand)}`);
  });
}

function extents(x: Value): readonly [number, number, number] {
  const { shape } = x.type;
  return [shape[0]!, shape[1]!, elementCount(shape.slice(2))];
}

export const groupNorm: Op<{ groups: number; epsilon: number }> = {
  name: 'group_norm',
  doc: 'Normalises groups of channels of each image; returns mean and inverse deviation [batch, groups] too.',
  attributes: { groups: groupsSpec, epsilon: { kind: 'float', doc: 'added to the variance' } },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands, { groups }) => {
    const x = checkImage(operands[0], groups);
    const channel = f32(x.shape[1]!);
    checkShapes(operands, [x, channel, channel]);
    if (elementCount(x.shape.slice(1)) === 0)
      throw new ShapeError(`the groups of ${formatType(x)} have no elements to take statistics of`);
    const statistics = f32(x.shape[0]!, groups);
    return [x, statistics, statistics];
  },
  flops: ({ operands }) => 6 * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0, 1], results: [1, 2] },
  gradient: (g) => {
    const [x, scale] = g.operands;
    const [, mean, invStd] = g.results;
    const [dy, dMean, dInverse] = g.cotangents;
    const { groups } = g.attributes;
    const [dx, dScale, dBias] =
      dy === undefined ? [] : g.emitAll(groupNormGrad, [dy, x!, scale!, mean!, invStd!], { groups });
    if (!g.wants(0) || (dMean === undefined && dInverse === undefined)) return wanted(g, [dx, dScale, dBias]);
    const [batch, channels, size] = extents(x!);
    const view = (value: Value, shape: readonly number[]) => g.emit(reshape, [value], { shape });
    const statistic = (value: Value) => view(value, [batch, groups, 1]);
    const through = statisticsGradient(g, {
      x: view(x!, [batch, groups, (channels / groups) * size]),
      mean: statistic(mean!),
      inverse: statistic(invStd!),
      dMean: dMean && statistic(dMean),
      dInverse: dInverse && statistic(dInverse),
    });
    return wanted(g, [addDefined(g, dx, through && view(through, x!.type.shape)), dScale, dBias]);
  },
  lower: ({ operands, attributes }, at) => [
    call(
      groupNormKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.result(0),
      at.result(1),
      at.result(2),
      ...extents(operands[0]!),
      attributes.groups,
      attributes.epsilon,
    ),
  ],
  examples: [
    { operands: [f32(2, 4, 2, 3), f32(4), f32(4)], attributes: { groups: 2, epsilon: 1e-3 } },
    { operands: [f32(2, 3, 5), f32(3), f32(3)], attributes: { groups: 3, epsilon: 1e-2 } },
  ],
};

export const groupNormGrad: Op<{ groups: number }> = {
  name: 'group_norm_grad',
  doc: 'Gradients of group_norm in its operand, scale and bias.',
  attributes: { groups: groupsSpec },
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: (operands, { groups }) => {
    const x = checkImage(operands[0], groups);
    const channel = f32(x.shape[1]!);
    const statistics = f32(x.shape[0]!, groups);
    checkShapes(operands, [x, x, channel, statistics, statistics]);
    return [x, channel, channel];
  },
  flops: ({ operands }) => 9 * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => [
    call(
      groupNormGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.operand(4),
      at.result(0),
      at.result(1),
      at.result(2),
      ...extents(operands[0]!),
      attributes.groups,
    ),
  ],
  examples: [{ operands: [f32(2, 4, 3), f32(2, 4, 3), f32(4), f32(2, 2), f32(2, 2)], attributes: { groups: 2 } }],
};
