/**
 * Reverse-mode differentiation of the whole graph, once (DESIGN idea 3).
 *
 *   forward:   %h = matmul %x, %w        backward:  %d_h = tanh_grad %d_a, %a
 *              %a = tanh %h                         %d_w = matmul %x, %d_h {transpose_a=true}
 *
 * Nodes are visited in reverse order; each adds its contributions to the cotangents of its operands at once, so the
 * order of every gradient addition is fixed here and no later pass changes it.
 */
import { type Diagnostic, nearestName, SublinearError } from '../src/ir/diagnostic.ts';
import {
  type Attributes,
  elementCount,
  formatType,
  type Graph,
  type Model,
  type Node,
  residents,
  type TensorType,
  type Value,
  valuesByName,
} from '../src/ir/graph.ts';
import { GraphBuilder, inferTypes } from '../src/ir/graph-builder.ts';
import type { GradientContext, Op } from '../src/ir/op.ts';
import { add } from '../src/ops/binary.ts';
import { opNamed } from '../src/ops/table.ts';

export interface AutodiffOptions {
  /** Names of one-element f32 values; their sum is differentiated. */
  readonly losses: readonly string[];
  /** Names of the f32 values whose gradients are asked for. */
  readonly wrt: readonly string[];
  /** What each loss is multiplied by before they are added up; default 1. */
  readonly weights?: readonly number[];
}

/**
 * The model with backward nodes, and one output `d_NAME` (of NAME) for each value of `wrt`. A value the losses do not
 * depend on gets a gradient of zeros. Throws `SublinearError` for a loss that is not a scalar, unknown names, or an op
 * without gradient between a value asked for and a loss.
 */
export function differentiate(model: Model, options: AutodiffOptions): Model {
  const { graph } = model;
  const values = valuesByName(graph);
  const losses = options.losses.map((name) => scalarNamed(name, values));
  const wrt = [...new Set(options.wrt)].map((name) => floatNamed(name, values));
  const forward = graph.nodes.filter((node) => node.region === 'forward');
  const active = activeValues(forward, wrt, losses);
  const builder = new GraphBuilder(graph.name, { ...graph, nodes: forward }, model.weights);
  for (const node of graph.nodes)
    if (node.region !== 'forward') for (const result of node.results) builder.uniqueName(result.name);
  builder.stamp.region = 'backward';
  const cotangents = new Map<string, Value>();
  const contribute = (value: Value, gradient: Value): void => {
    const known = cotangents.get(value.name);
    const sum = known === undefined ? gradient : builder.emit(add, [known, gradient], {}, `d_${value.name}.sum`);
    cotangents.set(value.name, sum);
  };
  losses.forEach((loss, i) => {
    const weight = options.weights?.[i] ?? 1;
    const data = new Float32Array(elementCount(loss.type.shape)).fill(weight);
    contribute(loss, builder.constant(loss.type, data, weight === 1 ? 'one' : 'loss_weight'));
  });
  for (let n = forward.length - 1; n >= 0; n--) {
    const node = forward[n]!;
    if (!node.results.some((result) => active.has(result.name) && cotangents.has(result.name))) continue;
    if (!node.operands.some((operand) => active.has(operand.name))) continue;
    differentiateNode(node, active, cotangents, contribute, builder);
  }
  const outputNames = new Set(graph.outputs.map((output) => output.name));
  for (const value of wrt) {
    const gradient = cotangents.get(value.name) ?? zeros(builder, value);
    builder.output(gradient, freeName(`d_${value.name}`, outputNames), value.name);
  }
  const differentiated = builder.finish();
  const rest = graph.nodes.filter((node) => node.region !== 'forward');
  return {
    graph: {
      ...differentiated,
      nodes: [
        ...differentiated.nodes,
        ...rest.filter((node) => node.region === 'backward'),
        ...rest.filter((node) => node.region === 'update'),
      ],
    },
    weights: builder.weights,
  };
}

/** `name`, or `name.1`, ... where an output of the model has it; takes it. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let count = 1; taken.has(free); count++) free = `${name}.${count}`;
  taken.add(free);
  return free;
}

/** Applies one op's gradient rule. Its nodes are collected first, so that they can be named after what they compute. */
function differentiateNode(
  node: Node,
  active: ReadonlySet<string>,
  cotangents: ReadonlyMap<string, Value>,
  contribute: (value: Value, gradient: Value) => void,
  builder: GraphBuilder,
): void {
  const op = opNamed(node.op);
  if (op.gradient === undefined) throw new SublinearError(noGradient(node));
  builder.stamp.source = node.source;
  builder.stamp.gradientOf = node.name;
  const collected: CollectedNode[] = [];
  const wanted = (index: number): boolean => {
    const operand = node.operands[index];
    return operand !== undefined && active.has(operand.name);
  };
  const emitAll = <A extends Attributes>(
    emitted: Op<A>,
    operands: readonly Value[],
    attributes: A,
    hint?: string,
  ): readonly Value[] => {
    const results = inferTypes(emitted, operands, attributes, `the gradient of ${node.name}`, node.source).map(
      (type, i): Value => ({ name: `\u0000${collected.length}.${i}`, type }),
    );
    collected.push({ op: emitted.name, operands, attributes, results, hint });
    return results;
  };
  const context: GradientContext = {
    operands: node.operands,
    results: node.results,
    attributes: node.attributes,
    cotangents: node.results.map((result) => cotangents.get(result.name)),
    wants: wanted,
    emitAll,
    emit: (emitted, operands, attributes, hint) => emitAll(emitted, operands, attributes, hint)[0]!,
    constant: (type: TensorType, data, hint) => builder.constant(type, data, hint),
  };
  const gradients = op.gradient(context);
  const names = new Map<string, string>();
  gradients.forEach((gradient, i) => {
    if (gradient !== undefined && wanted(i)) names.set(gradient.name, `d_${node.operands[i]!.name}`);
  });
  const renamed = new Map<string, Value>();
  const resolve = (value: Value): Value => renamed.get(value.name) ?? value;
  for (const item of collected) {
    const results = item.results.map((result, i): Value => {
      const hint = names.get(result.name) ?? (i === 0 ? (item.hint ?? `d_${node.name}.${item.op}`) : undefined);
      const first = renamed.get(item.results[0]!.name)?.name ?? node.name;
      const value: Value = { name: builder.uniqueName(hint ?? `${first}#${i}`), type: result.type };
      renamed.set(result.name, value);
      return value;
    });
    builder.push({
      name: results[0]!.name,
      op: item.op,
      operands: item.operands.map(resolve),
      attributes: item.attributes,
      results,
      region: 'backward',
      gradientOf: node.name,
      ...(node.source !== undefined && { source: node.source }),
    });
  }
  gradients.forEach((gradient, i) => {
    if (gradient !== undefined && wanted(i)) contribute(node.operands[i]!, resolve(gradient));
  });
}

interface CollectedNode {
  readonly op: string;
  readonly operands: readonly Value[];
  readonly attributes: Attributes;
  readonly results: readonly Value[];
  readonly hint: string | undefined;
}

/** Float values that depend on `wrt` and on which the losses depend. */
export function activeValues(
  forward: readonly Node[],
  wrt: readonly Value[],
  losses: readonly Value[],
): ReadonlySet<string> {
  const depends = new Set(wrt.map((value) => value.name));
  for (const node of forward) {
    if (!node.operands.some((operand) => depends.has(operand.name))) continue;
    for (const result of node.results) if (result.type.dtype === 'f32') depends.add(result.name);
  }
  const leads = new Set(losses.map((loss) => loss.name));
  for (let n = forward.length - 1; n >= 0; n--) {
    const node = forward[n]!;
    if (!node.results.some((result) => leads.has(result.name))) continue;
    for (const operand of node.operands) if (operand.type.dtype === 'f32') leads.add(operand.name);
  }
  return new Set([...depends].filter((name) => leads.has(name)));
}

function zeros(builder: GraphBuilder, value: Value): Value {
  return builder.constant(value.type, new Float32Array(elementCount(value.type.shape)), `zeros_${value.name}`);
}

function lookUp(name: string, values: ReadonlyMap<string, Value>): Value {
  const value = values.get(name);
  if (value !== undefined) return value;
  const nearest = nearestName(name, values.keys());
  throw new SublinearError({
    code: 'unknown-value',
    message: `the graph has no value ${JSON.stringify(name)}`,
    hint:
      nearest === undefined
        ? '`sublinear compile MODEL --passes dce --emit ir` writes the graph with all its values'
        : `did you mean ${JSON.stringify(nearest)}?`,
  });
}

function scalarNamed(name: string, values: ReadonlyMap<string, Value>): Value {
  const value = lookUp(name, values);
  if (value.type.dtype === 'f32' && elementCount(value.type.shape) === 1) return value;
  throw new SublinearError({
    code: 'loss-not-scalar',
    message: `the loss ${JSON.stringify(name)} is ${formatType(value.type)}; a loss is one f32 number`,
    hint: 'reduce it to one number: sum or mean in the model, or --loss sum:OUTPUT (mse, cross-entropy) on the command line',
  });
}

function floatNamed(name: string, values: ReadonlyMap<string, Value>): Value {
  const value = lookUp(name, values);
  if (value.type.dtype === 'f32') return value;
  throw new SublinearError({
    code: 'not-differentiable',
    message: `${JSON.stringify(name)} is ${formatType(value.type)}; only f32 values have gradients`,
    hint: 'ask for the gradient of a float that is computed from it, or of none',
  });
}

function noGradient(node: Node): Diagnostic {
  return {
    code: 'no-gradient',
    message: `${node.op} has no gradient, and lies between a value whose gradient is asked for and the loss`,
    node: node.name,
    ...(node.source !== undefined && { source: node.source }),
    hint: 'freeze the parameters before it with --freeze GLOB',
  };
}

/** Names of the resident float values, for callers that want gradients of everything. */
export function floatResidents(graph: Graph): readonly string[] {
  return residents(graph)
    .filter((value) => value.type.dtype === 'f32')
    .map((value) => value.name);
}
