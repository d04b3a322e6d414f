/**
 * The allocation problem in the form the solvers share. Time is cut into sections, the maximal sets of intervals alive
 * together (MiniMalloc, section 3.1): two intervals meet in time iff they share a section, so everything after this
 * file counts in sections and never sees a step number. Problems that share no section are independent parts.
 */

/** Interval i holds `bytes[i]` bytes during the steps `start[i] <= step < end[i]`. */
export interface ArenaIntervals {
  readonly start: ArrayLike<number>;
  readonly end: ArrayLike<number>;
  readonly bytes: ArrayLike<number>;
}

/** Intervals connected in time. All arrays but `load` are by interval, in order of first section. */
export interface ArenaPart {
  /** Number of each interval in the caller's arrays. */
  readonly index: Int32Array;
  /** First section. */
  readonly first: Int32Array;
  /** One past the last section; at least `first + 1`. */
  readonly last: Int32Array;
  /** Bytes, rounded up to the alignment; positive. */
  readonly size: Float64Array;
  /** Number of steps. */
  readonly duration: Float64Array;
  /** Bytes alive in each section. */
  readonly load: Float64Array;
  /** Largest load: no placement is lower. */
  readonly maxLoad: number;
  /** Largest number that divides every size; a best placement exists whose offsets are multiples of it. */
  readonly unit: number;
}

/**
 * Cuts a problem into independent parts. Intervals of no bytes or no steps belong to none. Throws RangeError for a size
 * that is not a non-negative integer, arrays of different lengths, or bytes that do not add up exactly.
 */
export function splitProblem(intervals: ArenaIntervals, alignment: number): readonly ArenaPart[] {
  const { start, end, bytes } = intervals;
  const count = bytes.length;
  if (start.length !== count || end.length !== count)
    throw new RangeError(`${start.length} starts, ${end.length} ends and ${count} sizes`);
  if (!Number.isSafeInteger(alignment) || alignment < 1)
    throw new RangeError(`alignment ${alignment} is not a positive integer`);
  let alive = 0;
  let total = 0;
  const chosen = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const size = bytes[i]!;
    if (!Number.isSafeInteger(size) || size < 0)
      throw new RangeError(`interval ${i}: ${size} is not a whole number of bytes`);
    if (!Number.isFinite(start[i]!) || !Number.isFinite(end[i]!))
      throw new RangeError(`interval ${i}: lives from ${start[i]} to ${end[i]}`);
    if (size === 0 || start[i]! >= end[i]!) continue;
    total += roundUp(size, alignment);
    chosen[alive++] = i;
  }
  if (total > Number.MAX_SAFE_INTEGER) throw new RangeError('the sizes add up to more than 2^53 bytes');

  const byStart = chosen.slice(0, alive).sort((a, b) => start[a]! - start[b]! || end[b]! - end[a]! || a - b);
  const byEnd = chosen.slice(0, alive).sort((a, b) => end[a]! - end[b]! || a - b);
  const parts: ArenaPart[] = [];
  const firstSection = new Int32Array(count);
  const lastSection = new Int32Array(count);
  let section = 0;
  // A section ends where an interval ends after another has begun: only there is the set of the living maximal.
  let begun = false;
  let partStart = 0;
  for (let opened = 0, closed = 0; closed < alive; ) {
    const ending = byEnd[closed]!;
    if (opened < alive && start[byStart[opened]!]! < end[ending]!) {
      firstSection[byStart[opened]!] = section;
      opened++;
      begun = true;
      continue;
    }
    if (begun) section++;
    begun = false;
    lastSection[ending] = section;
    closed++;
    if (closed === opened) {
      parts.push(makePart(intervals, alignment, byStart.slice(partStart, opened), firstSection, lastSection, section));
      partStart = opened;
      section = 0;
    }
  }
  return parts;
}

/** The independent parts of some intervals of a part; their `index` counts in that part. Durations stay what they are. */
export function splitPart(part: ArenaPart, chosen: Int32Array): readonly ArenaPart[] {
  const intervals = {
    start: chosen.map((k) => part.first[k]!),
    end: chosen.map((k) => part.last[k]!),
    bytes: Float64Array.from(chosen, (k) => part.size[k]!),
  };
  return splitProblem(intervals, 1).map((piece) => {
    const index = piece.index.map((i) => chosen[i]!);
    return { ...piece, index, duration: Float64Array.from(index, (k) => part.duration[k]!) };
  });
}

function makePart(
  intervals: ArenaIntervals,
  alignment: number,
  index: Int32Array,
  firstSection: Int32Array,
  lastSection: Int32Array,
  sections: number,
): ArenaPart {
  const count = index.length;
  const first = new Int32Array(count);
  const last = new Int32Array(count);
  const size = new Float64Array(count);
  const duration = new Float64Array(count);
  const load = new Float64Array(sections + 1);
  let unit = 0;
  for (let k = 0; k < count; k++) {
    const i = index[k]!;
    first[k] = firstSection[i]!;
    last[k] = lastSection[i]!;
    size[k] = roundUp(intervals.bytes[i]!, alignment);
    duration[k] = intervals.end[i]! - intervals.start[i]!;
    load[first[k]!] = load[first[k]!]! + size[k]!;
    load[last[k]!] = load[last[k]!]! - size[k]!;
    unit = greatestCommonDivisor(unit, size[k]!);
  }
  let maxLoad = 0;
  for (let s = 0; s < sections; s++) {
    if (s > 0) load[s] = load[s]! + load[s - 1]!;
    maxLoad = Math.max(maxLoad, load[s]!);
  }
  return { index, first, last, size, duration, load: load.slice(0, sections), maxLoad, unit };
}

function roundUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
