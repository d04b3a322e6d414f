/** The k largest or smallest elements along a dimension. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { topK as topKKernel } from '../../runtime/kernels/top-k.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { gatherElementsGrad } from './gather.ts';
import { checkAxis, oneOperand } from './operands.ts';
import { splitAt } from './softmax.ts';
import { f32, i64 } from './types.ts';

export const topK: Op<{ axis: number; k: number; largest: boolean; sorted: boolean }> = {
  name: 'top_k',
  doc: 'The k largest or smallest elements along a dimension, and their indices (i64).',
  attributes: {
    axis: { kind: 'int', doc: 'dimension sorted' },
    k: { kind: 'int', doc: 'elements kept' },
    largest: { kind: 'bool', doc: 'the largest, else the smallest' },
    sorted: { kind: 'bool', doc: 'in order; they are given in order either way' },
  },
  effect: 'pure',
  infer: (operands, { axis, k }) => {
    const x = oneOperand(operands);
    checkAxis(x, axis);
    if (!Number.isInteger(k) || k < 0 || k > x.shape[axis]!)
      throw new ShapeError(`${k} elements are not in dimension ${axis} of ${formatType(x)}`);
    const shape = x.shape.map((extent, d) => (d === axis ? k : extent));
    return [
      { dtype: x.dtype, shape },
      { dtype: 'i64', shape },
    ];
  },
  flops: ({ operands, attributes }) =>
    elementCount(operands[0]!.type.shape) * (2 + Math.ceil(Math.log2(attributes.k + 1))),
  scratch: ({ operands, attributes }) => 8 * operands[0]!.type.shape[attributes.axis]!,
  gradientReads: { results: [1] },
  gradient: (g) => {
    const dy = g.cotangents[0];
    const { axis } = g.attributes;
    return [dy && g.emit(gatherElementsGrad, [dy, g.results[1]!], { axis, shape: g.operands[0]!.type.shape })];
  },
  lower: ({ operands: [x], attributes }, at) => [
    call(
      topKKernel,
      typeCode(x!.type.dtype),
      at.operand(0),
      at.result(0),
      at.result(1),
      at.scratch,
      ...splitAt(x!.type.shape, attributes.axis),
      attributes.k,
      attributes.largest ? 1 : 0,
    ),
  ],
  examples: [
    { operands: [f32(3, 5)], attributes: { axis: 1, k: 3, largest: true, sorted: true } },
    { operands: [f32(2, 4, 3)], attributes: { axis: 1, k: 2, largest: false, sorted: true } },
    { operands: [i64(6)], attributes: { axis: 0, k: 6, largest: true, sorted: true }, range: [-9, 9] },
  ],
};
