/**
 * ModelBuilder: a model in a few lines of TypeScript, shapes checked as it is called.
 *
 *   const m = new ModelBuilder('mlp');
 *   const x = m.input('x', [32, 64]);
 *   const h = m.tanh(m.linear(x, 16));
 *   m.loss(m.crossEntropy(m.linear(h, 10), m.input('y', [32], 'i64')));
 *   export const model = m.finish();
 *
 * It only names ops and makes weights; every rule about shapes is the op's own.
 */

import { attributeFaults } from '../../analysis/verify/ops.ts';
import { wrongArgument } from '../../ir/arguments.ts';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import {
  type Attributes,
  type DType,
  elementCount,
  formatType,
  type Graph,
  type Model,
  type TensorType,
  type Value,
} from '../../ir/graph.ts';
import { GraphBuilder } from '../../ir/graph-builder.ts';
import type { Op } from '../../ir/op.ts';
import { add, divide, multiply, subtract } from '../../ops/binary.ts';
import { opNamed } from '../../ops/table.ts';
import { classScores, requireClasses } from '../class-scores.ts';
import { callSite } from './call-site.ts';
import { heUniform } from './initial-weights.ts';
import { ownAttributes, ownData, ownName, ownOptions, ownType } from './own-arguments.ts';
import { builderOf, own } from './owners.ts';

/** A model with what the builder knows beyond the graph. */
export interface BuiltModel extends Model {
  /** Names of the scalar values to differentiate. */
  readonly losses: readonly string[];
  /** Names of values marked by `checkpoint`, for the strategy `manual`. */
  readonly checkpoints: readonly string[];
  /** What its author may want to know. */
  readonly notes: readonly Diagnostic[];
}

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros on every side; default keeps the extent of odd kernels at stride 1. */
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly name?: string;
}

export interface PoolOptions {
  readonly stride?: number;
  readonly padding?: number;
}

export class ModelBuilder {
  private readonly graph: GraphBuilder;
  private readonly losses: string[] = [];
  private readonly checkpoints: string[] = [];
  private readonly notes: Diagnostic[] = [];
  private readonly seed: number;
  private sites = 0;
  private rng: Value | undefined;
  private readonly updates: (() => void)[] = [];

  /** `seed` makes the initial weights. What is handed to a builder is copied: it may be changed afterwards. */
  constructor(name: string, options?: { readonly seed?: number }) {
    this.graph = new GraphBuilder(ownName('new ModelBuilder', name));
    this.seed = ownOptions('new ModelBuilder', options).seed ?? 0;
  }

  input(name: string, shape: readonly number[], dtype: DType = 'f32'): Value {
    return own(this.graph.resident('input', ownName('input', name), ownType('input', shape, dtype)), this);
  }

  /** A weight. Without `data` it is drawn uniformly by He's rule, its first extent being the outputs. */
  parameter(name: string, shape: readonly number[], data?: ArrayLike<number> & Iterable<number>): Value {
    const type = ownType('parameter', shape, 'f32');
    const numbers =
      data === undefined ? heUniform(ownName('parameter', name), type.shape, this.seed) : ownData(name, type, data);
    return own(this.graph.resident('parameter', ownName('parameter', name), type, numbers), this);
  }

  constant(shape: readonly number[], data: ArrayLike<number> & Iterable<number>, dtype: DType = 'f32'): Value {
    const type = ownType('constant', shape, dtype);
    return own(this.graph.constant(type, ownData('constant', type, data)), this);
  }

  /** Applies any op of the table by its name: what the methods below do not cover. All results. */
  apply(op: string, operands: readonly Value[], attributes: Attributes, name?: string): readonly Value[] {
    if (typeof op !== 'string') throw wrongArgument('apply', 'the name of an op', op);
    const applied = opNamed(op);
    if (!Array.isArray(operands)) throw wrongArgument(op, 'a list of values', operands);
    for (const operand of operands) this.typeOf(operand);
    const owned = ownAttributes(op, attributes);
    const source = callSite();
    const faults = attributeFaults(applied, owned);
    if (faults.length > 0) throw new SublinearError(faults.map((fault) => ({ ...fault, ...(source && { source }) })));
    this.graph.stamp.source = source;
    const hint = name === undefined ? undefined : ownName(op, name);
    const results = this.emitAll(applied, [...operands], owned, hint);
    for (const result of results) own(result, this);
    return Object.freeze(results);
  }

  /** What trips over operands of a wrong number or kind has said so in its own words, or is said so here. */
  private emitAll(op: Op, operands: readonly Value[], attributes: Attributes, name?: string): readonly Value[] {
    try {
      return this.graph.emitAll(op, operands, attributes, name);
    } catch (error) {
      if (error instanceof SublinearError) throw error;
      const types = operands.map(({ type }) => formatType(type)).join(', ');
      throw new SublinearError({
        code: 'shape-mismatch',
        message: `${op.name}(${types}): the operands are too few or of the wrong kind`,
        ...(this.graph.stamp.source !== undefined && { source: this.graph.stamp.source }),
        hint: `${op.name}: ${op.doc}`,
      });
    }
  }

  /** The type of a value of this builder. Throws `SublinearError` for anything else. */
  private typeOf(x: Value): TensorType {
    if (builderOf(x) === this) return x.type;
    throw new SublinearError({
      code: 'foreign-value',
      message: `${JSON.stringify(x.name)} belongs to another ModelBuilder`,
      hint: 'a model is made by one builder: values of two cannot be mixed',
    });
  }

  private first(op: string, operands: readonly Value[], attributes: Attributes = {}, name?: string): Value {
    return this.apply(op, operands, attributes, name)[0]!;
  }

  add = (a: Value, b: Value): Value => this.first(add.name, [a, b]);
  subtract = (a: Value, b: Value): Value => this.first(subtract.name, [a, b]);
  multiply = (a: Value, b: Value): Value => this.first(multiply.name, [a, b]);
  divide = (a: Value, b: Value): Value => this.first(divide.name, [a, b]);
  scale = (x: Value, factor: number): Value => this.first('scale', [x], { factor });
  relu = (x: Value): Value => this.first('relu', [x]);
  tanh = (x: Value): Value => this.first('tanh', [x]);
  sigmoid = (x: Value): Value => this.first('sigmoid', [x]);
  gelu = (x: Value): Value => this.first('gelu', [x], { approximate: 'none' });
  exp = (x: Value): Value => this.first('exp', [x]);
  square = (x: Value): Value => this.first('square', [x]);

  /** Negative axes count from the last. */
  softmax(x: Value, axis = -1): Value {
    return this.first('softmax', [x], { axis: fromEnd(axis, this.typeOf(x)) });
  }

  /** Matrix product of the last two dimensions; the leading ones broadcast. */
  matmul(a: Value, b: Value, options?: { readonly transposeA?: boolean; readonly transposeB?: boolean }): Value {
    const { transposeA = false, transposeB = false } = ownOptions('matmul', options);
    return this.first('matmul', [a, b], { transpose_a: transposeA, transpose_b: transposeB });
  }

  /** `x W^T + b` over the last dimension. */
  linear(x: Value, outputs: number, options?: { readonly bias?: boolean; readonly name?: string }): Value {
    const given = ownOptions('linear', options);
    const inputs = this.typeOf(x).shape.at(-1);
    if (inputs === undefined)
      throw new SublinearError({
        code: 'shape-mismatch',
        message: `linear needs at least one dimension; ${JSON.stringify(x.name)} is a scalar`,
      });
    const name = this.layerName(given.name ?? 'linear');
    const weight = this.parameter(`${name}.weight`, [outputs, inputs]);
    const bias = given.bias === false ? [] : [this.parameter(`${name}.bias`, [outputs], new Float32Array(outputs))];
    return this.first('matmul', [x, weight, ...bias], { transpose_a: false, transpose_b: true }, name);
  }

  /** Convolution with square kernels of `x` [batch, channels, height, width]. */
  conv2d(x: Value, channels: number, kernel: number, options?: ConvOptions): Value {
    const given = ownOptions('conv2d', options);
    const { stride = 1, dilation = 1, groups = 1 } = given;
    const padding = given.padding ?? Math.floor((dilation * (kernel - 1)) / 2);
    const inputs = this.typeOf(x).shape[1] ?? 0;
    if (inputs % groups !== 0)
      throw new SublinearError({
        code: 'shape-mismatch',
        message: `conv2d: the ${inputs} channels of ${JSON.stringify(x.name)} (${formatType(x.type)}) do not make ${groups} groups`,
      });
    const name = this.layerName(given.name ?? 'conv');
    const weight = this.parameter(`${name}.weight`, [channels, inputs / groups, kernel, kernel]);
    const bias = given.bias === true ? [this.parameter(`${name}.bias`, [channels], new Float32Array(channels))] : [];
    const attributes = {
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      dilations: [dilation, dilation],
      groups,
    };
    return this.first('conv', [x, weight, ...bias], attributes, name);
  }

  /** Transposed convolution that multiplies height and width by `stride` (kernel = stride). */
  upsample2d(x: Value, channels: number, stride = 2): Value {
    const inputs = this.typeOf(x).shape[1] ?? 0;
    const name = this.layerName('upsample');
    const weight = this.parameter(`${name}.weight`, [inputs, channels, stride, stride]);
    const attributes = {
      strides: [stride, stride],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
      output_padding: [0, 0],
    };
    return this.first('conv_transpose', [x, weight], attributes, name);
  }

  /** Training-mode batch norm over all but dimension 1; its running statistics move once a step. */
  batchNorm(
    x: Value,
    options?: { readonly epsilon?: number; readonly momentum?: number; readonly name?: string },
  ): Value {
    const given = ownOptions('batchNorm', options);
    const { epsilon = 1e-5, momentum = 0.9 } = given;
    const channels = this.typeOf(x).shape[1] ?? 0;
    const name = this.layerName(given.name ?? 'batch_norm');
    const scale = this.parameter(`${name}.weight`, [channels], new Float32Array(channels).fill(1));
    const bias = this.parameter(`${name}.bias`, [channels], new Float32Array(channels));
    const [y, mean, inverse] = this.apply('batch_norm', [x, scale, bias], { epsilon }, name);
    const type: TensorType = { dtype: 'f32', shape: [channels] };
    const runningMean = this.graph.resident('state', `${name}.running_mean`, type, new Float32Array(channels));
    const runningVariance = this.graph.resident(
      'state',
      `${name}.running_var`,
      type,
      new Float32Array(channels).fill(1),
    );
    const source = callSite();
    this.updates.push(() => {
      this.graph.stamp.source = source;
      const operands = [runningMean, runningVariance, mean!, inverse!];
      this.graph.emitAll(opNamed('batch_norm_update'), operands, { momentum, epsilon }, `${name}.running_mean.new`);
    });
    return y!;
  }

  layerNorm(x: Value, options?: { readonly epsilon?: number; readonly name?: string }): Value {
    const given = ownOptions('layerNorm', options);
    const width = this.typeOf(x).shape.at(-1) ?? 1;
    const name = this.layerName(given.name ?? 'layer_norm');
    const scale = this.parameter(`${name}.weight`, [width], new Float32Array(width).fill(1));
    const bias = this.parameter(`${name}.bias`, [width], new Float32Array(width));
    const attributes = { axis: x.type.shape.length - 1, epsilon: given.epsilon ?? 1e-5 };
    return this.first('layer_norm', [x, scale, bias], attributes, name);
  }

  maxPool2d(x: Value, kernel: number, options?: PoolOptions): Value {
    return this.first('max_pool', [x], poolAttributes(kernel, ownOptions('maxPool2d', options)));
  }

  averagePool2d(x: Value, kernel: number, options?: PoolOptions): Value {
    const attributes = poolAttributes(kernel, ownOptions('averagePool2d', options));
    return this.first('average_pool', [x], { ...attributes, count_include_pad: true });
  }

  /** [batch, channels, height, width] -> [batch, channels] */
  globalAveragePool(x: Value): Value {
    return this.mean(x, [2, 3]);
  }

  /** Mean over `axes`; over all of them by default. */
  mean(x: Value, axes?: readonly number[]): Value {
    return this.first('reduce_mean', [x], { axes: axes ?? allAxes(this.typeOf(x)), keep_dims: false });
  }

  /** Sum over `axes`; over all of them by default. */
  sum(x: Value, axes?: readonly number[]): Value {
    return this.first('reduce_sum', [x], { axes: axes ?? allAxes(this.typeOf(x)), keep_dims: false });
  }

  /** One extent may be -1: what the others leave of the elements. */
  reshape(x: Value, shape: readonly number[]): Value {
    if (!Array.isArray(shape)) throw wrongArgument('reshape', 'a shape', shape);
    const known = shape.filter((extent) => extent !== -1);
    const inferred = elementCount(this.typeOf(x).shape) / elementCount(known);
    return this.first('reshape', [x], { shape: shape.map((extent) => (extent === -1 ? inferred : extent)) });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    return this.first('transpose', [x], { permutation });
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.first('concat', values, { axis });
  }

  /** A contiguous part of one dimension. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    return this.first('slice', [x], { axes: [axis], starts: [start], ends: [end], steps: [1] });
  }

  /** Rows of a new table [entries, width] at `indices`. */
  embedding(indices: Value, entries: number, width: number, name?: string): Value {
    this.typeOf(indices);
    const layer = this.layerName(name ?? 'embedding');
    return this.first('gather', [this.parameter(`${layer}.weight`, [entries, width]), indices], { axis: 0 }, layer);
  }

  /** Zeroes a share `ratio` of the elements, another share each step; the same in every recomputation. */
  dropout(x: Value, ratio: number): Value {
    this.rng ??= this.input('rng', [2], 'i32');
    return this.first('dropout', [x, this.rng], { ratio, site: this.sites++ });
  }

  /**
   * Mean cross entropy of scores [batch, classes, ...] and class numbers [batch, ...]. It has the softmax in it: of the
   * result of one it takes the scores before, and notes so (`BuiltModel.notes`).
   */
  crossEntropy(logits: Value, labels: Value): Value {
    this.typeOf(logits);
    requireClasses(logits);
    this.graph.stamp.source = callSite();
    const { value, notes } = classScores(logits, (made) => this.graph.producerOf(made), this.graph);
    this.notes.push(...notes);
    const attributes = { has_ignore: false, ignore_index: 0, reduction: 'mean', with_log_prob: false };
    return this.first('softmax_cross_entropy', [own(value, this), labels], attributes, 'cross_entropy');
  }

  /** Mean of squared differences. */
  meanSquaredError(a: Value, b: Value): Value {
    return this.mean(this.square(this.subtract(a, b)));
  }

  /** Marks a value to be kept by the strategy `manual`; returns it. */
  checkpoint(x: Value): Value {
    this.typeOf(x);
    this.checkpoints.push(x.name);
    return x;
  }

  /** A scalar to differentiate; several are added up. It is an output too. */
  loss(value: Value, name = 'loss'): Value {
    this.output(value, name);
    this.losses.push(value.name);
    return value;
  }

  output(value: Value, name?: string): Value {
    this.typeOf(value);
    this.graph.output(value, name === undefined ? value.name : ownName('output', name));
    return value;
  }

  /** The model so far; a builder may go on afterwards, and be finished again. */
  finish(): BuiltModel {
    this.graph.stamp.region = 'update';
    for (const update of this.updates.splice(0)) update();
    this.graph.stamp.region = 'forward';
    return {
      graph: forwardFirst(this.graph.finish()),
      weights: new Map(this.graph.weights),
      losses: [...this.losses],
      checkpoints: [...this.checkpoints],
      notes: [...this.notes],
    };
  }

  /** `conv`, `conv.1`, ...: the layer's name and its first result's. */
  private layerName(hint: string): string {
    return this.graph.freeName(hint);
  }
}

function fromEnd(axis: number, type: TensorType): number {
  return axis < 0 ? axis + type.shape.length : axis;
}

function allAxes({ shape }: TensorType): readonly number[] {
  return shape.map((_, axis) => axis);
}

/** Nodes that were added after a first `finish` belong before its updates. */
function forwardFirst(graph: Graph): Graph {
  const of = (isUpdate: boolean) => graph.nodes.filter((node) => (node.region === 'update') === isUpdate);
  return { ...graph, nodes: [...of(false), ...of(true)] };
}

function poolAttributes(kernel: number, options: PoolOptions) {
  const { stride = kernel, padding = 0 } = options;
  return {
    kernel: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [1, 1],
    ceil_mode: false,
  };
}
