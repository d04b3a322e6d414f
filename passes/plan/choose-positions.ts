/**
 * Dynamic programming over positions: the ones whose frontiers to keep.
 *
 * With F(q) the fewest bytes kept where q is the last position chosen, F(q) = min over p < q of F(p) + w(p, q), where w
 * is the bytes of the frontier of q made since p (older ones lie in the frontier of p already), over those p whose
 * segment p .. q holds at most `bound` bytes. Both w and the segment's bytes change by whole prefixes of p as q moves on,
 * and the segment's bytes grow with q and with -p, so that one sweep with a tree of prefix sums and suffix minima does
 * it in O(n log n).
 */
import { type Frontiers, lastAtMost } from './frontiers.ts';

export interface PositionChoice {
  /** Rising, without the two ends. */
  readonly positions: Int32Array;
  /** Of the union of the frontiers. */
  readonly keptBytes: number;
  /** Bytes that backward reads in the largest segment, beside kept ones. */
  readonly segmentBytes: number;
}

/**
 * The cheapest positions whose segments hold at most `bound` bytes each, with `penalty` bytes added for each position;
 * undefined if no choice satisfies the bound.
 */
export function choosePositions(frontiers: Frontiers, bound: number, penalty = 0): PositionChoice | undefined {
  const { positionCount, made, lastUse, bytes, demandedBytes, madeStart, endStart, ends } = frontiers;
  const tree = prefixTree(positionCount + 1);
  const previous = new Int32Array(positionCount + 1).fill(-1);
  tree.insert(0, 0);
  let lowest = 0;
  let segment = 0;
  for (let q = 1; q <= positionCount; q++) {
    for (let k = madeStart[q - 1]!; k < madeStart[q]!; k++) if (lastUse[k]! >= q) tree.addToPrefix(made[k]!, bytes[k]!);
    for (let e = endStart[q - 1]!; e < endStart[q]!; e++) {
      const k = ends[e]!;
      if (made[k]! < q - 1) tree.addToPrefix(made[k]!, -bytes[k]!);
      if (made[k]! >= lowest) segment += demandedBytes[k]!;
    }
    for (; segment > bound && lowest < q; lowest++)
      for (let k = madeStart[lowest]!; k < madeStart[lowest + 1]!; k++)
        if (lastUse[k]! < q) segment -= demandedBytes[k]!;
    if (lowest >= q) return undefined;
    const least = tree.leastFrom(lowest);
    if (least === Number.POSITIVE_INFINITY) return undefined;
    previous[q] = tree.place();
    tree.insert(q, least + penalty);
  }
  const positions: number[] = [];
  for (let q = previous[positionCount]!; q > 0; q = previous[q]!) positions.push(q);
  return measurePositions(frontiers, Int32Array.from(positions.reverse()));
}

/** What `positions` (rising) keep and hold. */
export function measurePositions(frontiers: Frontiers, positions: Int32Array): PositionChoice {
  const { made, lastUse, bytes } = frontiers;
  let keptBytes = 0;
  for (let k = 0; k < made.length; k++) {
    const place = lastAtMost(positions, lastUse[k]!);
    if (place >= 0 && positions[place]! > made[k]!) keptBytes += bytes[k]!;
  }
  const segments = segmentBytes(frontiers, positions);
  return { positions, keptBytes, segmentBytes: segments.reduce((most, size) => Math.max(most, size), 0) };
}

/** Bytes that backward reads in each of the `positions.length + 1` segments, beside kept ones. */
export function segmentBytes(frontiers: Frontiers, positions: Int32Array): Float64Array {
  const { made, lastUse, demandedBytes } = frontiers;
  const result = new Float64Array(positions.length + 1);
  for (let k = 0; k < made.length; k++) {
    const segment = lastAtMost(positions, made[k]!) + 1;
    if (segment === positions.length || lastUse[k]! < positions[segment]!)
      result[segment] = result[segment]! + demandedBytes[k]!;
  }
  return result;
}

/** The fewest positions whose segments hold at most `bound` bytes each; undefined if one node alone holds more. */
export function fewestPositions(frontiers: Frontiers, bound: number): number | undefined {
  const { positionCount, made, demandedBytes, endStart, ends } = frontiers;
  let start = 0;
  let segment = 0;
  let count = 0;
  for (let q = 1; q <= positionCount; q++) {
    let own = 0;
    for (let e = endStart[q - 1]!; e < endStart[q]!; e++) {
      const k = ends[e]!;
      if (made[k]! >= start) segment += demandedBytes[k]!;
      if (made[k]! === q - 1) own += demandedBytes[k]!;
    }
    if (segment <= bound) continue;
    if (own > bound) return undefined;
    // A segment's bytes grow with its end, so the latest end that fits is the best one.
    start = q - 1;
    segment = own;
    count++;
  }
  return count;
}

interface PrefixTree {
  /** No prefix that was added to so far may reach `place`. */
  readonly insert: (place: number, value: number) => void;
  readonly addToPrefix: (last: number, amount: number) => void;
  /** The least value from a place on. */
  readonly leastFrom: (first: number) => number;
  /**
   * Where the last `leastFrom` found it; of equal values at the last place, so that segments grow shorter to the right,
   * where more is kept beside them.
   */
  readonly place: () => number;
}

/** A complete binary tree over places: every operation takes O(log places). */
function prefixTree(places: number): PrefixTree {
  let leaves = 1;
  while (leaves < places) leaves *= 2;
  // Least value below a tree node, with all that was added at the node itself.
  const least = new Float64Array(2 * leaves).fill(Number.POSITIVE_INFINITY);
  const added = new Float64Array(2 * leaves);
  const where = new Int32Array(2 * leaves);
  for (let k = 0; k < leaves; k++) where[leaves + k] = k;
  let found = -1;
  const pull = (node: number): void => {
    const left = least[2 * node]!;
    const right = least[2 * node + 1]!;
    const first = left < right;
    least[node] = (first ? left : right) + added[node]!;
    where[node] = where[first ? 2 * node : 2 * node + 1]!;
  };
  return {
    insert: (place, value) => {
      least[leaves + place] = value;
      for (let node = (leaves + place) >> 1; node > 0; node >>= 1) pull(node);
    },
    addToPrefix: (last, amount) => {
      let node = leaves + last;
      least[node] = least[node]! + amount;
      for (; node > 1; node >>= 1) {
        if ((node & 1) === 1) {
          least[node - 1] = least[node - 1]! + amount;
          added[node - 1] = added[node - 1]! + amount;
        }
        pull(node >> 1);
      }
    },
    leastFrom: (first) => {
      let node = leaves + first;
      let value = least[node]!;
      found = first;
      for (; node > 1; node >>= 1) {
        if ((node & 1) === 0 && least[node + 1]! <= value) {
          value = least[node + 1]!;
          found = where[node + 1]!;
        }
        value += added[node >> 1]!;
      }
      return value;
    },
    place: () => found,
  };
}
