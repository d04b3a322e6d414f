/** Elementwise arithmetic of two operands, with broadcasting. */
import { add as addKernel, multiply as multiplyKernel } from '../../runtime/kernels/binary.ts';
import { call, type KernelCall } from '../../runtime/program.ts';
import { elementCount, formatType, type TensorType } from '../ir/graph.ts';
import { type Addresses, type Application, type NoAttributes, type Op, ShapeError } from '../ir/op.ts';
import { broadcastShape, broadcastStrides, collapseDims } from './broadcasting.ts';
import { sumTo } from './sum-to.ts';

type BinaryKernel = typeof addKernel;

const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });

export function inferBinary(operands: readonly TensorType[]): readonly TensorType[] {
  const [a, b] = operands;
  if (a === undefined || b === undefined) throw new ShapeError('takes two operands');
  if (a.dtype !== b.dtype) throw new ShapeError(`operands differ in type: ${formatType(a)} and ${formatType(b)}`);
  return [{ dtype: a.dtype, shape: broadcastShape([a, b]) }];
}

export function lowerBinary(kernel: BinaryKernel, application: Application<object>, at: Addresses): KernelCall[] {
  const shape = application.results[0]!.type.shape;
  const { dims, strides } = collapseDims(
    shape,
    application.operands.map((operand) => broadcastStrides(operand.type.shape, shape)),
  );
  return [call(kernel, at.operand(0), at.operand(1), at.result(0), dims, strides[0]!, strides[1]!)];
}

export const elementwiseFlops = (application: Application<object>): number =>
  elementCount(application.results[0]!.type.shape);

export const add: Op<NoAttributes> = {
  name: 'add',
  doc: 'Sum of two tensors, broadcast.',
  attributes: {},
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: inferBinary,
  flops: elementwiseFlops,
  gradientReads: {},
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    return g.operands.map((operand, i) => (g.wants(i) ? sumTo(g, dy, operand.type.shape) : undefined));
  },
  lower: (application, at) => lowerBinary(addKernel, application, at),
  examples: [
    { operands: [f32(2, 3), f32(2, 3)], attributes: {} },
    { operands: [f32(2, 3), f32(3)], attributes: {} },
  ],
};

export const multiply: Op<NoAttributes> = {
  name: 'multiply',
  doc: 'Product of two tensors, broadcast.',
  attributes: {},
  effect: 'pure',
  inPlace: [[0, 1]],
  infer: inferBinary,
  flops: elementwiseFlops,
  gradientReads: { operands: [0, 1] },
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    return g.operands.map((operand, i) =>
      g.wants(i) ? sumTo(g, g.emit(multiply, [dy, g.operands[1 - i]!], {}), operand.type.shape) : undefined,
    );
  },
  lower: (application, at) => lowerBinary(multiplyKernel, application, at),
  examples: [
    { operands: [f32(2, 3), f32(2, 3)], attributes: {} },
    { operands: [f32(2, 1, 3), f32(4, 1)], attributes: {} },
  ],
};
