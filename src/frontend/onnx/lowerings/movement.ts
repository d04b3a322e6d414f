/** Operators that move elements and compute nothing. */
import type { Value } from '../../../ir/graph.ts';
import { concat } from '../../../ops/concat.ts';
import { pad } from '../../../ops/pad.ts';
import { slice } from '../../../ops/slice.ts';
import { splitTo } from '../../../ops/split.ts';
import { tile } from '../../../ops/tile.ts';
import { trilu } from '../../../ops/trilu.ts';
import { frontAxis, permuted, product, reshaped } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Bounds as ONNX clamps them: negative ones count from the end, and none lies outside. */
function clampedRange(extent: number, start: number, end: number, step: number): Range {
  const clamp = (bound: number, least: number, most: number): number =>
    Math.min(Math.max(bound < 0 ? bound + extent : bound, least), most);
  return step > 0
    ? { start: clamp(start, 0, extent), end: clamp(end, 0, extent), step }
    : { start: clamp(start, 0, extent - 1), end: clamp(end, -1, extent - 1), step };
}

/** `x` with each of `ranges` taken along its axis; whole ones are left out. */
function sliced(c: LoweringContext, x: Value, ranges: ReadonlyMap<number, Range>): Value {
  const { shape } = x.type;
  const axes = [...ranges.keys()]
    .filter((axis) => {
      const { start, end, step } = ranges.get(axis)!;
      return start !== 0 || end !== shape[axis] || step !== 1;
    })
    .sort((a, b) => a - b);
  if (axes.length === 0) return x;
  const chosen = axes.map((axis) => ranges.get(axis)!);
  return c.emit(slice, [x], {
    axes,
    starts: chosen.map(({ start }) => start),
    // An empty range has one form, whatever its bounds were.
    ends: chosen.map(({ start, end, step }) => (step > 0 ? Math.max(start, end) : Math.min(start, end))),
    steps: chosen.map(({ step }) => step),
  });
}

function lowerSlice(c: LoweringContext): Value {
  const x = c.operand(0);
  const rank = x.type.shape.length;
  const asAttributes = c.opset < 10;
  const starts = (asAttributes ? c.attributes.ints('starts') : c.numbers(1)) ?? c.fail('its starts are left out');
  const ends = (asAttributes ? c.attributes.ints('ends') : c.numbers(2)) ?? c.fail('its ends are left out');
  const axes = (asAttributes ? c.attributes.ints('axes') : c.numbers(3)) ?? starts.map((_, i) => i);
  const steps = (asAttributes ? undefined : c.numbers(4)) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    c.fail('starts, ends, axes and steps differ in length');
  const ranges = new Map<number, Range>();
  starts.forEach((start, i) => {
    const axis = frontAxis(c, axes[i]!, rank);
    if (steps[i] === 0) c.fail('a step is 0');
    if (ranges.has(axis)) c.fail(`axis ${axis} is named twice`);
    ranges.set(axis, clampedRange(x.type.shape[axis]!, start, ends[i]!, steps[i]!));
  });
  return sliced(c, x, ranges);
}

function splitSizes(c: LoweringContext, extent: number): readonly number[] {
  const given = c.opset < 13 && c.operands[1] === undefined ? c.attributes.ints('split') : c.numbers(1);
  if (given !== undefined && given.length > 0) return given;
  const parts = c.attributes.int('num_outputs', c.outputCount);
  if (parts !== c.outputCount) c.fail(`its num_outputs is ${parts}, and it has ${c.outputCount} outputs`);
  // Equal parts; from opset 18 the last one may be smaller.
  const size = Math.ceil(extent / parts);
  if (c.opset < 18 && size * parts !== extent) c.fail(`${extent} is not divisible into ${parts} equal parts`);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, extent - i * size)));
}

function lowerSplit(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const { shape } = x.type;
  const axis = frontAxis(c, c.attributes.int('axis', 0), shape.length);
  const sizes = splitSizes(c, shape[axis]!);
  if (sizes.length !== c.outputCount) c.fail(`${sizes.length} sizes are given for ${c.outputCount} outputs`);
  if (sizes.length === 1) return [x];
  return splitTo(c, x, axis, sizes);
}

function lowerPad(c: LoweringContext): Value {
  const x = c.operand(0);
  const { shape } = x.type;
  const rank = shape.length;
  const given =
    (c.opset < 11 ? c.attributes.ints(c.opset < 2 ? 'paddings' : 'pads') : c.numbers(1)) ??
    c.fail('its pads are left out');
  const value = c.opset < 11 ? c.attributes.float('value', 0) : (c.numbers(2)?.[0] ?? 0);
  const mode = c.attributes.string('mode', 'constant');
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap')
    return c.fail(`unknown mode ${JSON.stringify(mode)}`, 'the modes are constant, reflect, edge and wrap');
  const axes = c.opset < 18 ? undefined : c.numbers(3)?.map((axis) => frontAxis(c, axis, rank));
  const count = axes?.length ?? rank;
  if (given.length !== 2 * count) c.fail(`${given.length} pads are given for ${count} dimensions`);
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  for (let i = 0; i < count; i++) {
    const d = axes?.[i] ?? i;
    before[d] = given[i]!;
    after[d] = given[i + count]!;
  }
  // A negative pad cuts elements off; that comes first.
  const ranges = new Map<number, Range>();
  for (let d = 0; d < rank; d++)
    if (before[d]! < 0 || after[d]! < 0)
      ranges.set(d, { start: Math.max(0, -before[d]!), end: shape[d]! - Math.max(0, -after[d]!), step: 1 });
  const cut = sliced(c, x, ranges);
  const [outer, inner] = [before, after].map((pads) => pads.map((extent) => Math.max(0, extent)));
  if (outer!.every((extent) => extent === 0) && inner!.every((extent) => extent === 0)) return cut;
  return c.emit(pad, [cut], { before: outer!, after: inner!, mode, value });
}

/** Blocks of channels to blocks of space, or back. */
function lowerDepthToSpace(c: LoweringContext): Value {
  const x = c.operand(0);
  const block = blockSize(c);
  const [n, channels, height, width] = x.type.shape;
  const depth = channels! / (block * block);
  if (!Number.isInteger(depth)) c.fail(`${channels} channels do not fill blocks of ${block} x ${block}`);
  const columnsFirst = c.attributes.string('mode', 'DCR') === 'CRD';
  const parts = columnsFirst ? [n!, depth, block, block, height!, width!] : [n!, block, block, depth, height!, width!];
  const order = columnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return reshaped(c, permuted(c, reshaped(c, x, parts), order), [n!, depth, height! * block, width! * block]);
}

function lowerSpaceToDepth(c: LoweringContext): Value {
  const x = c.operand(0);
  const block = blockSize(c);
  const [n, channels, height, width] = x.type.shape;
  const rows = height! / block;
  const columns = width! / block;
  if (!Number.isInteger(rows) || !Number.isInteger(columns))
    c.fail(`${height} x ${width} is not divisible into blocks of ${block} x ${block}`);
  const parts = reshaped(c, x, [n!, channels!, rows, block, columns, block]);
  return reshaped(c, permuted(c, parts, [0, 3, 5, 1, 2, 4]), [n!, channels! * block * block, rows, columns]);
}

function blockSize(c: LoweringContext): number {
  if (c.operand(0).type.shape.length !== 4) c.fail('its operand is not of rank 4');
  return c.attributes.int('blocksize') ?? c.fail('its block size is left out');
}

/** Before opset 6: how often `x` is repeated, along the axis that operand 2 names. */
function tiledAlong(c: LoweringContext, x: Value, tiles: readonly number[]): readonly number[] {
  const rank = x.type.shape.length;
  const axis = frontAxis(c, c.numbers(2)?.[0] ?? c.fail('its axis is left out'), rank);
  return Array.from({ length: rank }, (_, d) => (d === axis ? tiles[0]! : 1));
}

export const movementLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'Transpose',
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const rank = x.type.shape.length;
      const permutation = c.attributes.ints('perm') ?? Array.from({ length: rank }, (_, d) => rank - 1 - d);
      if (
        permutation.length !== rank ||
        new Set(permutation).size !== rank ||
        permutation.some((d) => d < 0 || d >= rank)
      )
        c.fail(`[${permutation.join(',')}] is no permutation of ${rank} dimensions`);
      return [permuted(c, x, permutation)];
    },
  },
  {
    onnx: 'Concat',
    since: 1,
    gradient: true,
    lower: (c) => {
      const operands = c.operands.map((_, i) => c.operand(i));
      const axis = c.attributes.int('axis') ?? (c.opset < 4 ? 1 : c.fail('its axis is left out'));
      const front = frontAxis(c, axis, c.operand(0).type.shape.length);
      return [operands.length === 1 ? operands[0]! : c.emit(concat, operands, { axis: front })];
    },
  },
  { onnx: 'Split', since: 1, gradient: true, lower: lowerSplit },
  { onnx: 'Slice', since: 1, gradient: true, lower: (c) => [lowerSlice(c)] },
  { onnx: 'Pad', since: 1, gradient: true, lower: (c) => [lowerPad(c)] },
  {
    onnx: 'Tile',
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const given = c.numbers(1) ?? c.fail('its repeats are left out');
      const repeats = c.opset < 6 ? tiledAlong(c, x, given) : given;
      if (repeats.length !== x.type.shape.length)
        c.fail(`${repeats.length} repeats are given for rank ${x.type.shape.length}`);
      return [product(repeats) === 1 ? x : c.emit(tile, [x], { repeats })];
    },
  },
  {
    onnx: 'Trilu',
    since: 14,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const attributes = { upper: c.attributes.int('upper', 1) !== 0, k: c.numbers(1)?.[0] ?? 0 };
      return [c.emit(trilu, [x], attributes)];
    },
  },
  { onnx: 'DepthToSpace', since: 1, gradient: true, lower: (c) => [lowerDepthToSpace(c)] },
  { onnx: 'SpaceToDepth', since: 1, gradient: true, lower: (c) => [lowerSpaceToDepth(c)] },
];
