/**
 * The trade-off curve of a graph: cost against bytes, from the smallest budget that can be met to ordinary training.
 *
 * Budgets are walked upwards, and each search starts from the plan of the one below: so along a curve cost falls as
 * bytes rise, whatever the searches find.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import { placedArena } from '../memory-plan.ts';
import { type BudgetPlan, type Effort, planForBudget } from './budget/plan-for-budget.ts';
import type { SearchSettings } from './strategy.ts';

export interface ParetoPoint {
  /** Bytes of arena that were allowed. */
  readonly budget: number;
  readonly sequence: Int32Array;
  readonly liveBytes: number;
  readonly arenaBytes: number;
  readonly cost: number;
  readonly baseCost: number;
  /** No legal sequence within `budget` costs less. */
  readonly lowerBound: number;
  readonly bound: string;
  /** The point of the curve that gives most for least. */
  readonly knee: boolean;
}

export interface ParetoOptions {
  /** Budgets between the two ends; default 8. */
  readonly points?: number;
  readonly effort?: Effort;
  readonly seed?: number;
  readonly search?: SearchSettings;
}

/** In order of rising bytes; the last point is ordinary training. */
export function paretoPlans(index: PlanIndex, options: ParetoOptions = {}): readonly ParetoPoint[] {
  const { points = 8, effort = 'fast', seed = 1 } = options;
  const sourceOrder = Int32Array.from({ length: index.nodeCount }, (_, n) => n);
  const largest = placedArena(index, sourceOrder);
  let last: Int32Array | undefined;
  const plan = (budget: number): BudgetPlan =>
    planForBudget(index, {
      budget,
      effort,
      seed,
      place: (simulation, sequence) => placedArena(index, sequence, simulation),
      ...(last !== undefined && { seeds: [last] }),
      ...options.search,
    });
  // No budget is met by less than one unit of alignment, so this gives the smallest plan that can be found.
  const smallest = plan(1);
  const smallestArena = smallest.feasible ? 0 : smallest.arenaBytes;
  const found: BudgetPlan[] = [];
  last = smallest.sequence;
  for (let k = 0; k <= points; k++) {
    const budget = k === points ? largest : Math.round(smallestArena + ((largest - smallestArena) * k) / points);
    const next = plan(budget);
    if (!next.feasible) continue;
    last = next.sequence;
    found.push(next);
    if (next.cost === next.baseCost) break;
  }
  const kept = withoutDominated(found);
  const knee = kneeOf(kept);
  return kept.map(
    ({ sequence, liveBytes, arenaBytes, cost, baseCost, lowerBound, bound }, k): ParetoPoint => ({
      budget: arenaBytes,
      sequence,
      liveBytes,
      arenaBytes,
      cost,
      baseCost,
      lowerBound,
      bound,
      knee: k === knee,
    }),
  );
}

/** Rising bytes, falling cost. */
function withoutDominated(plans: readonly BudgetPlan[]): readonly BudgetPlan[] {
  const sorted = [...plans].sort((a, b) => a.arenaBytes - b.arenaBytes || a.cost - b.cost);
  const kept: BudgetPlan[] = [];
  for (const plan of sorted) if (kept.length === 0 || plan.cost < kept.at(-1)!.cost) kept.push(plan);
  return kept;
}

/** The point farthest below the line between the ends, both axes scaled to [0, 1]; the last where there is no line. */
function kneeOf(plans: readonly BudgetPlan[]): number {
  const first = plans[0];
  const last = plans.at(-1);
  if (first === undefined || last === undefined) return -1;
  const bytes = last.arenaBytes - first.arenaBytes;
  const cost = first.cost - last.cost;
  let knee = plans.length - 1;
  let farthest = 0;
  plans.forEach((plan, k) => {
    const below = 1 - (plan.arenaBytes - first.arenaBytes) / (bytes || 1) - (plan.cost - last.cost) / (cost || 1);
    if (below > farthest) {
      farthest = below;
      knee = k;
    }
  });
  return knee;
}

/** The sequence at the knee, with its bound: the strategy `auto`. */
export function kneePlan(index: PlanIndex, options: ParetoOptions = {}): ParetoPoint {
  const points = paretoPlans(index, options);
  const knee = points.find((point) => point.knee);
  if (knee !== undefined) return knee;
  const sequence = Int32Array.from({ length: index.nodeCount }, (_, n) => n);
  const { liveBytes, cost } = simulate(index, sequence);
  const arenaBytes = placedArena(index, sequence);
  return {
    budget: arenaBytes,
    sequence,
    liveBytes,
    arenaBytes,
    cost,
    baseCost: cost,
    lowerBound: cost,
    bound: 'none',
    knee: true,
  };
}
