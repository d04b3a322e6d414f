/**
 * placeArena: offsets for blocks of known lifetimes, in a buffer as short as can be found (DESIGN section 7). Time is
 * cut into independent parts, intervals that fit anyway are set aside, and what is left goes through a portfolio of
 * greedy placements and, where none reaches the floor, through MiniMalloc's branch and bound.
 *
 * Limited by steps, never by time: the same problem gets the same offsets everywhere.
 */
import type { SearchBudget } from './decide.ts';
import { type ArenaIntervals, splitProblem } from './problem.ts';
import { solveCore } from './solve-core.ts';
import { solvePart } from './solve-part.ts';

export interface PlaceOptions {
  /** Bytes that are low enough: nothing lower is looked for. Default: the largest load. */
  readonly capacity?: number;
  /** Every offset is a multiple of it, and sizes are rounded up to it. Default 1. */
  readonly alignment?: number;
  /** `greedy`: the portfolio and a glimpse of the search, for calls in a loop. Default `full`. */
  readonly effort?: 'greedy' | 'full';
  /**
   * Effort of the branch and bound, in nodes of a small problem (a thousand inner steps, one or two microseconds; nodes of
   * large problems count as several). Default 500,000; 8,000 with `greedy`.
   */
  readonly nodeLimit?: number;
}

export interface Placement {
  /** Byte offset of each interval; 0 for intervals of no bytes or no steps. */
  readonly offsets: Float64Array;
  /** Bytes of the buffer: the highest top. */
  readonly height: number;
  /** Largest sum of live bytes (each rounded up to the alignment): no placement is lower. */
  readonly maxLoad: number;
  /** Whether it is proved that no placement is lower. */
  readonly optimal: boolean;
}

const stepsPerNode = 1000;
const defaultNodes = { greedy: 8_000, full: 500_000 };

/** Throws RangeError for sizes that are not non-negative integers, and for arrays of different lengths. */
export function placeArena(intervals: ArenaIntervals, options: PlaceOptions = {}): Placement {
  const { capacity = 0, alignment = 1, effort = 'full' } = options;
  const budget: SearchBudget = { work: stepsPerNode * (options.nodeLimit ?? defaultNodes[effort]) };
  const parts = splitProblem(intervals, alignment);
  const maxLoad = parts.reduce((most, part) => Math.max(most, part.maxLoad), 0);
  const target = Math.max(maxLoad, capacity);
  const offsets = new Float64Array(intervals.bytes.length);
  let height = 0;
  let lowerBound = maxLoad;
  for (const part of parts) {
    const solution = solveCore(part, target, (piece) => solvePart(piece, target, budget));
    height = Math.max(height, solution.height);
    lowerBound = Math.max(lowerBound, solution.lowerBound);
    for (let k = 0; k < part.index.length; k++) offsets[part.index[k]!] = solution.offsets[k]!;
  }
  return { offsets, height, maxLoad, optimal: height <= lowerBound };
}
