/** Plan: a sequence of node names in which a name may appear more than once, with its figures (DESIGN idea 2). */

import type { CostsSource } from '../../src/analysis/costs-file.ts';
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';

export interface Plan {
  readonly strategy: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  /** Cost model by name, or `measured`. */
  readonly costModel: string;
  /** Where measured costs came from, and how many nodes had none. */
  readonly costs?: CostsSource & { readonly unmeasured: number };
  readonly sequence: readonly string[];
  /** Bytes: what the sequence keeps alive at its peak, before placement. */
  readonly liveBytes: number;
  /** In units of the cost model: all steps, and each node once. */
  readonly cost: number;
  readonly baseCost: number;
  /** No legal sequence within the budget costs less; without a budget, `baseCost`. */
  readonly lowerBound: number;
  /** Name of the bound. */
  readonly bound: string;
  /** Bytes of arena that were allowed, where there was a budget. */
  readonly budget?: number;
  /** Set where the search was stopped early: the plan fits, and more of a search might have found a cheaper one. */
  readonly stopped?: true;
}

/** Sum of every node's cost once: ordinary training. */
export function baseCost(index: PlanIndex): number {
  return index.cost.reduce((total, cost) => total + cost, 0);
}

/**
 * A sequence with its figures, for a strategy that proves no bound. Throws `SequenceError`, and `RangeError` where a node
 * never runs: both are the strategy's fault.
 */
export function planFromSequence(
  index: PlanIndex,
  sequence: ArrayLike<number>,
  about: Pick<Plan, 'strategy' | 'options' | 'costModel' | 'costs'>,
): Plan {
  const { liveBytes, cost } = simulate(index, sequence);
  checkComplete(index, sequence);
  const base = baseCost(index);
  return {
    ...about,
    sequence: Array.from(sequence, (n) => index.graph.nodes[n]!.name),
    liveBytes,
    cost,
    baseCost: base,
    lowerBound: base,
    bound: 'each node once',
  };
}

function checkComplete(index: PlanIndex, sequence: ArrayLike<number>): void {
  const runs = new Uint8Array(index.nodeCount);
  for (let s = 0; s < sequence.length; s++) runs[sequence[s]!] = 1;
  const missing = runs.indexOf(0);
  if (missing >= 0) throw new RangeError(`the plan never runs ${JSON.stringify(index.graph.nodes[missing]!.name)}`);
}
