/**
 * ONNX nodes drawn at random, one operator each: shapes with extents of 0 and 1 among them, scalars, broadcasting,
 * negative axes, out-of-range bounds, values at which functions have corners. Every node is valid by the specification.
 *
 * The file is long because it is a table: one entry an operator.
 */
import type { DType, Tensor } from '../../../src/ir/graph.ts';
import { numbers } from '../../op-check.ts';
import type { AttributeInput } from '../onnx-models.ts';

export interface RandomNode {
  /** Undefined where an optional operand is left out. */
  readonly operands: readonly (RandomOperand | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeInput>>;
  readonly outputs: number;
  readonly opset: number;
}

export interface RandomOperand {
  readonly tensor: Tensor;
  /** Whether it is an initializer rather than an input. */
  readonly stored: boolean;
}

type Shape = readonly number[];

/** Draws from one seed. */
export class Draw {
  /** Whether values keep away from corners and ends of domains, so that functions can be differentiated at them. */
  readonly smooth: boolean;
  private readonly next: () => number;

  constructor(seed: number, { smooth = false } = {}) {
    this.next = numbers(seed);
    this.smooth = smooth;
  }

  /** A whole number, both ends included. */
  int(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.next());
  }

  flag(): boolean {
    return this.next() < 0.5;
  }

  /** Whether integers stand in for floats; they have no gradients. */
  whole(): boolean {
    return !this.smooth && this.flag();
  }

  bit(): number {
    return this.int(0, 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  list<T>(length: number, draw: (i: number) => T): T[] {
    return Array.from({ length }, (_, i) => draw(i));
  }

  /** Extents up to 4; one in eight is 0, where `empty` says that it may be. */
  shape(minRank: number, maxRank: number, empty = true): number[] {
    return this.list(this.int(minRank, maxRank), () => (empty && this.int(0, 7) === 0 ? 0 : this.int(1, 4)));
  }

  /** An axis of `rank`, often counted from the end. */
  axis(rank: number): number {
    const axis = this.int(0, rank - 1);
    return this.flag() ? axis - rank : axis;
  }

  /** Some axes of `rank`, in any order, some counted from the end. */
  axes(rank: number, least = 0): number[] {
    const all = this.shuffled(this.list(rank, (i) => i)).slice(0, this.int(least, rank));
    return all.map((axis) => (this.flag() ? axis - rank : axis));
  }

  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => rest.splice(this.int(0, rest.length - 1), 1)[0]!);
  }

  floats(shape: Shape, low = -3, high = 3): RandomOperand {
    const margin = this.smooth ? (high - low) / 20 : 0;
    return operand('f32', shape, () => Math.fround(low + margin + (high - low - 2 * margin) * this.next()));
  }

  /** Floats among which are halves, zeros of both signs, infinities and NaN. */
  corners(shape: Shape): RandomOperand {
    if (this.smooth) return this.floats(shape);
    const special = [0, -0, 0.5, 1.5, 2.5, -0.5, -2.5, 1, -1, Infinity, -Infinity, Number.NaN];
    return operand('f32', shape, () => (this.int(0, 2) === 0 ? this.pick(special) : Math.fround(6 * this.next() - 3)));
  }

  /** Floats of which many are equal. */
  ties(shape: Shape): RandomOperand {
    return this.smooth ? this.floats(shape) : operand('f32', shape, () => this.int(-2, 2));
  }

  integers(shape: Shape, low: number, high: number, dtype: 'i64' | 'i32' = 'i64'): RandomOperand {
    return operand(dtype, shape, () => this.int(low, high));
  }

  bools(shape: Shape): RandomOperand {
    return operand('bool', shape, () => this.bit());
  }

  /** Two shapes that broadcast. */
  pair(empty = true): [Shape, Shape] {
    const shape = this.shape(0, 4, empty);
    const other = shape.map((extent) => (this.int(0, 3) === 0 ? 1 : extent)).slice(this.int(0, shape.length));
    const one = shape.map((extent) => (this.int(0, 5) === 0 ? 1 : extent));
    return this.flag() ? [one, other] : [other, one];
  }
}

function operand(dtype: DType, shape: Shape, draw: () => number): RandomOperand {
  const data = Array.from({ length: count(shape) }, draw);
  return { tensor: { type: { dtype, shape }, data: dtype === 'f32' ? Float32Array.from(data) : data }, stored: false };
}

export function count(shape: Shape): number {
  return shape.reduce((all, extent) => all * extent, 1);
}

/** A stored list of i64. */
function list(...data: readonly number[]): RandomOperand {
  return { tensor: { type: { dtype: 'i64', shape: [data.length] }, data }, stored: true };
}

/** A stored single number. */
function single(data: number, dtype: DType = 'i64'): RandomOperand {
  const contents = dtype === 'f32' ? Float32Array.of(data) : [data];
  return { tensor: { type: { dtype, shape: [] }, data: contents }, stored: true };
}

export const stored = (given: RandomOperand): RandomOperand => ({ ...given, stored: true });
export const float = (value: number): { readonly float: number } => ({ float: Math.fround(value) });

interface Parts {
  readonly attributes?: RandomNode['attributes'];
  readonly outputs?: number;
  readonly opset?: number;
}

export function made(
  operands: RandomNode['operands'],
  { attributes = {}, outputs = 1, opset = 21 }: Parts = {},
): RandomNode {
  return { operands, attributes, outputs, opset };
}

export type Rule = (d: Draw) => RandomNode;

/** A function of one float operand; `domain` where it is not defined everywhere. */
function unary(
  opset: number,
  domain?: readonly [number, number],
  attributes?: (d: Draw) => RandomNode['attributes'],
): Rule {
  return (d) => {
    const shape = d.shape(0, 4);
    const x = domain === undefined ? d.corners(shape) : d.floats(shape, ...domain);
    return made([x], { opset, ...(attributes !== undefined && { attributes: attributes(d) }) });
  };
}

const drawnFloat =
  (name: string, low: number, high: number) =>
  (d: Draw): RandomNode['attributes'] =>
    d.flag() ? {} : { [name]: float(low + ((high - low) * d.int(0, 16)) / 16) };

/** Two operands of one type, broadcast. */
function binary(draw: (d: Draw, shape: Shape, index: number) => RandomOperand, more: Parts = {}): Rule {
  return (d) => {
    const [a, b] = d.pair();
    return made([draw(d, a, 0), draw(d, b, 1)], more);
  };
}

/** Floats or, as often, integers; divisors are not 0. */
function arithmetic(d: Draw, index: number, divides: boolean, shape: Shape, integers: boolean): RandomOperand {
  // Quotients are too steep for differences near a divisor of 0.
  if (!integers) return d.smooth && divides && index === 1 ? d.floats(shape, 0.5, 3) : d.corners(shape);
  return divides && index === 1 ? d.integers(shape, 1, 5) : d.integers(shape, -9, 9);
}

function mixed(divides = false): Rule {
  return (d) => {
    const [a, b] = d.pair();
    const whole = d.whole();
    return made([arithmetic(d, 0, divides, a, whole), arithmetic(d, 1, divides, b, whole)]);
  };
}

function variadic(whole: boolean): Rule {
  return (d) => {
    const [a, b] = d.pair();
    const integers = whole && d.whole();
    const shapes = d.shuffled([a, b, ...d.list(d.int(0, 2), () => (d.flag() ? a : []))]).slice(d.int(0, 1));
    return made(shapes.map((shape) => (integers ? d.integers(shape, -9, 9) : d.floats(shape))));
  };
}

/** Axes as an attribute or, from `since` on, as an operand. */
function reduction(since: number, draw: (d: Draw, shape: Shape) => RandomOperand): Rule {
  return (d) => {
    // Reductions over nothing are not compared with onnxruntime, which leaves some empty extents as they are.
    const x = draw(d, d.shape(0, 4, d.smooth));
    const rank = x.tensor.type.shape.length;
    const axes = d.flag() ? undefined : d.axes(rank, 1);
    const keepdims = d.flag() ? {} : { keepdims: d.bit() };
    if (d.flag()) {
      const attributes = { ...keepdims, ...(axes !== undefined && axes.length > 0 && { axes }) };
      return made([x], { opset: since - 1, attributes });
    }
    const attributes = { ...keepdims, ...(d.flag() && { noop_with_empty_axes: d.bit() }) };
    return made(axes === undefined ? [x] : [x, list(...axes)], { opset: since, attributes });
  };
}

const someFloats = (d: Draw, shape: Shape): RandomOperand => d.floats(shape);

/** Softmax and its like: along one axis from opset 13 on, over all from an axis on before. */
function softmaxRule(d: Draw): RandomNode {
  const opset = d.pick([11, 13]);
  // Before opset 13 the axis is 1 where it is not given.
  const shape = d.shape(opset < 13 ? 2 : 1, 4);
  return made([d.floats(shape)], { opset, attributes: d.flag() ? {} : { axis: d.axis(shape.length) } });
}

function argument(d: Draw): RandomNode {
  const shape = d.shape(1, 4, false);
  const attributes = { axis: d.axis(shape.length), keepdims: d.bit(), select_last_index: d.bit() };
  return made([d.ties(shape)], { opset: 13, attributes });
}

/** Kernel, strides, pads and dilations under which `spatial` has at least one window; pads smaller than the kernel. */
function window(
  d: Draw,
  spatial: Shape,
  { dilated = true, padded = true } = {},
): { kernel: number[]; attributes: Record<string, AttributeInput> } {
  const kernel: number[] = [];
  const dilations: number[] = [];
  const begins: number[] = [];
  const ends: number[] = [];
  for (const extent of spatial) {
    const k = d.int(1, Math.min(3, extent));
    const dilation = dilated && k > 1 && (k - 1) * 2 + 1 <= extent ? d.int(1, 2) : 1;
    kernel.push(k);
    dilations.push(dilation);
    begins.push(padded ? d.int(0, k - 1) : 0);
    ends.push(padded ? d.int(0, k - 1) : 0);
  }
  const attributes: Record<string, AttributeInput> = {};
  let strides = d.flag() ? spatial.map(() => d.int(1, 3)) : undefined;
  if (dilations.some((dilation) => dilation > 1)) attributes.dilations = dilations;
  const automatic = padded && attributes.dilations === undefined ? d.int(0, 5) : 5;
  if (automatic < 3) {
    attributes.auto_pad = ['SAME_UPPER', 'SAME_LOWER', 'VALID'][automatic]!;
    // Windows that do not meet would take negative pads, on which runtimes differ.
    strides = strides?.map((stride, i) => Math.min(stride, kernel[i]!));
  } else if (d.flag()) attributes.pads = [...begins, ...ends];
  return { kernel, attributes: { ...attributes, ...(strides !== undefined && { strides }) } };
}

function conv(d: Draw): RandomNode {
  const groups = d.int(1, 2);
  const [inner, outer] = [d.int(1, 2), d.int(1, 2)];
  const spatial = d.list(d.int(1, 3), () => d.int(1, 6));
  const { kernel, attributes } = window(d, spatial);
  const x = d.floats([d.int(1, 2), groups * inner, ...spatial]);
  const w = d.floats([groups * outer, inner, ...kernel]);
  const bias = d.flag() ? [d.floats([groups * outer])] : [];
  return made([x, w, ...bias], {
    opset: 11,
    attributes: {
      ...attributes,
      ...((groups > 1 || d.flag()) && { group: groups }),
      ...(d.flag() && { kernel_shape: kernel }),
    },
  });
}

function convTranspose(d: Draw): RandomNode {
  const groups = d.int(1, 2);
  const [inner, outer] = [d.int(1, 2), d.int(1, 2)];
  const spatial = d.list(d.int(1, 2), () => d.int(1, 4));
  const kernel = spatial.map(() => d.int(1, 3));
  const dilations = spatial.map(() => d.int(1, 2));
  const reach = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
  const attributes: Record<string, AttributeInput> = { dilations, group: groups };
  const how = d.pick(['SAME_UPPER', 'SAME_LOWER', 'output_shape', 'pads']);
  // What no window reaches is filled up by some and left out by others: windows meet, but where they are padded by hand.
  const strides = reach.map((extent) => d.int(1, how === 'pads' ? 3 : Math.min(3, extent)));
  attributes.strides = strides;
  if (how === 'pads') {
    // No more is cut off than a window covers, so that something is left.
    attributes.pads = [...kernel, ...kernel].map((k) => d.int(0, Math.floor((k - 1) / 2)));
    if (d.flag()) attributes.output_padding = strides.map((stride) => d.int(0, stride - 1));
  } else if (how === 'output_shape')
    attributes.output_shape = spatial.map((extent, i) => (extent - 1) * strides[i]! + d.int(1, reach[i]!));
  else attributes.auto_pad = how;
  const x = d.floats([d.int(1, 2), groups * inner, ...spatial]);
  const w = d.floats([groups * inner, outer, ...kernel]);
  return made([x, w, ...(d.flag() ? [d.floats([groups * outer])] : [])], { opset: 11, attributes });
}

function pool(opset: number, extra: (d: Draw) => RandomNode['attributes'], dilated: boolean): Rule {
  return (d) => {
    const spatial = d.list(d.int(1, 3), () => d.int(1, 7));
    const { kernel, attributes } = window(d, spatial, { dilated });
    const x = d.floats([d.int(1, 2), d.int(1, 3), ...spatial]);
    return made([x], { opset, attributes: { ...attributes, kernel_shape: kernel, ...extra(d) } });
  };
}

function image(d: Draw, minSpatial = 1): Shape {
  return [d.int(1, 2), d.int(1, 4), ...d.list(d.int(minSpatial, 3), () => d.int(1, 4))];
}

function resize(d: Draw): RandomNode {
  const rank = d.int(1, 2);
  const spatial = d.list(rank, () => d.int(1, 6));
  const x = d.floats([1, d.int(1, 2), ...spatial]);
  const mode = d.pick(rank === 2 ? ['nearest', 'linear', 'cubic'] : ['nearest', 'linear']);
  const attributes: Record<string, AttributeInput> = {
    mode,
    coordinate_transformation_mode: d.pick(['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel']),
  };
  if (mode === 'cubic' && d.flag()) attributes.cubic_coeff_a = float(-0.5);
  if (mode === 'nearest')
    attributes.nearest_mode = d.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']);
  if (d.flag()) {
    const sizes = list(...x.tensor.type.shape.slice(0, 2), ...spatial.map(() => d.int(1, 9)));
    return made([x, undefined, undefined, sizes], { opset: 13, attributes });
  }
  const scales = Float32Array.from([1, 1, ...spatial.map(() => d.pick([0.5, 1, 1.5, 2, 2.5, 3]))]);
  scales.forEach((scale, i) => {
    if (Math.floor(x.tensor.type.shape[i]! * scale) === 0) scales[i] = 1;
  });
  const operand: RandomOperand = { tensor: { type: { dtype: 'f32', shape: [rank + 2] }, data: scales }, stored: true };
  return made([x, undefined, operand], { opset: 13, attributes });
}

/** LSTM (4 gates), GRU (3) or RNN (1). */
function recurrent(gates: number, attributes: (d: Draw, directions: number) => RandomNode['attributes']): Rule {
  return (d) => {
    const direction = d.pick(['forward', 'reverse', 'bidirectional']);
    const directions = direction === 'bidirectional' ? 2 : 1;
    const [steps, batch, size, hidden] = [d.int(1, 4), d.int(1, 3), d.int(1, 3), d.int(1, 3)];
    const w = stored(d.floats([directions, gates * hidden, size], -1, 1));
    const r = stored(d.floats([directions, gates * hidden, hidden], -1, 1));
    const bias = d.flag() ? stored(d.floats([directions, 2 * gates * hidden], -1, 1)) : undefined;
    const state = (): RandomOperand | undefined =>
      d.flag() ? d.floats([directions, batch, hidden], -1, 1) : undefined;
    const operands = [d.floats([steps, batch, size], -1, 1), w, r, bias, undefined, state()];
    if (gates === 4) operands.push(state(), d.flag() ? stored(d.floats([directions, 3 * hidden], -1, 1)) : undefined);
    while (operands.at(-1) === undefined) operands.pop();
    const common = { direction, hidden_size: hidden, ...(d.int(0, 3) === 0 && { clip: float(0.5) }) };
    return made(operands, {
      opset: 14,
      outputs: gates === 4 ? 3 : 2,
      attributes: { ...common, ...attributes(d, directions) },
    });
  };
}

function scatter(d: Draw, elements: boolean): RandomNode {
  const shape = d.shape(1, 3, false);
  const reduction = d.pick(['none', 'add', 'mul', 'min', 'max']);
  const attributes = reduction === 'none' && d.flag() ? {} : { reduction };
  const x = d.floats(shape);
  if (elements) {
    const axis = d.axis(shape.length);
    const front = axis < 0 ? axis + shape.length : axis;
    const updated = shape.map((extent) => d.int(1, extent));
    // Without a reduction no place may be named twice.
    const extent = shape[front]!;
    const index = reduction === 'none' ? distinct(d, updated, front, extent) : d.integers(updated, -extent, extent - 1);
    return made([x, index, d.floats(updated)], { opset: 18, attributes: { ...attributes, axis } });
  }
  const depth = d.int(1, shape.length);
  const rows = reduction === 'none' ? 1 : d.int(1, 4);
  const index: number[] = [];
  for (let row = 0; row < rows; row++) for (let i = 0; i < depth; i++) index.push(d.int(-shape[i]!, shape[i]! - 1));
  const indices: RandomOperand = {
    tensor: { type: { dtype: 'i64', shape: [rows, depth] }, data: index },
    stored: false,
  };
  return made([x, indices, d.floats([rows, ...shape.slice(depth)])], { opset: 18, attributes });
}

/** Indices below `extent` that differ along `axis`. */
function distinct(d: Draw, shape: Shape, axis: number, extent: number): RandomOperand {
  const inner = count(shape.slice(axis + 1));
  const order = d.shuffled(d.list(extent, (i) => i));
  const data = d.list(count(shape), (at) => order[Math.floor(at / inner) % shape[axis]!]!);
  return { tensor: { type: { dtype: 'i64', shape }, data }, stored: false };
}

function lossRule(softmax: boolean): Rule {
  return (d) => {
    const classes = d.int(1, 4);
    const spatial = d.list(d.int(0, 2), () => d.int(1, 3));
    const batch = d.int(1, 3);
    const weighted = d.flag();
    const attributes: Record<string, AttributeInput> = { reduction: d.pick(['none', 'sum', 'mean']) };
    const ignored = d.pick([undefined, -1, ...(classes > 1 ? [0] : [])]);
    if (ignored !== undefined) attributes.ignore_index = ignored;
    // The first target is not ignored: the mean over none is 0 / 0.
    const shape = [batch, ...spatial];
    const data = d.list(count(shape), (i) => (i === 0 ? classes - 1 : d.pick([d.int(0, classes - 1), ignored ?? 0])));
    const target: RandomOperand = { tensor: { type: { dtype: 'i64', shape }, data }, stored: false };
    const operands = [
      d.floats([batch, classes, ...spatial]),
      target,
      ...(weighted ? [d.floats([classes], 0.5, 2)] : []),
    ];
    return made(operands, { opset: 13, attributes, outputs: softmax ? 2 : 1 });
  };
}

const comparison: Rule = (d) => {
  const [a, b] = d.pair();
  const draw = (shape: Shape): RandomOperand => (integers ? d.integers(shape, -2, 2) : d.corners(shape));
  const integers = d.flag();
  return made([draw(a), draw(b)], { opset: 16 });
};

const logical: Rule = binary((d, shape) => d.bools(shape), { opset: 7 });

/** Every element type that may stand in a movement. */
function any(d: Draw, shape: Shape): RandomOperand {
  if (!d.whole()) return d.floats(shape);
  return d.flag() ? d.integers(shape, -9, 9) : d.bools(shape);
}

/** By position, or with positions' rows given. */
function rotaryEmbedding(d: Draw): RandomNode {
  const [batch, heads, sequence, size] = [d.int(1, 2), d.int(1, 3), d.int(1, 4), 2 * d.int(1, 4)];
  const part = d.flag() ? 0 : 2 * d.int(1, size / 2);
  const flat = d.flag();
  const x = d.floats(flat ? [batch, sequence, heads * size] : [batch, heads, sequence, size]);
  const pairs = (part === 0 ? size : part) / 2;
  const listed = d.flag();
  const rows = listed ? [sequence + 3, pairs] : [batch, sequence, pairs];
  const positions = listed ? [d.integers([batch, sequence], 0, sequence + 2)] : [];
  const attributes = {
    ...(d.flag() ? { interleaved: d.bit() } : {}),
    ...(part === 0 ? {} : { rotary_embedding_dim: part }),
    ...(flat || part !== 0 ? { num_heads: heads } : {}),
  };
  return made([x, d.floats(rows, -1, 1), d.floats(rows, -1, 1), ...positions], { opset: 23, attributes });
}

/** onnxruntime's, in the standard's domain. */
function simplifiedLayerNormalization(d: Draw): RandomNode {
  const shape = d.shape(1, 3, false);
  const attributes = d.flag() ? {} : { axis: -1, epsilon: float(1e-3) };
  return made([d.floats(shape), d.floats(shape.slice(-1))], { opset: 17, attributes });
}

/** Of images, since opset 20 also of lines and volumes, some points outside. */
function gridSample(d: Draw): RandomNode {
  const opset = d.pick([16, 20]);
  const rank = opset === 16 ? 2 : d.int(2, 3);
  const batch = d.int(1, 2);
  const x = d.floats([batch, d.int(1, 2), ...d.list(rank, () => d.int(1, 4))]);
  const grid = d.floats([batch, ...d.list(rank, () => d.int(1, 3)), rank], -1.5, 1.5);
  const modes =
    opset === 16
      ? ['bilinear', 'nearest', 'bicubic']
      : rank === 2
        ? ['linear', 'nearest', 'cubic']
        : ['linear', 'nearest'];
  const mode = d.pick(modes);
  // Of cubic borders PyTorch and onnxruntime have two opinions.
  const padding_mode = d.pick(mode.endsWith('cubic') ? ['zeros', 'reflection'] : ['zeros', 'border', 'reflection']);
  const all = { mode, padding_mode, align_corners: d.bit() };
  return made([x, grid], { opset, attributes: d.int(0, 4) === 0 ? {} : all });
}

/** By ONNX operator. */
export const randomNodes: Readonly<Record<string, Rule>> = {
  Abs: (d) => (d.whole() ? made([d.integers(d.shape(0, 3), -9, 9)]) : unary(13)(d)),
  Acos: unary(7, [-1, 1]),
  Acosh: unary(9, [1, 3]),
  Add: mixed(),
  And: logical,
  ArgMax: argument,
  ArgMin: argument,
  Asin: unary(7, [-1, 1]),
  Asinh: unary(9, [-3, 3]),
  Atan: unary(7),
  Atanh: unary(9, [-0.9, 0.9]),
  AveragePool: pool(19, (d) => ({ count_include_pad: d.bit(), ceil_mode: d.bit() }), true),
  BatchNormalization: (d) => {
    const shape = image(d, 0);
    const perChannel = (low: number): RandomOperand => stored(d.floats([shape[1]!], low, 2));
    const operands = [d.floats(shape), perChannel(-1), perChannel(-1), perChannel(-1), perChannel(0.1)];
    return made(operands, { opset: 15, attributes: d.flag() ? {} : { epsilon: float(0.01) } });
  },
  Cast: (d) => {
    const shape = d.shape(0, 3);
    // Not beyond the target's range: what happens there is not defined.
    return made([any(d, shape)], { opset: 13, attributes: { to: d.smooth ? 1 : d.pick([1, 6, 7, 9]) } });
  },
  CastLike: (d) => {
    const shape = d.shape(0, 3);
    return made([any(d, shape), any(d, [d.int(0, 2)])], { opset: 19 });
  },
  Attention: (d) => {
    const [batch, queries, keys, size, width] = d.list(5, () => d.int(1, 3));
    const groups = d.int(1, 2);
    const heads = groups * d.int(1, 2);
    const mask = d.pick([undefined, d.floats([queries!, keys!]), d.floats([batch!, 1, queries!, keys!])]);
    const operands = [
      d.floats([batch!, heads, queries!, size!]),
      d.floats([batch!, groups, keys!, size!]),
      d.floats([batch!, groups, keys!, width!]),
      ...(mask === undefined ? [] : [mask]),
    ];
    const scale = d.flag() ? {} : { scale: float(0.5) };
    return made(operands, { opset: 23, attributes: { is_causal: mask === undefined ? d.bit() : 0, ...scale } });
  },
  Ceil: unary(13),
  Celu: unary(12, [-3, 3], drawnFloat('alpha', 0.5, 2)),
  Clip: (d) => {
    const bound = (low: number): RandomOperand | undefined =>
      d.flag() ? undefined : d.pick([single(low + d.int(0, 2), 'f32'), { ...single(low, 'f32'), stored: false }]);
    const operands = [d.corners(d.shape(0, 3)), bound(-2), bound(0)];
    while (operands.at(-1) === undefined) operands.pop();
    return made(operands, { opset: 13 });
  },
  Concat: (d) => {
    const shape = d.shape(1, 4);
    const axis = d.axis(shape.length);
    const front = axis < 0 ? axis + shape.length : axis;
    const parts = d.list(d.int(1, 4), () => d.floats(shape.with(front, d.int(0, 3))));
    return made(parts, { opset: 13, attributes: { axis } });
  },
  ConstantOfShape: (d) => made([list(...d.shape(0, 3))], { opset: 9 }),
  Conv: conv,
  ConvTranspose: convTranspose,
  Cos: unary(7, [-9, 9]),
  Cosh: unary(9, [-3, 3]),
  CumSum: (d) => {
    const shape = d.shape(1, 4);
    const attributes = { exclusive: d.bit(), reverse: d.bit() };
    return made([d.floats(shape), single(d.axis(shape.length))], { opset: 14, attributes });
  },
  DepthToSpace: (d) => {
    const block = d.int(1, 3);
    const shape = [d.int(1, 2), block * block * d.int(1, 2), d.int(1, 3), d.int(1, 3)];
    return made([d.floats(shape)], { opset: 13, attributes: { blocksize: block, mode: d.pick(['DCR', 'CRD']) } });
  },
  Div: mixed(true),
  Dropout: (d) => made([d.corners(d.shape(0, 3))], { opset: 13, outputs: d.int(1, 2) }),
  Einsum: (d) => {
    const [i, j, k, b] = d.list(4, () => d.int(1, 3));
    const cases: [string, Shape[]][] = [
      [
        'ij,jk->ik',
        [
          [i!, j!],
          [j!, k!],
        ],
      ],
      [
        'bij,bjk->bik',
        [
          [b!, i!, j!],
          [b!, j!, k!],
        ],
      ],
      [
        'bij,bkj->bik',
        [
          [b!, i!, j!],
          [b!, k!, j!],
        ],
      ],
      ['ij->ji', [[i!, j!]]],
      ['ij->i', [[i!, j!]]],
      ['ii->i', [[i!, i!]]],
      ['ii', [[i!, i!]]],
      ['i,j->ij', [[i!], [j!]]],
      [
        'ij,ij->',
        [
          [i!, j!],
          [i!, j!],
        ],
      ],
      [
        'bi,bj,bk->bijk',
        [
          [b!, i!],
          [b!, j!],
          [b!, k!],
        ],
      ],
      [
        'ij,jk,kb->ib',
        [
          [i!, j!],
          [j!, k!],
          [k!, b!],
        ],
      ],
      [
        '...ij,...jk->...ik',
        [
          [b!, i!, j!],
          [1, j!, k!],
        ],
      ],
      ['...i->...', [[b!, j!, i!]]],
      [
        'bhqd,bhkd->bhqk',
        [
          [b!, 2, i!, j!],
          [b!, 2, k!, j!],
        ],
      ],
    ];
    const [equation, shapes] = d.pick(cases);
    return made(
      shapes.map((shape) => d.floats(shape)),
      { opset: 12, attributes: { equation } },
    );
  },
  Elu: unary(6, [-3, 3], drawnFloat('alpha', 0.5, 2)),
  Equal: comparison,
  Erf: unary(13),
  Exp: unary(13),
  Expand: (d) => {
    const [a, b] = d.pair();
    return made([any(d, a), list(...b)], { opset: 13 });
  },
  EyeLike: (d) => made([d.floats(d.shape(2, 2, false))], { opset: 9, attributes: { k: d.int(-3, 3) } }),
  Flatten: (d) => {
    const shape = d.shape(0, 4);
    const rank = shape.length;
    return made([any(d, shape)], { opset: 13, attributes: d.flag() && rank > 0 ? {} : { axis: d.int(-rank, rank) } });
  },
  Floor: unary(13),
  GRU: recurrent(3, (d) => ({ linear_before_reset: d.bit() })),
  Gather: (d) => {
    const shape = d.shape(1, 3, false);
    const axis = d.axis(shape.length);
    const extent = shape.at(axis)!;
    return made([any(d, shape), d.integers(d.shape(0, 2), -extent, extent - 1, d.pick(['i64', 'i32']))], {
      opset: 13,
      attributes: { axis },
    });
  },
  GatherElements: (d) => {
    const shape = d.shape(1, 3, false);
    const axis = d.axis(shape.length);
    const extent = shape.at(axis)!;
    const index = shape.map((size, i) => (i === (axis + shape.length) % shape.length ? d.int(0, 4) : d.int(1, size)));
    return made([any(d, shape), d.integers(index, -extent, extent - 1)], { opset: 13, attributes: { axis } });
  },
  GatherND: (d) => {
    const shape = d.shape(2, 4, false);
    const batch = d.int(0, 1);
    const depth = d.int(1, shape.length - batch);
    const rows = [...shape.slice(0, batch), ...d.list(d.int(0, 2), () => d.int(1, 3))];
    const data: number[] = [];
    for (let row = 0; row < count(rows); row++)
      for (let i = 0; i < depth; i++) data.push(d.int(-shape[batch + i]!, shape[batch + i]! - 1));
    const indices: RandomOperand = { tensor: { type: { dtype: 'i64', shape: [...rows, depth] }, data }, stored: false };
    return made([any(d, shape), indices], { opset: 13, attributes: { batch_dims: batch } });
  },
  Gelu: unary(20, [-4, 4], (d) => ({ approximate: d.pick(['none', 'tanh']) })),
  Gemm: (d) => {
    const [m, n, k] = d.list(3, () => d.int(1, 4));
    const [transA, transB] = [d.bit(), d.bit()];
    const bias = d.pick<Shape>([[], [1], [n!], [m!, 1], [1, n!], [m!, n!]]);
    const operands = [
      d.floats(transA === 1 ? [k!, m!] : [m!, k!]),
      d.floats(transB === 1 ? [n!, k!] : [k!, n!]),
      ...(d.flag() ? [d.floats(bias)] : []),
    ];
    const scales = { alpha: float(d.pick([1, 0.5, 0])), beta: float(d.pick([1, 2, 0])) };
    return made(operands, { opset: 13, attributes: { transA, transB, ...(d.flag() && scales) } });
  },
  GlobalAveragePool: (d) => made([d.floats(image(d))], { opset: 1 + 6 }),
  GlobalMaxPool: (d) => made([d.floats(image(d))], { opset: 7 }),
  GlobalLpPool: (d) => made([d.floats(image(d))], { opset: 7, attributes: { p: d.int(1, 3) } }),
  Greater: comparison,
  GreaterOrEqual: comparison,
  GridSample: gridSample,
  GroupNormalization: (d) => {
    const groups = d.int(1, 2);
    const shape = [...image(d), 2].with(1, groups * d.int(1, 2));
    const channels = shape[1]!;
    return made([d.floats(shape), d.floats([channels]), d.floats([channels])], {
      opset: 21,
      attributes: { num_groups: groups },
    });
  },
  HardSigmoid: unary(6, [-3, 3], drawnFloat('alpha', 0.1, 1)),
  HardSwish: unary(14, [-5, 5]),
  Identity: (d) => made([any(d, d.shape(0, 4))], { opset: 16 }),
  InstanceNormalization: (d) => {
    const shape = [...image(d), 2];
    return made([d.floats(shape), d.floats([shape[1]!]), d.floats([shape[1]!])], { opset: 7 });
  },
  IsInf: unary(10, undefined, (d) => ({ detect_negative: d.bit(), detect_positive: d.bit() })),
  IsNaN: unary(13),
  LRN: (d) => {
    const scales = d.flag() ? {} : { alpha: float(0.1), beta: float(0.5), bias: float(2) };
    return made([d.floats([1, d.int(1, 5), d.int(1, 3), d.int(1, 3)])], {
      opset: 13,
      attributes: { size: d.pick([1, 3, 5]), ...scales },
    });
  },
  LSTM: recurrent(4, () => ({})),
  LayerNormalization: (d) => {
    const shape = [...d.shape(0, 3, false), d.int(2, 4)];
    const axis = d.axis(shape.length);
    const inner = shape.slice(axis < 0 ? axis + shape.length : axis);
    const bias = d.flag() ? [d.floats(inner)] : [];
    const operands = [d.floats(shape), d.floats(inner), ...bias];
    return made(operands, { opset: 17, outputs: d.pick([1, 3]), attributes: { axis } });
  },
  LeakyRelu: unary(6, [-3, 3], drawnFloat('alpha', 0, 1)),
  Less: comparison,
  LessOrEqual: comparison,
  Log: unary(13, [0.01, 5]),
  LogSoftmax: softmaxRule,
  LpNormalization: (d) => {
    const shape = d.shape(1, 4, false);
    return made([d.floats(shape)], { opset: 7, attributes: { axis: d.axis(shape.length), p: d.int(1, 2) } });
  },
  LpPool: pool(11, (d) => ({ p: d.int(1, 3) }), false),
  MatMul: (d) => {
    const [m, n, k] = [d.int(0, 4), d.int(0, 4), d.int(1, 4)];
    const [a, b] = d.pair(false);
    const left = d.pick<Shape>([[k], [...a.slice(-2), m, k]]);
    const right = d.pick<Shape>([[k], [...b.slice(-2), k, n]]);
    return made([d.floats(left), d.floats(right)], { opset: 13 });
  },
  Max: variadic(true),
  MaxPool: (d) => {
    const drawn = pool(12, (draw) => ({ ceil_mode: draw.bit() }), true)(d);
    return { ...drawn, outputs: d.int(1, 2) };
  },
  Mean: variadic(false),
  MeanVarianceNormalization: (d) => {
    // At least two elements are averaged: the variance of one is rounding noise.
    const shape = d.list(4, () => d.int(2, 4));
    return made([d.floats(shape)], { opset: 13, attributes: d.flag() ? {} : { axes: d.axes(4, 1) } });
  },
  Min: variadic(true),
  Mish: unary(18, [-4, 4]),
  Mod: (d) => {
    const [a, b] = d.pair();
    if (!d.whole()) return made([d.floats(a), d.floats(b, 0.5, 3)], { opset: 13, attributes: { fmod: 1 } });
    const divisor = d.flag() ? d.integers(b, 1, 5) : d.integers(b, -5, -1);
    return made([d.integers(a, -9, 9), divisor], { opset: 13, attributes: { fmod: d.bit() } });
  },
  Mul: mixed(),
  Neg: (d) => (d.whole() ? made([d.integers(d.shape(0, 3), -9, 9)]) : unary(13)(d)),
  NegativeLogLikelihoodLoss: lossRule(false),
  Not: (d) => made([d.bools(d.shape(0, 3))], { opset: 7 }),
  OneHot: (d) => {
    const shape = d.shape(1, 2);
    const depth = d.int(1, 4);
    const values = stored(operandOf([0.5, -2]));
    return made([d.integers(shape, -depth - 1, depth), single(depth), values], {
      opset: 11,
      attributes: d.flag() ? {} : { axis: d.axis(shape.length + 1) },
    });
  },
  Or: logical,
  QuantizeLinear: (d) => {
    const shape = d.shape(1, 3);
    const zero = d.flag() ? [single(d.int(0, 9), d.pick(['u8', 'i8']))] : [];
    if (d.flag()) return made([d.floats(shape), single(d.pick([0.5, 0.1, 0.01]), 'f32'), ...zero], { opset: 13 });
    const axis = d.int(0, shape.length - 1);
    const operands = [d.floats(shape), d.floats([shape[axis]!], 0.1, 1)];
    return made(operands, { opset: 13, attributes: { axis: d.flag() ? axis : axis - shape.length } });
  },
  DequantizeLinear: (d) => {
    const shape = d.shape(1, 3);
    const dtype = d.pick(['u8', 'i8'] as const);
    const x = operand(dtype, shape, () => d.int(0, 100));
    if (d.flag()) return made([x, d.floats([], 0.1, 1), single(d.int(0, 9), dtype)], { opset: 13 });
    const axis = d.int(0, shape.length - 1);
    const zeros = operand(dtype, [shape[axis]!], () => d.int(0, 9));
    return made([d.flag() ? stored(x) : x, d.floats([shape[axis]!], 0.1, 1), zeros], {
      opset: 13,
      attributes: { axis },
    });
  },
  PRelu: (d) => {
    const shape = d.shape(0, 4);
    const slope = shape.map((extent) => (d.int(0, 2) === 0 ? 1 : extent)).slice(d.int(0, shape.length));
    return made([d.floats(shape), d.floats(slope)], { opset: 16 });
  },
  Pad: (d) => {
    const shape = d.shape(1, 3, false);
    const mode = d.pick(['constant', 'edge', 'reflect', 'wrap']);
    const axes = d.flag() ? undefined : d.axes(shape.length, 1);
    const extents = axes === undefined ? shape : axes.map((axis) => shape.at(axis)!);
    // Constant padding may cut off from one end; the other modes take from what is there.
    const begins = extents.map((extent) =>
      d.int(mode === 'constant' ? -extent : 0, mode === 'constant' ? 3 : extent - 1),
    );
    const ends = extents.map((extent) => d.int(0, mode === 'constant' ? 3 : extent - 1));
    const pads = [...begins, ...ends];
    const value = mode === 'constant' && d.flag() ? single(1.5, 'f32') : undefined;
    const operands = [d.floats(shape), list(...pads), value, axes === undefined ? undefined : list(...axes)];
    while (operands.at(-1) === undefined) operands.pop();
    return made(operands, { opset: 19, attributes: { mode } });
  },
  Pow: (d) => {
    const [a, b] = d.pair();
    if (d.whole()) return made([d.integers(a, -4, 4), d.integers(b, 0, 3)], { opset: 15 });
    if (d.whole()) return made([d.corners(a), d.integers(b, -2, 3)], { opset: 15 });
    const exponent = d.flag() ? d.floats(b, -2, 2) : single(d.pick([0, 0.5, 1, 2, 3, -1]), 'f32');
    return made([d.floats(a, 0.1, 3), exponent], { opset: 15 });
  },
  RMSNormalization: (d) => {
    const shape = d.shape(1, 4, false);
    const axis = d.axis(shape.length);
    return made([d.floats(shape), d.floats(shape.slice(axis < 0 ? axis + shape.length : axis))], {
      opset: 23,
      attributes: { axis },
    });
  },
  RNN: recurrent(1, (d, directions) =>
    d.flag() ? {} : { activations: d.list(directions, () => d.pick(['Tanh', 'Relu', 'Sigmoid'])) },
  ),
  Range: (d) => {
    if (d.flag())
      return made([single(d.int(-4, 4)), single(d.int(-4, 9)), single(d.pick([-2, -1, 1, 2, 3]))], { opset: 11 });
    const number = (value: number): RandomOperand => single(value, 'f32');
    return made([number(d.int(-2, 2)), number(d.int(-2, 4)), number(d.pick([0.5, -0.5, 0.75]))], { opset: 11 });
  },
  Reciprocal: unary(13),
  ReduceL1: reduction(18, someFloats),
  ReduceL2: reduction(18, someFloats),
  ReduceLogSum: reduction(18, (d, shape) => d.floats(shape, 0.1, 3)),
  ReduceLogSumExp: reduction(18, someFloats),
  ReduceMax: reduction(18, (d, shape) => (d.whole() ? d.integers(shape, -9, 9) : d.ties(shape))),
  ReduceMean: reduction(18, someFloats),
  ReduceMin: reduction(18, (d, shape) => (d.whole() ? d.integers(shape, -9, 9) : d.ties(shape))),
  ReduceProd: reduction(18, someFloats),
  ReduceSum: reduction(13, (d, shape) => (d.whole() ? d.integers(shape, -9, 9) : d.floats(shape))),
  ReduceSumSquare: reduction(18, someFloats),
  Relu: unary(13),
  Reshape: (d) => {
    const shape = d.shape(1, 4);
    // With extents of 0 none may be left open, and 0 must stand for itself.
    if (shape.includes(0))
      return made([any(d, shape), list(...d.shuffled(shape))], { opset: 14, attributes: { allowzero: 1 } });
    const kept = d.int(0, shape.length);
    const target = [...shape.slice(0, kept).map((extent) => (d.flag() ? 0 : extent)), ...d.shuffled(shape.slice(kept))];
    const open = d.int(0, target.length - 1);
    return made([any(d, shape), list(...(d.flag() ? target.with(open, -1) : target))], { opset: 13 });
  },
  Resize: resize,
  RotaryEmbedding: rotaryEmbedding,
  Round: unary(11),
  ScatterElements: (d) => scatter(d, true),
  ScatterND: (d) => scatter(d, false),
  Selu: unary(6, [-3, 3]),
  Shape: (d) => {
    const shape = d.shape(0, 4);
    const bound = (): number => d.int(-6, 6);
    return made([d.floats(shape)], { opset: 15, attributes: d.flag() ? {} : { start: bound(), end: bound() } });
  },
  Shrink: unary(9, [-3, 3], drawnFloat('bias', 0, 1)),
  Sigmoid: unary(13),
  Sign: unary(13),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  Sin: unary(7, [-9, 9]),
  Sinh: unary(9, [-3, 3]),
  Size: (d) => made([d.floats(d.shape(0, 4))], { opset: 13 }),
  Slice: (d) => {
    const shape = d.shape(1, 4);
    const axes = d.axes(shape.length, 1);
    const steps = axes.map(() => d.pick([1, 2, 3, -1, -2]));
    const starts = axes.map(() => d.pick([d.int(-6, 6), d.int(-6, 6), 2 ** 31 - 1, -(2 ** 31)]));
    // "As far as there is" is the largest number forwards, and the smallest backwards.
    const ends = steps.map((step) => d.pick([d.int(-6, 6), step > 0 ? 2 ** 31 - 1 : -(2 ** 31)]));
    return made([any(d, shape), list(...starts), list(...ends), list(...axes), list(...steps)], { opset: 13 });
  },
  Softmax: softmaxRule,
  SoftmaxCrossEntropyLoss: lossRule(true),
  Softplus: unary(6, [-9, 9]),
  Softsign: unary(6, [-9, 9]),
  SpaceToDepth: (d) => {
    const block = d.int(1, 3);
    const shape = [d.int(1, 2), d.int(1, 3), block * d.int(1, 2), block * d.int(1, 2)];
    return made([d.floats(shape)], { opset: 13, attributes: { blocksize: block } });
  },
  Split: (d) => {
    const sizes = d.list(d.int(1, 3), () => d.int(0, 3));
    const shape = d.shape(1, 3);
    const axis = d.axis(shape.length);
    const front = axis < 0 ? axis + shape.length : axis;
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (d.flag())
      return made([any(d, shape.with(front, total)), list(...sizes)], {
        opset: 13,
        outputs: sizes.length,
        attributes: { axis },
      });
    // The last part may be smaller, but not empty.
    const parts = d.int(1, 3);
    return made([any(d, shape.with(front, parts * 2 - (parts > 1 ? d.bit() : 0)))], {
      opset: 18,
      outputs: parts,
      attributes: { axis, num_outputs: parts },
    });
  },
  Sqrt: unary(13, [0, 9]),
  Squeeze: (d) => {
    const shape = d.shape(1, 4).map((extent) => (d.flag() ? 1 : extent));
    const ones = shape.flatMap((extent, axis) =>
      extent === 1 && d.flag() ? [d.flag() ? axis : axis - shape.length] : [],
    );
    return made(ones.length === 0 ? [any(d, shape)] : [any(d, shape), list(...ones)], { opset: 13 });
  },
  Sub: mixed(),
  Sum: variadic(false),
  Swish: unary(24, [-4, 4], drawnFloat('alpha', 0.5, 2)),
  Tan: unary(7, [-1.4, 1.4]),
  Tanh: unary(13),
  ThresholdedRelu: unary(10, [-3, 3], drawnFloat('alpha', 0, 2)),
  Tile: (d) => {
    const shape = d.shape(1, 4);
    return made([any(d, shape), list(...shape.map(() => d.int(0, 3)))], { opset: 13 });
  },
  TopK: (d) => {
    const shape = d.shape(1, 3, false);
    const axis = d.axis(shape.length);
    const attributes = { axis, largest: d.bit(), sorted: 1 };
    return made([d.ties(shape), list(d.int(0, shape.at(axis)!))], { opset: 11, outputs: 2, attributes });
  },
  Transpose: (d) => {
    const shape = d.shape(0, 4);
    return made([any(d, shape)], {
      opset: 13,
      attributes: d.flag() || shape.length === 0 ? {} : { perm: d.shuffled(shape.map((_, i) => i)) },
    });
  },
  Trilu: (d) => {
    const k = d.flag() ? [] : [single(d.int(-5, 5))];
    return made([d.floats(d.shape(2, 4)), ...k], { opset: 14, attributes: d.flag() ? {} : { upper: d.bit() } });
  },
  Unsqueeze: (d) => {
    const shape = d.shape(0, 3);
    const added = d.int(1, 2);
    const rank = shape.length + added;
    const axes = d.shuffled(d.list(rank, (i) => i)).slice(0, added);
    return made([any(d, shape), list(...axes.map((axis) => (d.flag() ? axis : axis - rank)))], { opset: 13 });
  },
  Upsample: (d) => {
    const scales = Float32Array.of(1, 1, d.pick([1, 2, 3]), d.pick([1, 2, 1.5]));
    const operand: RandomOperand = { tensor: { type: { dtype: 'f32', shape: [4] }, data: scales }, stored: true };
    return made([d.floats([1, 2, d.int(1, 3), d.int(1, 3)]), operand], {
      opset: 9,
      attributes: { mode: d.pick(['nearest', 'linear']) },
    });
  },
  Where: (d) => {
    const [a, b] = d.pair();
    const shapes = d.shuffled([a, b, d.pick<Shape>([[], a])]);
    return made([d.bools(shapes[0]!), d.floats(shapes[1]!), d.floats(shapes[2]!)], { opset: 16 });
  },
  Xor: logical,
};

function operandOf(data: readonly number[]): RandomOperand {
  return { tensor: { type: { dtype: 'f32', shape: [data.length] }, data: Float32Array.from(data) }, stored: false };
}
