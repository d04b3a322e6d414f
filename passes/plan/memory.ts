/**
 * Strategy `memory`: sqrt(n) checkpointing (Chen et al. 2016, section 4) for any graph. It keeps the union of the
 * frontiers of K positions, chosen to minimise kept bytes + the largest segment's bytes. Where there are articulation
 * points these are the cheap positions; where there are none, separators of several values serve, so it never fails.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import {
  choosePositions,
  fewestPositions,
  measurePositions,
  type PositionChoice,
  segmentBytes,
} from './choose-positions.ts';
import { type Frontiers, findFrontiers, frontierBytes, keepFrontiers } from './frontiers.ts';
import { keptSetSequence } from './kept-set.ts';
import { findStorages } from './storages.ts';
import { integerOption, type Strategy } from './strategy.ts';

/** Bounds on a segment's bytes that the sweep tries: first coarsely, then around the best. */
const coarseBounds = 20;
const fineBounds = 6;

/**
 * The true peak also counts gradients, scratch and in-place results, so the choices with the smallest estimates are
 * simulated and the smallest peak wins; ordinary backpropagation is among them unless `segments` is given.
 */
export const memory: Strategy = (index, options) => {
  const segments = integerOption(options, 'segments', 1);
  const storages = findStorages(index);
  const frontiers = findFrontiers(index, storages);
  const choices = segments === undefined ? sweepBounds(frontiers) : choicesOfCount(frontiers, segments);
  const simulated = Math.min(40, Math.max(6, Math.floor(400_000 / (index.nodeCount + 1))));
  choices.sort((a, b) => estimate(a) - estimate(b) || a.positions.length - b.positions.length);
  const tried = distinct(choices).slice(0, simulated);
  if (segments === undefined) tried.push(measurePositions(frontiers, new Int32Array(0)));
  return smallestPeak(
    index,
    tried.map(({ positions }) =>
      keptSetSequence(index, keepFrontiers(index, storages, frontiers, positions), storages),
    ),
  );
};

/** The sequence of the smallest peak; of equal ones the cheapest, then the first. */
export function smallestPeak(index: PlanIndex, sequences: readonly Int32Array[]): Int32Array {
  let best = sequences[0]!;
  let bestBytes = Number.POSITIVE_INFINITY;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const sequence of sequences) {
    const { liveBytes, cost } = simulate(index, sequence);
    if (liveBytes > bestBytes || (liveBytes === bestBytes && cost >= bestCost)) continue;
    best = sequence;
    bestBytes = liveBytes;
    bestCost = cost;
  }
  return best;
}

function estimate(choice: PositionChoice): number {
  return choice.keptBytes + choice.segmentBytes;
}

/** One choice for each bound on a segment's bytes, from one node a segment to a single segment. */
export function sweepBounds(frontiers: Frontiers): PositionChoice[] {
  const total = frontiers.demandedBytes.reduce((sum, size) => sum + size, 0);
  const choices: PositionChoice[] = [];
  if (total === 0) return choices;
  const bounds: number[] = [];
  const least = Math.max(64, total / (2 * frontiers.positionCount));
  for (let k = 0; k < coarseBounds; k++) bounds.push(least * (total / least) ** (k / (coarseBounds - 1)));
  let best = 0;
  let bestEstimate = Number.POSITIVE_INFINITY;
  const attempt = (bound: number): boolean => {
    const choice = choosePositions(frontiers, bound);
    if (choice === undefined) return false;
    choices.push(choice);
    if (estimate(choice) >= bestEstimate) return false;
    bestEstimate = estimate(choice);
    return true;
  };
  bounds.forEach((bound, k) => {
    if (attempt(bound)) best = k;
  });
  let low = bounds[Math.max(0, best - 1)]!;
  let high = bounds[Math.min(coarseBounds - 1, best + 1)]!;
  for (let round = 0; round < 2; round++) {
    const step = (high / low) ** (1 / (fineBounds + 1));
    let middle = Math.sqrt(low * high);
    for (let k = 1; k <= fineBounds; k++) if (attempt(low * step ** k)) middle = low * step ** k;
    low = middle / step;
    high = middle * step;
  }
  return choices;
}

/**
 * Choices of exactly `count` positions (or as many as there are): for a few bounds, the smallest penalty a position that
 * brings the count down, then the largest segments split until the count is met.
 */
function choicesOfCount(frontiers: Frontiers, count: number): PositionChoice[] {
  const wanted = Math.min(count, Math.max(0, frontiers.positionCount - 1));
  const total = frontiers.demandedBytes.reduce((sum, size) => sum + size, 0);
  let low = 0;
  let high = total;
  for (let k = 0; k < 50 && high - low >= 1; k++) {
    const middle = (low + high) / 2;
    if ((fewestPositions(frontiers, middle) ?? Number.POSITIVE_INFINITY) <= wanted) high = middle;
    else low = middle;
  }
  const weights = frontierBytes(frontiers);
  return [1, 1.1, 1.25, 1.5, 2]
    .map((slack) => withPenalty(frontiers, high * slack, wanted))
    .filter((choice) => choice !== undefined)
    .map((choice) => splitLargest(frontiers, weights, choice.positions, wanted));
}

function withPenalty(frontiers: Frontiers, bound: number, most: number): PositionChoice | undefined {
  let choice = choosePositions(frontiers, bound);
  if (choice === undefined || choice.positions.length <= most) return choice;
  let low = 0;
  let high = frontiers.bytes.reduce((sum, size) => sum + size, 0) + 1;
  choice = choosePositions(frontiers, bound, high);
  for (let k = 0; k < 24; k++) {
    const middle = (low + high) / 2;
    const attempt = choosePositions(frontiers, bound, middle);
    if (attempt === undefined || attempt.positions.length > most) {
      low = middle;
      continue;
    }
    choice = attempt;
    high = middle;
    if (attempt.positions.length === most) break;
  }
  return choice !== undefined && choice.positions.length <= most ? choice : undefined;
}

/** Splits the largest segments, each at the lightest frontier of its middle third, until there are `wanted` positions. */
function splitLargest(
  frontiers: Frontiers,
  weights: Float64Array,
  positions: Int32Array,
  wanted: number,
): PositionChoice {
  let current = positions;
  while (current.length < wanted) {
    const sizes = segmentBytes(frontiers, current);
    const ends = [0, ...current, frontiers.positionCount];
    const splittable = Array.from(sizes, (_, segment) => segment)
      .filter((segment) => ends[segment + 1]! - ends[segment]! > 1)
      .sort((a, b) => sizes[b]! - sizes[a]! || ends[b + 1]! - ends[b]! - (ends[a + 1]! - ends[a]!) || a - b);
    const added = splittable
      .slice(0, Math.max(1, Math.min(wanted - current.length, splittable.length >> 1)))
      .map((segment) => lightestNearMiddle(weights, ends[segment]!, ends[segment + 1]!));
    current = Int32Array.from([...current, ...added]).sort();
  }
  return measurePositions(frontiers, current);
}

/** The position strictly inside `from .. to`, in its middle third, of the lightest frontier; the most central of equals. */
function lightestNearMiddle(weights: Float64Array, from: number, to: number): number {
  const middle = (from + to) / 2;
  const reach = (to - from) / 6;
  let best = Math.floor(middle);
  for (let p = Math.max(from + 1, Math.ceil(middle - reach)); p <= Math.min(to - 1, middle + reach); p++)
    if (
      weights[p]! < weights[best]! ||
      (weights[p] === weights[best] && Math.abs(p - middle) < Math.abs(best - middle))
    )
      best = p;
  return best;
}

function distinct(choices: readonly PositionChoice[]): PositionChoice[] {
  return choices.filter((choice, k) => {
    const last = choices[k - 1];
    return (
      last === undefined ||
      last.keptBytes !== choice.keptBytes ||
      last.segmentBytes !== choice.segmentBytes ||
      last.positions.length !== choice.positions.length
    );
  });
}
