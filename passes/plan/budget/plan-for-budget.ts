/**
 * planForBudget: the least recomputation that fits a budget on the arena, with a proven lower bound (strategy `budget`,
 * DESIGN section 8). Seeds (every named strategy, baselines from the literature, kept sets of the bound's relaxations)
 * go into a local search over retention intervals and orders; the exact simulator judges; the arena is placed, and what
 * overhangs is planned again with less room.
 *
 * Effort is counted in moves and solver limits, never in time: the same input gives the same plan.
 */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Simulation } from '../../../src/analysis/simulate.ts';
import { placedArena } from '../../memory-plan.ts';
import { chainIntervals } from './chain-seed.ts';
import { fromSequence, skeletonOf } from './from-sequence.ts';
import { isBetter, type JudgedPlan, judge } from './incumbent.ts';
import { keptIntervals, loadEverything } from './kept-state.ts';
import { type LowerBound, lowerBound } from './lower-bound.ts';
import { searchOrder } from './order-search.ts';
import { type Prepared, prepare } from './prepared.ts';
import { createRandom, type Random } from './random.ts';
import { createRetention, type Retention } from './retention.ts';
import { repair, ruinAndRecreate } from './ruin-recreate.ts';
import { seedSequences } from './seed-sequences.ts';
import type { Solver } from './solver.ts';
import { workingSet } from './working-set.ts';

export type Effort = 'fast' | 'default' | 'max';

export interface BudgetProgress {
  /** Cost of recomputation of the best plan so far; Infinity before the first that fits. */
  readonly extra: number;
  readonly moves: number;
}

export interface BudgetOptions {
  /** Bytes of the arena. */
  readonly budget: number;
  readonly effort?: Effort;
  readonly seed?: number;
  /** Integer programs for the bound (`loadSolver`); without it bounds come from maximum flow alone. */
  readonly solver?: Solver;
  /** Length of the arena for a simulation; `placeArena` by default. */
  readonly place?: (simulation: Simulation, sequence: Int32Array) => number;
  /** Sequences to start from besides those found here. */
  readonly seeds?: readonly Int32Array[];
  readonly prepared?: Prepared;
  readonly onProgress?: (progress: BudgetProgress) => void;
  /** Asked now and then; the best plan so far is returned once it says true. */
  readonly shouldStop?: () => boolean;
}

export interface BudgetPlan {
  /** Node numbers. If nothing fits: the plan with the smallest arena that was found. */
  readonly sequence: Int32Array;
  readonly liveBytes: number;
  readonly arenaBytes: number;
  readonly cost: number;
  readonly baseCost: number;
  /** On `cost`, for every legal sequence within the budget (DESIGN section 8). */
  readonly lowerBound: number;
  readonly bound: LowerBound['name'];
  /** (cost - lowerBound) / (cost - baseCost); 0 where nothing is recomputed. */
  readonly gap: number;
  readonly feasible: boolean;
  /** Whether it is proved that no legal sequence fits. */
  readonly provedInfeasible: boolean;
  /** No legal sequence keeps less alive. */
  readonly workingSetBytes: number;
  /** Node at which the working set is largest; -1 for a graph without nodes. */
  readonly workingSetNode: number;
  readonly moves: number;
  readonly stopped: boolean;
}

const movesOf: Record<Effort, number> = { fast: 300_000, default: 4_500_000, max: 30_000_000 };
const boundEffort: Record<Effort, number> = { fast: 0.5, default: 1, max: 8 };
const arenaRounds = 6;

export function planForBudget(index: PlanIndex, options: BudgetOptions): BudgetPlan {
  const { budget, effort = 'default', shouldStop = () => false } = options;
  const prepared = options.prepared ?? prepare(index);
  const random = createRandom(options.seed ?? 1);
  const place = options.place ?? ((simulation, sequence) => placedArena(index, sequence, simulation));
  const floor = workingSet(index, prepared.roots);
  let moves = 0;
  let stopped = false;
  const stop = (): boolean => {
    stopped ||= shouldStop();
    return stopped;
  };
  const finish = (plan: JudgedPlan, arenaBytes: number, bound: LowerBound): BudgetPlan => {
    const feasible = arenaBytes <= budget;
    const lower = feasible ? Math.min(bound.extra, plan.extra) : bound.extra;
    return {
      sequence: plan.sequence,
      liveBytes: plan.simulation.liveBytes,
      arenaBytes,
      cost: plan.simulation.cost,
      baseCost: prepared.baseCost,
      lowerBound: prepared.baseCost + lower,
      bound: bound.name,
      gap: plan.extra > 0 && Number.isFinite(lower) ? (plan.extra - lower) / plan.extra : 0,
      feasible,
      provedInfeasible: !feasible && (!Number.isFinite(bound.extra) || floor.bytes > budget),
      workingSetBytes: floor.bytes,
      workingSetNode: floor.node,
      moves,
      stopped,
    };
  };

  // Ordinary backpropagation, if it fits, costs nothing.
  for (const order of prepared.orders) {
    const plan = judge(prepared, order);
    if (plan.simulation.liveBytes > budget) continue;
    const arenaBytes = place(plan.simulation, plan.sequence);
    if (arenaBytes <= budget) return finish(plan, arenaBytes, { extra: 0, name: 'none', keptSets: [] });
  }

  const context: Omit<SearchContext, 'stopAt'> = {
    prepared,
    random,
    budget,
    place,
    stop,
    effort: movesOf[effort] * Math.min(1, Math.max(0.02, 1500 / (index.nodeCount + 1))),
    count: (n) => {
      moves += n;
    },
    progress: (extra) => options.onProgress?.({ extra, moves }),
  };
  const known = new Map<string, number>();
  const infeasible = floor.bytes > budget;
  const early: LowerBound = infeasible
    ? { extra: Number.POSITIVE_INFINITY, name: 'working-set', keptSets: [] }
    : lowerBound(prepared, {
        budget,
        known,
        effort: boundEffort[effort],
        ...(options.solver === undefined ? {} : { solver: options.solver }),
      });
  const stopAt = early.extra;
  const target = Number.isFinite(early.extra) ? budget : Math.max(budget, floor.bytes);
  const seeds = [...(options.seeds ?? []), ...seedSequences(index)];
  const found = search({ ...context, budget: target, stopAt }, seeds, early.keptSets);
  if (!Number.isFinite(early.extra) || found.arenaBytes > budget) return finish(found.plan, found.arenaBytes, early);
  const tight = tightNodes(index, found.plan, budget);
  const late = lowerBound(prepared, {
    budget,
    known,
    tightNodes: tight,
    effort: boundEffort[effort],
    ...(options.solver === undefined ? {} : { solver: options.solver }),
  });
  return finish(found.plan, found.arenaBytes, late.extra > early.extra ? late : early);
}

/** Backward nodes at whose steps a plan has next to no room, the tightest first. */
function tightNodes(index: PlanIndex, plan: JudgedPlan, budget: number): number[] {
  const { sequence, simulation } = plan;
  const found: { readonly node: number; readonly load: number }[] = [];
  for (let s = 0; s < sequence.length; s++)
    if (index.region[sequence[s]!] === 1 && simulation.liveAt[s]! > 0.96 * budget)
      found.push({ node: sequence[s]!, load: simulation.liveAt[s]! });
  found.sort((a, b) => b.load - a.load || a.node - b.node);
  return found.slice(0, 12).map(({ node }) => node);
}

interface SearchContext {
  readonly prepared: Prepared;
  readonly random: Random;
  readonly budget: number;
  readonly place: (simulation: Simulation, sequence: Int32Array) => number;
  readonly stop: () => boolean;
  /** A plan that costs no more than this is proved the cheapest: the search ends. */
  readonly stopAt: number;
  /** Moves in all. */
  readonly effort: number;
  readonly count: (moves: number) => void;
  readonly progress: (extra: number) => void;
}

interface Found {
  readonly plan: JudgedPlan;
  readonly arenaBytes: number;
}

interface Start {
  readonly sequence: Int32Array;
  readonly cost: number;
}

/** How many starts go on, with which share of the moves in all, from which temperature. */
const halvingRounds = [
  { survivors: 16, share: 0.15, heat: 0.05 },
  { survivors: 5, share: 0.2, heat: 0.1 },
  { survivors: 2, share: 0.25, heat: 0.1 },
] as const;
const lastShare = 0.4;
/** Beyond this many nodes few starts are tried. */
const largeGraph = 20_000;
const descents = 6;

function search(context: SearchContext, sequences: readonly Int32Array[], keptSets: readonly Uint8Array[]): Found {
  const { prepared, budget, random } = context;
  const { index, roots, writers, orders } = prepared;
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
    const outcome = repair(state, index, roots, random, 16);
    state.commit();
    context.count(outcome.moves);
    const plan = judge(prepared, state.sequence());
    offer(plan);
    if (outcome.fits && state.violations() === 0) starts.push({ sequence: plan.sequence, cost: state.extraCost() });
  };
  // A skeleton of its own: the order in which ordinary backpropagation comes closest to the limit.
  const large = index.nodeCount > largeGraph;
  const tries = Math.min(1200, Math.max(8, Math.floor(2_500_000 / (index.nodeCount + 1))));
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
  for (const kept of chooseKeptSets(keptSets, large ? 1 : 4))
    for (const order of [skeletons[0]!, skeletons[skeletons.length - 1]!].slice(0, skeletons.length)) {
      if (proved || context.stop()) break;
      const state = createRetention(index, roots, writers, order);
      state.setLimits(limit);
      const pairs = keptIntervals(prepared, state.order, kept);
      state.load((root) => pairs[root]);
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
  for (const { survivors, share, heat } of halvingRounds) {
    starts.sort((a, b) => a.cost - b.cost);
    starts.length = Math.min(starts.length, survivors);
    for (let k = 0; k < starts.length && !proved && !context.stop(); k++)
      starts[k] = explore(context, starts[k]!, (share * context.effort) / starts.length, heat, offer);
  }

  // Nothing fits yet: other orders of the plan with the smallest peak, then fewer bytes again.
  for (let round = 0; round < descents && best === undefined && smallest !== undefined && !context.stop(); round++) {
    const ordered = searchOrder(prepared, smallest.sequence, { tries, random, limit: budget });
    offer(judge(prepared, ordered.sequence));
    enter(fromSequence(prepared, ordered.sequence, limit));
  }

  // The best goes on, in rounds: orders for room, then intervals again.
  const rounds = 8;
  for (let round = 0; round < rounds && best !== undefined && !proved && !context.stop(); round++) {
    const ordered = searchOrder(prepared, best.sequence, { tries, random, limit: budget, sharp: round % 2 === 0 });
    offer(judge(prepared, ordered.sequence));
    const start = { sequence: ordered.sequence, cost: Number.POSITIVE_INFINITY };
    explore(context, start, (lastShare * context.effort) / rounds, round === rounds - 1 ? 0.02 : 0.1, offer);
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
    const outcome = repair(state, prepared.index, prepared.roots, random, 16);
    state.commit();
    context.count(outcome.moves);
    if (!outcome.fits) return start;
  }
  let sequence = state.sequence();
  let reached = false;
  const cost = ruinAndRecreate(state, prepared.index, prepared.roots, {
    moves,
    random,
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
