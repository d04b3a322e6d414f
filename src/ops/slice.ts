/**
 * slice, view_slice: part of a tensor.
 *
 * `slice` copies, so that the operand may die; `view_slice` shares the storage of the operand, which then lives as long
 * as the part does. The view is right for parts of inputs, weights and constants, and where no gradient flows; the parts
 * of one activation are best had by `splitTo`.
 */
import { bytesPerElement } from '../../runtime/memory.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { contiguousStrides } from './broadcasting.ts';
import { lowerFill, lowerStridedRead, lowerStridedWrite } from './movement.ts';
import { oneOperand } from './operands.ts';
import { reshapeTo } from './reshape.ts';
import { f32, i64 } from './types.ts';

type Slice = {
  axes: readonly number[];
  starts: readonly number[];
  ends: readonly number[];
  steps: readonly number[];
};

type SliceGrad = {
  shape: readonly number[];
  axes: readonly number[];
  starts: readonly number[];
  steps: readonly number[];
};

/** Element strides of the slice within a tensor of `shape`, and its first element. */
function walk(
  shape: readonly number[],
  axes: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): { strides: readonly number[]; first: number } {
  const strides = [...contiguousStrides(shape)];
  let first = 0;
  axes.forEach((axis, i) => {
    first += starts[i]! * strides[axis]!;
    strides[axis] = strides[axis]! * steps[i]!;
  });
  return { strides, first };
}

function extents(shape: readonly number[], { axes, starts, ends, steps }: Slice): number[] {
  const result = [...shape];
  axes.forEach((axis, i) => {
    result[axis] = Math.max(0, Math.ceil((ends[i]! - starts[i]!) / steps[i]!));
  });
  return result;
}

function check(x: TensorType, slice: Slice): void {
  const { axes, starts, ends, steps } = slice;
  const bounds = `axes [${axes.join(',')}], starts [${starts.join(',')}], ends [${ends.join(',')}], steps [${steps.join(',')}]`;
  const lists = [starts, ends, steps].every((list) => list.length === axes.length);
  if (!lists || new Set(axes).size !== axes.length || axes.some((axis) => x.shape[axis] === undefined))
    throw new ShapeError(`${bounds} do not fit ${formatType(x)}`);
  axes.forEach((axis, i) => {
    const step = steps[i]!;
    const count = Math.max(0, Math.ceil((ends[i]! - starts[i]!) / step));
    const last = starts[i]! + (count - 1) * step;
    const inside = (index: number): boolean => index >= 0 && index < x.shape[axis]!;
    if (!Number.isInteger(step) || step === 0 || (count > 0 && !(inside(starts[i]!) && inside(last))))
      throw new ShapeError(`${bounds} reach out of ${formatType(x)}`);
  });
}

const placement = {
  axes: { kind: 'ints', doc: 'dimensions that are cut, each once' },
  starts: { kind: 'ints', doc: 'first index along each axis, not negative' },
  steps: { kind: 'ints', doc: 'distance between indices along each axis, not 0; may be negative' },
} as const;

const sliceGrad: Op<SliceGrad> = {
  name: 'slice_grad',
  doc: 'Zeros of `shape` with the operand written where a slice had read.',
  attributes: { shape: { kind: 'ints', doc: 'shape of the result' }, ...placement },
  effect: 'pure',
  infer: (operands, { shape, axes, starts, steps }) => {
    const dy = oneOperand(operands);
    const ends = axes.map((axis, i) => starts[i]! + (dy.shape[axis] ?? 0) * steps[i]!);
    const x = { dtype: dy.dtype, shape };
    check(x, { axes, starts, ends, steps });
    if (!sameShape(extents(shape, { axes, starts, ends, steps }), dy.shape))
      throw new ShapeError(`${formatType(dy)} is not a slice of ${formatType(x)}`);
    return [x];
  },
  flops: () => 0,
  lower: ({ operands, results, attributes: { shape, axes, starts, steps } }, at) => {
    const { strides, first } = walk(shape, axes, starts, steps);
    const dtype = results[0]!.type.dtype;
    return [
      lowerFill(dtype, at.result(0), elementCount(shape), 0),
      lowerStridedWrite(dtype, at.operand(0), at.result(0), operands[0]!.type.shape, strides, first),
    ];
  },
  examples: [{ operands: [f32(2, 2)], attributes: { shape: [5, 3], axes: [0, 1], starts: [4, 1], steps: [-2, 1] } }],
};

export const slice: Op<Slice> = {
  name: 'slice',
  doc: 'Part of a tensor: every step-th index from start up to end along some axes, copied.',
  attributes: {
    ...placement,
    ends: { kind: 'ints', doc: 'index along each axis before which to stop; -1 going down to 0' },
  },
  effect: 'pure',
  passesOn: () => true,
  infer: (operands, given) => {
    const x = oneOperand(operands);
    check(x, given);
    return [{ dtype: x.dtype, shape: extents(x.shape, given) }];
  },
  flops: () => 0,
  /** Only the part is read. */
  bytesMoved: ({ results }) => 2 * elementCount(results[0]!.type.shape) * bytesPerElement[results[0]!.type.dtype],
  gradientReads: {},
  gradient: (g) => {
    const { axes, starts, steps } = g.attributes;
    return [g.emit(sliceGrad, [g.cotangents[0]!], { shape: g.operands[0]!.type.shape, axes, starts, steps })];
  },
  lower: ({ operands, results, attributes: { axes, starts, steps } }, at) => {
    const { strides, first } = walk(operands[0]!.type.shape, axes, starts, steps);
    const { dtype, shape } = results[0]!.type;
    return [lowerStridedRead(dtype, at.operand(0), at.result(0), shape, strides, first)];
  },
  examples: [
    { operands: [f32(5, 4)], attributes: { axes: [0], starts: [1], ends: [4], steps: [1] } },
    { operands: [f32(5, 4)], attributes: { axes: [1, 0], starts: [3, 0], ends: [-1, 5], steps: [-2, 2] } },
    { operands: [f32(4)], attributes: { axes: [0], starts: [3], ends: [-1], steps: [-1] } },
    { operands: [f32(3, 4)], attributes: { axes: [1], starts: [2], ends: [2], steps: [1] } },
    { operands: [f32(2, 40)], attributes: { axes: [1], starts: [3], ends: [37], steps: [1] } },
    { operands: [i64(4)], attributes: { axes: [0], starts: [0], ends: [2], steps: [1] }, ranges: { 0: [-5, 5] } },
  ],
};

export const viewSlice: Op<{ offset: number; shape: readonly number[] }> = {
  name: 'view_slice',
  doc: 'A run of consecutive elements under a shape; shares the storage of the operand.',
  attributes: {
    offset: { kind: 'int', doc: 'elements of the operand before the first of the result' },
    shape: { kind: 'ints', doc: 'shape of the result' },
  },
  effect: 'view',
  infer: (operands, { offset, shape }) => {
    const x = oneOperand(operands);
    if (!Number.isInteger(offset) || offset < 0 || offset + elementCount(shape) > elementCount(x.shape))
      throw new ShapeError(`[${shape.join(',')}] from element ${offset} on reaches out of ${formatType(x)}`);
    return [{ dtype: x.dtype, shape }];
  },
  flops: () => 0,
  viewOffset: ({ operands, attributes: { offset } }) => offset * bytesPerElement[operands[0]!.type.dtype],
  gradientReads: {},
  gradient: (g) => {
    const shape = g.operands[0]!.type.shape;
    const flat = reshapeTo(g, g.cotangents[0]!, [elementCount(g.attributes.shape)]);
    const whole = { shape: [elementCount(shape)], axes: [0], starts: [g.attributes.offset], steps: [1] };
    return [reshapeTo(g, g.emit(sliceGrad, [flat], whole), shape)];
  },
  lower: () => [],
  examples: [
    { operands: [f32(4, 3)], attributes: { offset: 3, shape: [2, 3] } },
    { operands: [f32(4)], attributes: { offset: 2, shape: [] } },
    { operands: [i64(4)], attributes: { offset: 1, shape: [3] }, ranges: { 0: [-5, 5] } },
  ],
};

export const sliceOps: readonly Op[] = [slice, sliceGrad, viewSlice];
