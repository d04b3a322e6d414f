/** concat: operands one after another along an axis. */
import { bytesPerElement } from '../../runtime/memory.ts';
import { elementCount, formatType, type TensorType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { lowerStridedWrite } from './movement.ts';
import { checkAxis } from './operands.ts';
import { slice } from './slice.ts';
import { splitTo } from './split.ts';
import { f32, i64 } from './types.ts';

/**
 * Where one operand only needs a gradient it is sliced out; otherwise all are split off at once, as views if may be. Where
 * every extent before the axis is 1, each operand lies in the result in one piece, and one that dies here is made there.
 */
export const concat: Op<{ axis: number }> = {
  name: 'concat',
  doc: 'Operands one after another along an axis.',
  attributes: { axis: { kind: 'int', doc: 'dimension along which the operands follow each other' } },
  effect: 'pure',
  passesOn: () => true,
  infer: (operands, { axis }) => {
    const [first] = operands;
    if (first === undefined) throw new ShapeError('takes at least one operand');
    checkAxis(first, axis);
    for (const operand of operands)
      if (operand.dtype !== first.dtype || !sameBut(axis, operand, first))
        throw new ShapeError(`operands do not fit along axis ${axis}: ${operands.map(formatType).join(', ')}`);
    const extent = operands.reduce((sum, operand) => sum + operand.shape[axis]!, 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, extent) }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => {
    const { axis } = g.attributes;
    const dy = g.cotangents[0]!;
    const sizes = g.operands.map((operand) => operand.type.shape[axis]!);
    const wanted = sizes.filter((_, i) => g.wants(i)).length;
    if (wanted > 1) return splitTo(g, dy, axis, sizes).map((part, i) => (g.wants(i) ? part : undefined));
    let start = 0;
    return sizes.map((size, i) => {
      const from = start;
      start += size;
      if (!g.wants(i)) return undefined;
      if (wanted === g.operands.length) return dy;
      return g.emit(slice, [dy], { axes: [axis], starts: [from], ends: [start], steps: [1] });
    });
  },
  partOffset: (application, operand) => {
    const { operands, results, attributes } = application;
    const { dtype, shape } = results[0]!.type;
    if (elementCount(shape.slice(0, attributes.axis)) !== 1) return undefined;
    const before = operands.slice(0, operand).reduce((sum, { type }) => sum + elementCount(type.shape), 0);
    return before * bytesPerElement[dtype];
  },
  lower: ({ operands, results, attributes: { axis } }, at) => {
    const { dtype, shape } = results[0]!.type;
    const inner = elementCount(shape.slice(axis + 1));
    const outer = elementCount(shape.slice(0, axis));
    let first = 0;
    return operands.flatMap((operand, i) => {
      const run = operand.type.shape[axis]! * inner;
      const from = at.operand(i);
      const to = at.result(0);
      const strides = [shape[axis]! * inner, 1];
      // An operand of one piece that lies at its place has been made there.
      const isThere = outer === 1 && from === to + first * bytesPerElement[dtype];
      const calls = isThere ? [] : [lowerStridedWrite(dtype, from, to, [outer, run], strides, first)];
      first += run;
      return calls;
    });
  },
  examples: [
    { operands: [f32(2, 3), f32(2, 1), f32(2, 2)], attributes: { axis: 1 } },
    { operands: [f32(2, 3), f32(1, 3)], attributes: { axis: 0 } },
    { operands: [f32(2, 20), f32(2, 17)], attributes: { axis: 1 } },
    { operands: [f32(2, 3), f32(2, 0)], attributes: { axis: 1 } },
    { operands: [f32(4)], attributes: { axis: 0 } },
    { operands: [i64(2), i64(1)], attributes: { axis: 0 }, ranges: { 0: [-5, 5], 1: [-5, 5] } },
  ],
};

function sameBut(axis: number, a: TensorType, b: TensorType): boolean {
  return a.shape.length === b.shape.length && a.shape.every((extent, d) => d === axis || extent === b.shape[d]);
}
