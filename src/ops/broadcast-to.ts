/** broadcast_to: copies an operand out to a larger shape. */
import { copyStrided } from '../../runtime/kernels/copy.ts';
import { call } from '../../runtime/program.ts';
import { formatType, sameShape } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { broadcastShape, broadcastStrides, collapseDims } from './broadcasting.ts';
import { sumToOp } from './sum-to.ts';

export const broadcastTo: Op<{ shape: readonly number[] }> = {
  name: 'broadcast_to',
  doc: 'Copies the operand out to `shape`.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result' } },
  effect: 'pure',
  infer: ([x], { shape }) => {
    if (x === undefined) throw new ShapeError('takes one operand');
    if (!sameShape(broadcastShape([x, { dtype: x.dtype, shape }]), shape))
      throw new ShapeError(`${formatType(x)} does not broadcast to [${shape.join(',')}]`);
    return [{ dtype: x.dtype, shape }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => [g.emit(sumToOp, [g.cotangents[0]!], { shape: g.operands[0]!.type.shape })],
  lower: ({ operands, results }, at) => {
    const shape = results[0]!.type.shape;
    const { dims, strides } = collapseDims(shape, [broadcastStrides(operands[0]!.type.shape, shape)]);
    return [call(copyStrided, at.operand(0), at.result(0), dims, strides[0]!)];
  },
  examples: [{ operands: [{ dtype: 'f32', shape: [3, 1] }], attributes: { shape: [2, 3, 4] } }],
};
