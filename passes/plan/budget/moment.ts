/**
 * A moment of a step: what is certain about the time at which a given node after the forward part runs, in every legal
 * sequence (DESIGN section 8), whatever its order. Only ancestors of its node are taken to be done by then, only its
 * descendants to be outstanding.
 */
import { backwardRegion, forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { addedBytes, type Roots } from './roots.ts';

export interface Moment {
  readonly node: number;
  /** Names the moment and what is assumed. */
  readonly key: string;
  /** By node, among nodes after the forward part: must run before the moment's node. */
  readonly before: Uint8Array;
  /** Must run after it. */
  readonly after: Uint8Array;
  /** Bytes that are alive at the moment whatever is kept: gradients on their way, results, scratch. */
  readonly forcedBytes: number;
}

/** An order that is assumed of two nodes that the graph leaves free. */
export interface AssumedOrder {
  readonly first: number;
  readonly second: number;
}

/** Everything that follows from one moment (and assumed orders). O(nodes + reads). */
export function momentAt(index: PlanIndex, roots: Roots, node: number, assumed: readonly AssumedOrder[] = []): Moment {
  const { nodeCount, readStart, reads, readerStart, readers, resultStart, producer, region, bytes, scratch } = index;
  const { isOutput } = index;
  const before = new Uint8Array(nodeCount);
  const after = new Uint8Array(nodeCount);
  const stack = [node];
  for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
    for (const { first, second } of assumed)
      if (second === n && before[first] === 0) {
        before[first] = 1;
        stack.push(first);
      }
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0 && region[made] !== forwardRegion && before[made] === 0) {
        before[made] = 1;
        stack.push(made);
      }
    }
  }
  stack.push(node);
  for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
    for (const { first, second } of assumed)
      if (first === n && after[second] === 0) {
        after[second] = 1;
        stack.push(second);
      }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) {
        const reader = readers[k]!;
        if (after[reader] === 0) {
          after[reader] = 1;
          stack.push(reader);
        }
      }
  }
  // A storage made before the moment that somebody reads (itself or a view of it) at the moment or later is alive at it.
  let forcedBytes = scratch[node]!;
  const counted = new Uint8Array(index.valueCount);
  const count = (v: number): void => {
    const r = roots.root[v]!;
    if (r < 0 || counted[r] === 1 || before[producer[r]!] === 0) return;
    counted[r] = 1;
    forcedBytes += bytes[r]!;
  };
  for (let n = 0; n < nodeCount; n++) {
    if (n === node || after[n] === 1) for (let k = readStart[n]!; k < readStart[n + 1]!; k++) count(reads[k]!);
    if (before[n] === 1) for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) if (isOutput[v] === 1) count(v);
  }
  for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++) forcedBytes += addedBytes(index, roots, v);
  const orders = assumed.map(({ first, second }) => `${first}<${second}`);
  return { node, key: [node, ...orders].join(':'), before, after, forcedBytes };
}

/** Bytes of gradients on their way that are made by one moment and read at a later one or after it. */
export function bytesThroughout(index: PlanIndex, roots: Roots, from: Moment, to: Moment): number {
  const { nodeCount, readStart, reads, resultStart, producer, bytes, isOutput } = index;
  const isMade = (n: number): boolean => n === from.node || from.before[n] === 1;
  const counted = new Set<number>();
  let sum = 0;
  const count = (v: number): void => {
    const r = roots.root[v]!;
    if (r < 0 || counted.has(r) || !isMade(producer[r]!)) return;
    counted.add(r);
    sum += bytes[r]!;
  };
  for (let n = 0; n < nodeCount; n++) {
    if (n === to.node || to.after[n] === 1) for (let k = readStart[n]!; k < readStart[n + 1]!; k++) count(reads[k]!);
    if (isMade(n)) for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) if (isOutput[v] === 1) count(v);
  }
  return sum;
}

/** Backward nodes without backward ancestors come first in any legal order; the moment of such a node is the loss cut. */
export function firstBackwardNodes(index: PlanIndex): number[] {
  const { nodeCount, region, readStart, reads, producer } = index;
  const found: number[] = [];
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] !== backwardRegion) continue;
    let first = true;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0 && region[made] !== forwardRegion) first = false;
    }
    if (first) found.push(n);
  }
  return found;
}
