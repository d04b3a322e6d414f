/** Rules on what a node reads and waits for: the order of nodes is the order of execution. */
import { nameSuggester } from '../../ir/diagnostic.ts';
import { formatType, type Graph, type Node, sameType } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { at, type Rule, type VerifyContext } from './context.ts';

/** A node that needs one at its own position or later. */
interface ForwardEdge {
  readonly from: number;
  readonly to: number;
  /** What is read; undefined for an `after` edge. */
  readonly value?: string;
}

/** Names shown of a cycle's path. */
const shownOfCycle = 12;

/** Invariants 4 to 6: operands are what their definitions say, and precede; so do `after` nodes; there is no cycle. */
export const operandsPrecede: Rule = (context) => {
  const { graph, definitions, positions, report } = context;
  const forward: ForwardEdge[] = [];
  const nearestValue = nameSuggester(() => definitions.keys());
  const nearestNode = nameSuggester(() => positions.keys());
  graph.nodes.forEach((node, position) => {
    for (const operand of node.operands) {
      const definition = definitions.get(operand.name);
      if (definition === undefined) {
        const nearest = nearestValue(operand.name);
        const hint = nearest === undefined ? undefined : `did you mean ${formatValueName(nearest)}?`;
        report(at(node, 'unknown-value', `reads ${formatValueName(operand.name)}, which nothing defines`, hint));
        continue;
      }
      if (!sameType(operand.type, definition.value.type))
        report(
          at(
            node,
            'operand-type',
            `reads ${formatValueName(operand.name)} as ${formatType(operand.type)}, but it is ${formatType(definition.value.type)}`,
          ),
        );
      if (definition.position >= position)
        forward.push({ from: position, to: definition.position, value: operand.name });
    }
    for (const name of node.after ?? []) {
      const to = positions.get(name);
      if (to === undefined) {
        const nearest = nearestNode(name);
        const hint = nearest === undefined ? undefined : `did you mean ${formatValueName(nearest)}?`;
        report(at(node, 'unknown-node', `runs after ${formatValueName(name)}, which is no node`, hint));
      } else if (to >= position) forward.push({ from: position, to });
    }
  });
  if (forward.length > 0) reportForwardEdges(context, forward);
};

/** Edges within a cycle are reported once, as the cycle; the others one by one. */
function reportForwardEdges(
  { graph, definitions, positions, report }: VerifyContext,
  edges: readonly ForwardEdge[],
): void {
  const needs = graph.nodes.map((node) => {
    const list: number[] = [];
    for (const operand of node.operands) {
      const position = definitions.get(operand.name)?.position ?? -1;
      if (position >= 0) list.push(position);
    }
    for (const name of node.after ?? []) {
      const position = positions.get(name);
      if (position !== undefined) list.push(position);
    }
    return list;
  });
  const component = stronglyConnected(needs);
  const reported = new Set<number>();
  for (const { from, to, value } of edges) {
    const node = graph.nodes[from]!;
    if (component[from] !== component[to]) {
      const later = formatValueName(graph.nodes[to]!.name);
      const message =
        value === undefined
          ? `runs after ${later}, which stands later`
          : `reads ${formatValueName(value)} before it is made`;
      report(at(node, 'use-before-definition', message, 'the order of nodes is the order of execution'));
      continue;
    }
    const id = component[from]!;
    if (reported.has(id)) continue;
    reported.add(id);
    report(at(node, 'cycle', `needs itself: ${formatPath(graph, shortestCycle(needs, component, from))}`));
  }
}

function formatPath(graph: Graph, path: readonly number[]): string {
  const names = path.map((position) => formatValueName(nodeAt(graph, position).name));
  if (names.length <= shownOfCycle) return names.join(' -> ');
  const head = names.slice(0, shownOfCycle - 2);
  return [...head, `(${names.length - head.length - 1} more)`, names.at(-1)].join(' -> ');
}

function nodeAt(graph: Graph, position: number): Node {
  return graph.nodes[position]!;
}

/** Component number of each vertex (Tarjan 1972), without recursion. */
function stronglyConnected(successors: readonly (readonly number[])[]): Int32Array {
  const count = successors.length;
  const component = new Int32Array(count).fill(-1);
  const found = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const cursor = new Int32Array(count);
  const open: number[] = [];
  const path: number[] = [];
  let time = 0;
  let components = 0;
  for (let root = 0; root < count; root++) {
    if (found[root]! >= 0) continue;
    path.push(root);
    while (path.length > 0) {
      const v = path[path.length - 1]!;
      if (found[v]! < 0) {
        found[v] = low[v] = time++;
        open.push(v);
      }
      const next = successors[v]![cursor[v]!];
      if (next !== undefined) {
        cursor[v] = cursor[v]! + 1;
        if (found[next]! < 0) path.push(next);
        else if (component[next]! < 0) low[v] = Math.min(low[v]!, found[next]!);
        continue;
      }
      path.pop();
      const parent = path[path.length - 1];
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[v]!);
      if (low[v] !== found[v]) continue;
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        component[member] = components;
        if (member === v) break;
      }
      components++;
    }
  }
  return component;
}

/** A shortest path from `start` back to itself within its component: first and last entries are `start`. */
function shortestCycle(
  successors: readonly (readonly number[])[],
  component: Int32Array,
  start: number,
): readonly number[] {
  const from = new Map<number, number>();
  const queue = [start];
  for (let head = 0; head < queue.length; head++) {
    const v = queue[head]!;
    for (const next of successors[v]!) {
      if (next === start) {
        const path = [start];
        for (let back = v; back !== start; back = from.get(back)!) path.push(back);
        path.push(start);
        return path.reverse();
      }
      if (component[next] !== component[start] || from.has(next)) continue;
      from.set(next, v);
      queue.push(next);
    }
  }
  return [start, start];
}
