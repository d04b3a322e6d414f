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
import { type JudgedPlan, judge } from './incumbent.ts';
import { type LowerBound, lowerBound } from './lower-bound.ts';
import { type Prepared, prepare } from './prepared.ts';
import { provedBound } from './proved-bound.ts';
import { createRandom } from './random.ts';
import { createDropEstimates } from './repair.ts';
import { type SearchContext, search } from './search.ts';
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
  /** Moves of the search at most, where that is fewer than the effort's. */
  readonly moves?: number;
  /** Orders tried at a time, at most, where that is fewer than usual. */
  readonly orders?: number;
  /** Share of the base cost that recomputation may add: a plan that adds no more is not improved, and one that must is not sought. */
  readonly bearable?: number;
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

const movesOf: Record<Effort, number> = {
  fast: 300_000,
  default: 3_600_000,
  max: 30_000_000,
};
/** Orders tried at a time: so many nodes in all. */
const triedNodes = 600_000;
const leastTries = 8;
const mostTries = 1000;
const boundEffort: Record<Effort, number> = { fast: 0.5, default: 1, max: 8 };
/** Share of the moves before the bound looks at what the plan found with them is tight at. */
const firstShare = 0.45;
/** A plan this close to its bound is not searched further. */
const nearEnough = 1.002;
/** A bound this close to the plan is not searched further. */
const closeEnough = 1.02;

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
    const lower = feasible ? provedBound(bound, plan.extra, prepared.baseCost) : bound.extra;
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
    estimates: createDropEstimates(index),
    budget,
    place,
    stop,
    effort: Math.min(
      options.moves ?? Number.POSITIVE_INFINITY,
      movesOf[effort] * Math.min(0.75, Math.max(0.02, 1000 / (index.nodeCount + 1))),
    ),
    tries: Math.min(
      options.orders ?? Number.POSITIVE_INFINITY,
      mostTries,
      Math.max(leastTries, Math.floor(triedNodes / (index.nodeCount + 1))),
    ),
    count: (n) => {
      moves += n;
    },
    progress: (extra) => options.onProgress?.({ extra, moves }),
  };
  const boundOptions = {
    budget,
    known: new Map<string, number>(),
    effort: boundEffort[effort],
    ...(options.solver === undefined ? {} : { solver: options.solver }),
  };
  const infeasible = floor.bytes > budget;
  const early: LowerBound = infeasible
    ? { extra: Number.POSITIVE_INFINITY, name: 'working-set', keptSets: [] }
    : lowerBound(prepared, boundOptions);
  const bearable = (options.bearable ?? 0) * prepared.baseCost;
  if (options.bearable !== undefined && early.extra > bearable)
    return finish(judge(prepared, prepared.orders[0]!), Number.POSITIVE_INFINITY, early);
  const stopAt = Math.max(early.extra * nearEnough, bearable);
  const target = Number.isFinite(early.extra) ? budget : Math.max(budget, floor.bytes);
  const seeds = [...(options.seeds ?? []), ...prepared.seeds()];
  const { large } = prepared;
  const first = search(
    { ...context, budget: target, stopAt, effort: (large ? 1 : firstShare) * context.effort },
    seeds,
    early.keptSets,
  );
  if (!Number.isFinite(early.extra)) return finish(first.plan, first.arenaBytes, early);
  const fits = first.arenaBytes <= budget;
  if (fits && first.plan.extra <= Math.max(closeEnough * early.extra, bearable))
    return finish(first.plan, first.arenaBytes, early);
  const late = fits
    ? lowerBound(prepared, {
        ...boundOptions,
        tightNodes: tightNodes(index, first.plan, budget),
        planned: first.plan.extra,
      })
    : early;
  const bound = late.extra > early.extra ? late : early;
  const goal = Math.max(bound.extra * nearEnough, bearable);
  if (large || stop() || (fits && first.plan.extra <= goal)) return finish(first.plan, first.arenaBytes, bound);
  // What the bound learnt from the plan is where the search begins anew.
  const second = search(
    { ...context, stopAt: goal, effort: (1 - firstShare) * context.effort },
    [first.plan.sequence],
    late.keptSets,
  );
  const better = second.arenaBytes <= budget && (!fits || second.plan.extra < first.plan.extra);
  const found = better ? second : first;
  return finish(found.plan, found.arenaBytes, bound);
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
