/** trilu: triangular parts of matrices. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { trilu as triluKernel } from '../../runtime/kernels/scan.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { oneOperand } from './operands.ts';
import { bool, f32 } from './types.ts';

export const trilu: Op<{ upper: boolean; k: number }> = {
  name: 'trilu',
  doc: 'The upper or lower triangle of the last two dimensions, zeros elsewhere.',
  attributes: {
    upper: { kind: 'bool', doc: 'whether the part above the diagonal is kept, not the part below' },
    k: { kind: 'int', doc: 'the diagonal up to which elements are kept; 0 is the main one, above it they count up' },
  },
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands) => {
    const x = oneOperand(operands);
    if (x.shape.length < 2) throw new ShapeError(`takes matrices, not ${formatType(x)}`);
    return [x];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => [g.emit(trilu, [g.cotangents[0]!], g.attributes)],
  lower: ({ operands, attributes: { upper, k } }, at) => {
    const { dtype, shape } = operands[0]!.type;
    const count = elementCount(shape.slice(0, -2));
    const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
    return [call(triluKernel, typeCode(dtype), at.operand(0), at.result(0), count, rows, columns, Number(upper), k)];
  },
  examples: [
    { operands: [f32(3, 4)], attributes: { upper: true, k: 0 } },
    { operands: [f32(2, 4, 3)], attributes: { upper: false, k: -1 } },
    { operands: [f32(3, 3)], attributes: { upper: true, k: 5 } },
    { operands: [f32(0, 3)], attributes: { upper: false, k: 0 } },
    { operands: [bool(3, 3)], attributes: { upper: false, k: 1 } },
  ],
};
