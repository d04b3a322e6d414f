/** power, minimum, maximum, prelu: elementwise ops of two operands whose gradients are ops of their own. */
import * as kernels from '../../runtime/kernels/binary.ts';
import * as gradients from '../../runtime/kernels/binary-grad.ts';
import * as integerKernels from '../../runtime/kernels/binary-integer.ts';
import type { Memory } from '../../runtime/memory.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type Value } from '../ir/graph.ts';
import { type Emitter, type NoAttributes, type Op, ShapeError } from '../ir/op.ts';
import { binaryOp, broadcastWalk } from './binary-op.ts';
import { broadcastShape } from './broadcasting.ts';
import { multiplySumTo } from './dot.ts';
import { clip } from './scalar.ts';
import { sumTo } from './sum-to.ts';
import { f32 } from './types.ts';

type GradKernel = (
  m: Memory,
  dy: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesDy: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
) => void;

interface GradSpec {
  readonly name: string;
  readonly doc: string;
  readonly kernel: GradKernel;
  readonly flops: number;
  readonly range?: readonly [number, number];
}

/** An op (dy, a, b) of dy's shape, to which a and b broadcast. */
function binaryGradOp({ name, doc, kernel, flops, range }: GradSpec): Op<NoAttributes> {
  const drawn = range === undefined ? {} : { ranges: { 1: range } };
  return {
    name,
    doc,
    attributes: {},
    effect: 'pure',
    inPlace: [[0, 1, 2]],
    mayAlias: [0, 1, 2],
    infer: (operands) => {
      const [dy] = operands;
      if (dy === undefined || operands.length !== 3 || operands.some((operand) => operand.dtype !== 'f32'))
        throw new ShapeError('takes three f32 operands');
      if (!sameShape(broadcastShape(operands), dy.shape))
        throw new ShapeError(`operands do not broadcast to ${formatType(dy)}`);
      return [dy];
    },
    flops: ({ results }) => flops * elementCount(results[0]!.type.shape),
    lower: (application, at) => {
      const { dims, strides } = broadcastWalk(application);
      const [dy, a, b] = [at.operand(0), at.operand(1), at.operand(2)];
      return [call(kernel, dy, a, b, at.result(0), dims, strides[0]!, strides[1]!, strides[2]!)];
    },
    examples: [
      { operands: [f32(2, 3), f32(2, 3), f32(2, 3)], attributes: {}, ...drawn },
      { operands: [f32(2, 3), f32(2, 1), f32(3)], attributes: {}, ...drawn },
      { operands: [f32(), f32(), f32()], attributes: {}, ...drawn },
    ],
  };
}

/** The gradient op applied, and summed to the shape of the first of its two operands. */
function emitGrad(g: Emitter, op: Op<NoAttributes>, dy: Value, a: Value, b: Value): Value {
  return sumTo(g, g.emit(op, [dy, a, b], {}), a.type.shape);
}

const powerGradBase = binaryGradOp({
  name: 'power_grad_base',
  doc: 'dy * b * a^(b - 1).',
  kernel: gradients.powerGradBase,
  flops: 20,
  range: [0.3, 2],
});

const powerGradExponent = binaryGradOp({
  name: 'power_grad_exponent',
  doc: 'dy * a^b * log(a).',
  kernel: gradients.powerGradExponent,
  flops: 30,
  range: [0.3, 2],
});

export const power: Op<NoAttributes> = binaryOp({
  name: 'power',
  doc: 'a to the b, broadcast; of integers, truncated.',
  attributes: {},
  kernel: () => kernels.power,
  integerKernel: () => integerKernels.powerIntegers,
  flops: 20,
  settings: [1],
  gradientReads: { operands: [0, 1] },
  gradient: (g, dy) => {
    const [a, b] = [g.operands[0]!, g.operands[1]!];
    return [
      g.wants(0) ? emitGrad(g, powerGradBase, dy, a, b) : undefined,
      g.wants(1) ? sumTo(g, g.emit(powerGradExponent, [dy, a, b], {}), b.type.shape) : undefined,
    ];
  },
  cases: [{}],
  ranges: { 0: [0.3, 2] },
});

const minimumGrad = binaryGradOp({
  name: 'minimum_grad',
  doc: 'dy where a < b, half of it where they are equal, else 0.',
  kernel: gradients.minimumGrad,
  flops: 1,
});

export const minimum: Op<NoAttributes> = binaryOp({
  name: 'minimum',
  doc: 'The smaller of two, broadcast.',
  attributes: {},
  kernel: () => kernels.minimum,
  integerKernel: () => integerKernels.minimumIntegers,
  gradientReads: { operands: [0, 1] },
  gradient: (g, dy) =>
    g.operands.map((operand, i) =>
      g.wants(i) ? emitGrad(g, minimumGrad, dy, operand, g.operands[1 - i]!) : undefined,
    ),
  cases: [{}],
});

const maximumGrad = binaryGradOp({
  name: 'maximum_grad',
  doc: 'dy where a > b, half of it where they are equal, else 0.',
  kernel: gradients.maximumGrad,
  flops: 1,
});

export const maximum: Op<NoAttributes> = binaryOp({
  name: 'maximum',
  doc: 'The larger of two, broadcast.',
  attributes: {},
  kernel: () => kernels.maximum,
  integerKernel: () => integerKernels.maximumIntegers,
  gradientReads: { operands: [0, 1] },
  gradient: (g, dy) =>
    g.operands.map((operand, i) =>
      g.wants(i) ? emitGrad(g, maximumGrad, dy, operand, g.operands[1 - i]!) : undefined,
    ),
  cases: [{}],
});

const preluGrad = binaryGradOp({
  name: 'prelu_grad',
  doc: 'dy where x is positive, else dy * slope.',
  kernel: gradients.preluGrad,
  flops: 1,
});

export const prelu: Op<NoAttributes> = binaryOp({
  name: 'prelu',
  doc: 'x, or slope * x below 0, broadcast.',
  attributes: {},
  kernel: () => kernels.prelu,
  gradientReads: { operands: [0, 1] },
  gradient: (g, dy) => {
    const [x, slope] = [g.operands[0]!, g.operands[1]!];
    const dx = g.wants(0) ? emitGrad(g, preluGrad, dy, x, slope) : undefined;
    if (!g.wants(1)) return [dx, undefined];
    const below = g.emit(clip, [x], { min: Number.NEGATIVE_INFINITY, max: 0 });
    return [dx, multiplySumTo(g, dy, below, slope.type.shape)];
  },
  cases: [{}],
});

export const powerOps: readonly Op[] = [
  power,
  powerGradBase,
  powerGradExponent,
  minimum,
  minimumGrad,
  maximum,
  maximumGrad,
  prelu,
  preluGrad,
];
