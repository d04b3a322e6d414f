/** Elementwise arithmetic of two operands, with broadcasting. */
import * as kernels from '../../runtime/kernels/binary.ts';
import * as integerKernels from '../../runtime/kernels/binary-integer.ts';
import type { NoAttributes, Op } from '../ir/op.ts';
import { binaryOp } from './binary-op.ts';
import { multiplySumTo } from './dot.ts';
import { divideGrad, multiplyGrad } from './multiply-grad.ts';
import { sumTo } from './sum-to.ts';
import { negate } from './unary.ts';

export const add: Op<NoAttributes> = binaryOp({
  name: 'add',
  doc: 'Sum of two tensors, broadcast.',
  attributes: {},
  kernel: () => kernels.add,
  integerKernel: () => integerKernels.addIntegers,
  gradient: (g, dy) => g.operands.map((operand, i) => (g.wants(i) ? sumTo(g, dy, operand.type.shape) : undefined)),
  cases: [{}],
});

export const subtract: Op<NoAttributes> = binaryOp({
  name: 'subtract',
  doc: 'Difference of two tensors, broadcast.',
  attributes: {},
  kernel: () => kernels.subtract,
  integerKernel: () => integerKernels.subtractIntegers,
  gradient: (g, dy) => [
    g.wants(0) ? sumTo(g, dy, g.operands[0]!.type.shape) : undefined,
    g.wants(1) ? g.emit(negate, [sumTo(g, dy, g.operands[1]!.type.shape)], {}) : undefined,
  ],
  cases: [{}],
});

export const multiply: Op<NoAttributes> = binaryOp({
  name: 'multiply',
  doc: 'Product of two tensors, broadcast.',
  attributes: {},
  kernel: () => kernels.multiply,
  integerKernel: () => integerKernels.multiplyIntegers,
  gradientReads: { operands: [0, 1] },
  gradient: (g, dy) =>
    g.operands.map((operand, i) =>
      g.wants(i) ? multiplySumTo(g, dy, g.operands[1 - i]!, operand.type.shape) : undefined,
    ),
  cases: [{}],
});

/** The divisor's gradient is -dy * y / b; b does not vary along the dimensions summed over, so it divides the sum. */
export const divide: Op<NoAttributes> = binaryOp({
  name: 'divide',
  doc: 'Quotient of two tensors, broadcast; integers truncate toward zero.',
  attributes: {},
  kernel: () => kernels.divide,
  integerKernel: () => integerKernels.divideIntegers,
  gradientReads: { operands: [1], results: [0] },
  gradient: (g, dy) => {
    const b = g.operands[1]!;
    const da = g.wants(0) ? sumTo(g, g.emit(divideGrad, [dy, b], {}), g.operands[0]!.type.shape) : undefined;
    if (!g.wants(1)) return [da, undefined];
    const sum = multiplySumTo(g, dy, g.results[0]!, b.type.shape);
    return [da, g.emit(negate, [g.emit(divideGrad, [sum, b], {})], {})];
  },
  cases: [{}],
  ranges: { 1: [0.5, 2] },
});

/** a - y is b times the whole quotient, for either kind of remainder. */
export const modulo: Op<{ fmod: boolean }> = binaryOp({
  name: 'modulo',
  doc: 'Remainder of a division, broadcast, with the sign of the divisor, or of the dividend (`fmod`).',
  attributes: { fmod: { kind: 'bool', doc: 'whether the sign is that of the dividend' } },
  kernel: ({ fmod }) => (fmod ? kernels.remainder : kernels.modulo),
  integerKernel: ({ fmod }) => (fmod ? integerKernels.remainderIntegers : integerKernels.moduloIntegers),
  flops: 10,
  gradientReads: { operands: [0, 1], results: [0] },
  gradient: (g, dy) => {
    const [a, b] = [g.operands[0]!, g.operands[1]!];
    const da = g.wants(0) ? sumTo(g, dy, a.type.shape) : undefined;
    if (!g.wants(1)) return [da, undefined];
    const sum = multiplySumTo(g, dy, g.emit(subtract, [a, g.results[0]!], {}), b.type.shape);
    return [da, g.emit(negate, [g.emit(divideGrad, [sum, b], {})], {})];
  },
  cases: [{ fmod: false }, { fmod: true }],
  ranges: { 1: [0.7, 2] },
});

export const binaryOps: readonly Op[] = [add, subtract, multiply, multiplyGrad, divide, divideGrad, modulo];
