/**
 * The search runs a view again wherever it is wanted. Here the runs go whose view of the very same copy is still at hand:
 * reading the older view touches the same storage, so bytes stay what they were.
 */
import { normalizeSequence } from '../normalize-sequence.ts';
import type { Prepared } from './prepared.ts';

export function cleanSequence({ index, placeUpdates }: Prepared, sequence: Int32Array): Int32Array {
  const { valueCount, inputCount, resultStart, view, reads, readStart, nodeCount } = index;
  // The copy a value's current copy lies in: a number per run that made the storage.
  const group = new Int32Array(valueCount).fill(-1);
  const seen = new Uint8Array(nodeCount);
  let copies = 0;
  const kept = sequence.filter((n) => {
    const start = resultStart[n]!;
    const end = resultStart[n + 1]!;
    let redundant = seen[n] === 1 && start < end;
    for (let v = start; v < end && redundant; v++) {
      const viewed = view[v]!;
      redundant = viewed >= 0 && (viewed < inputCount || group[v] === group[viewed]);
      // A view that was made from older operands than it would be now is not the same.
      for (let k = readStart[n]!; k < readStart[n + 1]! && redundant; k++)
        redundant = reads[k] === viewed || reads[k]! < inputCount;
    }
    if (redundant) return false;
    seen[n] = 1;
    for (let v = start; v < end; v++) {
      const viewed = view[v]!;
      if (viewed < 0) group[v] = copies++;
      else group[v] = viewed < inputCount ? -1 : group[viewed]!;
    }
    return true;
  });
  return placeUpdates(normalizeSequence(index, kept));
}
