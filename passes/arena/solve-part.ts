/**
 * The lowest placement of one part that the effort allows. In turn, until the goal is reached: the portfolio; a little
 * local search; branch and bound at the goal; the same for the large intervals alone; branch and bound between what is
 * proved impossible and what is found; local search with what is left.
 */
import { countMeetings, makeSearchSpace, type SearchSpace } from './branch-and-bound.ts';
import { largeFirstAttempts, placeLargeFirst } from './coarse.ts';
import { decide, type Rankings, type SearchBudget } from './decide.ts';
import { improveOrder } from './improve.ts';
import { type PartPlacement, placeByPortfolio } from './portfolio.ts';
import type { ArenaPart } from './problem.ts';
import type { PartSolution } from './solve-core.ts';

/** Search keeps a table of meetings: past this many pairs of intervals it is not tried. */
const mostMeetings = 4_000_000;

/** What fills a full section first; of that, what lives long or is large. */
const rankings: Rankings = [
  ['T', 'V', 'A'],
  ['T', 'A', 'W'],
  ['T', 'W', 'A'],
  ['W', 'A', 'T'],
  ['V', 'A', 'T'],
];

/** Rounds of local search before any other: what it can do easily, it does soon. */
const firstRounds = 64;

/** Parts of all steps: for local search at first, for the search at the goal, for each with the large ones first. */
const firstSteps = 1 / 16;
const goalSteps = 2 / 5;
const attemptSteps = 1 / 25;
/** Where descents are long, the search at the goal gets only so many: the large intervals alone are more promising. */
const goalDescents = 500;
/** Part of the steps left then that the search between may take. */
const betweenSteps = 1 / 2;

export function solvePart(part: ArenaPart, target: number, budget: SearchBudget): PartSolution {
  const total = budget.work;
  let lowerBound = part.maxLoad;
  let goal = Math.max(target, lowerBound);
  const greedy = placeByPortfolio(part, goal);
  let best: PartPlacement = greedy;
  const keep = (found: PartPlacement | undefined): boolean => {
    if (found !== undefined && found.height < best.height) best = found;
    return best.height <= goal;
  };
  const solved = (): PartSolution => ({ ...best, lowerBound });
  if (best.height <= goal) return solved();
  if (greedy.order !== undefined && keep(improve(part, greedy.order, goal, firstRounds, total * firstSteps, budget)))
    return solved();
  if (budget.work > 0 && countMeetings(part, mostMeetings) <= mostMeetings) {
    const space = makeSearchSpace(part);
    const { unit } = part;
    const most = Math.min(total * goalSteps, Math.max(total * attemptSteps, goalDescents * space.descent));
    const atGoal = decide(space, rankings, Math.floor(goal / unit) * unit, most, budget);
    if (atGoal === 'infeasible') {
      lowerBound = Math.floor(goal / unit) * unit + unit;
      goal = lowerBound;
    } else if (atGoal !== 'undecided' && keep(atGoal)) return solved();
    for (const attempt of largeFirstAttempts) {
      if (budget.work <= 0) break;
      if (keep(placeLargeFirst(part, attempt, goal, mostMeetings, total * attemptSteps, budget))) return solved();
    }
    const between = searchBetween(space, best, goal, lowerBound, budget);
    lowerBound = between.lowerBound;
    if (keep(between)) return solved();
  }
  if (greedy.order !== undefined)
    keep(improve(part, byOffset(best), goal, Number.POSITIVE_INFINITY, budget.work, budget));
  return solved();
}

/** Bisects capacities from `goal` up to the height of `best`: a capacity left undecided counts as too low. */
function searchBetween(
  space: SearchSpace,
  start: PartPlacement,
  goal: number,
  proved: number,
  budget: SearchBudget,
): PartSolution {
  const { unit } = space.part;
  let best = start;
  let lowerBound = proved;
  // Capacities are multiples of the unit, as all tops of canonical placements are.
  let low = Math.floor(goal / unit) * unit + (proved >= goal ? 0 : unit);
  const reserve = budget.work * (1 - betweenSteps);
  while (low < best.height && budget.work > reserve) {
    const capacity = low + Math.floor((best.height - unit - low) / 2 / unit) * unit;
    if (capacity < low) break;
    const outcome = decide(space, rankings, capacity, Math.ceil((budget.work - reserve) / 2), budget);
    if (outcome === 'infeasible') {
      lowerBound = Math.max(lowerBound, capacity + unit);
      low = capacity + unit;
    } else if (outcome === 'undecided') low = capacity + unit;
    else best = outcome;
  }
  return { ...best, lowerBound };
}

/** Local search for at most `rounds` rounds and `steps` steps. */
function improve(
  part: ArenaPart,
  order: Int32Array,
  goal: number,
  rounds: number,
  steps: number,
  budget: SearchBudget,
): PartPlacement {
  const stepsPerRound = Math.ceil(part.size.length ** 2 / 2);
  const affordable = Math.min(rounds, Math.floor(steps / stepsPerRound));
  budget.work -= affordable * stepsPerRound;
  return improveOrder(part, order, goal, affordable);
}

function byOffset({ offsets }: PartPlacement): Int32Array {
  return Int32Array.from(offsets.keys()).sort((a, b) => offsets[a]! - offsets[b]! || a - b);
}
