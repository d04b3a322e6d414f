import { firstFitScratch, placeInOrder } from './first-fit.ts';
import { sortedOrder } from './orders.ts';
import { type ArenaIntervals, splitProblem } from './problem.ts';

export interface PlaceOptions {
  readonly capacity?: number;
  readonly alignment?: number;
  readonly nodeLimit?: number;
  readonly effort?: 'greedy' | 'full';
}

export interface Placement {
  readonly offsets: Float64Array;
  readonly height: number;
  readonly maxLoad: number;
  readonly optimal: boolean;
}

export function placeArena(intervals: ArenaIntervals, options: PlaceOptions = {}): Placement {
  const parts = splitProblem(intervals, options.alignment ?? 1);
  const offsets = new Float64Array(intervals.bytes.length);
  let height = 0;
  let maxLoad = 0;
  for (const part of parts) {
    const own = new Float64Array(part.size.length);
    height = Math.max(height, placeInOrder(part, sortedOrder(part, ['Z', 'W']), 'first', Infinity, own, firstFitScratch(own.length)));
    maxLoad = Math.max(maxLoad, part.maxLoad);
    for (let k = 0; k < own.length; k++) offsets[part.index[k]!] = own[k]!;
  }
  return { offsets, height, maxLoad, optimal: height === maxLoad };
}
