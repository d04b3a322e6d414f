/**
 * Orders in which intervals are placed. A code names the keys by which they are sorted, each descending (MiniMalloc,
 * section 4): what is hard to place comes first.
 */
import type { ArenaPart } from './problem.ts';

/** T: largest load in the interval's sections. W: duration. A: area (duration times size). V: number of sections. Z:
 * size. */
export type OrderKey = 'T' | 'W' | 'V' | 'A' | 'Z';

/** Intervals of the part in the order of `keys`; ties by number. */
export function sortedOrder(part: ArenaPart, keys: readonly OrderKey[]): Int32Array {
  const columns = keys.map((key) => keyColumn(part, key));
  return Int32Array.from(part.size.keys()).sort((a, b) => {
    for (const column of columns) {
      const difference = column[b]! - column[a]!;
      if (difference !== 0) return difference;
    }
    return a - b;
  });
}

/** `ranks[k]` is the position of interval k in `order`. */
export function ranksOf(order: Int32Array): Int32Array {
  const ranks = new Int32Array(order.length);
  for (let position = 0; position < order.length; position++) ranks[order[position]!] = position;
  return ranks;
}

function keyColumn(part: ArenaPart, key: OrderKey): ArrayLike<number> {
  switch (key) {
    case 'W':
      return part.duration;
    case 'A':
      return part.duration.map((duration, k) => duration * part.size[k]!);
    case 'Z':
      return part.size;
    case 'V':
      return part.last.map((last, k) => last - part.first[k]!);
    case 'T':
      return largestLoads(part);
  }
}

/** Largest load within each interval's sections, by a sparse table of maxima over runs of 2^level sections. */
function largestLoads({ first, last, load }: ArenaPart): Float64Array {
  const levels = [load];
  for (let run = 1; 2 * run <= load.length; run *= 2) {
    const below = levels.at(-1)!;
    const level = new Float64Array(load.length - 2 * run + 1);
    for (let s = 0; s < level.length; s++) level[s] = Math.max(below[s]!, below[s + run]!);
    levels.push(level);
  }
  return Float64Array.from(first, (from, k) => {
    const level = 31 - Math.clz32(last[k]! - from);
    const row = levels[level]!;
    return Math.max(row[from]!, row[last[k]! - (1 << level)]!);
  });
}
