/**
 * Proves a placement: no two intervals alive together share a byte. Written from the definition alone; it shares no code
 * with the planner (not its sections, not its types' helpers), so that both cannot be wrong in the same way.
 */

/** Two intervals alive together whose bytes overlap: `first < second`. */
export interface PlacementOverlap {
  readonly kind: 'overlap';
  readonly first: number;
  readonly second: number;
}

/** An interval whose offset is negative or no whole number, or that ends above the capacity. */
export interface PlacementOutside {
  readonly kind: 'outside';
  readonly index: number;
}

export type PlacementFault = PlacementOverlap | PlacementOutside;

interface CheckedIntervals {
  readonly start: ArrayLike<number>;
  readonly end: ArrayLike<number>;
  readonly bytes: ArrayLike<number>;
}

/**
 * Empty iff the placement is right. Sweeps over time with the living intervals ordered by offset: while they are
 * disjoint, a new one overlaps one of them iff it overlaps a neighbour in that order. An interval found to overlap is
 * left out of the order, so in a wrong placement at least one pair is reported for each interval that could be taken away
 * to mend it, not every pair. O(n log n).
 */
export function checkPlacement(
  intervals: CheckedIntervals,
  offsets: ArrayLike<number>,
  capacity = Number.POSITIVE_INFINITY,
): readonly PlacementFault[] {
  const { start, end, bytes } = intervals;
  const faults: PlacementFault[] = [];
  const checked: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0 || start[i]! >= end[i]!) continue;
    const offset = offsets[i];
    if (offset === undefined || !Number.isSafeInteger(offset) || offset < 0 || !(offset + bytes[i]! <= capacity))
      faults.push({ kind: 'outside', index: i });
    else checked.push(i);
  }
  // An interval's place in the order of offsets is known beforehand, so the living are a set of small numbers.
  const byOffset = Int32Array.from(checked).sort((a, b) => offsets[a]! - offsets[b]! || a - b);
  const place = new Int32Array(bytes.length);
  for (let p = 0; p < byOffset.length; p++) place[byOffset[p]!] = p;
  const living = new PlaceSet(byOffset.length);
  const births = Int32Array.from(checked).sort((a, b) => start[a]! - start[b]! || a - b);
  const deaths = Int32Array.from(checked).sort((a, b) => end[a]! - end[b]! || a - b);
  let dead = 0;
  for (const born of births) {
    for (; dead < deaths.length && end[deaths[dead]!]! <= start[born]!; dead++) living.remove(place[deaths[dead]!]!);
    const at = place[born]!;
    const from = offsets[born]!;
    const to = from + bytes[born]!;
    let disjoint = true;
    const report = (other: number): void => {
      disjoint = false;
      faults.push({ kind: 'overlap', first: Math.min(born, other), second: Math.max(born, other) });
    };
    const below = living.before(at);
    if (below >= 0 && offsets[byOffset[below]!]! + bytes[byOffset[below]!]! > from) report(byOffset[below]!);
    for (let above = living.after(at); above >= 0; above = living.after(above)) {
      if (offsets[byOffset[above]!]! >= to) break;
      report(byOffset[above]!);
    }
    if (disjoint) living.add(at);
  }
  return faults;
}

/** A set of numbers below `size` with neighbours: a bit for each number, and above each 32 bits one that says if any is set. */
class PlaceSet {
  readonly #levels: Int32Array[] = [];

  constructor(size: number) {
    let words = size;
    do {
      words = Math.ceil(words / 32);
      this.#levels.push(new Int32Array(Math.max(words, 1)));
    } while (words > 1);
  }

  add(member: number): void {
    let bit = member;
    for (const level of this.#levels) {
      level[bit >>> 5] = level[bit >>> 5]! | (1 << (bit & 31));
      bit >>>= 5;
    }
  }

  remove(member: number): void {
    let bit = member;
    for (const level of this.#levels) {
      level[bit >>> 5] = level[bit >>> 5]! & ~(1 << (bit & 31));
      if (level[bit >>> 5] !== 0) return;
      bit >>>= 5;
    }
  }

  /** The largest member below `number`; -1 if there is none. */
  before(number: number): number {
    let bit = number;
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const low = this.#levels[depth]![bit >>> 5]! & ((1 << (bit & 31)) - 1);
      if (low !== 0) return this.#descend(depth, (bit & ~31) + 31 - Math.clz32(low), true);
      bit >>>= 5;
    }
    return -1;
  }

  /** The smallest member above `number`; -1 if there is none. */
  after(number: number): number {
    let bit = number;
    for (let depth = 0; depth < this.#levels.length; depth++) {
      // -2 << 31 is 0: no bit of the word lies above its last.
      const high = this.#levels[depth]![bit >>> 5]! & ((bit & 31) === 31 ? 0 : -2 << (bit & 31));
      if (high !== 0) return this.#descend(depth, (bit & ~31) + lowestBit(high), false);
      bit >>>= 5;
    }
    return -1;
  }

  #descend(depth: number, found: number, last: boolean): number {
    let bit = found;
    for (let level = depth - 1; level >= 0; level--) {
      const word = this.#levels[level]![bit]!;
      bit = bit * 32 + (last ? 31 - Math.clz32(word) : lowestBit(word));
    }
    return bit;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
