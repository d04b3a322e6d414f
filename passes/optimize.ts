/**
 * optimize: compiles the parameter update into the step.
 *
 *   backward:  %d_w = ...  -> (%d_w)      backward:  %d_w = ...
 *                                         update:    %w.new = sgd %w, %d_w, %learning_rate       (over %w)
 *
 * Gradients leave the outputs, so that each dies at its update, which planning places as early as every read of the old
 * parameter allows. What a gradient goes through before its update (loss scale, clipping, accumulation) are nodes of the
 * region `update` too.
 */
import { SublinearError } from '../src/ir/diagnostic.ts';
import { isFiniteFloat32 } from '../src/ir/elements.ts';
import { elementCount, type Graph, type Model, type Output, type Value, valuesByName } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import { add, multiply } from '../src/ops/binary.ts';
import { equal } from '../src/ops/comparison.ts';
import { dot } from '../src/ops/dot.ts';
import { accumulate, increment } from '../src/ops/optimizers.ts';
import { clip, scale } from '../src/ops/scalar.ts';
import { opNamed } from '../src/ops/table.ts';
import { reciprocal, sqrt } from '../src/ops/unary.ts';
import { type OptimizerOptions, resolveOptimizer } from './optimizers.ts';

export interface OptimizeOptions {
  readonly optimizer: OptimizerOptions;
  /** Parameters to update; those without gradient are left out. Default: all of several elements that have one. */
  readonly trainable?: readonly string[];
  /** Whether gradients stay outputs; default false. */
  readonly keepGradients?: boolean;
  /** Gradients are cut to [-clipValue, clipValue]. */
  readonly clipValue?: number;
  /** Gradients are scaled down together to at most this norm. */
  readonly clipNorm?: number;
  /** What the losses were multiplied by; gradients are divided by it. Default 1. */
  readonly lossScale?: number;
  /** Steps whose mean gradient makes one update; default 1. */
  readonly accumulate?: number;
}

/** What a step with an update in it asks of its caller. */
export interface UpdateInfo {
  readonly optimizer: string;
  /** Name of the graph input (f32[]). */
  readonly learningRate: string;
  /** Parameters that are updated. */
  readonly trained: readonly string[];
  /** Steps an update. */
  readonly accumulate: number;
}

export interface Optimized {
  readonly model: Model;
  readonly update: UpdateInfo;
}

/** Throws `SublinearError` for bad options, nothing to train, or a parameter that is an output or written already. */
export function optimize(model: Model, options: OptimizeOptions): Optimized {
  const { optimizer, values } = resolveOptimizer(options.optimizer);
  const { clipValue, clipNorm, lossScale = 1, accumulate: every = 1 } = options;
  checkNumbers(options);
  const { graph } = model;
  const trained = chooseTrained(graph, options.trainable);
  refuseConflicts(graph, new Set(trained.map(({ parameter }) => parameter.name)));

  const builder = new GraphBuilder(graph.name, { ...graph, outputs: [] }, model.weights);
  builder.stamp.region = 'update';
  const zeros = zeroSource(trained);
  const state = (name: string, type: Value['type']): Value =>
    builder.resident('state', name, type, type.dtype === 'f32' ? zeros(elementCount(type.shape)) : new Int32Array(1));
  const counter = (name: string): Value => state(name, { dtype: 'i32', shape: [] });
  const learningRate = builder.resident('input', 'learning_rate', { dtype: 'f32', shape: [] });
  const steps = optimizer.counts(values) ? counter('update_count') : undefined;
  const phase = every > 1 ? counter('micro_batch') : undefined;
  const apply =
    phase && builder.emit(equal, [phase, builder.constant(phase.type, [every - 1], 'last_micro_batch')], {}, 'updates');

  // A gradient's way to its update, as far as it is the same for all.
  const used = new Map<string, Value>();
  const gradients = trained.map(({ parameter, gradient }) => {
    let current = gradient;
    if (lossScale !== 1)
      current = builder.emit(scale, [current], { factor: 1 / lossScale }, `${gradient.name}.unscaled`);
    if (phase !== undefined) {
      used.set(parameter.name, current);
      const sum = state(`${parameter.name}.gradient_sum`, parameter.type);
      current = builder.emit(accumulate, [sum, current, phase], { every }, `${gradient.name}.mean`);
    }
    if (clipValue !== undefined)
      current = builder.emit(clip, [current], { min: -clipValue, max: clipValue }, `${gradient.name}.clipped`);
    return current;
  });
  const factor = clipNorm === undefined ? undefined : emitNormFactor(builder, gradients, clipNorm);
  trained.forEach(({ parameter, gradient: own }, i) => {
    let gradient = gradients[i]!;
    if (factor !== undefined) gradient = builder.emit(multiply, [gradient, factor], {}, `${own.name}.bounded`);
    if (!used.has(parameter.name)) used.set(parameter.name, gradient);
    const kept = optimizer.state(values).map((suffix) => state(`${parameter.name}.${suffix}`, parameter.type));
    const operands = { parameter, gradient, learningRate, state: kept, steps, apply };
    optimizer.emit(builder, { ...operands, name: `${parameter.name}.new` }, values);
  });
  // Counters move last: every update of the step reads the old numbers.
  if (steps !== undefined)
    builder.emit(increment, apply === undefined ? [steps] : [steps, apply], { modulus: 0 }, 'update_count.new');
  if (phase !== undefined) builder.emit(increment, [phase], { modulus: every }, 'micro_batch.new');

  for (const output of outputsAfter(graph, used, options.keepGradients === true))
    builder.output({ name: output.value, type: learningRate.type }, output.name, output.of);
  return {
    model: { graph: builder.finish(), weights: builder.weights },
    update: {
      optimizer: optimizer.kind,
      learningRate: learningRate.name,
      trained: trained.map(({ parameter }) => parameter.name),
      accumulate: every,
    },
  };
}

interface Trained {
  readonly parameter: Value;
  readonly gradient: Value;
}

/** In the order of the graph's parameters. */
function chooseTrained(graph: Graph, trainable: readonly string[] | undefined): readonly Trained[] {
  const values = valuesByName(graph);
  const gradientOf = new Map<string, Value>();
  for (const { of, value } of graph.outputs) {
    const gradient = values.get(value);
    if (of !== undefined && gradient !== undefined) gradientOf.set(of, gradient);
  }
  const wanted = trainable === undefined ? undefined : new Set(trainable);
  const trained = graph.parameters.flatMap((parameter): Trained[] => {
    const gradient = gradientOf.get(parameter.name);
    const asked = wanted?.has(parameter.name) ?? elementCount(parameter.type.shape) > 1;
    return gradient === undefined || !asked ? [] : [{ parameter, gradient }];
  });
  if (trained.length > 0) return trained;
  throw new SublinearError({
    code: 'nothing-to-train',
    message: 'no parameter has a gradient that an optimizer could follow',
    hint: '`sublinear inspect MODEL` lists why; --params GLOB says which inputs are weights, --trainable GLOB adds parameters',
  });
}

/** An output that is a trained parameter would be its old value, which is gone; and nothing is written twice. */
function refuseConflicts(graph: Graph, trained: ReadonlySet<string>): void {
  const roots = new Map<string, string>();
  for (const name of trained) roots.set(name, name);
  for (const node of graph.nodes) {
    const { effect, writes } = opNamed(node.op);
    const viewed = effect === 'view' ? roots.get(node.operands[0]!.name) : undefined;
    if (viewed !== undefined) for (const result of node.results) roots.set(result.name, viewed);
    for (const index of writes ?? []) {
      const { name } = node.operands[index]!;
      if (trained.has(name))
        throw new SublinearError({
          code: 'written-twice',
          message: `the parameter ${JSON.stringify(name)} is updated by ${JSON.stringify(node.name)} already`,
          node: node.name,
          ...(node.source !== undefined && { source: node.source }),
          hint: 'a graph takes one optimizer; --freeze GLOB leaves a parameter out',
        });
    }
  }
  for (const output of graph.outputs) {
    const root = roots.get(output.value);
    if (root !== undefined)
      throw new SublinearError({
        code: 'output-of-parameter',
        message: `the output ${JSON.stringify(output.name)} is the parameter ${JSON.stringify(root)}, which the update writes over`,
        hint: 'leave the parameter out with --freeze GLOB, or remove the output',
      });
  }
}

/** min(1, bound / norm of all gradients together) */
function emitNormFactor(builder: GraphBuilder, gradients: readonly Value[], bound: number): Value {
  let total: Value | undefined;
  for (const gradient of gradients) {
    const own = builder.emit(dot, [gradient, gradient], {}, `${gradient.name}.square`);
    total = total === undefined ? own : builder.emit(add, [total, own], {}, 'gradient_square');
  }
  const norm = builder.emit(sqrt, [total!], {}, 'gradient_norm');
  const inverse = builder.emit(reciprocal, [norm], {}, 'gradient_norm.inverse');
  const factor = builder.emit(scale, [inverse], { factor: bound }, 'gradient_norm.share');
  return builder.emit(clip, [factor], { min: 0, max: 1 }, 'gradient_factor');
}

/** Gradients of parameters go, or are those that updates used; gradients of inputs were asked for and stay. */
function outputsAfter(graph: Graph, used: ReadonlyMap<string, Value>, keep: boolean): readonly Output[] {
  const parameters = new Set(graph.parameters.map((value) => value.name));
  return graph.outputs.flatMap((output): Output[] => {
    if (output.of === undefined || !parameters.has(output.of)) return [output];
    if (!keep) return [];
    return [{ ...output, value: used.get(output.of)?.name ?? output.value }];
  });
}

/** Zeros are never written to, so one array serves all. */
function zeroSource(trained: readonly Trained[]): (count: number) => Float32Array {
  let most = 0;
  for (const { parameter } of trained) most = Math.max(most, elementCount(parameter.type.shape));
  const zeros = new Float32Array(most);
  return (count) => zeros.subarray(0, count);
}

function checkNumbers({ clipValue, clipNorm, lossScale, accumulate: every }: OptimizeOptions): void {
  const positive = (name: string, value: number | undefined): void => {
    if (value === undefined || [value, 1 / value].every((one) => isFiniteFloat32(one) && Math.fround(one) > 0)) return;
    throw new SublinearError(
      { code: 'bad-option', message: `${name} is ${value}; it must be a number above 0 that float32 holds` },
      2,
    );
  };
  positive('the bound of clipping by value', clipValue);
  positive('the bound of clipping by norm', clipNorm);
  positive('the loss scale', lossScale);
  if (every !== undefined && !(Number.isInteger(every) && every >= 1 && every < 2 ** 31))
    throw new SublinearError(
      { code: 'bad-option', message: `gradients cannot be accumulated over ${every} steps; it must be a whole number` },
      2,
    );
}
