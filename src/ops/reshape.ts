/** reshape: the same elements in row-major order under another shape. */
import { elementCount, formatType, sameShape, type Value } from '../ir/graph.ts';
import { type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { oneOperand } from './operands.ts';
import { f32, i64 } from './types.ts';

export const reshape: Op<{ shape: readonly number[] }> = {
  name: 'reshape',
  doc: 'The same elements under another shape; shares the storage of the operand.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result' } },
  effect: 'view',
  infer: (operands, { shape }) => {
    const x = oneOperand(operands);
    if (elementCount(x.shape) !== elementCount(shape))
      throw new ShapeError(
        `${formatType(x)} has ${elementCount(x.shape)} elements, [${shape.join(',')}] has ${elementCount(shape)}`,
      );
    return [{ dtype: x.dtype, shape }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => [g.emit(reshape, [g.cotangents[0]!], { shape: g.operands[0]!.type.shape })],
  lower: () => [],
  examples: [
    { operands: [f32(2, 6)], attributes: { shape: [3, 4] } },
    { operands: [f32()], attributes: { shape: [1, 1] } },
    { operands: [f32(0, 3)], attributes: { shape: [3, 0, 2] } },
    { operands: [i64(4)], attributes: { shape: [2, 2] }, ranges: { 0: [-3, 3] } },
  ],
};

/** `value` under `shape`; `value` itself where that is its shape. */
export function reshapeTo(emitter: Emitter, value: Value, shape: readonly number[]): Value {
  return sameShape(value.type.shape, shape) ? value : emitter.emit(reshape, [value], { shape });
}
