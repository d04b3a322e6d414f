/** Sums of products of two tensors: the inner product, and the product summed to a smaller shape. */
import { sumOfProducts } from '../../runtime/kernels/sum-of-products.ts';
import { call, type KernelCall } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type Value } from '../ir/graph.ts';
import { type Addresses, type Application, type Emitter, type NoAttributes, type Op, ShapeError } from '../ir/op.ts';
import { broadcastShape, broadcastStrides } from './broadcasting.ts';
import { multiplyGrad } from './multiply-grad.ts';
import { twoOperands } from './operands.ts';
import { isStretched, splitDims } from './reduction.ts';
import { f32 } from './types.ts';

function lowerProducts(
  { operands, results }: Application<object>,
  at: Addresses,
  isGradient: boolean,
): readonly KernelCall[] {
  const shape = broadcastShape(operands.map((operand) => operand.type));
  const strides = operands.map((operand) => broadcastStrides(operand.type.shape, shape));
  const { kept, reduced } = splitDims(shape, strides, isStretched(shape, results[0]!.type.shape));
  return [
    call(
      sumOfProducts,
      at.operand(0),
      at.operand(1),
      at.result(0),
      kept.dims,
      kept.strides[0]!,
      kept.strides[1]!,
      reduced.dims,
      reduced.strides[0]!,
      reduced.strides[1]!,
      isGradient ? 1 : 0,
    ),
  ];
}

const flops = ({ operands }: Application<object>): number =>
  2 * elementCount(broadcastShape(operands.map((operand) => operand.type)));

export const dot: Op<NoAttributes> = {
  name: 'dot',
  doc: 'Sum of the products of the elements of two tensors of one shape.',
  attributes: {},
  effect: 'pure',
  infer: (operands) => {
    const [a, b] = twoOperands(operands, ['f32']);
    if (!sameShape(a.shape, b.shape))
      throw new ShapeError(`operands differ in shape: ${formatType(a)} and ${formatType(b)}`);
    return [f32()];
  },
  flops,
  gradientReads: { operands: [0, 1] },
  gradient: (g) =>
    [1, 0].map((other, i) =>
      g.wants(i) ? g.emit(multiplyGrad, [g.cotangents[0]!, g.operands[other]!], {}) : undefined,
    ),
  lower: (application, at) => lowerProducts(application, at, false),
  examples: [
    { operands: [f32(2, 3), f32(2, 3)], attributes: {} },
    { operands: [f32(), f32()], attributes: {} },
    { operands: [f32(0), f32(0)], attributes: {} },
  ],
};

/** Made by gradients only, so it has none of its own; its first operand is the gradient. */
export const multiplySumToOp: Op<{ shape: readonly number[] }> = {
  name: 'multiply_sum_to',
  doc: 'Product of a gradient and a tensor, broadcast, zeros of the gradient counting for nothing, summed over the dimensions along which `shape` would have been broadcast.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result; broadcasts to the shape of the product' } },
  effect: 'pure',
  infer: (operands, { shape }) => {
    const [a, b] = twoOperands(operands, ['f32']);
    const whole = broadcastShape([a, b]);
    if (!sameShape(broadcastShape([f32(...whole), f32(...shape)]), whole))
      throw new ShapeError(`[${shape.join(',')}] does not broadcast to [${whole.join(',')}]`);
    return [f32(...shape)];
  },
  flops,
  lower: (application, at) => lowerProducts(application, at, true),
  examples: [
    { operands: [f32(2, 3, 4), f32(3, 1)], attributes: { shape: [3, 1] } },
    { operands: [f32(2, 3), f32(2, 3)], attributes: { shape: [3] } },
    { operands: [f32(2, 3), f32()], attributes: { shape: [] } },
    { operands: [f32(0, 3), f32(0, 3)], attributes: { shape: [3] } },
  ],
};

/**
 * The gradient dy, times b and summed to `shape`, without the memory of the product where there is something to sum. 0
 * where dy is, whatever b is there.
 */
export function multiplySumTo(emitter: Emitter, dy: Value, b: Value, shape: readonly number[]): Value {
  return sameShape(broadcastShape([dy.type, b.type]), shape)
    ? emitter.emit(multiplyGrad, [dy, b], {})
    : emitter.emit(multiplySumToOp, [dy, b], { shape });
}
