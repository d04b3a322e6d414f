/** Attaches a scalar loss to a model that has none (DESIGN section 4). */
import { isRecord, requireModel, wrongArgument } from '../ir/arguments.ts';
import { type Diagnostic, nearestName, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Graph, type Model, type Node, type Value, valuesByName } from '../ir/graph.ts';
import { GraphBuilder } from '../ir/graph-builder.ts';
import { opNamed } from '../ops/table.ts';
import { binaryScores, classScores, type ProducerOf, requireClasses } from './class-scores.ts';

export type LossKind = 'cross-entropy' | 'binary-cross-entropy' | 'mse' | 'sum';
const lossKinds: readonly LossKind[] = ['cross-entropy', 'binary-cross-entropy', 'mse', 'sum'];

export interface LossSpec {
  /** A kind, or the name of a scalar value that is the loss. */
  readonly kind: LossKind | 'output';
  /** Name of an output, or of a value within the model; the only output of floats where absent. */
  readonly output?: string;
}

export interface ModelWithLoss {
  readonly model: Model;
  /** Name of the scalar value. */
  readonly loss: string;
  /** What a user may want to know: scores taken before a softmax that the loss has in it. */
  readonly notes: readonly Diagnostic[];
}

/** `cross-entropy`, `mse:logits`, or the name of a scalar. Throws `SublinearError` (exit code 2). */
export function parseLoss(text: string, graph: Graph): LossSpec {
  const colon = text.indexOf(':');
  const head = colon < 0 ? text : text.slice(0, colon);
  const kind = lossKinds.find((candidate) => candidate === head);
  if (kind !== undefined) return colon < 0 ? { kind } : { kind, output: text.slice(colon + 1) };
  if (namedValue(graph, text) !== undefined) return { kind: 'output', output: text };
  const nearKind = nearestName(head, lossKinds);
  const nearest =
    nearKind === undefined
      ? nearestName(
          text,
          graph.outputs.map((output) => output.name),
        )
      : `${nearKind}${text.slice(head.length)}`;
  throw new SublinearError(
    {
      code: 'unknown-loss',
      message: `--loss ${JSON.stringify(text)} is neither a kind of loss nor a value of the model`,
      hint: `${nearest === undefined ? '' : `did you mean ${JSON.stringify(nearest)}? `}kinds are ${lossKinds.join(', ')}, each with :VALUE where it is not of the only output`,
    },
    2,
  );
}

/**
 * The model with its loss. Without `spec` the model's only one-element f32 output (or the one called `loss`) is it.
 * `cross-entropy` adds an input `target` of i64 class numbers, `mse` and `binary-cross-entropy` one of the value's own
 * type. Both cross-entropies are of scores: where the value is the result of a softmax or sigmoid, of those before it.
 */
export function attachLoss(model: Model, spec?: LossSpec): ModelWithLoss {
  requireModel('attachLoss', model);
  const { graph } = model;
  if (spec === undefined) return { model, loss: ownLoss(graph), notes: [] };
  checkSpec(spec);
  if (spec.kind === 'output') return withLossOutput(model, lossValue(graph, spec));
  const builder = new GraphBuilder(graph.name, graph, model.weights);
  builder.stamp.source = `--loss ${spec.kind}`;
  const { loss, notes } = emitLoss(builder, spec.kind, lossValue(graph, spec), producers(graph));
  builder.output(loss, freeOutput(graph, 'loss'));
  return { model: { graph: orderRegions(builder.finish()), weights: builder.weights }, loss: loss.name, notes };
}

/** Kinds come from programs too. */
function checkSpec(spec: unknown): void {
  const known: readonly unknown[] = [...lossKinds, 'output'];
  if (isRecord(spec) && known.includes(spec.kind) && ['string', 'undefined'].includes(typeof spec.output)) return;
  throw wrongArgument('attachLoss', `a loss { kind, output? } whose kind is ${known.join(', ')}`, spec);
}

function ownLoss(graph: Graph): string {
  const values = valuesByName(graph);
  const floats = floatOutputs(graph);
  const scalars = floats.filter(({ value }) => elementCount(value.type.shape) === 1);
  const chosen = scalars.find(({ name }) => name === 'loss') ?? (scalars.length === 1 ? scalars[0] : undefined);
  if (chosen !== undefined) return chosen.value.name;
  const seen = graph.outputs
    .map((output) => `${output.name}: ${formatType(values.get(output.value)!.type)}`)
    .join(', ');
  throw new SublinearError({
    code: 'no-loss',
    message:
      scalars.length > 0
        ? `the model has several scalar outputs: ${scalars.map(({ name }) => name).join(', ')}`
        : `the model has no scalar output to differentiate; ${seen === '' ? 'it has no outputs at all' : `its outputs are ${seen}`}`,
    hint:
      scalars.length > 0
        ? 'say which with --loss OUTPUT'
        : `make one of ${floats.length > 0 ? 'an output' : 'a float value within the model'} with --loss ${lossKinds.join(', ')}${floats.length === 1 ? '' : ', with :VALUE behind'}`,
  });
}

/** Outputs of floats that are no gradients, each value once. */
function floatOutputs(graph: Graph): readonly { readonly name: string; readonly value: Value }[] {
  const values = valuesByName(graph);
  const seen = new Set<string>();
  return graph.outputs.flatMap(({ name, value: of, of: primal }) => {
    const value = values.get(of);
    if (primal !== undefined || value?.type.dtype !== 'f32' || seen.has(of)) return [];
    seen.add(of);
    return [{ name, value }];
  });
}

/** The value of an output, or else the value, that is called `name`. */
function namedValue(graph: Graph, name: string): Value | undefined {
  const values = valuesByName(graph);
  const output = graph.outputs.find((candidate) => candidate.name === name);
  return values.get(output?.value ?? name);
}

/** What the loss is of. Throws `SublinearError`. */
function lossValue(graph: Graph, { kind, output: name }: LossSpec): Value {
  const floats = floatOutputs(graph);
  const listed = floats.map((output) => `${output.name} ${formatType(output.value.type)}`).join(', ');
  if (name === undefined) {
    if (floats.length === 1) return checkedFloat(floats[0]!.value, kind, listed);
    throw new SublinearError({
      code: floats.length === 0 ? 'no-float-output' : 'several-outputs',
      message:
        floats.length === 0
          ? `no output of the model is of floats, so there is nothing to take the ${kind} of; its outputs are ${allOutputs(graph)}`
          : `the model has ${floats.length} outputs of floats to take the ${kind} of: ${listed}`,
      hint:
        floats.length === 0
          ? `name a float value within the model: --loss ${kind}:VALUE`
          : `say which: --loss ${kind}:${floats[0]!.name}`,
    });
  }
  const value = namedValue(graph, name);
  if (value !== undefined) return checkedFloat(value, kind, listed);
  const nearest = nearestName(name, [...graph.outputs.map((output) => output.name), ...valuesByName(graph).keys()]);
  throw new SublinearError({
    code: 'unknown-output',
    message: `the model has no output ${JSON.stringify(name)}, and no value of that name`,
    hint: nearest === undefined ? `its outputs are ${allOutputs(graph)}` : `did you mean ${JSON.stringify(nearest)}?`,
  });
}

function allOutputs(graph: Graph): string {
  const values = valuesByName(graph);
  const outputs = graph.outputs.map(({ name, value }) => `${name} ${formatType(values.get(value)!.type)}`);
  return outputs.length === 0 ? 'none' : outputs.join(', ');
}

function checkedFloat(value: Value, kind: LossSpec['kind'], floats: string): Value {
  const label = `${JSON.stringify(value.name)} is ${formatType(value.type)}`;
  if (kind === 'output') return value;
  if (value.type.dtype !== 'f32')
    throw new SublinearError({
      code: 'loss-of-integers',
      message: `${label}, and the loss ${kind} is of floats`,
      hint: `${floats === '' ? 'no output is of floats' : `outputs of floats are ${floats}`}; --loss ${kind}:VALUE may name a value within the model too`,
    });
  if (elementCount(value.type.shape) === 0)
    throw new SublinearError({ code: 'loss-shape', message: `${label}: it has no elements to take the ${kind} of` });
  return value;
}

/** A value within the model leaves it too, so that its number can be read. */
function withLossOutput(model: Model, value: Value): ModelWithLoss {
  const { graph } = model;
  const known = graph.outputs.some((output) => output.value === value.name);
  const added = { name: freeOutput(graph, value.name), value: value.name };
  return {
    model: known ? model : { ...model, graph: { ...graph, outputs: [...graph.outputs, added] } },
    loss: value.name,
    notes: [],
  };
}

function freeOutput(graph: Graph, name: string): string {
  const taken = new Set(graph.outputs.map((output) => output.name));
  let free = name;
  for (let count = 1; taken.has(free); count++) free = `${name}.${count}`;
  return free;
}

function producers(graph: Graph): ProducerOf {
  const makers = new Map<string, Node>();
  for (const node of graph.nodes) for (const result of node.results) makers.set(result.name, node);
  return ({ name }) => makers.get(name);
}

interface EmittedLoss {
  readonly loss: Value;
  readonly notes: readonly Diagnostic[];
}

function emitLoss(builder: GraphBuilder, kind: LossKind, value: Value, producerOf: ProducerOf): EmittedLoss {
  const axes = value.type.shape.map((_, axis) => axis);
  const mean = (terms: Value): Value =>
    builder.emit(opNamed('reduce_mean'), [terms], { axes, keep_dims: false }, 'loss');
  switch (kind) {
    case 'sum':
      return { loss: builder.emit(opNamed('reduce_sum'), [value], { axes, keep_dims: false }, 'loss'), notes: [] };
    case 'mse': {
      const target = builder.resident('input', 'target', value.type);
      const difference = builder.emit(opNamed('subtract'), [value, target], {}, 'difference');
      return { loss: mean(builder.emit(opNamed('square'), [difference], {}, 'squared_error')), notes: [] };
    }
    case 'binary-cross-entropy': {
      const { value: scores, notes } = binaryScores(value, producerOf, builder);
      return { loss: mean(binaryTerms(builder, scores)), notes };
    }
    case 'cross-entropy': {
      requireRank(value);
      requireClasses(value);
      const { value: scores, notes } = classScores(value, producerOf, builder);
      const [batch, , ...rest] = value.type.shape;
      const target = builder.resident('input', 'target', { dtype: 'i64', shape: [batch!, ...rest] });
      const attributes = { has_ignore: false, ignore_index: 0, reduction: 'mean', with_log_prob: false };
      return { loss: builder.emit(opNamed('softmax_cross_entropy'), [scores, target], attributes, 'loss'), notes };
    }
  }
}

function requireRank(value: Value): void {
  if (value.type.shape.length >= 2) return;
  throw new SublinearError({
    code: 'loss-shape',
    message: `cross-entropy needs scores [batch, classes, ...]; ${JSON.stringify(value.name)} is ${formatType(value.type)}`,
    hint: 'name another value with --loss cross-entropy:VALUE, or take mse or binary-cross-entropy, which take any shape',
  });
}

/** t softplus(-z) + (1 - t) softplus(z): neither term loses its digits where it is small. */
function binaryTerms(builder: GraphBuilder, scores: Value): Value {
  const emit = (op: string, operands: readonly Value[], name: string, attributes = {}): Value =>
    builder.emit(opNamed(op), operands, attributes, name);
  const target = builder.resident('input', 'target', scores.type);
  const against = emit('softplus', [emit('scale', [scores], 'minus_scores', { factor: -1 })], 'loss_where_1');
  const absent = emit('add_scalar', [emit('scale', [target], 'minus_target', { factor: -1 })], 'target_0', {
    value: 1,
  });
  const present = emit('multiply', [target, against], 'term_where_1');
  return emit(
    'add',
    [present, emit('multiply', [absent, emit('softplus', [scores], 'loss_where_0')], 'term_where_0')],
    'terms',
  );
}

/**
 * The loss `sum_i <output_i, cotangent_i>`, with an input `cotangent_i` (of output i's type) for each i of `outputs`.
 */
export function attachCotangents(model: Model, outputs: readonly number[]): ModelWithLoss {
  const { graph } = model;
  const values = valuesByName(graph);
  const builder = new GraphBuilder(graph.name, graph, model.weights);
  builder.stamp.source = 'cotangents';
  let loss: Value | undefined;
  for (const i of outputs) {
    const output = graph.outputs[i];
    if (output === undefined)
      throw new SublinearError({
        code: 'unknown-output',
        message: `cotangent_${i} belongs to output ${i}, but the model has ${graph.outputs.length} outputs`,
      });
    const value = values.get(output.value)!;
    const cotangent = builder.resident('input', `cotangent_${i}`, value.type);
    const product = builder.emit(opNamed('dot'), [value, cotangent], {}, `loss_${i}`);
    loss = loss === undefined ? product : builder.emit(opNamed('add'), [loss, product], {}, 'loss');
  }
  if (loss === undefined) throw new SublinearError({ code: 'no-loss', message: 'no cotangents were given' });
  const taken = new Set(graph.outputs.map((output) => output.name));
  builder.output(loss, taken.has('loss') ? loss.name : 'loss');
  return {
    model: { graph: orderRegions(builder.finish()), weights: builder.weights },
    loss: loss.name,
    notes: [],
  };
}

/** Forward nodes first: a loss added to a graph that has update nodes belongs before them. */
function orderRegions(graph: Graph): Graph {
  const of = (region: string) => graph.nodes.filter((node) => node.region === region);
  return { ...graph, nodes: [...of('forward'), ...of('backward'), ...of('update')] };
}
