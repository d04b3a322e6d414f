/**
 * Delta debugging on a case: whatever can go while the same check still finds a fault goes. A node's results become
 * inputs that hold what they held, operands become others of their type, outputs, losses and options are dropped, and
 * extents get smaller where every op still takes them.
 */
import { allocateArray } from '../../runtime/memory.ts';
import {
  elementCount,
  type Graph,
  type Model,
  type Node,
  sameType,
  type Tensor,
  type Value,
} from '../../src/ir/graph.ts';
import { inferTypes } from '../../src/ir/graph-builder.ts';
import { opNamed } from '../../src/ops/table.ts';
import { evaluateGraph } from '../evaluate-graph.ts';
import type { FuzzCase } from './fuzz-case.ts';

/** Whether a case still has the fault. It must not throw. */
export type StillFails = (subject: FuzzCase) => boolean;

type Change = (subject: FuzzCase) => FuzzCase | undefined;

function withGraph(subject: FuzzCase, graph: Partial<Graph>): FuzzCase {
  return { ...subject, model: { ...subject.model, graph: { ...subject.model.graph, ...graph } } };
}

/** Without nodes that nothing reads, and without residents that nothing reads. */
function swept(subject: FuzzCase): FuzzCase {
  const { graph } = subject.model;
  const needed = new Set([...graph.outputs.map((output) => output.value), ...subject.losses]);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (node.region !== 'update' && !node.results.some((result) => needed.has(result.name))) return false;
    for (const operand of node.operands) needed.add(operand.name);
    return true;
  });
  const kept = <V extends Value>(list: readonly V[]): readonly V[] => list.filter(({ name }) => needed.has(name));
  const next: Graph = {
    ...graph,
    nodes: nodes.reverse(),
    inputs: kept(graph.inputs),
    parameters: kept(graph.parameters),
    state: kept(graph.state),
    constants: kept(graph.constants),
  };
  const named = (tensors: ReadonlyMap<string, Tensor>, values: readonly Value[]): Map<string, Tensor> =>
    new Map(values.flatMap(({ name }) => (tensors.has(name) ? [[name, tensors.get(name)!] as const] : [])));
  const weights = named(subject.model.weights, [...next.parameters, ...next.state, ...next.constants]);
  return { ...subject, model: { graph: next, weights }, inputs: named(subject.inputs, next.inputs) };
}

/** What every value holds in the first step. */
function contentsOf({ model, inputs }: FuzzCase): ReadonlyMap<string, Tensor> {
  const given = new Map(inputs);
  for (const { name, type } of model.graph.inputs) if (!given.has(name)) given.set(name, { type, data: [3, 0] });
  return evaluateGraph(model, given);
}

/** The node's results given from outside: parameters where they are floats, inputs where they are not. */
function cutAt(name: string): Change {
  return (subject) => {
    const { graph, weights } = subject.model;
    const node = graph.nodes.find((other) => other.name === name);
    if (node === undefined) return undefined;
    const contents = contentsOf(subject);
    const nodes = graph.nodes.filter((other) => other !== node);
    if (node.region === 'update') return withGraph(subject, { nodes });
    const floats = node.results.filter(({ type }) => type.dtype === 'f32');
    const others = node.results.filter(({ type }) => type.dtype !== 'f32');
    const model: Model = {
      graph: { ...graph, nodes, parameters: [...graph.parameters, ...floats], inputs: [...graph.inputs, ...others] },
      weights: new Map([...weights, ...floats.map((value) => [value.name, contents.get(value.name)!] as const)]),
    };
    const inputs = new Map([
      ...subject.inputs,
      ...others.map((value) => [value.name, contents.get(value.name)!] as const),
    ]);
    return { ...subject, model, inputs };
  };
}

/** Operand `index` of a node is another value of its type, defined before it; or the node's first one. */
function redirect(name: string, index: number): Change {
  return (subject) => {
    const { graph } = subject.model;
    const at = graph.nodes.findIndex((other) => other.name === name);
    const node = graph.nodes[at];
    const operand = node?.operands[index];
    if (node === undefined || operand === undefined) return undefined;
    const before = [
      ...[...graph.inputs, ...graph.parameters, ...graph.constants],
      ...graph.nodes.slice(0, at).flatMap((other) => other.results),
    ];
    const other = before.find((value) => sameType(value.type, operand.type));
    if (other === undefined || other.name === operand.name) return undefined;
    const operands = node.operands.with(index, other);
    return withGraph(subject, { nodes: graph.nodes.with(at, { ...node, operands }) });
  };
}

/** A node is left out, and its readers read an operand of the same type. */
function bypass(name: string): Change {
  return (subject) => {
    const { graph } = subject.model;
    const node = graph.nodes.find((other) => other.name === name);
    const [result] = node?.results ?? [];
    const operand = result && node?.operands.find((value) => sameType(value.type, result.type));
    if (node === undefined || result === undefined || operand === undefined || node.region === 'update')
      return undefined;
    const renamed = (value: Value): Value => (value.name === result.name ? operand : value);
    const nodes = graph.nodes
      .filter((other) => other !== node)
      .map((other) => ({ ...other, operands: other.operands.map(renamed) }));
    return withGraph(subject, { nodes, outputs: graph.outputs.filter(({ value }) => value !== result.name) });
  };
}

function withoutOutput(name: string): Change {
  return (subject) => {
    const { outputs } = subject.model.graph;
    if (outputs.length === 1 || subject.losses.includes(name)) return undefined;
    return withGraph(subject, { outputs: outputs.filter((output) => output.name !== name) });
  };
}

function withoutLoss(name: string): Change {
  return (subject) => {
    const losses = subject.losses.filter((loss) => loss !== name);
    if (losses.length === subject.losses.length) return undefined;
    const training = losses.length === 0 ? {} : subject.training;
    const outputs = subject.model.graph.outputs.filter((output) => output.name !== name);
    return { ...withGraph(subject, outputs.length === 0 ? {} : { outputs }), losses, training };
  };
}

function withoutOptions(kept: readonly string[]): Change {
  return (subject) => {
    const training = Object.fromEntries(Object.entries(subject.training).filter(([name]) => kept.includes(name)));
    if (Object.keys(training).length === Object.keys(subject.training).length) return undefined;
    return { ...subject, training };
  };
}

function cropped({ type, data }: Tensor, shape: readonly number[]): Tensor {
  const own = allocateArray(type.dtype, elementCount(shape));
  for (let i = 0; i < own.length; i++) own[i] = data[i] ?? 0;
  return { type: { ...type, shape }, data: own };
}

/** Extent `axis` of a resident is `extent`; the types of all nodes follow. */
function resized(name: string, axis: number, extent: number): Change {
  return (subject) => {
    const { graph, weights } = subject.model;
    const types = new Map<string, Value>();
    const residents = (list: readonly Value[]): readonly Value[] =>
      list.map((value) => {
        const shape = value.name === name ? value.type.shape.with(axis, extent) : value.type.shape;
        const own = { name: value.name, type: { ...value.type, shape } };
        types.set(value.name, own);
        return own;
      });
    const lists = {
      inputs: residents(graph.inputs),
      parameters: residents(graph.parameters),
      state: residents(graph.state),
      constants: residents(graph.constants),
    };
    const nodes = graph.nodes.map((node): Node => {
      const operands = node.operands.map((operand) => types.get(operand.name)!);
      const own = inferTypes(opNamed(node.op), operands, node.attributes);
      const results = node.results.map((result, i): Value => ({ name: result.name, type: own[i]! }));
      for (const result of results) types.set(result.name, result);
      return { ...node, operands, results };
    });
    const fitted = (tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> =>
      new Map(
        [...tensors].map(([key, tensor]) => [key, key === name ? cropped(tensor, types.get(key)!.type.shape) : tensor]),
      );
    return {
      ...withGraph(subject, { ...lists, nodes }),
      model: { graph: { ...graph, ...lists, nodes }, weights: fitted(weights) },
      inputs: fitted(subject.inputs),
    };
  };
}

/** All single changes to try, those that take most away first. */
function changesTo({ model: { graph }, losses, training }: FuzzCase): readonly Change[] {
  const names = graph.nodes.map((node) => node.name).reverse();
  const options = Object.keys(training);
  return [
    withoutOptions([]),
    ...options.map((name) => withoutOptions(options.filter((other) => other !== name))),
    ...losses.map(withoutLoss),
    ...graph.outputs.map((output) => withoutOutput(output.name)),
    ...names.map(cutAt),
    ...names.map(bypass),
    ...graph.nodes.flatMap((node) => node.operands.map((_, index) => redirect(node.name, index))),
    ...[...graph.inputs, ...graph.parameters].flatMap(({ name, type }) =>
      type.shape.flatMap((extent, axis) =>
        [1, Math.ceil(extent / 2)].filter((next) => next < extent).map((next) => resized(name, axis, next)),
      ),
    ),
  ];
}

function applied(change: Change, subject: FuzzCase): FuzzCase | undefined {
  try {
    const changed = change(subject);
    return changed && swept(changed);
  } catch {
    // A change that the ops refuse is no smaller case.
    return undefined;
  }
}

function sizeOf({ model: { graph, weights }, losses, training, inputs }: FuzzCase): number {
  const operands = graph.nodes.reduce((sum, node) => sum + new Set(node.operands.map(({ name }) => name)).size, 0);
  const elements = [...weights.values(), ...inputs.values()].reduce((sum, { data }) => sum + data.length, 0);
  const parts = graph.outputs.length + losses.length + Object.keys(training).length;
  return 1e6 * (100 * graph.nodes.length + 10 * parts + operands) + elements;
}

/** The smallest case that single changes lead to; `tries` bounds how many are checked. */
export function shrink(subject: FuzzCase, fails: StillFails, tries = 600): FuzzCase {
  let smallest = subject;
  for (let again = true; again && tries > 0; ) {
    again = false;
    for (const change of changesTo(smallest)) {
      const smaller = applied(change, smallest);
      if (smaller === undefined || sizeOf(smaller) >= sizeOf(smallest)) continue;
      if (tries-- <= 0) break;
      if (!fails(smaller)) continue;
      smallest = smaller;
      again = true;
    }
  }
  return smallest;
}
