/**
 * Sets aside the intervals that fit wherever the others go. An interval of `size` bytes that meets k others of sum b can
 * be kept out of a capacity C only if each of the k + 1 gaps is too small for it: if b + (k + 1)(size - unit) + unit <= C
 * there is always one that is not. Without it others meet fewer bytes, and may be set aside in turn. What is left, the
 * core, is the problem to solve; the rest are then placed, last set aside first, each in the lowest gap.
 */
import type { ArenaPart } from './problem.ts';

export interface Peeling {
  /** Intervals to solve, in order of first section. */
  readonly core: Int32Array;
  /** Intervals set aside in each round, in order of first section. */
  readonly rounds: readonly Int32Array[];
  /** Steps that placing the rounds takes, at most: meetings of the intervals set aside. */
  readonly work: number;
}

/** Rounds are few in practice; past this many the rest counts as core. */
const mostRounds = 32;

/** O(intervals + sections) a round. */
export function peel(part: ArenaPart, capacity: number): Peeling {
  const { first, last, size, unit } = part;
  const sections = part.load.length;
  let core: Int32Array = Int32Array.from(size.keys());
  const rounds: Int32Array[] = [];
  let work = 0;
  // Sums over intervals that begin before a section, and over those that end by it.
  const begunBytes = new Float64Array(sections + 1);
  const endedBytes = new Float64Array(sections + 1);
  const begun = new Int32Array(sections + 1);
  const ended = new Int32Array(sections + 1);
  while (rounds.length < mostRounds && core.length > 0) {
    begunBytes.fill(0);
    endedBytes.fill(0);
    begun.fill(0);
    ended.fill(0);
    for (const k of core) {
      begunBytes[first[k]! + 1] = begunBytes[first[k]! + 1]! + size[k]!;
      endedBytes[last[k]!] = endedBytes[last[k]!]! + size[k]!;
      begun[first[k]! + 1] = begun[first[k]! + 1]! + 1;
      ended[last[k]!] = ended[last[k]!]! + 1;
    }
    for (let s = 1; s <= sections; s++) {
      begunBytes[s] = begunBytes[s]! + begunBytes[s - 1]!;
      endedBytes[s] = endedBytes[s]! + endedBytes[s - 1]!;
      begun[s] = begun[s]! + begun[s - 1]!;
      ended[s] = ended[s]! + ended[s - 1]!;
    }
    const aside = core.filter((k) => {
      const others = begun[last[k]!]! - ended[first[k]!]! - 1;
      const bytes = begunBytes[last[k]!]! - endedBytes[first[k]!]! - size[k]!;
      const fits = bytes + (others + 1) * (size[k]! - unit) + unit <= capacity;
      if (fits) work += others;
      return fits;
    });
    if (aside.length === 0) break;
    const isAside = new Uint8Array(size.length);
    for (const k of aside) isAside[k] = 1;
    core = core.filter((k) => isAside[k] === 0);
    rounds.push(aside);
  }
  return { core, rounds, work };
}

/** Places the intervals set aside among those of the core, whose offsets are in `offsets`. */
export function placePeeled(
  part: ArenaPart,
  { core, rounds }: Pick<Peeling, 'core' | 'rounds'>,
  offsets: Float64Array,
): void {
  let placed: Int32Array = core;
  for (const round of rounds.toReversed()) {
    placeRound(part, placed, round, offsets);
    placed = mergeByFirst(part, placed, round);
  }
}

/**
 * Sweeps over time. An interval to place meets those alive when it begins, kept sorted by offset, and those placed
 * before that begin while it lives.
 */
function placeRound(part: ArenaPart, placed: Int32Array, round: Int32Array, offsets: Float64Array): void {
  const { first, last, size } = part;
  const all = mergeByFirst(part, placed, round);
  const isNew = new Uint8Array(size.length);
  for (const k of round) isNew[k] = 1;
  const byLast = all.slice().sort((a, b) => last[a]! - last[b]! || a - b);
  const alive: number[] = [];
  const position = (k: number): number => {
    let low = 0;
    let high = alive.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = alive[middle]!;
      if (offsets[other]! < offsets[k]! || (offsets[other] === offsets[k] && other < k)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let ended = 0;
  let ahead = 0;
  for (const k of all) {
    for (; last[byLast[ended]!]! <= first[k]!; ended++) alive.splice(position(byLast[ended]!), 1);
    if (isNew[k] === 1) {
      // Intervals of one first section are in one run: those of the run placed already and not yet alive count too.
      while (ahead < placed.length && first[placed[ahead]!]! < first[k]!) ahead++;
      const later: number[] = [];
      for (let p = ahead; p < placed.length && first[placed[p]!]! < last[k]!; p++) later.push(placed[p]!);
      later.sort((a, b) => offsets[a]! - offsets[b]!);
      offsets[k] = lowestGap(part, offsets, alive, later, size[k]!);
    }
    alive.splice(position(k), 0, k);
  }
}

/** The lowest offset at which `bytes` fit between the intervals of two lists that are sorted by offset. */
function lowestGap(
  part: ArenaPart,
  offsets: Float64Array,
  a: readonly number[],
  b: readonly number[],
  bytes: number,
): number {
  let at = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const next = j === b.length || (i < a.length && offsets[a[i]!]! <= offsets[b[j]!]!) ? a[i++]! : b[j++]!;
    if (offsets[next]! - at >= bytes) return at;
    at = Math.max(at, offsets[next]! + part.size[next]!);
  }
  return at;
}

function mergeByFirst(part: ArenaPart, a: Int32Array, b: Int32Array): Int32Array {
  const merged = new Int32Array(a.length + b.length);
  for (let i = 0, j = 0, w = 0; w < merged.length; w++)
    merged[w] = j === b.length || (i < a.length && part.first[a[i]!]! <= part.first[b[j]!]!) ? a[i++]! : b[j++]!;
  return merged;
}
