/** where: elementwise choice between two tensors. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { whereElements, where as whereKernel } from '../../runtime/kernels/where.ts';
import { call } from '../../runtime/program.ts';
import { formatType } from '../ir/graph.ts';
import { type NoAttributes, type Op, ShapeError } from '../ir/op.ts';
import { broadcastWalk, elementwiseFlops } from './binary-op.ts';
import { broadcastShape } from './broadcasting.ts';
import { sumTo } from './sum-to.ts';
import { bool, f32, i64 } from './types.ts';

export const where: Op<NoAttributes> = {
  name: 'where',
  doc: 'a where the condition holds, else b, broadcast.',
  attributes: {},
  effect: 'pure',
  passesOn: (operand) => operand > 0,
  inPlace: [[1, 2]],
  mayAlias: [1, 2],
  infer: (operands) => {
    const [condition, a, b] = operands;
    if (condition === undefined || a === undefined || b === undefined || operands.length !== 3)
      throw new ShapeError('takes a condition and two operands');
    if (condition.dtype !== 'bool') throw new ShapeError(`the condition is ${formatType(condition)}, not bool`);
    if (a.dtype !== b.dtype) throw new ShapeError(`operands differ in type: ${formatType(a)} and ${formatType(b)}`);
    return [{ dtype: a.dtype, shape: broadcastShape(operands) }];
  },
  flops: elementwiseFlops,
  gradientReads: { operands: [0] },
  gradient: (g) => {
    const [condition, a, b] = g.operands;
    const dy = g.cotangents[0]!;
    const zero = g.constant(f32(), [0], 'zero');
    return [
      undefined,
      g.wants(1) ? sumTo(g, g.emit(where, [condition!, dy, zero], {}), a!.type.shape) : undefined,
      g.wants(2) ? sumTo(g, g.emit(where, [condition!, zero, dy], {}), b!.type.shape) : undefined,
    ];
  },
  lower: (application, at) => {
    const { dims, strides } = broadcastWalk(application);
    const [sc, sa, sb] = [strides[0]!, strides[1]!, strides[2]!];
    const dtype = application.results[0]!.type.dtype;
    const [condition, a, b, out] = [at.operand(0), at.operand(1), at.operand(2), at.result(0)];
    return dtype === 'f32'
      ? [call(whereKernel, condition, a, b, out, dims, sc, sa, sb)]
      : [call(whereElements, typeCode(dtype), condition, a, b, out, dims, sc, sa, sb)];
  },
  examples: [
    { operands: [bool(2, 3), f32(2, 3), f32(2, 3)], attributes: {} },
    { operands: [bool(3), f32(2, 1), f32()], attributes: {} },
    { operands: [bool(2, 1), f32(), f32(1, 3)], attributes: {} },
    { operands: [bool(), f32(0, 2), f32(2)], attributes: {} },
    { operands: [bool(4), i64(4), i64()], attributes: {}, ranges: { 1: [-5, 5], 2: [-5, 5] } },
    { operands: [bool(4), bool(4), bool(4)], attributes: {} },
  ],
};
