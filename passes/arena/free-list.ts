/**
 * Places intervals as an allocator would that runs with the step: in order of time, each in the smallest free block that
 * is large enough (the lowest of those). It sees no future, but costs little more than sorting, and the stack discipline
 * of training suits it.
 */
import type { ArenaPart } from './problem.ts';

export type Direction = 'forward' | 'backward';

/**
 * Writes offsets by interval and returns the height; infinity, with offsets unfinished, once it is known to reach
 * `limit`. `backward` runs time from the end to the start.
 */
export function placeInTime(part: ArenaPart, direction: Direction, limit: number, offsets: Float64Array): number {
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
  const blocks: FreeBlocks = { from: [], to: [], room: [], roomFrom: [] };
  let height = 0;
  for (let opened = 0, closed = 0; opened < count; opened++) {
    const k = byBegin[opened]!;
    for (; end[byEnd[closed]!]! <= begin[k]!; closed++) {
      const done = byEnd[closed]!;
      release(blocks, offsets[done]!, offsets[done]! + size[done]!);
    }
    const fit = lowerBound(blocks.room, blocks.roomFrom, size[k]!, -1);
    if (fit < blocks.room.length) {
      const at = blocks.roomFrom[fit]!;
      const position = lowerBound(blocks.from, blocks.from, at, at);
      const to = blocks.to[position]!;
      removeBlock(blocks, position);
      if (at + size[k]! < to) insertBlock(blocks, position, at + size[k]!, to);
      offsets[k] = at;
      continue;
    }
    // A free block at the top is part of the room above it.
    const top = blocks.to.length - 1;
    const at = blocks.to[top] === height ? blocks.from[top]! : height;
    if (at < height) removeBlock(blocks, top);
    offsets[k] = at;
    height = at + size[k]!;
    if (height >= limit) return Number.POSITIVE_INFINITY;
  }
  return height;
}

/** Free blocks below the height, no two adjacent: in order of offset, and again in order of (room, offset). */
interface FreeBlocks {
  readonly from: number[];
  readonly to: number[];
  readonly room: number[];
  readonly roomFrom: number[];
}

function release(blocks: FreeBlocks, from: number, to: number): void {
  let position = lowerBound(blocks.from, blocks.from, from, from);
  let start = from;
  let end = to;
  if (blocks.from[position] === to) {
    end = blocks.to[position]!;
    removeBlock(blocks, position);
  }
  if (position > 0 && blocks.to[position - 1] === from) {
    position--;
    start = blocks.from[position]!;
    removeBlock(blocks, position);
  }
  insertBlock(blocks, position, start, end);
}

function insertBlock({ from, to, room, roomFrom }: FreeBlocks, position: number, start: number, end: number): void {
  from.splice(position, 0, start);
  to.splice(position, 0, end);
  const rank = lowerBound(room, roomFrom, end - start, start);
  room.splice(rank, 0, end - start);
  roomFrom.splice(rank, 0, start);
}

function removeBlock({ from, to, room, roomFrom }: FreeBlocks, position: number): void {
  const rank = lowerBound(room, roomFrom, to[position]! - from[position]!, from[position]!);
  room.splice(rank, 1);
  roomFrom.splice(rank, 1);
  from.splice(position, 1);
  to.splice(position, 1);
}

/** The first position whose (major, minor) is not below the one given. */
function lowerBound(majors: readonly number[], minors: readonly number[], major: number, minor: number): number {
  let low = 0;
  let high = majors.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (majors[middle]! < major || (majors[middle] === major && minors[middle]! < minor)) low = middle + 1;
    else high = middle;
  }
  return low;
}
