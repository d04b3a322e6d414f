/**
 * Does a part fit in a capacity? MiniMalloc's search (Moffitt, "MiniMalloc: A Lightweight Memory Allocator for
 * Hardware-Accelerated Machine Learning", ASPLOS 2023).
 *
 * A placement in which no interval can be moved down is canonical; if any placement fits, a canonical one does. There
 * each interval lies at 0 or on top of another, so placing them in the order of (offset, rank) puts each one at its
 * *floor*, the highest top of the placed intervals it meets. The search places intervals in that order, and gives up
 * a branch when
 *
 * - a section's lowest floor and the bytes still to come in it exceed the capacity (monotone floor); an interval passed
 *   over must come to lie on another that is still to be placed, which lifts its floor;
 * - an interval left out would have fitted entirely below the one placed (dominance);
 * - the interval passed over meets none of those left, so nothing can lift it any more;
 * - an equal interval of lower rank is still to be placed (they could be swapped).
 *
 * Where no remaining interval crosses a boundary between sections, the two sides are solved one after the other, and
 * failure of either fails both (decomposition in time). The state is a stack of frames, not of calls: a frame places
 * one interval and owns the independent groups that remain. So a search can be put aside and taken up again.
 *
 * The bound of every section costs as much as all intervals are long. Where that is too much for every node, a search
 * that is not `thorough` looks only at the sections that the last placement raised, and at the fullest.
 *
 * The file is long because the rules share one state and one proof: each says which canonical placements it may drop.
 */
import type { ArenaPart } from './problem.ts';

/** Sections of all intervals of a part, counted with multiplicity, up to which a search is thorough. */
const longestForThorough = 400_000;

export type Verdict = 'placed' | 'infeasible' | 'undecided';

/** Structures of a part that every search of it needs. */
export interface SearchSpace {
  readonly part: ArenaPart;
  readonly meetStart: Int32Array;
  /** Intervals sharing a section with interval k: `meets[meetStart[k] .. meetStart[k + 1]]`. */
  readonly meets: Int32Array;
  /** Whether searches look at every section at every node. */
  readonly thorough: boolean;
  /** Steps that placing every interval once takes, about: a search that gets fewer finds nothing. */
  readonly descent: number;
}

/** The number of pairs of intervals that share a section, or `limit + 1` if there are more. */
export function countMeetings(part: ArenaPart, limit: number): number {
  let pairs = 0;
  const { first, last } = part;
  const endsBy = new Int32Array(part.load.length + 1);
  for (let k = 0; k < last.length; k++) endsBy[last[k]!] = endsBy[last[k]!]! + 1;
  let alive = 0;
  for (let k = 0, section = 0; k < first.length; k++) {
    while (section < first[k]!) alive -= endsBy[++section]!;
    pairs += alive++;
    if (pairs > limit) return limit + 1;
  }
  return pairs;
}

export function makeSearchSpace(part: ArenaPart): SearchSpace {
  const { first, last } = part;
  const count = first.length;
  const meetStart = new Int32Array(count + 1);
  for (let k = 0; k < count; k++)
    for (let j = k + 1; j < count && first[j]! < last[k]!; j++) {
      meetStart[k + 1] = meetStart[k + 1]! + 1;
      meetStart[j + 1] = meetStart[j + 1]! + 1;
    }
  for (let k = 0; k < count; k++) meetStart[k + 1] = meetStart[k + 1]! + meetStart[k]!;
  const meets = new Int32Array(meetStart[count]!);
  const cursor = meetStart.slice();
  for (let k = 0; k < count; k++)
    for (let j = k + 1; j < count && first[j]! < last[k]!; j++) {
      meets[cursor[k]!] = j;
      meets[cursor[j]!] = k;
      cursor[k] = cursor[k]! + 1;
      cursor[j] = cursor[j]! + 1;
    }
  const length = last.reduce((sum, end, k) => sum + end - first[k]!, 0);
  const thorough = length <= longestForThorough;
  return { part, meetStart, meets, thorough, descent: Math.ceil(count * (thorough ? 0.8 * length : 4 * count)) };
}

/** Everything a search changes. Frame d places one interval of its group and owns the groups that remain after it. */
export interface Search extends SearchSpace {
  readonly capacity: number;
  readonly rank: Int32Array;
  /** The equal interval of next lower rank; -1 if there is none. */
  readonly twin: Int32Array;
  /** Offsets of the placed intervals, by interval of the part. */
  readonly offsets: Float64Array;
  /** Inner steps taken. */
  work: number;
  /** Frame at the top of the stack. */
  depth: number;
  verdict: Verdict;
  /** Highest top of the placed intervals that an interval meets. */
  readonly floor: Float64Array;
  readonly placed: Uint8Array;
  /** Bytes of unplaced intervals in each section. */
  readonly remaining: Float64Array;
  /** Scratch: the lowest floor of the unplaced intervals of a section. */
  readonly lowest: Float64Array;
  /** Undo logs: intervals placed, floors raised. */
  readonly placedLog: Int32Array;
  placedCount: number;
  raisedLog: Int32Array;
  raisedFrom: Float64Array;
  raisedCount: number;
  readonly placedMark: Int32Array;
  readonly raisedMark: Int32Array;
  /** A group is `pool[from .. to]`, intervals in order of first section. Frame d writes from `poolFree[d]` on. */
  pool: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly poolFree: Int32Array;
  /** The last candidate tried: later ones have a greater (floor, rank). */
  readonly keyFloor: Float64Array;
  readonly keyRank: Int32Array;
  /** Lowest top that an interval of the group could have: candidates must lie below it. */
  readonly lowestTop: Float64Array;
  /** 1 once no further candidate can help. */
  readonly exhausted: Uint8Array;
  /** Groups that frame d still has to solve: `groupFrom/groupTo[groupNext[d] .. groupEnd[d]]`. */
  readonly groupFrom: Int32Array;
  readonly groupTo: Int32Array;
  readonly groupNext: Int32Array;
  readonly groupEnd: Int32Array;
}

/**
 * A search for offsets with no top above `capacity`. `rank` breaks ties among intervals of equal floor: rank 0 is tried
 * first. Nothing is searched until `advance`.
 */
export function startSearch(space: SearchSpace, capacity: number, rank: Int32Array): Search {
  const count = rank.length;
  const sections = space.part.load.length;
  const search: Search = {
    ...space,
    capacity,
    rank,
    twin: findTwins(space.part, rank),
    offsets: new Float64Array(count),
    work: 0,
    depth: 0,
    verdict: space.part.maxLoad > capacity ? 'infeasible' : 'undecided',
    floor: new Float64Array(count),
    placed: new Uint8Array(count),
    remaining: space.part.load.slice(),
    lowest: new Float64Array(sections),
    placedLog: new Int32Array(count),
    placedCount: 0,
    raisedLog: new Int32Array(4 * count),
    raisedFrom: new Float64Array(4 * count),
    raisedCount: 0,
    placedMark: new Int32Array(count + 1),
    raisedMark: new Int32Array(count + 1),
    pool: new Int32Array(4 * count),
    from: new Int32Array(count + 1),
    to: new Int32Array(count + 1),
    poolFree: new Int32Array(count + 1),
    keyFloor: new Float64Array(count + 1),
    keyRank: new Int32Array(count + 1),
    lowestTop: new Float64Array(count + 1),
    exhausted: new Uint8Array(count + 1),
    groupFrom: new Int32Array(2 * count + 2),
    groupTo: new Int32Array(2 * count + 2),
    groupNext: new Int32Array(count + 1),
    groupEnd: new Int32Array(count + 1),
  };
  for (let k = 0; k < count; k++) search.pool[k] = k;
  enter(search, 0, 0, count, count, 0, -1);
  return search;
}

/** Searches on until the verdict is known or `search.work` reaches `limit`. */
export function advance(search: Search, limit: number): Verdict {
  const { groupFrom, groupTo, groupNext, groupEnd, keyFloor, keyRank } = search;
  let depth = search.depth;
  while (search.verdict === 'undecided' && search.work < limit) {
    const chosen = choose(search, depth);
    if (chosen < 0) {
      // The group cannot be completed, so the frame that made it must try another candidate.
      if (depth === 0) search.verdict = 'infeasible';
      else passOver(search, --depth);
      continue;
    }
    place(search, depth, chosen);
    if (!regroup(search, depth, chosen)) {
      passOver(search, depth);
      continue;
    }
    while (depth >= 0 && groupNext[depth] === groupEnd[depth]) depth--;
    if (depth < 0) {
      search.verdict = 'placed';
      break;
    }
    const group = groupNext[depth]!;
    groupNext[depth] = group + 1;
    const free = groupTo[groupEnd[depth]! - 1]!;
    enter(search, depth + 1, groupFrom[group]!, groupTo[group]!, free, keyFloor[depth]!, keyRank[depth]!);
    depth++;
  }
  search.depth = depth;
  return search.verdict;
}

/** Equal intervals can be swapped, so they are placed in order of rank. */
function findTwins(part: ArenaPart, rank: Int32Array): Int32Array {
  const { first, last, size } = part;
  const order = Int32Array.from(rank.keys()).sort(
    (a, b) => first[a]! - first[b]! || last[a]! - last[b]! || size[a]! - size[b]! || rank[a]! - rank[b]!,
  );
  const twin = new Int32Array(rank.length).fill(-1);
  for (let k = 1; k < order.length; k++) {
    const a = order[k - 1]!;
    const b = order[k]!;
    if (first[a] === first[b] && last[a] === last[b] && size[a] === size[b]) twin[b] = a;
  }
  return twin;
}

function enter(
  search: Search,
  depth: number,
  from: number,
  to: number,
  free: number,
  keyFloor: number,
  keyRank: number,
): void {
  search.from[depth] = from;
  search.to[depth] = to;
  search.poolFree[depth] = free;
  search.keyFloor[depth] = keyFloor;
  search.keyRank[depth] = keyRank;
  search.exhausted[depth] = 0;
  search.placedMark[depth] = search.placedCount;
  search.raisedMark[depth] = search.raisedCount;
  const { pool, floor } = search;
  const { size } = search.part;
  let lowestTop = Number.POSITIVE_INFINITY;
  for (let p = from; p < to; p++) {
    const top = floor[pool[p]!]! + size[pool[p]!]!;
    if (top < lowestTop) lowestTop = top;
  }
  search.lowestTop[depth] = lowestTop;
}

/** The candidate of least (floor, rank) above the frame's key; -1 if none is left. */
function choose(search: Search, depth: number): number {
  if (search.exhausted[depth] === 1) return -1;
  const { pool, floor, rank, twin, placed } = search;
  const from = search.from[depth]!;
  const to = search.to[depth]!;
  const keyFloor = search.keyFloor[depth]!;
  const keyRank = search.keyRank[depth]!;
  let bestFloor = search.lowestTop[depth]!;
  let bestRank = -1;
  let best = -1;
  for (let p = from; p < to; p++) {
    const k = pool[p]!;
    const f = floor[k]!;
    if (f > bestFloor || f < keyFloor) continue;
    const r = rank[k]!;
    if ((f === bestFloor && r > bestRank) || (f === keyFloor && r <= keyRank)) continue;
    if (twin[k]! >= 0 && placed[twin[k]!] === 0) continue;
    bestFloor = f;
    bestRank = r;
    best = k;
  }
  search.work += to - from;
  return best;
}

function place(search: Search, depth: number, chosen: number): void {
  const { meetStart, meets, placed, floor, remaining } = search;
  const { first, last, size } = search.part;
  const top = floor[chosen]! + size[chosen]!;
  search.keyFloor[depth] = floor[chosen]!;
  search.keyRank[depth] = search.rank[chosen]!;
  search.offsets[chosen] = floor[chosen]!;
  placed[chosen] = 1;
  search.placedLog[search.placedCount++] = chosen;
  for (let s = first[chosen]!; s < last[chosen]!; s++) remaining[s] = remaining[s]! - size[chosen]!;
  const meetEnd = meetStart[chosen + 1]!;
  const needed = search.raisedCount + meetEnd - meetStart[chosen]!;
  if (needed > search.raisedLog.length) {
    search.raisedLog = grown(search.raisedLog, new Int32Array(2 * needed));
    search.raisedFrom = grown(search.raisedFrom, new Float64Array(2 * needed));
  }
  const { raisedLog, raisedFrom } = search;
  let raised = search.raisedCount;
  let alone = 1;
  for (let m = meetStart[chosen]!; m < meetEnd; m++) {
    const k = meets[m]!;
    if (placed[k] !== 0) continue;
    alone = 0;
    if (floor[k]! >= top) continue;
    raisedLog[raised] = k;
    raisedFrom[raised++] = floor[k]!;
    floor[k] = top;
  }
  search.raisedCount = raised;
  // Passed over, it could never be placed: nothing is left to lift it.
  if (alone === 1) search.exhausted[depth] = 1;
  search.work += meetEnd - meetStart[chosen]!;
}

/** Splits what remains of the frame's group where nothing crosses; false if one of the new groups cannot fit. */
function regroup(search: Search, depth: number, chosen: number): boolean {
  const { groupFrom, groupTo } = search;
  const { first, last } = search.part;
  const from = search.from[depth]!;
  const to = search.to[depth]!;
  let write = search.poolFree[depth]!;
  if (write + to - from > search.pool.length) search.pool = grown(search.pool, new Int32Array(2 * (write + to - from)));
  const pool = search.pool;
  const firstGroup = depth === 0 ? 0 : search.groupEnd[depth - 1]!;
  let group = firstGroup;
  let reach = -1;
  for (let p = from; p < to; p++) {
    const k = pool[p]!;
    if (k === chosen) continue;
    if (first[k]! >= reach) groupFrom[group++] = write;
    if (last[k]! > reach) reach = last[k]!;
    pool[write++] = k;
    groupTo[group - 1] = write;
  }
  search.groupNext[depth] = firstGroup;
  search.groupEnd[depth] = group;
  for (let g = firstGroup; g < group; g++)
    if (!mayFit(search, groupFrom[g]!, groupTo[g]!, search.keyFloor[depth]!, search.keyRank[depth]!)) return false;
  if (search.thorough) return true;
  const { remaining, capacity } = search;
  const top = search.offsets[chosen]! + search.part.size[chosen]!;
  for (let s = first[chosen]!; s < last[chosen]!; s++)
    if (remaining[s]! > 0 && top + remaining[s]! > capacity) return false;
  return true;
}

/** Takes back the frame's candidate and all that followed it, and asks whether the group can do without it there. */
function passOver(search: Search, depth: number): void {
  const { placed, placedLog, remaining, floor, raisedLog, raisedFrom } = search;
  const { first, last, size } = search.part;
  while (search.placedCount > search.placedMark[depth]!) {
    const k = placedLog[--search.placedCount]!;
    placed[k] = 0;
    for (let s = first[k]!; s < last[k]!; s++) remaining[s] = remaining[s]! + size[k]!;
  }
  while (search.raisedCount > search.raisedMark[depth]!) {
    search.raisedCount--;
    floor[raisedLog[search.raisedCount]!] = raisedFrom[search.raisedCount]!;
  }
  if (search.exhausted[depth] === 1) return;
  const { from, to, keyFloor, keyRank } = search;
  if (!mayFit(search, from[depth]!, to[depth]!, keyFloor[depth]!, keyRank[depth]!)) search.exhausted[depth] = 1;
}

/**
 * Whether each section of a group has room for its bytes above its lowest floor. Intervals not above the key have been
 * passed over: each will lie on one of the group that is placed later, so not below the lowest top of the others.
 */
function mayFit(search: Search, from: number, to: number, keyFloor: number, keyRank: number): boolean {
  const { pool, floor, rank, remaining, lowest, capacity } = search;
  const { first, last, size } = search.part;
  const begin = first[pool[from]!]!;
  let reach = begin;
  if (!search.thorough) {
    const room = capacity - keyFloor;
    for (let p = from; p < to; p++)
      for (const end = last[pool[p]!]!; reach < end; reach++) if (remaining[reach]! > room) return false;
    search.work += 2 * (to - from + reach - begin);
    return true;
  }
  let lifted = Number.POSITIVE_INFINITY;
  for (let p = from; p < to; p++) {
    const k = pool[p]!;
    for (; reach < last[k]!; reach++) lowest[reach] = Number.POSITIVE_INFINITY;
    const f = floor[k]!;
    if (f < keyFloor || (f === keyFloor && rank[k]! <= keyRank)) continue;
    if (f + size[k]! < lifted) lifted = f + size[k]!;
  }
  let work = to - from;
  for (let p = from; p < to; p++) {
    const k = pool[p]!;
    let lower = floor[k]!;
    if (lower < keyFloor || (lower === keyFloor && rank[k]! <= keyRank)) lower = lifted;
    const end = last[k]!;
    for (let s = first[k]!; s < end; s++) if (lower < lowest[s]!) lowest[s] = lower;
    work += end - first[k]!;
  }
  search.work += work;
  for (let s = begin; s < reach; s++) if (lowest[s]! + remaining[s]! > capacity) return false;
  return true;
}

function grown<A extends Int32Array | Float64Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
