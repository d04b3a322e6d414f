/** Local response normalisation across channels. */
import { lrnGrad as lrnGradKernel, lrn as lrnKernel } from '../../runtime/kernels/lrn.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, type TensorType, type Value } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { oneOperand, twoOperands } from './operands.ts';
import { f32 } from './types.ts';

type LrnAttributes = { size: number; alpha: number; beta: number; bias: number };

const specs: { readonly [K in keyof LrnAttributes]-?: AttributeSpec } = {
  size: { kind: 'int', doc: 'channels summed over' },
  alpha: { kind: 'float', doc: 'factor of the mean square' },
  beta: { kind: 'float', doc: 'exponent' },
  bias: { kind: 'float', doc: 'added to the mean square' },
};

function checkImage(x: TensorType, size: number): TensorType {
  if (x.shape.length < 2) throw new ShapeError(`${formatType(x)} has no batch and channel dimensions`);
  if (size < 1) throw new ShapeError(`size ${size} must be at least 1`);
  return x;
}

const numbers = (x: Value, { size, alpha, beta, bias }: LrnAttributes) =>
  [x.type.shape[0]!, x.type.shape[1]!, elementCount(x.type.shape.slice(2)), size, alpha, beta, bias] as const;

export const lrn: Op<LrnAttributes> = {
  name: 'lrn',
  doc: 'Divides by a power of the mean square of neighbouring channels.',
  attributes: specs,
  effect: 'pure',
  infer: (operands, { size }) => [checkImage(oneOperand(operands, ['f32']), size)],
  flops: ({ operands, attributes }) => (2 * attributes.size + 20) * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [0] },
  gradient: (g) => [g.emit(lrnGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes)],
  lower: ({ operands, attributes }, at) => [
    call(lrnKernel, at.operand(0), at.result(0), ...numbers(operands[0]!, attributes)),
  ],
  examples: [
    { operands: [f32(2, 5, 3)], attributes: { size: 3, alpha: 0.5, beta: 0.75, bias: 1 } },
    { operands: [f32(1, 4, 2, 2)], attributes: { size: 4, alpha: 0.3, beta: 0.5, bias: 2 } },
  ],
};

export const lrnGrad: Op<LrnAttributes> = {
  name: 'lrn_grad',
  doc: 'Gradient of lrn, from that of its result and its operand.',
  attributes: specs,
  effect: 'pure',
  // Each position is read over all channels before it is written.
  inPlace: [[0, 1]],
  infer: (operands, { size }) => [checkImage(twoOperands(operands, ['f32'])[0], size)],
  flops: ({ operands, attributes }) => (3 * attributes.size + 40) * elementCount(operands[0]!.type.shape),
  scratch: ({ operands }) => 32 * operands[0]!.type.shape[1]!,
  lower: ({ operands, attributes }, at) => [
    call(lrnGradKernel, at.operand(0), at.operand(1), at.result(0), at.scratch, ...numbers(operands[0]!, attributes)),
  ],
  examples: [{ operands: [f32(2, 5, 3), f32(2, 5, 3)], attributes: { size: 3, alpha: 0.5, beta: 0.75, bias: 1 } }],
};
