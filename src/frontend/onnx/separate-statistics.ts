/**
 * Running statistics get tensors of their own. Exporters merge initializers that are equal, so one tensor may be the
 * scale of a batch normalization and its variance, or the mean of two layers: trained or moved in one place, it would
 * change in the other. A tensor that is read as a statistic and in another place too is copied for the statistic, under
 * a name that follows from the file alone: what is saved goes back under it.
 *
 *   BatchNormalization(x, w, b, b, w)   ->   BatchNormalization(x, w, b, bn.running_mean, bn.running_var)
 */
import { clone } from '@bufbuild/protobuf';
import { type GraphProto, type NodeProto, NodeProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import type { Diagnostic } from '../../ir/diagnostic.ts';
import { nodeLabel, operatorKey } from './node-names.ts';
import { namesRead } from './subgraphs.ts';

export interface StatisticCopy {
  readonly name: string;
  /** The initializer it is a copy of. */
  readonly of: string;
}

export interface SeparatedStatistics {
  readonly nodes: readonly NodeProto[];
  readonly copies: readonly StatisticCopy[];
}

/** Operands of `BatchNormalization`, and what frameworks call them. */
const statistics: ReadonlyMap<number, string> = new Map([
  [3, 'running_mean'],
  [4, 'running_var'],
]);

interface Reading {
  readonly node: NodeProto;
  /** The operand, where it is a statistic. */
  readonly statistic?: number;
}

/** Looks through `Identity` nodes. Nodes and initializers of `graph` stay as they are. */
export function separateStatistics(graph: GraphProto): SeparatedStatistics {
  const rootOf = initializersByAlias(graph);
  const readings = readingsByRoot(graph, rootOf);
  const taken = new Set([...graph.initializer, ...graph.input].map(({ name }) => name));
  for (const node of graph.node) for (const name of node.output) taken.add(name);
  const unique = (wanted: string): string => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
  const copies: StatisticCopy[] = [];
  const replaced = new Map<NodeProto, string[]>();
  for (const [root, own] of readings) {
    if (own.length < 2) continue;
    const keeps = own.every(({ statistic }) => statistic !== undefined) ? ownerOf(root, own) : undefined;
    for (const reading of own) {
      const { node, statistic } = reading;
      if (statistic === undefined || reading === keeps) continue;
      const name = unique(`${nodeLabel(node)}.${statistics.get(statistic)}`);
      copies.push({ name, of: root });
      const input = replaced.get(node) ?? [...node.input];
      replaced.set(node, input);
      input[statistic] = name;
    }
  }
  if (copies.length === 0) return { nodes: graph.node, copies };
  const nodes = graph.node.map((node) => {
    const input = replaced.get(node);
    return input === undefined ? node : Object.assign(clone(NodeProtoSchema, node), { input });
  });
  return { nodes, copies };
}

/** The initializers of `graph`, and the copies. */
export function withCopies({ initializer }: GraphProto, copies: readonly StatisticCopy[]): TensorProto[] {
  const byName = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  return [
    ...initializer,
    ...copies.map(({ name, of }) => Object.assign(clone(TensorProtoSchema, byName.get(of)!), { name })),
  ];
}

/** What a user should know of it. */
export function separationNotes(copies: readonly StatisticCopy[]): readonly Diagnostic[] {
  const [first, ...rest] = copies;
  if (first === undefined) return [];
  const more = rest.length === 0 ? '' : `, and ${rest.length} more like it`;
  return [
    {
      code: 'separated-statistics',
      message: `${JSON.stringify(first.of)} is read as running statistics and in another place: they are a copy of their own, ${JSON.stringify(first.name)}${more}`,
      hint: 'the exporter merged tensors that were equal; export with those kept apart, where weights are concerned too',
    },
  ];
}

/** The reading that may keep the tensor: the first, where it and all others read it by its own name. */
function ownerOf(root: string, readings: readonly Reading[]): Reading | undefined {
  const direct = readings.every(({ node, statistic }) => node.input[statistic!] === root);
  return direct ? readings[0] : undefined;
}

/** By every name that stands for an initializer, its own among them. */
function initializersByAlias(graph: GraphProto): ReadonlyMap<string, string> {
  const renames = new Map<string, string>();
  for (const node of graph.node)
    if (operatorKey(node) === 'Identity' && node.input.length === 1) renames.set(node.output[0] ?? '', node.input[0]!);
  const rootOf = new Map(graph.initializer.map(({ name }) => [name, name]));
  for (const alias of renames.keys()) {
    const path: string[] = [];
    let at: string | undefined = alias;
    while (at !== undefined && !rootOf.has(at) && path.length <= renames.size) {
      path.push(at);
      at = renames.get(at);
    }
    const root = at === undefined ? undefined : rootOf.get(at);
    if (root !== undefined) for (const name of path) rootOf.set(name, root);
  }
  rootOf.delete('');
  return rootOf;
}

/** Who reads each initializer, renaming aside; an output of the graph reads as a node does. */
function readingsByRoot(
  graph: GraphProto,
  rootOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly Reading[]> {
  const readings = new Map<string, Reading[]>();
  const record = (name: string, reading: Reading): void => {
    const root = rootOf.get(name);
    if (root === undefined) return;
    const own = readings.get(root) ?? [];
    readings.set(root, own);
    own.push(reading);
  };
  for (const node of graph.node) {
    const operator = operatorKey(node);
    if (operator === 'Identity') continue;
    namesRead(node).forEach((name, i) => {
      const isStatistic = operator === 'BatchNormalization' && i < node.input.length && statistics.has(i);
      record(name, { node, ...(isStatistic && { statistic: i }) });
    });
  }
  const outputs = new Set(graph.output.map(({ name }) => name));
  const leaving = graph.node.find((node) => node.output.some((name) => outputs.has(name)));
  if (leaving !== undefined) for (const name of outputs) record(name, { node: leaving });
  return readings;
}
