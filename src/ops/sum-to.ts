/** sum_to: the adjoint of broadcasting. */
import { reduceSum } from '../../runtime/kernels/reduce.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type Value } from '../ir/graph.ts';
import { type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { broadcastTo } from './broadcast-to.ts';
import { broadcastShape, contiguousStrides } from './broadcasting.ts';
import { oneOperand } from './operands.ts';
import { isStretched, splitDims } from './reduction.ts';
import { f32 } from './types.ts';

export const sumToOp: Op<{ shape: readonly number[] }> = {
  name: 'sum_to',
  doc: 'Sums over the dimensions along which `shape` would have been broadcast.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result; broadcasts to the operand' } },
  effect: 'pure',
  infer: (operands, { shape }) => {
    const x = oneOperand(operands, ['f32']);
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
    const { kept, reduced } = splitDims(from, [contiguousStrides(from)], isStretched(from, to));
    return [
      call(reduceSum, at.operand(0), at.result(0), kept.dims, kept.strides[0]!, reduced.dims, reduced.strides[0]!, 1),
    ];
  },
  examples: [
    { operands: [f32(2, 3)], attributes: { shape: [3] } },
    { operands: [f32(2, 3)], attributes: { shape: [2, 1] } },
    { operands: [f32(2, 3, 4)], attributes: { shape: [2, 1, 4] } },
    { operands: [f32(2, 3, 4)], attributes: { shape: [3, 1] } },
    { operands: [f32(2, 3)], attributes: { shape: [] } },
    { operands: [f32(0, 3)], attributes: { shape: [3] } },
  ],
};

/** `value` summed to `shape`; `value` itself where the shapes are equal. */
export function sumTo(emitter: Emitter, value: Value, shape: readonly number[]): Value {
  return sameShape(value.type.shape, shape) ? value : emitter.emit(sumToOp, [value], { shape });
}
