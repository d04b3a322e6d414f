/** broadcast_to: copies an operand out to a larger shape. */
import { formatType, sameShape } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { broadcastShape, broadcastStrides } from './broadcasting.ts';
import { lowerStridedRead } from './movement.ts';
import { oneOperand } from './operands.ts';
import { sumToOp } from './sum-to.ts';
import { f32, i64 } from './types.ts';

export const broadcastTo: Op<{ shape: readonly number[] }> = {
  name: 'broadcast_to',
  doc: 'Copies the operand out to `shape`.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result' } },
  effect: 'pure',
  passesOn: () => true,
  infer: (operands, { shape }) => {
    const x = oneOperand(operands);
    if (!sameShape(broadcastShape([x, { dtype: x.dtype, shape }]), shape))
      throw new ShapeError(`${formatType(x)} does not broadcast to [${shape.join(',')}]`);
    return [{ dtype: x.dtype, shape }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => [g.emit(sumToOp, [g.cotangents[0]!], { shape: g.operands[0]!.type.shape })],
  lower: ({ operands, results }, at) => {
    const { dtype, shape } = results[0]!.type;
    const strides = broadcastStrides(operands[0]!.type.shape, shape);
    return [lowerStridedRead(dtype, at.operand(0), at.result(0), shape, strides)];
  },
  examples: [
    { operands: [f32(3, 1)], attributes: { shape: [2, 3, 4] } },
    { operands: [f32()], attributes: { shape: [2, 3] } },
    { operands: [f32(1, 3)], attributes: { shape: [0, 3] } },
    { operands: [i64(2)], attributes: { shape: [3, 2] }, ranges: { 0: [-3, 3] } },
  ],
};
