/**
 * The order in which a first-in-first-out, as-soon-as-ready executor runs a graph: what an engine that knows nothing of
 * the plan would do. The `after` edges of the recompute rewrite must be enough for it to reach the planned peak
 * (DESIGN section 6).
 *
 * A node is ready when its operands and its `after` nodes have run; one that writes over a resident, when all readers of
 * the old value have run.
 */
import type { Graph } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

/**
 * Positions in `graph.nodes`. Throws `RangeError` if the graph is cyclic. O(nodes + edges).
 *
 * With `hold`, nodes run in the graph's own order, and `hold` is told of each node that was ready before its turn: it is
 * made to wait for the node before it.
 */
export function fifoOrder(graph: Graph, hold?: (node: number) => void): Int32Array {
  const count = graph.nodes.length;
  const producer = new Map<string, number>();
  graph.nodes.forEach((node, n) => {
    for (const result of node.results) producer.set(result.name, n);
  });
  const dependents: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Int32Array(count);
  const depend = (n: number, on: number | undefined): void => {
    if (on === undefined || on === n) return;
    dependents[on]!.push(n);
    waiting[n] = waiting[n]! + 1;
  };
  const readers = new Map<string, number[]>();
  graph.nodes.forEach((node, n) => {
    for (const name of new Set(node.operands.map((operand) => operand.name))) {
      const made = producer.get(name);
      depend(n, made);
      if (made !== undefined) continue;
      const list = readers.get(name);
      if (list === undefined) readers.set(name, [n]);
      else list.push(n);
    }
    for (const name of node.after ?? []) depend(n, producer.get(name));
  });
  graph.nodes.forEach((node, n) => {
    for (const written of opNamed(node.op).writes ?? [])
      for (const reader of readers.get(node.operands[written]!.name) ?? []) depend(n, reader);
  });
  const queue: number[] = [];
  const order = new Int32Array(count);
  let ran = 0;
  for (let n = 0; n < count; n++) if (waiting[n] === 0) queue.push(n);
  for (let head = 0; head < queue.length; head++) {
    const node = queue[head]!;
    if (hold !== undefined && node !== ran) {
      hold(node);
      depend(node, node - 1);
      continue;
    }
    order[ran++] = node;
    for (const n of dependents[node]!) {
      waiting[n] = waiting[n]! - 1;
      if (waiting[n] === 0) queue.push(n);
    }
  }
  if (ran < count) throw new RangeError('the graph has a cycle');
  return order;
}
