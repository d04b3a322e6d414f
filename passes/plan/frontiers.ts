/**
 * Positions and their frontiers (DESIGN section 8). Position p lies before the p-th forward node in source order. Its
 * frontier is the storages made before p and read after it by forward nodes: all that the rest of the forward pass needs
 * besides residents. A frontier of one storage is an articulation point.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import type { Storages } from './storages.ts';

/**
 * Storages as intervals, in the order in which they are made: `made < p <= lastUse` says that the storage is in the
 * frontier of p. Permanent storages cost nothing to keep and are left out.
 */
export interface Frontiers {
  /** Positions are `0 .. positionCount`; those at both ends have empty frontiers. */
  readonly positionCount: number;
  readonly root: Int32Array;
  readonly made: Int32Array;
  readonly lastUse: Int32Array;
  readonly bytes: Float64Array;
  /** Bytes that a recomputed segment holds for backward: `bytes` where a backward node reads the storage, else 0. */
  readonly demandedBytes: Float64Array;
  /** Storages made by node n: `madeStart[n] .. madeStart[n + 1]`. */
  readonly madeStart: Int32Array;
  /** Storages by the node that uses them last, in compressed rows. */
  readonly endStart: Int32Array;
  readonly ends: Int32Array;
}

export function findFrontiers(index: PlanIndex, storages: Storages): Frontiers {
  const { forwardCount, permanent, lastForwardUse, demanded } = storages;
  const roots: number[] = [];
  const madeStart = new Int32Array(forwardCount + 1);
  const endStart = new Int32Array(forwardCount + 1);
  for (let n = 0; n < forwardCount; n++) {
    for (let v = index.resultStart[n]!; v < index.resultStart[n + 1]!; v++) {
      if (storages.root[v] !== v || permanent[v] === 1) continue;
      roots.push(v);
      endStart[lastForwardUse[v]! + 1] = endStart[lastForwardUse[v]! + 1]! + 1;
    }
    madeStart[n + 1] = roots.length;
  }
  for (let n = 0; n < forwardCount; n++) endStart[n + 1] = endStart[n + 1]! + endStart[n]!;
  const root = Int32Array.from(roots);
  const lastUse = root.map((v) => lastForwardUse[v]!);
  const bytes = Float64Array.from(root, (v) => index.bytes[v]!);
  const ends = new Int32Array(root.length);
  const cursor = endStart.slice();
  lastUse.forEach((n, k) => {
    ends[cursor[n]!] = k;
    cursor[n] = cursor[n]! + 1;
  });
  return {
    positionCount: forwardCount,
    root,
    made: root.map((v) => index.producer[v]!),
    lastUse,
    bytes,
    demandedBytes: bytes.map((size, k) => (demanded[root[k]!] === 1 ? size : 0)),
    madeStart,
    endStart,
    ends,
  };
}

/** Bytes of the frontier of each position. */
export function frontierBytes({ positionCount, made, lastUse, bytes }: Frontiers): Float64Array {
  const result = new Float64Array(positionCount + 1);
  for (let k = 0; k < made.length; k++) {
    if (lastUse[k]! === made[k]!) continue;
    result[made[k]! + 1] = result[made[k]! + 1]! + bytes[k]!;
    if (lastUse[k]! < positionCount) result[lastUse[k]! + 1] = result[lastUse[k]! + 1]! - bytes[k]!;
  }
  for (let p = 1; p <= positionCount; p++) result[p] = result[p]! + result[p - 1]!;
  return result;
}

/** Number of storages in the frontier of each position. */
export function frontierSizes(frontiers: Frontiers): Float64Array {
  return frontierBytes({ ...frontiers, bytes: frontiers.bytes.map((size) => (size > 0 ? 1 : 0)) });
}

/** The last of `positions` (rising) that is at most `p`; -1 if there is none. Its place in the list, not itself. */
export function lastAtMost(positions: ArrayLike<number>, p: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! <= p) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The kept set that is the union of the frontiers of `positions` (rising), by value. */
export function keepFrontiers(
  index: PlanIndex,
  storages: Storages,
  frontiers: Frontiers,
  positions: ArrayLike<number>,
): Uint8Array {
  const kept = new Uint8Array(index.valueCount);
  const { root, made, lastUse } = frontiers;
  for (let k = 0; k < root.length; k++) {
    const place = lastAtMost(positions, lastUse[k]!);
    if (place < 0 || positions[place]! <= made[k]!) continue;
    const owner = root[k]!;
    kept[owner] = 1;
    // Views made before the position are marked too: the last kept value in source order may be one of them.
    for (let m = storages.memberStart[owner]!; m < storages.memberStart[owner + 1]!; m++)
      if (index.producer[storages.members[m]!]! < positions[place]!) kept[storages.members[m]!] = 1;
  }
  return kept;
}
