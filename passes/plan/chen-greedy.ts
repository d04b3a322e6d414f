/**
 * Chen's greedy planning (Chen et al. 2016, algorithm 3) with a sweep over its parameter: walk the forward pass, add up
 * bytes, and keep a frontier whenever the sum exceeds the parameter. Once with any position as a candidate and once with
 * articulation points alone. A baseline, and seeds for planners under a budget.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { findFrontiers, frontierSizes, keepFrontiers } from './frontiers.ts';
import { keptSetSequence } from './kept-set.ts';
import { findStorages } from './storages.ts';

/** Values of the parameter: from the whole forward pass down, each a fixed ratio smaller than the one before. */
const sweepSize = 14;
const sweepRatio = 0.66;

/** Distinct sequences, fewest checkpoints first; none where backward reads nothing that could be dropped. */
export function chenGreedySweep(index: PlanIndex): Int32Array[] {
  const storages = findStorages(index);
  const frontiers = findFrontiers(index, storages);
  const { positionCount, madeStart, demandedBytes } = frontiers;
  const sizes = frontierSizes(frontiers);
  const total = demandedBytes.reduce((sum, size) => sum + size, 0);
  const seen = new Set<string>();
  const sequences: Int32Array[] = [];
  for (const mostStorages of [Number.POSITIVE_INFINITY, 1])
    for (let k = 1, bound = total * sweepRatio; k <= sweepSize && total > 0; k++, bound *= sweepRatio) {
      const positions: number[] = [];
      let sum = 0;
      for (let p = 1; p < positionCount; p++) {
        for (let s = madeStart[p - 1]!; s < madeStart[p]!; s++) sum += demandedBytes[s]!;
        if (sum <= bound || sizes[p]! > mostStorages) continue;
        positions.push(p);
        sum = 0;
      }
      const key = positions.join();
      if (positions.length === 0 || seen.has(key)) continue;
      seen.add(key);
      sequences.push(keptSetSequence(index, keepFrontiers(index, storages, frontiers, positions), storages));
    }
  return sequences;
}
