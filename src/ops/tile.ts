/** tile: a tensor repeated along its dimensions. */
import { formatType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { contiguousStrides } from './broadcasting.ts';
import { lowerStridedRead } from './movement.ts';
import { oneOperand } from './operands.ts';
import { reduceSum } from './reduce.ts';
import { reshapeTo } from './reshape.ts';
import { f32, i64 } from './types.ts';

/** Each dimension as two: the repetition and the operand's own. */
const interleave = (repeats: readonly number[], own: readonly number[]): number[] =>
  own.flatMap((extent, d) => [repeats[d]!, extent]);

export const tile: Op<{ repeats: readonly number[] }> = {
  name: 'tile',
  doc: 'The operand repeated along each dimension.',
  attributes: { repeats: { kind: 'ints', doc: 'copies along each dimension' } },
  effect: 'pure',
  passesOn: () => true,
  infer: (operands, { repeats }) => {
    const x = oneOperand(operands);
    if (repeats.length !== x.shape.length || repeats.some((count) => !Number.isInteger(count) || count < 0))
      throw new ShapeError(`repeats [${repeats.join(',')}] do not fit ${formatType(x)}`);
    return [{ dtype: x.dtype, shape: x.shape.map((extent, d) => extent * repeats[d]!) }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => {
    const shape = g.operands[0]!.type.shape;
    const { repeats } = g.attributes;
    const blocks = reshapeTo(g, g.cotangents[0]!, interleave(repeats, shape));
    return [g.emit(reduceSum, [blocks], { axes: shape.map((_, d) => 2 * d), keep_dims: false })];
  },
  lower: ({ operands, attributes: { repeats } }, at) => {
    const { dtype, shape } = operands[0]!.type;
    const strides = contiguousStrides(shape);
    const zeros = shape.map(() => 0);
    const dims = interleave(repeats, shape);
    return [lowerStridedRead(dtype, at.operand(0), at.result(0), dims, interleave(zeros, strides))];
  },
  examples: [
    { operands: [f32(2, 3)], attributes: { repeats: [2, 3] } },
    { operands: [f32(2, 1)], attributes: { repeats: [1, 4] } },
    { operands: [f32(2, 3)], attributes: { repeats: [0, 1] } },
    { operands: [f32()], attributes: { repeats: [] } },
    { operands: [i64(3)], attributes: { repeats: [2] }, ranges: { 0: [-5, 5] } },
  ],
};
