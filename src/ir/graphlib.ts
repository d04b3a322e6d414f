/**
 * The exchange form: a graph as a multigraph of `@dagrejs/graphlib`, for its algorithms and for other programs. Exact in
 * both directions.
 *
 * An edge runs from the maker of a value to each node that reads it; its name is the operand's index, so the two edges
 * of `mul(x, x)` stay two. Ids are printed names (`%h1`), since graphlib would reorder ids that look like integers; the
 * order of everything stands in the labels. graphlib's traversals recurse: they overflow on chains of a few thousand.
 */
import { Graph as Graphlib } from '@dagrejs/graphlib';
import { requireGraph, wrongArgument } from './arguments.ts';
import { SublinearError } from './diagnostic.ts';
import type { Graph, Node, Output, TensorType, Value } from './graph.ts';
import { formatValueName } from './text-names.ts';

export interface ExchangeGraphLabel {
  readonly name: string;
  readonly outputs: readonly Output[];
}

/** A value that no node makes. */
export interface ExchangeResident {
  readonly kind: 'inputs' | 'parameters' | 'state' | 'constants';
  /** Position in its list. */
  readonly order: number;
  readonly name: string;
  readonly type: TensorType;
}

export interface ExchangeNode extends Omit<Node, 'operands' | 'after'> {
  readonly kind: 'node';
  /** Position in the order of execution. */
  readonly order: number;
  /** Number of `after` edges; absent where the node has no such list. */
  readonly afterCount?: number;
}

export type ExchangeNodeLabel = ExchangeResident | ExchangeNode;

/** An operand is result number `result` of the edge's tail; residents have one. `after` edges carry no value. */
export type ExchangeEdgeLabel = { readonly kind: 'operand'; readonly result: number } | { readonly kind: 'after' };

export type ExchangeGraph = Graphlib<ExchangeGraphLabel, ExchangeNodeLabel, ExchangeEdgeLabel>;

const residentKinds = ['inputs', 'parameters', 'state', 'constants'] as const;

/** Throws `SublinearError` where an operand or an `after` node is not in the graph. */
export function toGraphlib(graph: Graph): ExchangeGraph {
  requireGraph('toGraphlib', graph);
  const exchange: ExchangeGraph = new Graphlib({ directed: true, multigraph: true });
  exchange.setGraph({ name: graph.name, outputs: graph.outputs });
  const makers = new Map<string, { readonly id: string; readonly result: number }>();
  const add = (name: string, label: ExchangeNodeLabel): void => {
    const id = formatValueName(name);
    if (exchange.hasNode(id)) throw invalid(`two nodes or resident values are named ${id}`);
    exchange.setNode(id, label);
  };
  for (const kind of residentKinds)
    graph[kind].forEach(({ name, type }, order) => {
      add(name, { kind, order, name, type });
      makers.set(name, { id: formatValueName(name), result: 0 });
    });
  graph.nodes.forEach(({ operands: _, after, ...node }, order) => {
    add(node.name, { kind: 'node', order, ...node, ...(after !== undefined && { afterCount: after.length }) });
    node.results.forEach(({ name }, result) => {
      makers.set(name, { id: formatValueName(node.name), result });
    });
  });
  for (const node of graph.nodes) {
    const id = formatValueName(node.name);
    node.operands.forEach((operand, i) => {
      const maker = makers.get(operand.name);
      if (maker === undefined) throw invalid(`${id} reads ${formatValueName(operand.name)}, which nothing makes`);
      exchange.setEdge(maker.id, id, { kind: 'operand', result: maker.result }, String(i));
    });
    node.after?.forEach((name, i) => {
      if (!exchange.hasNode(formatValueName(name)))
        throw invalid(`${id} runs after ${formatValueName(name)}, which is no node`);
      exchange.setEdge(formatValueName(name), id, { kind: 'after' }, `after:${i}`);
    });
  }
  return exchange;
}

/** Throws `SublinearError` where labels are missing or operand indices have holes. */
export function fromGraphlib(exchange: ExchangeGraph): Graph {
  if (!(exchange instanceof Graphlib)) throw wrongArgument('fromGraphlib', 'a Graph of @dagrejs/graphlib', exchange);
  const residents: Record<ExchangeResident['kind'], ExchangeResident[]> = {
    inputs: [],
    parameters: [],
    state: [],
    constants: [],
  };
  const labels: ExchangeNode[] = [];
  const makers = new Map<string, readonly Value[]>();
  for (const id of exchange.nodes()) {
    const label: ExchangeNodeLabel | undefined = exchange.node(id);
    if (label === undefined) throw invalid(`the node ${id} has no label`);
    if (label.kind === 'node') {
      labels.push(label);
      makers.set(id, label.results);
    } else {
      residents[label.kind].push(label);
      makers.set(id, [{ name: label.name, type: label.type }]);
    }
  }
  const byOrder = (a: ExchangeNodeLabel, b: ExchangeNodeLabel): number => a.order - b.order;
  const values = (kind: ExchangeResident['kind']): readonly Value[] =>
    residents[kind].sort(byOrder).map(({ name, type }) => ({ name, type }));
  const label: ExchangeGraphLabel | undefined = exchange.graph();
  if (label === undefined) throw invalid('the graph has no label');
  return {
    name: label.name,
    inputs: values('inputs'),
    parameters: values('parameters'),
    state: values('state'),
    constants: values('constants'),
    nodes: labels.sort(byOrder).map((node) => nodeOf(exchange, node, makers)),
    outputs: label.outputs,
  };
}

function nodeOf(exchange: ExchangeGraph, label: ExchangeNode, makers: ReadonlyMap<string, readonly Value[]>): Node {
  const id = formatValueName(label.name);
  const operands: Value[] = [];
  const after: string[] = [];
  for (const edge of exchange.inEdges(id) ?? []) {
    const edgeLabel: ExchangeEdgeLabel | undefined = exchange.edge(edge);
    const index = Number(edge.name?.replace('after:', ''));
    const value = edgeLabel?.kind === 'operand' ? makers.get(edge.v)?.[edgeLabel.result] : makers.get(edge.v)?.[0];
    if (edgeLabel === undefined || value === undefined || !Number.isSafeInteger(index) || index < 0)
      throw invalid(`the edge ${edge.name ?? '(without name)'} from ${edge.v} to ${id} carries no value`);
    if (edgeLabel.kind === 'operand') operands[index] = value;
    else after[index] = value.name;
  }
  const { kind: _, order: __, afterCount, ...node } = label;
  if (Object.keys(operands).length !== operands.length || Object.keys(after).length !== after.length)
    throw invalid(`the edges into ${id} leave out an index`);
  return { ...node, operands, ...((afterCount !== undefined || after.length > 0) && { after }) };
}

function invalid(message: string): SublinearError {
  return new SublinearError({
    code: 'invalid-exchange-graph',
    message,
    hint: 'only valid graphs can be exchanged: run the verifier, and keep the labels of nodes and edges',
  });
}
