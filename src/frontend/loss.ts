/** Attaches a scalar loss to a model that has none (DESIGN section 4). */
import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Graph, type Model, type Value, valuesByName } from '../ir/graph.ts';
import { GraphBuilder } from '../ir/graph-builder.ts';
import { opNamed } from '../ops/table.ts';

export type LossKind = 'cross-entropy' | 'mse' | 'sum';
const lossKinds: readonly LossKind[] = ['cross-entropy', 'mse', 'sum'];

export interface LossSpec {
  /** A kind, or the name of a scalar output that is the loss. */
  readonly kind: LossKind | 'output';
  /** Name of the output; the only (or first) float output where absent. */
  readonly output?: string;
}

export interface ModelWithLoss {
  readonly model: Model;
  /** Name of the scalar value. */
  readonly loss: string;
}

/** `cross-entropy`, `mse:logits`, or the name of an output. Throws `SublinearError` (exit code 2). */
export function parseLoss(text: string, graph: Graph): LossSpec {
  const colon = text.indexOf(':');
  const head = colon < 0 ? text : text.slice(0, colon);
  const kind = lossKinds.find((candidate) => candidate === head);
  if (kind !== undefined) return colon < 0 ? { kind } : { kind, output: text.slice(colon + 1) };
  if (graph.outputs.some((output) => output.name === text)) return { kind: 'output', output: text };
  const nearest = nearestName(text, [...lossKinds, ...graph.outputs.map((output) => output.name)]);
  throw new SublinearError(
    {
      code: 'unknown-loss',
      message: `--loss ${JSON.stringify(text)} is neither a kind of loss nor an output of the model`,
      hint: `${nearest === undefined ? '' : `did you mean ${JSON.stringify(nearest)}? `}kinds are ${lossKinds.join(', ')}, with :OUTPUT where there are several outputs`,
    },
    2,
  );
}

/**
 * The model with its loss. Without `spec` the model's only one-element f32 output (or the one called `loss`) is it.
 * `cross-entropy` adds an input `target` of i64 class numbers, `mse` one of the output's own type.
 */
export function attachLoss(model: Model, spec?: LossSpec): ModelWithLoss {
  const { graph } = model;
  const values = valuesByName(graph);
  const floats = graph.outputs.filter(
    (output) => output.of === undefined && values.get(output.value)?.type.dtype === 'f32',
  );
  if (spec === undefined) {
    const scalars = floats.filter((output) => elementCount(values.get(output.value)!.type.shape) === 1);
    const chosen = scalars.find((output) => output.name === 'loss') ?? (scalars.length === 1 ? scalars[0] : undefined);
    if (chosen !== undefined) return { model, loss: chosen.value };
    const seen = graph.outputs
      .map((output) => `${output.name}: ${formatType(values.get(output.value)!.type)}`)
      .join(', ');
    throw new SublinearError({
      code: 'no-loss',
      message:
        scalars.length === 0
          ? `the model has no scalar output to differentiate; its outputs are ${seen}`
          : `the model has several scalar outputs: ${scalars.map((output) => output.name).join(', ')}`,
      hint: 'say which with --loss OUTPUT, or make one with --loss cross-entropy, mse or sum',
    });
  }
  const output = spec.output === undefined ? floats[0] : graph.outputs.find(({ name }) => name === spec.output);
  if (output === undefined) {
    const nearest = nearestName(
      spec.output ?? '',
      graph.outputs.map(({ name }) => name),
    );
    throw new SublinearError({
      code: 'unknown-output',
      message: `the model has no output ${JSON.stringify(spec.output ?? '(of floats)')}`,
      hint:
        nearest === undefined
          ? `its outputs are ${graph.outputs.map(({ name }) => name).join(', ')}`
          : `did you mean ${JSON.stringify(nearest)}?`,
    });
  }
  if (spec.kind === 'output') return { model, loss: output.value };
  const builder = new GraphBuilder(graph.name, graph, model.weights);
  builder.stamp.source = `--loss ${spec.kind}`;
  const loss = emitLoss(builder, spec.kind, values.get(output.value)!);
  builder.output(loss);
  return { model: { graph: orderRegions(builder.finish()), weights: builder.weights }, loss: loss.name };
}

function emitLoss(builder: GraphBuilder, kind: LossKind, output: Value): Value {
  const axes = output.type.shape.map((_, axis) => axis);
  if (kind === 'sum') return builder.emit(opNamed('reduce_sum'), [output], { axes, keep_dims: false }, 'loss');
  if (kind === 'mse') {
    const target = builder.resident('input', 'target', output.type);
    const difference = builder.emit(opNamed('subtract'), [output, target], {}, 'difference');
    const squared = builder.emit(opNamed('square'), [difference], {}, 'squared_error');
    return builder.emit(opNamed('reduce_mean'), [squared], { axes, keep_dims: false }, 'loss');
  }
  const [batch, , ...rest] = output.type.shape;
  if (batch === undefined || output.type.shape.length < 2)
    throw new SublinearError({
      code: 'loss-shape',
      message: `cross-entropy needs an output [batch, classes, ...]; ${JSON.stringify(output.name)} is ${formatType(output.type)}`,
      hint: 'name another output with --loss cross-entropy:OUTPUT',
    });
  const target = builder.resident('input', 'target', { dtype: 'i64', shape: [batch, ...rest] });
  const attributes = { has_ignore: false, ignore_index: 0, reduction: 'mean', with_log_prob: false };
  return builder.emit(opNamed('softmax_cross_entropy'), [output, target], attributes, 'loss');
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
  return { model: { graph: orderRegions(builder.finish()), weights: builder.weights }, loss: loss.name };
}

/** Forward nodes first: a loss added to a graph that has update nodes belongs before them. */
function orderRegions(graph: Graph): Graph {
  const of = (region: string) => graph.nodes.filter((node) => node.region === region);
  return { ...graph, nodes: [...of('forward'), ...of('backward'), ...of('update')] };
}
