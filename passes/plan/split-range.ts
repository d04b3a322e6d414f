/**
 * Splits a range of positions for the recursive strategy: where, and what has to be kept there. Only the range counts:
 * the frontier of the split is the storages made in its left half and read in its right half by forward nodes (older
 * ones are kept further down the recursion, younger readers have had their backward pass).
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import type { Frontiers } from './frontiers.ts';
import type { Storages } from './storages.ts';

export interface RangeSplit {
  readonly position: number;
  /** Owners of the storages to keep, in the order in which they are made. */
  readonly frontier: Int32Array;
}

/**
 * Returns a function that splits `from .. to`, or gives undefined where the range is short: where backward reads at most
 * `shortBytes` of it, or no split would hold less than the whole. O(reads of the range).
 */
export function rangeSplitter(
  index: PlanIndex,
  storages: Storages,
  { made, root, bytes, demandedBytes, madeStart }: Frontiers,
  shortBytes: number,
): (from: number, to: number) => RangeSplit | undefined {
  const { readStart, reads } = index;
  /** By owner: the last node of the range that reads it. Valid for what the range at hand makes. */
  const lastRead = new Int32Array(index.valueCount).fill(-1);
  const crossing = new Float64Array(storages.forwardCount + 1);
  return (from, to) => {
    const first = madeStart[from]!;
    const last = madeStart[to]!;
    let total = 0;
    for (let k = first; k < last; k++) {
      total += demandedBytes[k]!;
      lastRead[root[k]!] = made[k]!;
    }
    if (total <= shortBytes || to - from < 2) return undefined;
    for (let n = from; n < to; n++)
      for (let r = readStart[n]!; r < readStart[n + 1]!; r++) lastRead[storages.root[reads[r]!]!] = n;
    crossing.fill(0, from, to + 1);
    for (let k = first; k < last; k++) {
      const start = made[k]! + 1;
      const end = lastRead[root[k]!]! + 1;
      crossing[start] = crossing[start]! + bytes[k]!;
      crossing[end] = crossing[end]! - bytes[k]!;
    }
    // Held while the right half runs: the frontier and the right half; then the left half. Both quarters at the ends are
    // left out if possible, so that the depth stays logarithmic.
    let best = -1;
    let bestHeld = total;
    let central = false;
    let left = 0;
    let frontier = 0;
    for (let p = from + 1; p < to; p++) {
      for (let k = madeStart[p - 1]!; k < madeStart[p]!; k++) left += demandedBytes[k]!;
      frontier += crossing[p]!;
      const held = Math.max(frontier + total - left, left);
      if (held >= total) continue;
      const isCentral = left >= total / 4 && left <= (3 * total) / 4;
      if (central && !isCentral) continue;
      if (isCentral === central && held > bestHeld) continue;
      central = isCentral;
      best = p;
      bestHeld = held;
    }
    if (best < 0) return undefined;
    const kept: number[] = [];
    for (let k = first; k < madeStart[best]!; k++) if (lastRead[root[k]!]! >= best) kept.push(root[k]!);
    return { position: best, frontier: Int32Array.from(kept) };
  };
}
