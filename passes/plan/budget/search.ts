/**
 * The search for a budget: seeds are repaired and completed, the better ones go through ruin and recreate by successive
 * halving, and the best goes on with its order moved now and then. In the end the arena is placed, and what overhangs is
 * planned again with less room. The exact simulator judges every plan.
 */
import type { Simulation } from '../../../src/analysis/simulate.ts';
import { chainIntervals } from './chain-seed.ts';
import { fromSequence, skeletonOf } from './from-sequence.ts';
import { isBetter, type JudgedPlan, judge } from './incumbent.ts';
import { keptIntervals, loadEverything } from './kept-state.ts';
import { searchOrder } from './order-search.ts';
import type { Prepared } from './prepared.ts';
import type { Random } from './random.ts';
import { randomOrder } from './random-order.ts';
import { type DropEstimates, recreate, repair, retainViolating } from './repair.ts';
import { createRetention, type Retention } from './retention.ts';
import { ruinAndRecreate } from './ruin-recreate.ts';

export interface SearchContext {
  readonly prepared: Prepared;
  readonly random: Random;
  readonly estimates: DropEstimates;
  readonly budget: number;
  readonly place: (simulation: Simulation, sequence: Int32Array) => number;
  readonly stop: () => boolean;
  /** A plan that costs no more than this is as good as proved the cheapest: the search ends. */
  readonly stopAt: number;
  /** Moves in all. */
  readonly effort: number;
  /** Orders tried at a time. */
  readonly tries: number;
  readonly count: (moves: number) => void;
  readonly progress: (extra: number) => void;
}

export interface Found {
  readonly plan: JudgedPlan;
  readonly arenaBytes: number;
}

interface Start {
  readonly sequence: Int32Array;
  readonly cost: number;
}

/** How many starts go on, with which share of the moves in all. */
const halvingRounds = [
  { survivors: 16, share: 0.15 },
  { survivors: 5, share: 0.2 },
  { survivors: 2, share: 0.25 },
] as const;
/** Where costs are alike little heat is enough to leave a local optimum; where few dear nodes decide it takes more. */
const heats = [0.2, 0.6];
const lastShare = 0.4;
/** Starts that cost this many times the best do not go on. */
const hopeless = 3;
const descents = 6;
const arenaRounds = 6;
/** Nodes in all of the random skeletons that small graphs start from besides. */
const shuffledNodes = 600;
const thoroughly = { tries: 16, blind: 4 };

/** The cheapest plan that fits and can be placed; if none is found, the one with the smallest peak. */
export function search(
  context: SearchContext,
  sequences: readonly Int32Array[],
  keptSets: readonly Uint8Array[],
): Found {
  const { prepared, budget, random, tries } = context;
  const { index, roots, writers, orders, large } = prepared;
  const limit = (): number => budget;
  let best: JudgedPlan | undefined;
  let smallest: JudgedPlan | undefined;
  let proved = false;
  const offer = (plan: JudgedPlan): void => {
    if (smallest === undefined || plan.simulation.liveBytes < smallest.simulation.liveBytes) smallest = plan;
    if (plan.simulation.liveBytes > budget || !isBetter(plan, best)) return;
    best = plan;
    proved = plan.extra <= context.stopAt;
    context.progress(plan.extra);
  };

  // Starting states: ordinary backpropagation, kept sets, and the sequences of the named strategies.
  const starts: Start[] = [];
  const enter = (state: Retention): void => {
    if (!retainViolating(state, index, roots)) return;
    const outcome = repair(state, index, roots, random, thoroughly, context.estimates);
    state.commit();
    context.count(outcome.moves);
    if (outcome.fits && state.violations() === 0) context.count(recreate(state, index, roots));
    const plan = judge(prepared, state.sequence());
    offer(plan);
    if (outcome.fits && state.violations() === 0) starts.push({ sequence: plan.sequence, cost: state.extraCost() });
  };
  // A skeleton of its own: the order in which ordinary backpropagation comes closest to the limit.
  const roomy = searchOrder(prepared, orders[orders.length - 1]!, { tries, random, limit: budget });
  const ordersTried = roomy.improved ? [...orders, skeletonOf(prepared, roomy.sequence)] : orders;
  const skeletons = large ? ordersTried.slice(-1) : ordersTried;
  if (roomy.improved) offer(judge(prepared, roomy.sequence));
  for (const order of skeletons) {
    if (proved) break;
    const state = createRetention(index, roots, writers, order);
    state.setLimits(limit);
    loadEverything(prepared, state);
    enter(state);
  }
  for (let k = 0; k < shuffledNodes / index.nodeCount - 1 && !proved; k++) {
    const state = createRetention(index, roots, writers, randomOrder(index, writers, random));
    state.setLimits(limit);
    loadEverything(prepared, state);
    enter(state);
  }
  for (const kept of chooseKeptSets(keptSets, large ? 1 : 3))
    for (const order of [skeletons[0]!, skeletons[skeletons.length - 1]!].slice(0, skeletons.length)) {
      if (proved || context.stop()) break;
      const state = createRetention(index, roots, writers, order);
      state.setLimits(limit);
      const pairs = keptIntervals(prepared, state.order, kept);
      state.load((root) => pairs[root]);
      // A bound's kept set fits in the order that suits it best.
      if (order === skeletons[0] && retainViolating(state, index, roots) && state.overshoot() > 0) {
        const ordered = searchOrder(prepared, state.sequence(), {
          tries,
          random,
          limit: budget,
          sharp: true,
        });
        if (ordered.improved) enter(fromSequence(prepared, ordered.sequence, limit));
      }
      enter(state);
    }
  for (const order of skeletons) {
    if (proved || context.stop()) break;
    const pairs = chainIntervals(prepared, order, budget);
    if (pairs === undefined) continue;
    const state = createRetention(index, roots, writers, order);
    state.setLimits(limit);
    state.load((root) => pairs[root]);
    enter(state);
  }
  const judged = sequences.map((sequence) => judge(prepared, sequence));
  for (const plan of judged) offer(plan);
  const fitting = judged.filter((plan) => plan.simulation.liveBytes <= budget).sort((a, b) => a.extra - b.extra);
  const nearly = judged
    .filter((plan) => plan.simulation.liveBytes > budget && plan.simulation.liveBytes < 1.3 * budget)
    .sort((a, b) => a.simulation.liveBytes - b.simulation.liveBytes || a.extra - b.extra);
  for (const plan of [...fitting.slice(0, large ? 1 : 3), ...nearly.slice(0, large ? 1 : 2)]) {
    if (context.stop()) break;
    enter(fromSequence(prepared, plan.sequence, limit));
  }

  // Successive halving: every start gets a little, the better ones more.
  for (const { survivors, share } of halvingRounds) {
    starts.sort((a, b) => a.cost - b.cost);
    const hopeful = starts.filter(({ cost }, k) => k < 2 || cost <= hopeless * starts[0]!.cost);
    starts.length = Math.min(hopeful.length, survivors);
    for (let k = 0; k < starts.length && !proved && !context.stop(); k++)
      starts[k] = explore(context, starts[k]!, (share * context.effort) / starts.length, heats[k % 2]!, offer);
  }

  // Nothing fits yet: other orders of the plan with the smallest peak, then fewer bytes again.
  for (let round = 0; round < descents && best === undefined && smallest !== undefined && !context.stop(); round++) {
    const ordered = searchOrder(prepared, smallest.sequence, { tries, random, limit: budget });
    offer(judge(prepared, ordered.sequence));
    enter(fromSequence(prepared, ordered.sequence, limit));
  }

  // The best goes on, in rounds: orders for room, then intervals again.
  const rounds = 4;
  for (let round = 0; round < rounds && best !== undefined && !proved && !context.stop(); round++) {
    const ordered = searchOrder(prepared, best.sequence, {
      tries: 2 * tries,
      random,
      limit: budget,
      sharp: round % 2 === 0,
    });
    offer(judge(prepared, ordered.sequence));
    const start = { sequence: ordered.sequence, cost: Number.POSITIVE_INFINITY };
    explore(
      context,
      start,
      (lastShare * context.effort) / rounds,
      round === rounds - 1 ? 0.02 : heats[round % 2]!,
      offer,
    );
  }

  if (best === undefined) {
    const plan = smallest!;
    return { plan, arenaBytes: context.place(plan.simulation, plan.sequence) };
  }
  return fitArena(context, best);
}

/** Ruin and recreate from a sequence; what is found is judged. Returns the best, to go on from. */
function explore(
  context: SearchContext,
  start: Start,
  moves: number,
  heat: number,
  offer: (plan: JudgedPlan) => void,
): Start {
  const { prepared, random, budget } = context;
  const state = fromSequence(prepared, start.sequence, () => budget);
  if (state.overshoot() > 0) {
    const outcome = repair(state, prepared.index, prepared.roots, random, thoroughly, context.estimates);
    state.commit();
    context.count(outcome.moves);
    if (!outcome.fits) return start;
  }
  let sequence = state.sequence();
  let reached = false;
  const cost = ruinAndRecreate(state, prepared.index, prepared.roots, {
    moves,
    random,
    estimates: context.estimates,
    typicalCost: prepared.typicalCost,
    heat,
    best: state.extraCost(),
    shouldStop: () => reached || context.stop(),
    onBest: (extra) => {
      reached = extra <= context.stopAt;
      sequence = state.sequence();
      context.progress(extra);
    },
  });
  context.count(moves);
  offer(judge(prepared, sequence));
  return { sequence, cost };
}

/** Few, well apart: the sets met along a bisection are many and alike. */
function chooseKeptSets(keptSets: readonly Uint8Array[], most: number): Uint8Array[] {
  const chosen: Uint8Array[] = [];
  const seen = new Set<string>();
  for (let k = keptSets.length - 1; k >= 0 && chosen.length < most; k--) {
    const key = keptSets[k]!.join('');
    if (seen.has(key)) continue;
    seen.add(key);
    chosen.push(keptSets[k]!);
  }
  return chosen;
}

/** Places the arena; while it is above the budget, plans again with less room where the placement overhangs. */
function fitArena(context: SearchContext, start: JudgedPlan): Found {
  const { budget, place } = context;
  let plan = start;
  let arenaBytes = place(plan.simulation, plan.sequence);
  let best: Found = { plan, arenaBytes };
  let room = budget;
  for (let round = 0; round < arenaRounds && arenaBytes > budget; round++) {
    room -= Math.max(64, Math.ceil((arenaBytes - budget) / 64) * 64);
    let improved: JudgedPlan | undefined;
    explore(
      { ...context, budget: room },
      { sequence: plan.sequence, cost: plan.extra },
      context.effort / 8,
      0.1,
      (other) => {
        if (other.simulation.liveBytes <= room && isBetter(other, improved)) improved = other;
      },
    );
    if (improved === undefined) break;
    plan = improved;
    arenaBytes = place(plan.simulation, plan.sequence);
    if (arenaBytes < best.arenaBytes || arenaBytes <= budget) best = { plan, arenaBytes };
  }
  return best;
}
