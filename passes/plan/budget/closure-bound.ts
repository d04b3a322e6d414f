/**
 * The loss cut for large graphs: the knapsack goes into the objective with a multiplier (cost per byte), and what remains is
 * a minimum-weight closure, that is a maximum flow between re-run nodes and the storages they need (Picard 1976). The best
 * multiplier gives the bound of the linear program; every multiplier on the way gives a kept set, a seed for plans.
 */
import { forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { createFlow } from './max-flow.ts';
import type { Moment } from './moment.ts';
import type { Roots } from './roots.ts';

export interface ClosureBound {
  /** No legal sequence within the budget recomputes for less; Infinity if what must be alive does not fit. */
  readonly bound: number;
  /** Roots kept at the moment (by value), for multipliers from none to all. */
  readonly keptSets: readonly Uint8Array[];
}

const halvings = 36;

export function closureBound(index: PlanIndex, roots: Roots, moment: Moment, budget: number): ClosureBound {
  const { nodeCount, inputCount, valueCount, readStart, reads, resultStart, producer, region } = index;
  const { bytes, cost, recomputable, isOutput } = index;
  const { root } = roots;
  // Storages that must be there at the moment or afterwards; operands of its node are there at it.
  const forced = new Uint8Array(valueCount);
  const held = new Uint8Array(valueCount);
  const demand = (n: number, at: boolean): void => {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = root[reads[k]!]!;
      if (r < 0 || region[producer[r]!] !== forwardRegion) continue;
      forced[r] = 1;
      if (at) held[r] = 1;
    }
  };
  for (let n = 0; n < nodeCount; n++) if (moment.after[n] === 1) demand(n, false);
  demand(moment.node, true);
  for (let v = inputCount; v < valueCount; v++)
    if (isOutput[v] === 1 && root[v]! >= 0 && region[producer[root[v]!]!] === forwardRegion) {
      forced[root[v]!] = 1;
      held[root[v]!] = 1;
    }
  let capacity = budget - moment.forcedBytes;
  let forcedBytes = 0;
  for (let v = inputCount; v < valueCount; v++) {
    if (held[v] === 1) capacity -= bytes[v]!;
    else if (forced[v] === 1) forcedBytes += bytes[v]!;
  }
  if (capacity < 0) return { bound: Number.POSITIVE_INFINITY, keptSets: [] };
  if (forcedBytes <= capacity) return { bound: 0, keptSets: [] };

  // Re-run nodes that may spare bytes: each makes storages that are then not kept.
  const nodes: number[] = [];
  const spared: number[] = [];
  let worth = 0;
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] !== forwardRegion || recomputable[n] === 0) continue;
    let sum = 0;
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) if (root[v] === v && held[v] === 0) sum += bytes[v]!;
    if (sum === 0) continue;
    nodes.push(n);
    spared.push(sum);
    worth = Math.max(worth, cost[n]! / sum);
  }
  const flow = createFlow(nodes.length, valueCount);
  nodes.forEach((n, i) => {
    const needs = new Set<number>();
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = root[reads[k]!]!;
      if (r >= 0 && forced[r] === 0) needs.add(r);
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) if (root[v] === v && forced[v] === 0) needs.add(v);
    for (const r of needs) flow.link(i, r);
  });
  flow.finish();
  const gain = new Float64Array(nodes.length);
  const price = new Float64Array(valueCount);
  let bound = 0;
  const keptSets: Uint8Array[] = [];
  /** Bytes kept beyond the capacity at the best closure for a multiplier. */
  const evaluate = (multiplier: number): number => {
    let gains = 0;
    for (let i = 0; i < nodes.length; i++) {
      gain[i] = Math.max(0, multiplier * spared[i]! - cost[nodes[i]!]!);
      gains += gain[i]!;
    }
    for (let v = inputCount; v < valueCount; v++) price[v] = forced[v] === 1 ? 0 : multiplier * bytes[v]!;
    const { value, chosen } = flow.solve(gain, price);
    bound = Math.max(bound, multiplier * (forcedBytes - capacity) - (gains - value));
    const kept = new Uint8Array(valueCount);
    for (let v = inputCount; v < valueCount; v++) if (forced[v] === 1 || held[v] === 1) kept[v] = 1;
    for (let i = 0; i < nodes.length; i++) if (chosen[i] === 1) flow.needs(i, (r) => (kept[r] = 1));
    for (let i = 0; i < nodes.length; i++)
      if (chosen[i] === 1)
        for (let v = resultStart[nodes[i]!]!; v < resultStart[nodes[i]! + 1]!; v++) if (held[v] === 0) kept[v] = 0;
    let used = -capacity;
    for (let v = inputCount; v < valueCount; v++) if (kept[v] === 1 && held[v] === 0) used += bytes[v]!;
    keptSets.push(kept);
    return used;
  };
  let low = 0;
  let high = Math.max(worth, Number.MIN_VALUE);
  // Above the dearest byte the capacity may still not suffice (chains of re-runs): widen a few times.
  for (let k = 0; k < 24 && evaluate(high) > 0; k++) {
    low = high;
    high *= 4;
  }
  for (let k = 0; k < halvings; k++) {
    const middle = low === 0 && k < 20 ? high / 8 : (low + high) / 2;
    if (evaluate(middle) > 0) low = middle;
    else high = middle;
    if (high - low <= 1e-5 * high) break;
  }
  return { bound, keptSets };
}
