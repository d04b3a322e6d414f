/**
 * The lowest placement of one part that the effort allows: the portfolio, then branch and bound, first at the target and
 * then between what is proved impossible and what is found.
 */
import {
  advance,
  countMeetings,
  makeSearchSpace,
  type Search,
  type SearchSpace,
  startSearch,
} from './branch-and-bound.ts';
import { improveOrder } from './improve.ts';
import { type OrderKey, ranksOf, sortedOrder } from './orders.ts';
import { type PartPlacement, placeByPortfolio } from './portfolio.ts';
import type { ArenaPart } from './problem.ts';

export interface PartSolution extends PartPlacement {
  /** No placement of the part is lower than this. */
  readonly lowerBound: number;
}

/** Inner steps that branch and bound may still take; shared by the parts of a problem. */
export interface SearchBudget {
  work: number;
}

/** Static orders tried side by side; which one is lucky differs from problem to problem (MiniMalloc, section 5). */
const rankings: readonly (readonly OrderKey[])[] = [
  ['T', 'W', 'A'],
  ['T', 'A', 'W'],
  ['W', 'A', 'T'],
  ['V', 'A', 'T'],
];

/**
 * Steps that each order gets in the first turn, and twice as many in every later one: at least enough to place every
 * interval once, which takes a small multiple of the square of their number.
 */
const leastTurn = 1 << 20;
const turnPerPair = 4;

/** Search keeps a table of meetings: past this many pairs of intervals it is not tried. */
const mostMeetings = 4_000_000;

/** Rounds of iterated greedy: what it can do, it does soon. */
const mostRounds = 64;

export function solvePart(part: ArenaPart, target: number, budget: SearchBudget): PartSolution {
  const goal = Math.max(target, part.maxLoad);
  const greedy = placeByPortfolio(part, goal);
  let best: PartPlacement = greedy;
  let lowerBound = part.maxLoad;
  if (best.height > goal && greedy.order !== undefined) {
    const stepsPerRound = Math.ceil(part.size.length ** 2 / 2);
    const rounds = Math.min(mostRounds, Math.floor(budget.work / 8 / stepsPerRound));
    const improved = improveOrder(part, greedy.order, goal, rounds);
    if (improved.height < best.height) best = improved;
    budget.work -= rounds * stepsPerRound;
  }
  if (best.height <= goal || budget.work <= 0 || countMeetings(part, mostMeetings) > mostMeetings)
    return { ...best, lowerBound };
  const space = makeSearchSpace(part);
  const { unit } = part;
  // Capacities are multiples of the unit, as all tops of canonical placements are.
  let low = Math.floor(goal / unit) * unit;
  let capacity = low;
  while (low < best.height && budget.work > 0) {
    const before = budget.work;
    const outcome = decide(space, capacity, Math.ceil(before / 2), budget);
    if (outcome === 'infeasible') {
      lowerBound = capacity + unit;
      low = lowerBound;
    } else if (outcome === 'undecided') low = capacity + unit;
    else best = outcome;
    if (best.height <= goal) break;
    capacity = low + Math.floor((best.height - unit - low) / 2 / unit) * unit;
    if (capacity < low) break;
  }
  return { ...best, lowerBound };
}

/** Lets the orders take turns at one capacity until one of them decides it. */
function decide(
  space: SearchSpace,
  capacity: number,
  limit: number,
  budget: SearchBudget,
): PartPlacement | 'infeasible' | 'undecided' {
  const searches: Search[] = [];
  let left = Math.min(limit, budget.work);
  for (let turn = Math.max(leastTurn, turnPerPair * space.part.size.length ** 2); left > 0; turn *= 2)
    for (let order = 0; order < rankings.length && left > 0; order++) {
      const search = (searches[order] ??= startSearch(
        space,
        capacity,
        ranksOf(sortedOrder(space.part, rankings[order]!)),
      ));
      const before = search.work;
      const verdict = advance(search, before + Math.min(turn, left));
      left -= search.work - before;
      budget.work -= search.work - before;
      if (verdict === 'infeasible') return verdict;
      if (verdict === 'placed') return { offsets: search.offsets, height: heightOf(space.part, search.offsets) };
    }
  return 'undecided';
}

function heightOf(part: ArenaPart, offsets: Float64Array): number {
  let height = 0;
  for (let k = 0; k < offsets.length; k++) height = Math.max(height, offsets[k]! + part.size[k]!);
  return height;
}
