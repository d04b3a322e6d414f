/**
 * Places intervals one by one in a given order, each in a gap among those already placed. The placed ones are kept
 * sorted by offset, so one pass over them finds every gap: n^2 / 2 steps at most, of a few instructions.
 */
import type { ArenaPart } from './problem.ts';

export type Fit = 'first' | 'best';

/** Arrays of a part's size that calls can share. */
export interface FirstFitScratch {
  readonly offset: Float64Array;
  readonly top: Float64Array;
  readonly first: Int32Array;
  readonly last: Int32Array;
}

export function firstFitScratch(count: number): FirstFitScratch {
  return {
    offset: new Float64Array(count),
    top: new Float64Array(count),
    first: new Int32Array(count),
    last: new Int32Array(count),
  };
}

/**
 * Writes offsets by interval and returns the height; infinity, with offsets unfinished, once it is known to reach
 * `limit`. `first` takes the lowest gap that is large enough, `best` the smallest.
 */
export function placeInOrder(
  part: ArenaPart,
  order: Int32Array,
  fit: Fit,
  limit: number,
  offsets: Float64Array,
  scratch: FirstFitScratch = firstFitScratch(order.length),
): number {
  const { offset, top, first, last } = scratch;
  let height = 0;
  for (let placed = 0; placed < order.length; placed++) {
    const k = order[placed]!;
    const from = part.first[k]!;
    const to = part.last[k]!;
    const size = part.size[k]!;
    let lowest = 0;
    let at = -1;
    let smallestGap = Number.POSITIVE_INFINITY;
    for (let p = 0; p < placed; p++) {
      if (first[p]! >= to || last[p]! <= from) continue;
      const gap = offset[p]! - lowest;
      if (gap >= size && gap < smallestGap) {
        at = lowest;
        if (fit === 'first') break;
        smallestGap = gap;
      }
      if (top[p]! > lowest) lowest = top[p]!;
    }
    if (at < 0) at = lowest;
    offsets[k] = at;
    if (at + size > height) {
      height = at + size;
      if (height >= limit) return Number.POSITIVE_INFINITY;
    }
    const position = positionOf(offset, placed, at);
    offset.copyWithin(position + 1, position, placed);
    top.copyWithin(position + 1, position, placed);
    first.copyWithin(position + 1, position, placed);
    last.copyWithin(position + 1, position, placed);
    offset[position] = at;
    top[position] = at + size;
    first[position] = from;
    last[position] = to;
  }
  return height;
}

/** The first of `count` sorted offsets that is above `at`. */
function positionOf(offset: Float64Array, count: number, at: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offset[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
