/** sum_to: the adjoint of broadcasting. */
import { sumTo as sumToKernel } from '../../runtime/kernels/reduce.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type Value } from '../ir/graph.ts';
import { type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { broadcastTo } from './broadcast-to.ts';
import { broadcastShape, broadcastStrides, collapseDims } from './broadcasting.ts';

export const sumToOp: Op<{ shape: readonly number[] }> = {
  name: 'sum_to',
  doc: 'Sums over the dimensions along which `shape` would have been broadcast.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result; broadcasts to the operand' } },
  effect: 'pure',
  infer: ([x], { shape }) => {
    if (x === undefined) throw new ShapeError('takes one operand');
    if (!sameShape(broadcastShape([x, { dtype: x.dtype, shape }]), x.shape))
      throw new ShapeError(`[${shape.join(',')}] does not broadcast to ${formatType(x)}`);
    return [{ dtype: x.dtype, shape }];
  },
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  gradientReads: {},
  gradient: (g) => [g.emit(broadcastTo, [g.cotangents[0]!], { shape: g.operands[0]!.type.shape })],
  lower: ({ operands, results }, at) => {
    const from = operands[0]!.type.shape;
    const to = results[0]!.type.shape;
    const { dims, strides } = collapseDims(from, [broadcastStrides(to, from)]);
    return [call(sumToKernel, at.operand(0), at.result(0), elementCount(to), dims, strides[0]!)];
  },
  examples: [
    { operands: [{ dtype: 'f32', shape: [2, 3] }], attributes: { shape: [3] } },
    { operands: [{ dtype: 'f32', shape: [2, 3, 4] }], attributes: { shape: [2, 1, 4] } },
  ],
};

/** `value` summed to `shape`; `value` itself where the shapes are equal. */
export function sumTo(emitter: Emitter, value: Value, shape: readonly number[]): Value {
  return sameShape(value.type.shape, shape) ? value : emitter.emit(sumToOp, [value], { shape });
}
