/** The sequences of every named strategy and of the baselines from the literature, as seeds of the search. */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { chenGreedySweep } from '../chen-greedy.ts';
import { lowerSetPlans } from '../lower-sets.ts';
import { memory } from '../memory.ts';
import { recursive } from '../recursive.ts';
import { speed } from '../speed.ts';

/** Graphs beyond this many nodes get the cheaper ones only. */
const mostNodes = 20_000;

export function seedSequences(index: PlanIndex): Int32Array[] {
  const sequences = [speed(index, {}), memory(index, {}), recursive(index, {})];
  if (index.nodeCount <= mostNodes) sequences.push(...chenGreedySweep(index), ...lowerSetPlans(index));
  return sequences;
}
