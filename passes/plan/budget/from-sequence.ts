/**
 * From any legal sequence to the search's state: its first appearances are the skeleton, and each copy of a storage is
 * an interval from the stage that makes it to the stage that touches it last.
 */
import type { Prepared } from './prepared.ts';
import { createRetention, type Retention } from './retention.ts';

export function skeletonOf(prepared: Prepared, sequence: ArrayLike<number>): Int32Array {
  const { nodeCount } = prepared.index;
  const order = new Int32Array(nodeCount);
  const seen = new Uint8Array(nodeCount);
  let count = 0;
  for (let s = 0; s < sequence.length; s++) {
    const n = sequence[s]!;
    if (seen[n] === 1) continue;
    seen[n] = 1;
    order[count++] = n;
  }
  return order;
}

/** Packed pairs (first, last stage) of the copies of each root. */
export function intervalsOf(prepared: Prepared, sequence: ArrayLike<number>): (number[] | undefined)[] {
  const { index, roots } = prepared;
  const { readStart, reads, resultStart, valueCount, nodeCount } = index;
  const pairs: (number[] | undefined)[] = new Array(valueCount).fill(undefined);
  const seen = new Uint8Array(nodeCount);
  let stage = 0;
  for (let s = 0; s < sequence.length; s++) {
    const n = sequence[s]!;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = roots.root[reads[k]!]!;
      const list = r < 0 ? undefined : pairs[r];
      if (list !== undefined) list[list.length - 1] = stage;
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      const r = roots.root[v]!;
      if (r < 0) continue;
      const list = pairs[r];
      if (r === v) {
        if (list === undefined) pairs[r] = [stage, stage];
        // A copy made in the stage in which the last one ended is one with it.
        else if (list[list.length - 1] !== stage) list.push(stage, stage);
      } else if (list !== undefined) list[list.length - 1] = stage;
    }
    if (seen[n] === 0) {
      seen[n] = 1;
      stage++;
    }
  }
  return pairs;
}

/** A state that runs the sequence's skeleton and retains what the sequence retains. */
export function fromSequence(
  prepared: Prepared,
  sequence: ArrayLike<number>,
  limit: (stage: number) => number,
): Retention {
  const { index, roots, writers } = prepared;
  const state = createRetention(index, roots, writers, skeletonOf(prepared, sequence));
  state.setLimits(limit);
  const pairs = intervalsOf(prepared, sequence);
  state.load((root) => pairs[root]);
  return state;
}
