/**
 * Places intervals as an allocator would that runs with the step: in order of time, each from a list of free blocks.
 * It sees no future, but costs little more than sorting, and the stack discipline of training suits it.
 */

import type { Fit } from './first-fit.ts';
import type { ArenaPart } from './problem.ts';

export type Direction = 'forward' | 'backward';

/** Writes offsets by interval and returns the height. `backward` runs time from the end to the start. */
export function placeInTime(part: ArenaPart, direction: Direction, fit: Fit, offsets: Float64Array): number {
  const { first, last, size } = part;
  const count = size.length;
  const sections = part.load.length;
  const begin = direction === 'forward' ? first : last.map((section) => sections - section);
  const end = direction === 'forward' ? last : first.map((section) => sections - section);
  const numbers = Int32Array.from(size.keys());
  // Those that live longest go first, and so below, among those that begin together.
  const byBegin = numbers
    .slice()
    .sort((a, b) => begin[a]! - begin[b]! || end[b]! - end[a]! || size[b]! - size[a]! || a - b);
  const byEnd = numbers.sort((a, b) => end[a]! - end[b]! || a - b);
  // Free blocks below the height, by offset; no two are adjacent.
  const freeFrom: number[] = [];
  const freeTo: number[] = [];
  let height = 0;
  for (let opened = 0, closed = 0; opened < count; opened++) {
    const k = byBegin[opened]!;
    for (; end[byEnd[closed]!]! <= begin[k]!; closed++) {
      const done = byEnd[closed]!;
      release(freeFrom, freeTo, offsets[done]!, offsets[done]! + size[done]!);
    }
    let block = -1;
    let smallest = Number.POSITIVE_INFINITY;
    for (let b = 0; b < freeFrom.length; b++) {
      const room = freeTo[b]! - freeFrom[b]!;
      if (room < size[k]! || room >= smallest) continue;
      block = b;
      if (fit === 'first') break;
      smallest = room;
    }
    if (block < 0) {
      // A free block at the top is part of the room above it.
      const top = freeTo.length > 0 && freeTo.at(-1) === height ? freeTo.length - 1 : -1;
      const at = top < 0 ? height : freeFrom[top]!;
      if (top >= 0) {
        freeFrom.pop();
        freeTo.pop();
      }
      offsets[k] = at;
      height = at + size[k]!;
      continue;
    }
    offsets[k] = freeFrom[block]!;
    freeFrom[block] = freeFrom[block]! + size[k]!;
    if (freeFrom[block] === freeTo[block]) {
      freeFrom.splice(block, 1);
      freeTo.splice(block, 1);
    }
  }
  return height;
}

function release(freeFrom: number[], freeTo: number[], from: number, to: number): void {
  let low = 0;
  let high = freeFrom.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (freeFrom[middle]! < from) low = middle + 1;
    else high = middle;
  }
  const joinsBelow = low > 0 && freeTo[low - 1] === from;
  const joinsAbove = low < freeFrom.length && freeFrom[low] === to;
  if (joinsBelow && joinsAbove) {
    freeTo[low - 1] = freeTo[low]!;
    freeFrom.splice(low, 1);
    freeTo.splice(low, 1);
  } else if (joinsBelow) freeTo[low - 1] = to;
  else if (joinsAbove) freeFrom[low] = from;
  else {
    freeFrom.splice(low, 0, from);
    freeTo.splice(low, 0, to);
  }
}
