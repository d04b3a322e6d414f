/** pad: a tensor with elements added at either end of its dimensions. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { padBorder, padBorderGrad } from '../../runtime/kernels/pad.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, type TensorType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { contiguousStrides } from './broadcasting.ts';
import { lowerFill, lowerStridedWrite } from './movement.ts';
import { oneOperand } from './operands.ts';
import { slice } from './slice.ts';
import { f32, i64 } from './types.ts';

type Pad = { before: readonly number[]; after: readonly number[]; mode: string; value: number };

/** Argument `mode` of the kernels; 'constant' has others. */
const borderModes: Readonly<Record<string, number>> = { edge: 0, reflect: 1, wrap: 2 };

const placement = {
  before: { kind: 'ints', doc: 'elements added ahead of each dimension, not negative' },
  after: { kind: 'ints', doc: 'elements added behind each dimension, not negative' },
} as const;

const mode = {
  kind: 'string',
  doc: "what is added: 'constant' (`value`), 'edge' (the outermost elements), 'reflect' or 'wrap'",
} as const;

function checkPads(x: TensorType, before: readonly number[], after: readonly number[]): void {
  const pads = [...before, ...after];
  if (before.length !== x.shape.length || after.length !== x.shape.length)
    throw new ShapeError(`pads [${pads.join(',')}] do not fit ${formatType(x)}`);
  if (pads.some((count) => !Number.isInteger(count) || count < 0))
    throw new ShapeError(`pads [${pads.join(',')}] are negative`, 'use slice to remove elements');
}

/** A list of dimensions for the kernels, which want at least one. */
const atLeastOne = (list: readonly number[], filler: number): readonly number[] =>
  list.length === 0 ? [filler] : list;

const padGrad: Op<{ before: readonly number[]; after: readonly number[]; mode: string }> = {
  name: 'pad_grad',
  doc: 'Adjoint of padding with elements of the tensor itself: each gets the sum of its copies.',
  attributes: { ...placement, mode },
  effect: 'pure',
  infer: (operands, { before, after, mode: given }) => {
    const dy = oneOperand(operands, ['f32']);
    checkPads(dy, before, after);
    const shape = dy.shape.map((extent, d) => extent - before[d]! - after[d]!);
    if (shape.some((extent) => extent < 0)) throw new ShapeError(`${formatType(dy)} is smaller than its padding`);
    if (borderModes[given] === undefined) throw new ShapeError(`unknown mode '${given}'`);
    return [f32(...shape)];
  },
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  lower: ({ operands, results, attributes }, at) => [
    call(
      padBorderGrad,
      at.operand(0),
      at.result(0),
      borderModes[attributes.mode]!,
      atLeastOne(results[0]!.type.shape, 1),
      atLeastOne(operands[0]!.type.shape, 1),
      atLeastOne(attributes.before, 0),
    ),
  ],
  examples: [{ operands: [f32(4, 6)], attributes: { before: [1, 2], after: [1, 1], mode: 'edge' } }],
};

export const pad: Op<Pad> = {
  name: 'pad',
  doc: 'A tensor with elements added at either end of its dimensions.',
  attributes: { ...placement, mode, value: { kind: 'float', doc: "what mode 'constant' adds; for the others 0" } },
  effect: 'pure',
  passesOn: (operand) => operand === 0,
  infer: (operands, { before, after, mode: given }) => {
    const x = oneOperand(operands);
    checkPads(x, before, after);
    if (given !== 'constant' && borderModes[given] === undefined)
      throw new ShapeError(`unknown mode '${given}'`, "modes are 'constant', 'edge', 'reflect' and 'wrap'");
    if (given !== 'constant' && x.shape.some((extent, d) => extent === 0 && before[d]! + after[d]! > 0))
      throw new ShapeError(`${formatType(x)} has no elements to pad with`);
    return [{ dtype: x.dtype, shape: x.shape.map((extent, d) => before[d]! + extent + after[d]!) }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => {
    const { before, after, mode: given } = g.attributes;
    const dy = g.cotangents[0]!;
    if (given !== 'constant') return [g.emit(padGrad, [dy], { before, after, mode: given })];
    const shape = g.operands[0]!.type.shape;
    const axes = shape.map((_, d) => d).filter((d) => before[d]! + after[d]! > 0);
    if (axes.length === 0) return [dy];
    const starts = axes.map((d) => before[d]!);
    const ends = axes.map((d) => before[d]! + shape[d]!);
    return [g.emit(slice, [dy], { axes, starts, ends, steps: axes.map(() => 1) })];
  },
  lower: ({ operands, results, attributes }, at) => {
    const x = operands[0]!.type;
    const shape = results[0]!.type.shape;
    const type = typeCode(x.dtype);
    if (attributes.mode === 'constant') {
      const strides = contiguousStrides(shape);
      const first = attributes.before.reduce((sum, count, d) => sum + count * strides[d]!, 0);
      return [
        lowerFill(x.dtype, at.result(0), elementCount(shape), attributes.value),
        lowerStridedWrite(x.dtype, at.operand(0), at.result(0), x.shape, strides, first),
      ];
    }
    return [
      call(
        padBorder,
        type,
        at.operand(0),
        at.result(0),
        borderModes[attributes.mode]!,
        atLeastOne(x.shape, 1),
        atLeastOne(shape, 1),
        atLeastOne(attributes.before, 0),
      ),
    ];
  },
  examples: [
    ...['constant', 'edge', 'reflect', 'wrap'].flatMap((given) => [
      { operands: [f32(3, 4)], attributes: { before: [1, 2], after: [2, 0], mode: given, value: 0 } },
      { operands: [f32(2, 3)], attributes: { before: [0, 0], after: [0, 0], mode: given, value: 0 } },
      { operands: [f32()], attributes: { before: [], after: [], mode: given, value: 0 } },
    ]),
    { operands: [f32(3)], attributes: { before: [5], after: [4], mode: 'reflect', value: 0 } },
    { operands: [f32(3)], attributes: { before: [5], after: [4], mode: 'wrap', value: 0 } },
    { operands: [f32(2, 20)], attributes: { before: [0, 1], after: [1, 1], mode: 'constant', value: -1.5 } },
    { operands: [f32(0, 2)], attributes: { before: [1, 0], after: [0, 1], mode: 'constant', value: 2 } },
    { operands: [i64(3)], attributes: { before: [1], after: [1], mode: 'constant', value: 7 }, ranges: { 0: [-5, 5] } },
    { operands: [i64(3)], attributes: { before: [1], after: [1], mode: 'edge', value: 0 }, ranges: { 0: [-5, 5] } },
  ],
};

export const padOps: readonly Op[] = [pad, padGrad];
