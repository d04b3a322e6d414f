/**
 * What a planner decides about: storages. A value and its views are one storage (an alias class); it is kept, dropped
 * and counted as a whole. This file says, for each, when it is made and who still wants it.
 */
import { forwardRegion, type PlanIndex, updateRegion } from '../../src/analysis/plan-graph.ts';

export interface Storages {
  /** Forward nodes are `0 .. forwardCount`. */
  readonly forwardCount: number;
  /** For each value, the value that owns its storage: the end of its chain of views. */
  readonly root: Int32Array;
  /** Members of root r other than r itself: `members[memberStart[r] .. memberStart[r + 1]]`. */
  readonly memberStart: Int32Array;
  readonly members: Int32Array;
  /** For a root made by a forward node: the last forward node that reads it or a view of it, or makes one; else -1. */
  readonly lastForwardUse: Int32Array;
  /** 1 for roots that a backward node reads, directly or through a view. */
  readonly demanded: Uint8Array;
  /**
   * 1 for roots made by forward nodes that live on whatever a planner decides: residents, outputs, what no clone may
   * make again, and what an update reads (every update would otherwise wait for the recomputation, and gradients with
   * it).
   */
  readonly permanent: Uint8Array;
}

/** O(values + reads). */
export function findStorages(index: PlanIndex): Storages {
  const { valueCount, inputCount, nodeCount, producer, view, region, readStart, reads, resultStart } = index;
  let forwardCount = 0;
  while (forwardCount < nodeCount && region[forwardCount] === forwardRegion) forwardCount++;
  const root = new Int32Array(valueCount);
  const memberStart = new Int32Array(valueCount + 1);
  // Values are numbered in the order they are made, so that a view's base has its root already.
  for (let v = 0; v < valueCount; v++) {
    root[v] = view[v]! < 0 ? v : root[view[v]!]!;
    if (root[v] !== v) memberStart[root[v]! + 1] = memberStart[root[v]! + 1]! + 1;
  }
  for (let v = 0; v < valueCount; v++) memberStart[v + 1] = memberStart[v + 1]! + memberStart[v]!;
  const members = new Int32Array(memberStart[valueCount]!);
  const cursor = memberStart.slice();
  for (let v = 0; v < valueCount; v++) {
    const owner = root[v]!;
    if (owner === v) continue;
    members[cursor[owner]!] = v;
    cursor[owner] = cursor[owner]! + 1;
  }
  const lastForwardUse = new Int32Array(valueCount).fill(-1);
  const demanded = new Uint8Array(valueCount);
  const permanent = new Uint8Array(valueCount);
  permanent.fill(1, 0, inputCount);
  for (let n = 0; n < nodeCount; n++) {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const owner = root[reads[k]!]!;
      if (n < forwardCount) lastForwardUse[owner] = n;
      else if (region[n] === updateRegion) permanent[owner] = 1;
      else demanded[owner] = 1;
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      const owner = root[v]!;
      if (n < forwardCount) lastForwardUse[owner] = n;
      if (index.isOutput[v] === 1) permanent[owner] = 1;
      if (producer[owner]! >= 0 && index.recomputable[producer[owner]!] === 0) permanent[owner] = 1;
    }
  }
  return { forwardCount, root, memberStart, members, lastForwardUse, demanded, permanent };
}
