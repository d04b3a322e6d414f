/** cumsum: running sums along an axis. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { cumsum as cumsumKernel } from '../../runtime/kernels/scan.ts';
import { call } from '../../runtime/program.ts';
import { elementCount } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { checkAxis, integers, oneOperand } from './operands.ts';
import { f32, i64 } from './types.ts';

type Cumsum = { axis: number; exclusive: boolean; reverse: boolean };

/** Its adjoint is the same sum from the other end. */
export const cumsum: Op<Cumsum> = {
  name: 'cumsum',
  doc: 'Running sums along an axis.',
  attributes: {
    axis: { kind: 'int', doc: 'dimension summed along' },
    exclusive: { kind: 'bool', doc: 'whether an element is left out of its own sum' },
    reverse: { kind: 'bool', doc: 'whether sums run from the end' },
  },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands, { axis }) => {
    const x = oneOperand(operands, ['f32', ...integers]);
    checkAxis(x, axis);
    return [x];
  },
  flops: ({ results }) => elementCount(results[0]!.type.shape),
  gradientReads: {},
  gradient: (g) => [g.emit(cumsum, [g.cotangents[0]!], { ...g.attributes, reverse: !g.attributes.reverse })],
  lower: ({ operands, attributes: { axis, exclusive, reverse } }, at) => {
    const { dtype, shape } = operands[0]!.type;
    const outer = elementCount(shape.slice(0, axis));
    const inner = elementCount(shape.slice(axis + 1));
    const [x, out] = [at.operand(0), at.result(0)];
    const flags = [Number(exclusive), Number(reverse)] as const;
    return [call(cumsumKernel, typeCode(dtype), x, out, outer, shape[axis]!, inner, ...flags)];
  },
  examples: [
    { operands: [f32(2, 4)], attributes: { axis: 1, exclusive: false, reverse: false } },
    { operands: [f32(2, 4)], attributes: { axis: 0, exclusive: true, reverse: false } },
    { operands: [f32(2, 3, 2)], attributes: { axis: 1, exclusive: true, reverse: true } },
    { operands: [f32(0, 3)], attributes: { axis: 0, exclusive: false, reverse: true } },
    { operands: [i64(4)], attributes: { axis: 0, exclusive: false, reverse: false }, ranges: { 0: [-5, 5] } },
  ],
};
