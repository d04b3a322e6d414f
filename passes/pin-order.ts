/**
 * Ordering edges beyond the rule of `recompute`, for graphs in which the rule alone is not enough.
 *
 * The rule holds back clones. Where a graph has parallel branches (attention heads, squeeze-and-excite), a
 * first-in-first-out executor may still run an original node, or a clone behind a clone, before its place in the
 * sequence, and peak above the plan. Then each node that would run early waits for the one before it in the sequence.
 */
import { fifoOrder } from '../src/analysis/fifo-order.ts';
import { indexPlanGraph } from '../src/analysis/plan-graph.ts';
import { simulate } from '../src/analysis/simulate.ts';
import { toPlanGraph } from '../src/analysis/to-plan-graph.ts';
import type { Graph } from '../src/ir/graph.ts';

/** The graph itself where as-soon-as-ready execution peaks no higher than the graph's own order. O(nodes + edges). */
export function pinOrder(graph: Graph): Graph {
  const index = indexPlanGraph(toPlanGraph(graph));
  const planned = simulate(index, Int32Array.from(graph.nodes.keys())).liveBytes;
  if (simulate(index, fifoOrder(graph)).liveBytes <= planned) return graph;
  const early = new Set<number>();
  fifoOrder(graph, (node) => {
    early.add(node);
  });
  const nodes = graph.nodes.map((node, n) => {
    if (!early.has(n)) return node;
    const before = graph.nodes[n - 1]!.name;
    return { ...node, after: [...(node.after ?? []).filter((name) => name !== before), before] };
  });
  return { ...graph, nodes };
}
