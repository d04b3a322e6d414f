/**
 * Drops the appearances that nobody reads, first appearances aside, and what only those read. A clone that no step reads
 * would cost its run and its bytes for nothing; the rewrite would not make it (DESIGN section 6).
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';

/** O(reads of the sequence). The sequence must be legal. */
export function normalizeSequence(index: PlanIndex, sequence: Int32Array): Int32Array {
  const { readStart, reads, producer } = index;
  const steps = sequence.length;
  // The most recent step that made a value, for each read; dropping unread appearances does not change it.
  const latest = new Int32Array(index.nodeCount).fill(-1);
  const first = new Uint8Array(steps);
  const sourceStart = new Int32Array(steps + 1);
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    sourceStart[s + 1] = sourceStart[s]! + readStart[n + 1]! - readStart[n]!;
  }
  const source = new Int32Array(sourceStart[steps]!);
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    for (let k = readStart[n]!, r = sourceStart[s]!; k < readStart[n + 1]!; k++, r++) {
      const maker = producer[reads[k]!]!;
      source[r] = maker < 0 ? -1 : latest[maker]!;
    }
    if (latest[n]! < 0) first[s] = 1;
    latest[n] = s;
  }
  const used = new Uint8Array(steps);
  let kept = 0;
  for (let s = steps - 1; s >= 0; s--) {
    if (first[s] === 0 && used[s] === 0) continue;
    used[s] = 1;
    kept++;
    for (let r = sourceStart[s]!; r < sourceStart[s + 1]!; r++) if (source[r]! >= 0) used[source[r]!] = 1;
  }
  if (kept === steps) return sequence;
  return sequence.filter((_, s) => used[s] === 1);
}
