/**
 * The trade-off curve of a graph: cost against bytes, from the smallest budget that can be met to ordinary training.
 *
 * Budgets are walked upwards, and each search starts from the plan of the one below: so along a curve cost falls as
 * bytes rise, whatever the searches find.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { baselineArena } from './baseline.ts';
import { lowerBound } from './budget/lower-bound.ts';
import { type BudgetOptions, type BudgetPlan, planForBudget } from './budget/plan-for-budget.ts';
import { prepare } from './budget/prepared.ts';
import { provedBound } from './budget/proved-bound.ts';
import { workingSet } from './budget/working-set.ts';
import type { BoundedSequence, SearchSettings } from './strategy.ts';

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

/** How each search is made; the default effort is `fast`. */
export type CurveSearch = SearchSettings & Pick<BudgetOptions, 'effort' | 'seed'>;

export interface ParetoOptions extends CurveSearch {
  /** Budgets between the two ends; default 8. */
  readonly points?: number;
}

/** In order of rising bytes; the last point is ordinary training, unless the search was told to stop before it. */
export function paretoPlans(index: PlanIndex, options: ParetoOptions = {}): readonly ParetoPoint[] {
  const { points = 8, effort = 'fast', ...search } = options;
  const prepared = prepare(index);
  const largest = baselineArena(index);
  let last: BudgetPlan | undefined;
  const plan = (budget: number): BudgetPlan => {
    const seeds = last === undefined ? [] : [last.sequence];
    const found = planForBudget(index, { ...search, effort, budget, prepared, seeds });
    // A search that misses the plan below it, whose cost is within this budget too, does not take it back.
    if (last === undefined || (found.feasible && found.cost <= last.cost)) return found;
    const { bound, baseCost, stopped } = found;
    const lower = provedBound({ extra: found.lowerBound - baseCost, name: bound }, last.cost - baseCost, baseCost);
    return { ...last, lowerBound: baseCost + lower, bound, provedInfeasible: false, stopped };
  };
  // No budget is met by less than one unit of alignment, so this gives the smallest plan that can be found.
  const smallest = plan(1);
  if (smallest.stopped) return [];
  const smallestArena = smallest.feasible ? 0 : smallest.arenaBytes;
  const found: BudgetPlan[] = [];
  last = { ...smallest, feasible: true };
  for (let k = 0; k <= points; k++) {
    const budget = k === points ? largest : Math.round(smallestArena + ((largest - smallestArena) * k) / points);
    last = plan(budget);
    found.push(last);
    if (last.stopped || last.cost === last.baseCost) break;
  }
  const kept = withoutDominated(found);
  const knee = deepest(depths(kept.map((point) => ({ bytes: point.arenaBytes, cost: point.cost }))));
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

/** A budget, and what meeting it costs. */
interface CurvePoint {
  readonly bytes: number;
  readonly cost: number;
}

/**
 * How far each point lies below the line between the ends, both axes scaled to [0, 1]; the farthest is the knee. The
 * last lies on the line, and is the knee where none lies below.
 */
function depths(points: readonly CurvePoint[]): readonly number[] {
  if (points.length === 0) return [];
  const first = points[0]!;
  const last = points[points.length - 1]!;
  const bytes = last.bytes - first.bytes || 1;
  const cost = first.cost - last.cost || 1;
  return points.map((point, k) =>
    k === points.length - 1 ? 0 : 1 - (point.bytes - first.bytes) / bytes - (point.cost - last.cost) / cost,
  );
}

/** The deepest of the points that are `eligible`, of equals the one with most bytes; -1 where none is. */
function deepest(depth: readonly number[], eligible: (k: number) => boolean = () => true): number {
  let knee = -1;
  for (let k = depth.length - 1; k >= 0; k--) if (eligible(k) && (knee < 0 || depth[k]! > depth[knee]!)) knee = k;
  return knee;
}

/**
 * Budgets at which the curve of bounds is drawn; searches made at its knees, and their moves and orders tried for a node; how much deeper
 * another knee must promise to be.
 */
const boundsDrawn = 12;
const kneeSearches = 3;
const kneeMoves = 500;
const kneeOrders = 2;
const promise = 0.04;

/**
 * The plan at the knee: the strategy `auto`. The whole curve would take a search a point. Lower bounds take a fraction of
 * one, and draw the curve as it is at best; a search at its knee shows how it really is there, and where the knee then
 * moves, another is made. Bounds come from maximum flow alone, which is enough to tell where the knee is.
 */
export function kneePlan(index: PlanIndex, options: CurveSearch = {}): BoundedSequence {
  const { solver: _solver, effort = 'fast', ...search } = options;
  // An effort that was asked for is made; otherwise a small graph takes few moves.
  const [moves, orders] =
    options.effort === undefined
      ? [kneeMoves * index.nodeCount, kneeOrders * index.nodeCount]
      : [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const prepared = prepare(index);
  const largest = baselineArena(index);
  const smallest = Math.min(largest, workingSet(index, prepared.roots).bytes);
  let curve: readonly (CurvePoint & { readonly plan?: BudgetPlan })[] = Array.from(
    { length: boundsDrawn + 1 },
    (_, k) => {
      const bytes = Math.round(smallest + ((largest - smallest) * k) / boundsDrawn);
      return { bytes, cost: bytes === largest ? 0 : lowerBound(prepared, { budget: bytes }).extra };
    },
  ).filter(({ cost }) => Number.isFinite(cost));
  let found = 0;
  for (;;) {
    const depth = depths(curve);
    const best = deepest(depth, (k) => curve[k]!.plan !== undefined);
    const next = deepest(depth);
    const isFound = best >= 0 && (found === kneeSearches || depth[next]! - depth[best]! < promise);
    const knee = isFound ? best : next;
    const { bytes, plan: known } = curve[knee]!;
    if (known !== undefined) return boundedBy(known, bytes);
    const plan = planForBudget(index, { ...search, effort, moves, orders, budget: bytes, prepared });
    if (plan.stopped) {
      if (plan.feasible) return boundedBy(plan, bytes);
      const fallback = curve[best]?.plan ?? planForBudget(index, { budget: largest, prepared });
      return { ...boundedBy(fallback, curve[best]?.bytes ?? largest), stopped: true };
    }
    if (plan.feasible) found++;
    // What fits fewer bytes fits more: no smaller budget is met for less, nor at all where this one is not.
    const cost = plan.cost - plan.baseCost;
    curve = plan.feasible
      ? curve.map((point, k) =>
          k === knee ? { bytes, cost, plan } : k < knee ? { ...point, cost: Math.max(point.cost, cost) } : point,
        )
      : curve.slice(knee + 1);
  }
}

function boundedBy({ sequence, lowerBound: least, bound, stopped }: BudgetPlan, budget: number): BoundedSequence {
  return { sequence, lowerBound: least, bound, budget, ...(stopped && { stopped }) };
}
