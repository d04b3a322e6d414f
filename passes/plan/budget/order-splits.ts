/**
 * Nodes that may run early or late, weight gradients mostly: beside the way by which a gradient goes on. A bound takes them
 * by cases, one for each place on that way.
 */
import { backwardRegion, forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Roots } from './roots.ts';
import { ownBytes } from './working-set.ts';

export interface OrderSplit {
  /** A node that few others wait for: a weight gradient, mostly. It reads a gradient. */
  readonly node: number;
  /** The node that makes that gradient. */
  readonly made: number;
  /** Nodes by which the gradient that it reads goes on, in order. */
  readonly way: readonly number[];
}

const mostSplits = 4;
const longestWay = 20;

/** Nodes that plans are tight at, or that are large, beside the gradient's way, with that way. */
export function orderSplits(index: PlanIndex, roots: Roots, tight: readonly number[]): OrderSplit[] {
  const { readStart, reads, producer, region, bytes } = index;
  const reach = waysToTheEnd(index);
  const weight = (n: number): number => ownBytes(index, roots, n);
  const backward: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) if (region[n] === backwardRegion) backward.push(n);
  const most = backward.reduce((best, n) => Math.max(best, reach[n]!), 0);
  const beside = backward.filter((n) => reach[n]! < 0.3 * most);
  beside.sort((a, b) => weight(b) - weight(a) || a - b);
  const besideSet = new Set(beside);
  const chosen = [...new Set([...tight.filter((n) => besideSet.has(n)), ...beside.slice(0, 3)])].slice(0, mostSplits);
  const splits: OrderSplit[] = [];
  for (const node of chosen) {
    let gradient = -1;
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++) {
      const r = roots.root[reads[k]!]!;
      if (r >= 0 && region[producer[r]!] === backwardRegion && (gradient < 0 || bytes[r]! > bytes[gradient]!))
        gradient = r;
    }
    if (gradient < 0) continue;
    const way: number[] = [];
    let at = producer[gradient]!;
    while (way.length < longestWay) {
      const next = nextOnTheWay(index, at, node, reach);
      if (next < 0) break;
      way.push(next);
      at = next;
    }
    if (way.length > 0) splits.push({ node, made: producer[gradient]!, way });
  }
  return splits;
}

/** The reader of a node's results (or of views of them) that most others wait for. */
function nextOnTheWay(index: PlanIndex, from: number, not: number, reach: Float64Array): number {
  const { resultStart, readerStart, readers, region } = index;
  let best = -1;
  for (let v = resultStart[from]!; v < resultStart[from + 1]!; v++)
    for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) {
      const n = readers[k]!;
      if (n !== not && region[n] === backwardRegion && (best < 0 || reach[n]! > reach[best]!)) best = n;
    }
  return best;
}

/** Length of the longest way from each node to the end. */
function waysToTheEnd(index: PlanIndex): Float64Array {
  const { nodeCount, resultStart, readerStart, readers, region } = index;
  // The longest way to the end is what tells the gradient's way from what hangs beside it.
  const reach = new Float64Array(nodeCount);
  for (let n = nodeCount - 1; n >= 0; n--) {
    if (region[n] === forwardRegion) continue;
    let most = 0;
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) most = Math.max(most, 1 + reach[readers[k]!]!);
    reach[n] = most;
  }
  return reach;
}
