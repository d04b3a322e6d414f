/** Layer normalisation over the dimensions from `axis` on. */
import {
  layerNormGrad as layerNormGradKernel,
  layerNorm as layerNormKernel,
} from '../../runtime/kernels/layer-norm.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { checkAxis } from './operands.ts';
import { addDefined, statisticsGradient, wanted } from './statistics.ts';
import { f32 } from './types.ts';

type LayerNormAttributes = { axis: number; epsilon: number };

export const normalizedAxis: AttributeSpec = { kind: 'int', doc: 'first dimension normalised' };

/** Throws unless `x` is a float tensor with dimension `axis` and every other operand has the shape from `axis` on. */
export function checkNormalized(x: TensorType | undefined, axis: number, others: readonly TensorType[]): TensorType {
  if (x === undefined || x.dtype !== 'f32') throw new ShapeError('takes a float tensor first');
  checkAxis(x, axis);
  const wanted = f32(...x.shape.slice(axis));
  for (const other of others)
    if (other.dtype !== 'f32' || !sameShape(other.shape, wanted.shape))
      throw new ShapeError(
        `scale and bias of ${formatType(x)} from axis ${axis} are ${formatType(wanted)}, not ${formatType(other)}`,
      );
  return x;
}

/** Shape of the statistics: extent 1 in every dimension normalised. */
export function statisticsShape(x: TensorType, axis: number): TensorType {
  return f32(...x.shape.map((extent, d) => (d < axis ? extent : 1)));
}

/** Rows and width of `x` seen as a matrix split at `axis`. */
export function rowsAndWidth(x: TensorType, axis: number): readonly [number, number] {
  return [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))];
}

export const layerNorm: Op<LayerNormAttributes> = {
  name: 'layer_norm',
  doc: 'Normalises the dimensions from `axis` on by their mean and deviation; operands x, scale and maybe bias.',
  attributes: { axis: normalizedAxis, epsilon: { kind: 'float', doc: 'added to the variance' } },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands, { axis }) => {
    if (operands.length < 2 || operands.length > 3) throw new ShapeError('takes two or three operands');
    const x = checkNormalized(operands[0], axis, operands.slice(1));
    const statistics = statisticsShape(x, axis);
    return [x, statistics, statistics];
  },
  flops: ({ operands }) => 8 * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0, 1], results: [1, 2] },
  gradient: (g) => {
    const [x, scale, bias] = g.operands;
    const [, mean, inverse] = g.results;
    const [dy, dMean, dInverse] = g.cotangents;
    const attributes = { axis: g.attributes.axis, bias: bias !== undefined && g.wants(2) };
    const [dx, dScale, dBias] =
      dy === undefined ? [] : g.emitAll(layerNormGrad, [dy, x!, scale!, mean!, inverse!], attributes);
    const through = g.wants(0)
      ? statisticsGradient(g, { x: x!, mean: mean!, inverse: inverse!, dMean, dInverse })
      : undefined;
    return wanted(g, [addDefined(g, dx, through), dScale, dBias]);
  },
  lower: ({ operands, attributes }, at) => [
    call(
      layerNormKernel,
      at.operand(0),
      at.operand(1),
      operands.length > 2 ? at.operand(2) : -1,
      at.result(0),
      at.result(1),
      at.result(2),
      ...rowsAndWidth(operands[0]!.type, attributes.axis),
      attributes.epsilon,
    ),
  ],
  examples: [
    { operands: [f32(2, 3, 5), f32(5), f32(5)], attributes: { axis: 2, epsilon: 1e-3 } },
    { operands: [f32(2, 3, 2), f32(3, 2)], attributes: { axis: 1, epsilon: 1e-2 } },
  ],
};

export const layerNormGrad: Op<{ axis: number; bias: boolean }> = {
  name: 'layer_norm_grad',
  doc: 'Gradients of layer_norm in its operand, scale and, if wanted, bias.',
  attributes: { axis: normalizedAxis, bias: { kind: 'bool', doc: 'return the gradient of the bias too' } },
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: ([dy, x, scale, mean, inverse], { axis, bias }) => {
    if (dy === undefined || scale === undefined) throw new ShapeError('takes five operands');
    checkNormalized(x, axis, [scale]);
    const statistics = statisticsShape(dy, axis);
    for (const [name, actual, wanted] of [
      ['operand', x, dy],
      ['mean', mean, statistics],
      ['inverse deviation', inverse, statistics],
    ] as const)
      if (actual === undefined || !sameShape(actual.shape, wanted.shape))
        throw new ShapeError(`${name} must be ${formatType(wanted)} for the gradient ${formatType(dy)}`);
    return bias ? [dy, scale, scale] : [dy, scale];
  },
  flops: ({ operands }) => 14 * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => [
    call(
      layerNormGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.operand(4),
      at.result(0),
      at.result(1),
      attributes.bias ? at.result(2) : -1,
      ...rowsAndWidth(operands[0]!.type, attributes.axis),
    ),
  ],
  examples: [
    {
      operands: [f32(2, 3, 5), f32(2, 3, 5), f32(5), f32(2, 3, 1), f32(2, 3, 1)],
      attributes: { axis: 2, bias: true },
    },
    { operands: [f32(4, 3), f32(4, 3), f32(3), f32(4, 1), f32(4, 1)], attributes: { axis: 1, bias: false } },
  ],
};
