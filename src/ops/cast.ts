/** cast: conversion between element types. */
import { cast as castKernel } from '../../runtime/kernels/cast.ts';
import { typeCode } from '../../runtime/kernels/elements.ts';
import type { DType } from '../../runtime/memory.ts';
import { call } from '../../runtime/program.ts';
import { elementCount } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { elementwiseFlops } from './binary-op.ts';
import { oneOperand } from './operands.ts';
import { bool, f32, i32, i64 } from './types.ts';

export const cast: Op<{ to: DType }> = {
  name: 'cast',
  doc: 'Conversion to another element type: toward zero, wrapping; to bool, whether x is not 0.',
  attributes: { to: { kind: 'dtype', doc: 'element type of the result' } },
  effect: 'pure',
  passesOn: () => true,
  inPlace: [[0]],
  infer: (operands, { to }) => [{ dtype: to, shape: oneOperand(operands).shape }],
  flops: elementwiseFlops,
  gradientReads: {},
  gradient: (g) => [g.operands[0]!.type.dtype === 'f32' && g.attributes.to === 'f32' ? g.cotangents[0] : undefined],
  lower: ({ operands, results, attributes: { to } }, at) => [
    call(
      castKernel,
      typeCode(operands[0]!.type.dtype),
      typeCode(to),
      at.operand(0),
      at.result(0),
      elementCount(results[0]!.type.shape),
      Number(to !== 'f32'),
      Number(to === 'bool'),
    ),
  ],
  examples: [
    { operands: [f32(2, 3)], attributes: { to: 'i32' } },
    { operands: [f32(2, 3)], attributes: { to: 'i64' } },
    { operands: [f32(2, 3)], attributes: { to: 'bool' } },
    { operands: [f32(2, 3)], attributes: { to: 'f32' } },
    { operands: [i64(4)], attributes: { to: 'i32' }, ranges: { 0: [-9, 9] } },
    { operands: [i32(4)], attributes: { to: 'f32' }, ranges: { 0: [-9, 9] } },
    { operands: [bool(4)], attributes: { to: 'f32' } },
    { operands: [i32(0)], attributes: { to: 'u8' } },
  ],
};
