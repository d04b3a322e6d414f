/** softmax and log_softmax over one axis; their gradients read the result. */
import {
  logSoftmaxGrad as logSoftmaxGradKernel,
  logSoftmax as logSoftmaxKernel,
  maskedSoftmax as maskedSoftmaxKernel,
  softmaxGrad as softmaxGradKernel,
  softmax as softmaxKernel,
} from '../../runtime/kernels/softmax.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, type TensorType } from '../ir/graph.ts';
import type { AttributeSpec, Op } from '../ir/op.ts';
import { checkAxis, oneOperand, twoOperands } from './operands.ts';
import { f32 } from './types.ts';

type Axis = { axis: number };

const axisSpec: AttributeSpec = { kind: 'int', doc: 'dimension normalised' };

/** Extents before, at and after `axis`. */
export function splitAt(shape: readonly number[], axis: number): readonly [number, number, number] {
  return [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
}

function forwardOp(name: string, doc: string, kernel: typeof softmaxKernel, gradient: () => Op<Axis>): Op<Axis> {
  return {
    name,
    doc,
    attributes: { axis: axisSpec },
    effect: 'pure',
    inPlace: [[0]],
    infer: (operands, { axis }) => {
      const x = oneOperand(operands, ['f32']);
      checkAxis(x, axis);
      return [x];
    },
    flops: ({ operands }) => 12 * elementCount(operands[0]!.type.shape),
    gradientReads: { results: [0] },
    gradient: (g) => [g.emit(gradient(), [g.cotangents[0]!, g.results[0]!], g.attributes)],
    lower: ({ operands, attributes }, at) => [
      call(kernel, at.operand(0), at.result(0), ...splitAt(operands[0]!.type.shape, attributes.axis)),
    ],
    examples: [
      { operands: [f32(3, 5)], attributes: { axis: 1 } },
      { operands: [f32(2, 4, 3)], attributes: { axis: 1 } },
      { operands: [f32(4)], attributes: { axis: 0 } },
    ],
  };
}

function gradientOp(name: string, doc: string, kernel: typeof softmaxGradKernel, flops: number): Op<Axis> {
  return {
    name,
    doc,
    attributes: { axis: axisSpec },
    effect: 'pure',
    inPlace: [[0, 1]],
    mayAlias: [0, 1],
    infer: (operands: readonly TensorType[], { axis }) => {
      const [dy] = twoOperands(operands, ['f32']);
      checkAxis(dy, axis);
      return [dy];
    },
    flops: ({ operands }) => flops * elementCount(operands[0]!.type.shape),
    lower: ({ operands, attributes }, at) => [
      call(kernel, at.operand(0), at.operand(1), at.result(0), ...splitAt(operands[0]!.type.shape, attributes.axis)),
    ],
    examples: [{ operands: [f32(2, 4, 3), f32(2, 4, 3)], attributes: { axis: 1 } }],
  };
}

export const softmax: Op<Axis> = forwardOp(
  'softmax',
  'Exponentials over one dimension, normalised to sum 1.',
  softmaxKernel,
  () => softmaxGrad,
);

/** Its gradient is that of softmax: zeros where the result is. */
export const maskedSoftmax: Op<Axis> = forwardOp(
  'masked_softmax',
  'Softmax over one dimension; a row of nothing but minus infinity, all of it masked out, gives zeros.',
  maskedSoftmaxKernel,
  () => softmaxGrad,
);

export const softmaxGrad: Op<Axis> = gradientOp(
  'softmax_grad',
  'Gradient of softmax, from that of its result and its result.',
  softmaxGradKernel,
  4,
);

export const logSoftmax: Op<Axis> = forwardOp(
  'log_softmax',
  'Logarithm of softmax over one dimension.',
  logSoftmaxKernel,
  () => logSoftmaxGrad,
);

export const logSoftmaxGrad: Op<Axis> = gradientOp(
  'log_softmax_grad',
  'Gradient of log_softmax, from that of its result and its result.',
  logSoftmaxGradKernel,
  12,
);
