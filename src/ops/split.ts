/**
 * split, split_view: the parts of a tensor along an axis.
 *
 * Where every extent before the axis is 1, each part is contiguous in the operand, and `split_view` gives all of them for
 * no memory: they share the operand's storage, which lives as long as any of them. Elsewhere `split` copies. Either one's
 * gradient is one concatenation, so a split should stay one node with several results rather than become several slices,
 * each of whose gradients would be as large as the operand. `splitTo` chooses.
 */
import { bytesPerElement } from '../../runtime/memory.ts';
import { elementCount, formatType, type TensorType, type Value } from '../ir/graph.ts';
import { type Application, type Emitter, type GradientContext, type Op, ShapeError } from '../ir/op.ts';
import { broadcastTo } from './broadcast-to.ts';
import { concat } from './concat.ts';
import { lowerStridedRead } from './movement.ts';
import { checkAxis, oneOperand } from './operands.ts';
import { f32, i64 } from './types.ts';

type Split = { axis: number; sizes: readonly number[] };

const attributes = {
  axis: { kind: 'int', doc: 'dimension that is divided' },
  sizes: { kind: 'ints', doc: 'extent of each part; they add up to the extent of the axis' },
} as const;

function infer(operands: readonly TensorType[], { axis, sizes }: Split): readonly TensorType[] {
  const x = oneOperand(operands);
  checkAxis(x, axis);
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sizes.length === 0 || sum !== x.shape[axis])
    throw new ShapeError(`sizes [${sizes.join(',')}] do not add up to axis ${axis} of ${formatType(x)}`);
  return sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.with(axis, size) }));
}

function gradient(g: GradientContext<Split>): readonly Value[] {
  const parts = g.results.map(
    (result, i) =>
      g.cotangents[i] ?? g.emit(broadcastTo, [g.constant(f32(), [0], 'zero')], { shape: result.type.shape }),
  );
  return [parts.length === 1 ? parts[0]! : g.emit(concat, parts, { axis: g.attributes.axis })];
}

/** Elements of the operand before part `index`, where the parts are contiguous. */
function elementsBefore({ operands, attributes: { axis, sizes } }: Application<Split>, index: number): number {
  const inner = elementCount(operands[0]!.type.shape.slice(axis + 1));
  return sizes.slice(0, index).reduce((total, size) => total + size, 0) * inner;
}

/** Whether the parts of a split along `axis` are contiguous in a tensor of this shape. */
export function splitsContiguously(shape: readonly number[], axis: number): boolean {
  return shape.slice(0, axis).every((extent) => extent === 1);
}

export const split: Op<Split> = {
  name: 'split',
  doc: 'The parts of a tensor along an axis, copied.',
  attributes,
  effect: 'pure',
  passesOn: () => true,
  infer,
  flops: () => 0,
  gradientReads: {},
  gradient,
  lower: (application, at) => {
    const { dtype, shape } = application.operands[0]!.type;
    const { axis, sizes } = application.attributes;
    const inner = elementCount(shape.slice(axis + 1));
    const outer = elementCount(shape.slice(0, axis));
    return sizes.map((size, i) =>
      lowerStridedRead(
        dtype,
        at.operand(0),
        at.result(i),
        [outer, size * inner],
        [shape[axis]! * inner, 1],
        elementsBefore(application, i),
      ),
    );
  },
  examples: [
    { operands: [f32(2, 5)], attributes: { axis: 1, sizes: [2, 3] } },
    { operands: [f32(3, 40, 2)], attributes: { axis: 1, sizes: [10, 10, 20] } },
    { operands: [f32(5)], attributes: { axis: 0, sizes: [5, 0] } },
    { operands: [f32(2, 4)], attributes: { axis: 1, sizes: [4] } },
    { operands: [i64(2, 4)], attributes: { axis: 1, sizes: [1, 3] }, ranges: { 0: [-5, 5] } },
  ],
};

export const splitView: Op<Split> = {
  name: 'split_view',
  doc: 'The parts of a tensor along its first dimension longer than 1; they share the storage of the operand.',
  attributes,
  effect: 'view',
  infer: (operands, given) => {
    const types = infer(operands, given);
    if (!splitsContiguously(operands[0]!.shape, given.axis))
      throw new ShapeError(
        `the parts of ${formatType(operands[0]!)} along axis ${given.axis} are not contiguous`,
        'use split, which copies them',
      );
    return types;
  },
  flops: () => 0,
  viewOffset: (application, result) =>
    elementsBefore(application, result) * bytesPerElement[application.operands[0]!.type.dtype],
  gradientReads: {},
  gradient,
  lower: () => [],
  examples: [
    { operands: [f32(5, 2)], attributes: { axis: 0, sizes: [2, 3] } },
    { operands: [f32(1, 6)], attributes: { axis: 1, sizes: [1, 2, 3] } },
    { operands: [f32(5)], attributes: { axis: 0, sizes: [0, 5] } },
    { operands: [i64(4)], attributes: { axis: 0, sizes: [1, 3] }, ranges: { 0: [-5, 5] } },
  ],
};

/** The parts of `value` along `axis`: views of it where they are contiguous, else copies. */
export function splitTo(emitter: Emitter, value: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  const op = splitsContiguously(value.type.shape, axis) ? splitView : split;
  return emitter.emitAll(op, [value], { axis, sizes });
}
