/**
 * Writes a sequence while keeping account of which forward values a reader still finds: a value is available if its
 * most recent copy is meant to be alive, and what is not available is recomputed, its absent inputs first.
 */
import { forwardRegion, type PlanIndex } from '../../src/analysis/plan-graph.ts';
import type { Storages } from './storages.ts';

export interface SequenceWriter {
  /** By value. Planners clear it for what they let die. */
  readonly available: Uint8Array;
  /** Appends a node; its results are then available, older views of them are not. */
  readonly run: (node: number) => void;
  /**
   * Recomputes what `node` reads and does not find, in source order. Returns the nodes it ran; the array is used again
   * by the next call.
   */
  readonly supply: (node: number) => Int32Array;
  /** The same for values: those given must be results of forward nodes. */
  readonly supplyValues: (values: ArrayLike<number>) => Int32Array;
  readonly length: () => number;
  readonly finish: () => Int32Array;
}

export function sequenceWriter(index: PlanIndex, storages: Storages): SequenceWriter {
  const { producer, readStart, reads, resultStart, region, inputCount } = index;
  const { members, memberStart, root } = storages;
  let sequence = new Int32Array(index.nodeCount * 2 + 16);
  let length = 0;
  const available = new Uint8Array(index.valueCount);
  available.fill(1, 0, inputCount);
  const wanted = new Uint8Array(index.nodeCount);
  const pending = new Int32Array(storages.forwardCount);

  const run = (node: number): void => {
    if (length === sequence.length) {
      const longer = new Int32Array(length * 2);
      longer.set(sequence);
      sequence = longer;
    }
    sequence[length++] = node;
    for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++) {
      if (root[v] === v)
        for (let k = memberStart[v]!; k < memberStart[v + 1]!; k++)
          if (producer[members[k]!] !== node) available[members[k]!] = 0;
      available[v] = 1;
    }
  };
  let count = 0;
  const want = (value: number): void => {
    if (available[value] === 1) return;
    const node = producer[value]!;
    if (wanted[node] === 1 || region[node] !== forwardRegion) return;
    wanted[node] = 1;
    pending[count++] = node;
  };
  /** `pending` holds the nodes wanted so far and serves as the queue of the search for their absent inputs. */
  const runWanted = (): Int32Array => {
    for (let head = 0; head < count; head++) {
      const node = pending[head]!;
      for (let k = readStart[node]!; k < readStart[node + 1]!; k++) want(reads[k]!);
    }
    const ran = pending.subarray(0, count).sort();
    for (const node of ran) {
      wanted[node] = 0;
      run(node);
    }
    count = 0;
    return ran;
  };
  return {
    available,
    run,
    supply: (node) => {
      for (let k = readStart[node]!; k < readStart[node + 1]!; k++) want(reads[k]!);
      return runWanted();
    },
    supplyValues: (values) => {
      for (let k = 0; k < values.length; k++) want(values[k]!);
      return runWanted();
    },
    length: () => length,
    finish: () => sequence.slice(0, length),
  };
}
