/** From a kept set to intervals: what is kept lives on; the rest dies after the forward part and again from its first later touch on. */
import { forwardRegion } from '../../../src/analysis/plan-graph.ts';
import type { Prepared } from './prepared.ts';
import type { Retention } from './retention.ts';

/** Packed pairs for `Retention.load`, for a skeleton. */
export function keptIntervals(prepared: Prepared, order: Int32Array, kept: Uint8Array): (number[] | undefined)[] {
  const { index, roots } = prepared;
  const { readStart, reads, resultStart, valueCount, region } = index;
  const first = new Int32Array(valueCount).fill(-1);
  const lastForward = new Int32Array(valueCount).fill(-1);
  const firstLater = new Int32Array(valueCount).fill(-1);
  const last = new Int32Array(valueCount).fill(-1);
  order.forEach((n, stage) => {
    const touch = (v: number): void => {
      const r = roots.root[v]!;
      if (r < 0) return;
      if (first[r]! < 0) first[r] = stage;
      last[r] = stage;
      if (region[n] === forwardRegion) lastForward[r] = stage;
      else if (firstLater[r]! < 0) firstLater[r] = stage;
    };
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) touch(reads[k]!);
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) touch(v);
  });
  const pairs: (number[] | undefined)[] = new Array(valueCount).fill(undefined);
  for (const r of roots.movable) {
    if (first[r]! < 0) continue;
    if (kept[r] === 1) pairs[r] = [first[r]!, order.length - 1];
    else if (firstLater[r]! < 0) pairs[r] = [first[r]!, last[r]!];
    else pairs[r] = [first[r]!, lastForward[r]!, firstLater[r]!, last[r]!];
  }
  return pairs;
}

/** Everything kept: ordinary backpropagation. */
export function loadEverything(prepared: Prepared, state: Retention): void {
  const all = new Uint8Array(prepared.index.valueCount).fill(1);
  const pairs = keptIntervals(prepared, state.order, all);
  state.load((root) => pairs[root]);
}
