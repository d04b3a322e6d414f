/** Root-mean-square normalisation over the dimensions from `axis` on. */
import { rmsNormGrad as rmsNormGradKernel, rmsNorm as rmsNormKernel } from '../../runtime/kernels/rms-norm.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { checkNormalized, normalizedAxis, rowsAndWidth, statisticsShape } from './layer-norm.ts';
import { addDefined, statisticsGradient, wanted } from './statistics.ts';
import { f32 } from './types.ts';

export const rmsNorm: Op<{ axis: number; epsilon: number }> = {
  name: 'rms_norm',
  doc: 'Divides the dimensions from `axis` on by the root of their mean square, and scales them.',
  attributes: { axis: normalizedAxis, epsilon: { kind: 'float', doc: 'added to the mean square' } },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands, { axis }) => {
    if (operands.length !== 2) throw new ShapeError('takes two operands');
    const x = checkNormalized(operands[0], axis, operands.slice(1));
    return [x, statisticsShape(x, axis)];
  },
  flops: ({ operands }) => 4 * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0, 1], results: [1] },
  gradient: (g) => {
    const [x, scale] = g.operands;
    const inverse = g.results[1]!;
    const [dy, dInverse] = g.cotangents;
    const [dx, dScale] =
      dy === undefined ? [] : g.emitAll(rmsNormGrad, [dy, x!, scale!, inverse], { axis: g.attributes.axis });
    const through = g.wants(0) ? statisticsGradient(g, { x: x!, inverse, dInverse }) : undefined;
    return wanted(g, [addDefined(g, dx, through), dScale]);
  },
  lower: ({ operands, attributes }, at) => [
    call(
      rmsNormKernel,
      at.operand(0),
      at.operand(1),
      at.result(0),
      at.result(1),
      ...rowsAndWidth(operands[0]!.type, attributes.axis),
      attributes.epsilon,
    ),
  ],
  examples: [
    { operands: [f32(2, 3, 5), f32(5)], attributes: { axis: 2, epsilon: 1e-3 } },
    { operands: [f32(3, 2, 2), f32(2, 2)], attributes: { axis: 1, epsilon: 1e-2 } },
  ],
};

export const rmsNormGrad: Op<{ axis: number }> = {
  name: 'rms_norm_grad',
  doc: 'Gradients of rms_norm in its operand and scale.',
  attributes: { axis: normalizedAxis },
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: ([dy, x, scale, inverse], { axis }) => {
    if (dy === undefined || scale === undefined) throw new ShapeError('takes four operands');
    checkNormalized(x, axis, [scale]);
    const statistics = statisticsShape(dy, axis);
    if (x === undefined || !sameShape(x.shape, dy.shape) || !sameShape(inverse?.shape ?? [], statistics.shape))
      throw new ShapeError(`operand and inverse root must be ${formatType(dy)} and ${formatType(statistics)}`);
    return [dy, scale];
  },
  flops: ({ operands }) => 10 * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => [
    call(
      rmsNormGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      at.result(0),
      at.result(1),
      ...rowsAndWidth(operands[0]!.type, attributes.axis),
    ),
  ],
  examples: [{ operands: [f32(4, 3), f32(4, 3), f32(3), f32(4, 1)], attributes: { axis: 1 } }],
};
