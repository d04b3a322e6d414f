/** What is found once for a graph and used by every plan for it, whatever the budget. */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { updatePlacer } from '../place-updates.ts';
import { findRoots, findWriters, hoistedOrder, type Roots, sourceOrder } from './roots.ts';
import { seedSequences } from './seed-sequences.ts';

/** Beyond this many nodes what a plan starts from takes longer than its moves: few starts are tried, few moments bounded. */
const largeGraph = 20_000;

export interface Prepared {
  readonly index: PlanIndex;
  readonly roots: Roots;
  readonly writers: readonly (readonly number[] | undefined)[];
  /** Moves updates to the earliest step at which they may run. */
  readonly placeUpdates: (sequence: Int32Array) => Int32Array;
  readonly large: boolean;
  /** Skeletons, every node once: source order first. */
  readonly orders: readonly Int32Array[];
  /** The sequences of the named strategies: no budget changes them, so they are made once, when first asked for. */
  readonly seeds: () => readonly Int32Array[];
  /** Cost of each node once. */
  readonly baseCost: number;
  /** Cost of one recomputation, typically; at least a little, so that it can scale temperatures. */
  readonly typicalCost: number;
}

export function prepare(index: PlanIndex): Prepared {
  const roots = findRoots(index);
  const writers = findWriters(index, roots);
  const source = sourceOrder(index, writers);
  const hoisted = hoistedOrder(index, writers);
  const orders = hoisted.every((node, t) => node === source[t]) ? [source] : [source, hoisted];
  let baseCost = 0;
  for (let n = 0; n < index.nodeCount; n++) baseCost += index.cost[n]!;
  let typicalCost = 0;
  for (const r of roots.movable) typicalCost += index.cost[index.producer[r]!]! / roots.movable.length;
  const large = index.nodeCount > largeGraph;
  let seeds: readonly Int32Array[] | undefined;
  return {
    ...{ index, roots, writers, placeUpdates: updatePlacer(index), orders, baseCost, large },
    seeds: () => (seeds ??= seedSequences(index, large)),
    typicalCost: Math.max(typicalCost, 1e-3),
  };
}
