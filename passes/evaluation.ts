/**
 * evaluation: the forward graph as it predicts, from the one that trains.
 *
 *   %y, %mean, %inverse = batch_norm %x, %scale, %bias     ->  %y = batch_norm_inference %x, %scale, %bias, %rm, %rv
 *   %h = dropout %y, %rng                                  ->  (readers read %y)
 *   %rm.new = batch_norm_update %rm, %rv, %mean, %inverse      (gone: nothing is updated)
 *
 * A batch norm whose running statistics no node keeps goes on with those of its batch.
 */
import { rngInputOf } from '../src/analysis/rng-input.ts';
import { type Graph, type Model, type Node, residents, type Value } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import { batchNorm, batchNormInference, batchNormUpdate } from '../src/ops/batch-norm.ts';
import { dropout, dropoutMask } from '../src/ops/dropout.ts';
import { eliminateDeadCode } from './dead-code.ts';

/**
 * Nothing is dropped at random and nothing written over; other random numbers are drawn as in training. Inputs that are
 * then read by nothing are left out. With `given`, outputs that need another input than these are left out too; the seed
 * is always there.
 */
export function evaluationModel(model: Model, given?: ReadonlySet<string>): Model {
  const { graph } = model;
  const statistics = runningStatistics(graph);
  const builder = new GraphBuilder(graph.name, { ...graph, nodes: [], outputs: [] }, model.weights);
  for (const node of graph.nodes) for (const result of node.results) builder.uniqueName(result.name);
  const replaced = new Map<string, Value>();
  const current = (value: Value): Value => replaced.get(value.name) ?? value;
  for (const node of graph.nodes) {
    if (node.region !== 'forward') continue;
    const operands = node.operands.map(current);
    const { name, source } = node;
    const push = (
      op: string,
      own: readonly Value[],
      results: readonly Value[],
      attributes: Node['attributes'],
    ): void => {
      const stamp = source === undefined ? {} : { source };
      builder.push({ name: results[0]!.name, op, operands: own, attributes, results, region: 'forward', ...stamp });
    };
    const moving = statistics.get(name);
    if (node.op === dropout.name) replaced.set(name, operands[0]!);
    else if (node.op === dropoutMask.name) {
      const { type } = node.results[0]!;
      const length = type.shape.reduce((product, extent) => product * extent, 1);
      replaced.set(name, builder.constant(type, new Uint8Array(length).fill(1), 'keep_all'));
    } else if (node.op === batchNorm.name && moving !== undefined) {
      // Statistics of the batch that something else reads are computed beside.
      const [y, ...rest] = node.results;
      const apart: Value = { name: builder.uniqueName(`${name}.batch`), type: y!.type };
      push(node.op, operands, [apart, ...rest], node.attributes);
      push(batchNormInference.name, [...operands, ...moving], [y!], node.attributes);
    } else push(node.op, operands, node.results, node.attributes);
  }
  const evaluated = builder.finish();
  const seed = rngInputOf(evaluated);
  const reachable =
    given === undefined
      ? undefined
      : valuesFrom(evaluated, new Set([...given, ...(seed === undefined ? [] : [seed.name])]));
  const outputs = graph.outputs
    .filter((output) => output.of === undefined && (reachable?.has(output.value) ?? true))
    .map((output) => ({ ...output, value: replaced.get(output.value)?.name ?? output.value }));
  const live = eliminateDeadCode({ graph: { ...evaluated, outputs }, weights: builder.weights });
  const read = new Set(outputs.map((output) => output.value));
  for (const node of live.graph.nodes) for (const operand of node.operands) read.add(operand.name);
  return { ...live, graph: { ...live.graph, inputs: graph.inputs.filter((input) => read.has(input.name)) } };
}

/** Running mean and variance by the batch norm whose statistics move them. */
function runningStatistics(graph: Graph): ReadonlyMap<string, readonly Value[]> {
  const makers = new Map<string, Node>();
  for (const node of graph.nodes) if (node.op === batchNorm.name) makers.set(node.results[1]!.name, node);
  const statistics = new Map<string, readonly Value[]>();
  for (const node of graph.nodes) {
    if (node.op !== batchNormUpdate.name) continue;
    const maker = makers.get(node.operands[2]!.name);
    if (maker !== undefined && maker.results[2]!.name === node.operands[3]!.name)
      statistics.set(maker.name, node.operands.slice(0, 2));
  }
  return statistics;
}

/** Names of all values that need no input but those of `given`. */
function valuesFrom(graph: Graph, given: ReadonlySet<string>): ReadonlySet<string> {
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const reachable = new Set(
    residents(graph).flatMap(({ name }) => (inputs.has(name) && !given.has(name) ? [] : [name])),
  );
  for (const node of graph.nodes) {
    if (!node.operands.every((operand) => reachable.has(operand.name))) continue;
    for (const result of node.results) reachable.add(result.name);
  }
  return reachable;
}
