/** Logic on bools, and tests of floats that give bools. */
import * as kernels from '../../runtime/kernels/logical.ts';
import { call } from '../../runtime/program.ts';
import { elementCount } from '../ir/graph.ts';
import type { NoAttributes, Op } from '../ir/op.ts';
import { type BinaryKernel, elementwiseFlops, inferBinary, lowerBinary } from './binary-op.ts';
import { oneOperand } from './operands.ts';
import { bool, f32 } from './types.ts';

function connective(name: string, doc: string, kernel: BinaryKernel): Op<NoAttributes> {
  return {
    name,
    doc,
    attributes: {},
    effect: 'pure',
    inPlace: [[0, 1]],
    mayAlias: [0, 1],
    infer: (operands) => inferBinary(operands, ['bool']),
    flops: elementwiseFlops,
    lower: (application, at) => lowerBinary(kernel, application, at),
    examples: [
      { operands: [bool(2, 3), bool(2, 3)], attributes: {} },
      { operands: [bool(2, 1), bool(3)], attributes: {} },
      { operands: [bool(), bool(0)], attributes: {} },
    ],
  };
}

export const logicalAnd: Op<NoAttributes> = connective('logical_and', 'a and b.', kernels.logicalAnd);
export const logicalOr: Op<NoAttributes> = connective('logical_or', 'a or b.', kernels.logicalOr);
export const logicalXor: Op<NoAttributes> = connective('logical_xor', 'Either a or b.', kernels.logicalXor);

export const logicalNot: Op<NoAttributes> = {
  name: 'logical_not',
  doc: 'Not x.',
  attributes: {},
  effect: 'pure',
  inPlace: [[0]],
  infer: (operands) => [oneOperand(operands, ['bool'])],
  flops: elementwiseFlops,
  lower: ({ results }, at) => [
    call(kernels.logicalNot, at.operand(0), at.result(0), elementCount(results[0]!.type.shape)),
  ],
  examples: [
    { operands: [bool(5)], attributes: {} },
    { operands: [bool()], attributes: {} },
  ],
};

export const isNan: Op<NoAttributes> = {
  name: 'is_nan',
  doc: 'Whether x is not a number.',
  attributes: {},
  effect: 'pure',
  infer: (operands) => [bool(...oneOperand(operands, ['f32']).shape)],
  flops: elementwiseFlops,
  lower: ({ results }, at) => [call(kernels.isNan, at.operand(0), at.result(0), elementCount(results[0]!.type.shape))],
  examples: [{ operands: [f32(2, 3)], attributes: {} }],
};

export const isInf: Op<{ positive: boolean; negative: boolean }> = {
  name: 'is_inf',
  doc: 'Whether x is infinite.',
  attributes: {
    positive: { kind: 'bool', doc: 'whether Infinity counts' },
    negative: { kind: 'bool', doc: 'whether -Infinity counts' },
  },
  effect: 'pure',
  infer: (operands) => [bool(...oneOperand(operands, ['f32']).shape)],
  flops: elementwiseFlops,
  lower: ({ results, attributes }, at) => [
    call(
      kernels.isInf,
      at.operand(0),
      at.result(0),
      elementCount(results[0]!.type.shape),
      Number(attributes.positive),
      Number(attributes.negative),
    ),
  ],
  examples: [{ operands: [f32(2, 3)], attributes: { positive: true, negative: false } }],
};

export const logicalOps: readonly Op[] = [logicalAnd, logicalOr, logicalXor, logicalNot, isNan, isInf];
