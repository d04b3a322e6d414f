/**
 * Puts the nodes of a plan graph in order: forward, backward, update, and within a region each after what it reads. An
 * update that writes over a resident comes after every other reader of it. Nodes that are in order already stay as they
 * are; others are sorted stably.
 */
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import type { PlanGraph, PlanNode } from './plan-graph.ts';

const rankOf = { forward: 0, backward: 1, update: 2 } as const;

/** All names must resolve. Throws `SublinearError` for a cycle, with its path, and for reads against the regions' order. */
export function orderPlanNodes(graph: PlanGraph, source: string): readonly PlanNode[] {
  const { nodes } = graph;
  const dependencies = findDependencies(graph, source);
  const inOrder = nodes.every(
    (node, n) =>
      (n === 0 || rankOf[nodes[n - 1]!.region] <= rankOf[node.region]) &&
      dependencies[n]!.every((earlier) => earlier < n),
  );
  if (inOrder) return nodes;
  const dependents: number[][] = nodes.map(() => []);
  const waiting = dependencies.map((list, n) => {
    for (const earlier of list) dependents[earlier]!.push(n);
    return list.length;
  });
  // Ready nodes by region and place: a heap of place + region's rank * count.
  const ready: number[] = [];
  const key = (n: number): number => n + rankOf[nodes[n]!.region] * nodes.length;
  waiting.forEach((count, n) => {
    if (count === 0) pushHeap(ready, key(n));
  });
  const order: PlanNode[] = [];
  while (ready.length > 0) {
    const n = popHeap(ready) % nodes.length;
    order.push(nodes[n]!);
    for (const later of dependents[n]!) {
      waiting[later] = waiting[later]! - 1;
      if (waiting[later] === 0) pushHeap(ready, key(later));
    }
  }
  if (order.length < nodes.length) throw cycleError(graph, dependencies, waiting, source);
  return order;
}

/** For each node, the nodes that must come before it. */
function findDependencies({ inputs, nodes }: PlanGraph, source: string): number[][] {
  const producer = new Map<string, number>();
  nodes.forEach((node, n) => {
    for (const output of node.outputs) producer.set(output.name, n);
  });
  const residents = new Set(inputs.map((input) => input.name));
  const writer = new Map<string, number>();
  const faults: Diagnostic[] = [];
  const fault = (message: string, node: PlanNode): void => {
    if (faults.length < 20) faults.push({ code: 'bad-plan-graph', message, node: node.name, source });
  };
  nodes.forEach((node, n) => {
    if (node.region !== 'update') return;
    for (const written of node.outputs.flatMap((output) => output.over ?? [])) {
      if (!residents.has(written)) continue;
      const other = writer.get(written);
      if (other !== undefined && other !== n)
        fault(`${JSON.stringify(written)} is written over by ${JSON.stringify(nodes[other]!.name)} too`, node);
      writer.set(written, n);
    }
  });
  const dependencies = nodes.map((node) => {
    const before: number[] = [];
    for (const input of new Set(node.inputs)) {
      const earlier = producer.get(input);
      if (earlier === undefined) continue;
      before.push(earlier);
      if (rankOf[nodes[earlier]!.region] > rankOf[node.region])
        fault(
          `a ${node.region} node reads ${JSON.stringify(input)}, which a ${nodes[earlier]!.region} node makes`,
          node,
        );
    }
    return before;
  });
  nodes.forEach((node, n) => {
    if (node.region !== 'update') return;
    for (const input of new Set(node.inputs)) {
      const later = writer.get(input);
      if (later !== undefined && later !== n) dependencies[later]!.push(n);
    }
  });
  if (faults.length > 0) throw new SublinearError(faults);
  return dependencies;
}

function cycleError(
  { nodes }: PlanGraph,
  dependencies: readonly (readonly number[])[],
  waiting: readonly number[],
  source: string,
): SublinearError {
  // Every node that still waits, waits for one that still waits: walking back must come round.
  let n = waiting.findIndex((count) => count > 0);
  const place = new Map<number, number>();
  const path: number[] = [];
  while (!place.has(n)) {
    place.set(n, path.length);
    path.push(n);
    n = dependencies[n]!.find((earlier) => waiting[earlier]! > 0)!;
  }
  const cycle = [n, ...path.slice(place.get(n)!).reverse()].map((k) => nodes[k]!.name);
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), '...', ...cycle.slice(-5)] : cycle;
  return new SublinearError({
    code: 'cyclic-plan-graph',
    message: `the plan graph has a cycle: ${shown.join(' -> ')}`,
    node: nodes[n]!.name,
    source,
  });
}

function pushHeap(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

function popHeap(heap: number[]): number {
  const top = heap[0]!;
  const value = heap.pop()!;
  if (heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return top;
}
