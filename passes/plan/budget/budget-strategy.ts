/**
 * Strategy `budget`: the least recomputation whose placed arena fits a byte budget (DESIGN section 7 says which figure
 * each option limits), or an error that names the smallest budget that can be met and what is alive where it is pinned.
 */
import { parseByteSize, resolveByteSize } from '../../../src/analysis/byte-size.ts';
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { simulate, valueName } from '../../../src/analysis/simulate.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import { baselineArena } from '../baseline.ts';
import {
  type BoundedSequence,
  integerOption,
  type PlanContext,
  type SearchSettings,
  type StrategyDefinition,
  type StrategyOption,
  type StrategyOptions,
} from '../strategy.ts';
import { type BudgetOptions, type BudgetPlan, type Effort, planForBudget } from './plan-for-budget.ts';
import { prepare } from './prepared.ts';
import { provedBound } from './proved-bound.ts';

const efforts: readonly Effort[] = ['fast', 'default', 'max'];

/** The effort called `text`. Throws `SublinearError` (exit code 2). */
export function effortNamed(text: string): Effort {
  const effort = efforts.find((candidate) => candidate === text);
  if (effort !== undefined) return effort;
  throw usage(`effort is ${efforts.join(', ')}, not ${JSON.stringify(text)}`, 'leave it out for the default');
}

/** What a user limited, and to what. */
interface Limit {
  readonly figure: 'peak' | 'arena';
  /** Of the figure, in bytes. */
  readonly bytes: number;
  /** What the figure counts beside the arena. */
  readonly residentBytes: number;
  /** What a share was a share of. */
  readonly whole?: number;
  /** What else can be done. */
  readonly otherwise: string;
}

/** Throws `SublinearError` (exit code 2) for no budget, or one that is none. */
function limitOf(index: PlanIndex, options: StrategyOptions, context: PlanContext): Limit {
  const { budget, arena } = options;
  const isArena = typeof arena === 'string' && arena !== '';
  const text = isArena ? arena : budget;
  if (typeof text !== 'string' || text === '')
    throw usage('the strategy budget needs a budget', 'give one with --budget 64MiB or --budget 40%');
  const size = parseByteSize(text, isArena ? 'the arena budget' : 'the budget');
  const figure = isArena ? 'arena' : 'peak';
  const residentBytes = isArena ? 0 : context.residentBytes;
  const otherwise = context.residentBytes > 0 ? ', or make the batch smaller' : '';
  if (size.kind === 'bytes') return { figure, bytes: size.bytes, residentBytes, otherwise };
  const whole = residentBytes + baselineArena(index);
  return { figure, bytes: resolveByteSize(size, whole), residentBytes, whole, otherwise };
}

function boundedSequence(index: PlanIndex, options: StrategyOptions, context: PlanContext): BoundedSequence {
  const limit = limitOf(index, options, context);
  const budget = limit.bytes - limit.residentBytes;
  const plan = planWithin(index, { budget, ...searchOptions(options, context.search) });
  if (!plan.feasible) throw plan.stopped ? interrupted(plan, limit) : infeasible(index, plan, limit);
  const { sequence, lowerBound, bound, stopped } = plan;
  return { sequence, lowerBound, bound, budget, ...(stopped && { stopped }) };
}

/** Effort and seed as strategies take them, where they are given. Throws `SublinearError` (exit code 2). */
export function searchOptions(
  options: StrategyOptions,
  search: SearchSettings = {},
): SearchSettings & Pick<BudgetOptions, 'effort' | 'seed'> {
  const { effort } = options;
  const seed = integerOption(options, 'seed', 0);
  return {
    ...(effort !== undefined && { effort: effortNamed(String(effort)) }),
    ...(seed !== undefined && { seed }),
    ...search,
  };
}

/**
 * The cheapest plan found within a budget on the placed arena; where none is, the smallest that can be found, which
 * does not depend on the budget: so a budget of as many bytes as it takes is always met.
 */
export function planWithin(index: PlanIndex, options: BudgetOptions & Pick<SearchSettings, 'descend'>): BudgetPlan {
  const { budget, descend = true } = options;
  const prepared = options.prepared ?? prepare(index);
  const first = planForBudget(index, { ...options, budget: Math.max(1, budget), prepared });
  const { bound, baseCost, provedInfeasible } = first;
  if (first.arenaBytes <= budget) return { ...first, feasible: true };
  if (first.stopped || !descend) return { ...first, feasible: false };
  const smallest = smallestPlan(index, { ...options, prepared });
  if (smallest.arenaBytes > budget) return { ...smallest, feasible: false, provedInfeasible };
  const extra = smallest.cost - baseCost;
  const lower = provedBound({ extra: first.lowerBound - baseCost, name: bound }, extra, baseCost);
  const gap = extra > 0 ? (extra - lower) / extra : 0;
  return { ...smallest, feasible: true, lowerBound: baseCost + lower, bound, gap };
}

/** Budgets tried below the smallest arena found: at most, and times nodes (a search that misses is dear). Moves for a node. */
const mostDescents = 5;
const descentNodes = 1000;
const descentMoves = 100;

/**
 * The plan with the smallest arena: short searches halve the room between what every sequence keeps alive and the
 * smallest found, each from the plan before it.
 */
function smallestPlan(
  index: PlanIndex,
  { solver: _boundsAreOfNoUse, ...options }: Omit<BudgetOptions, 'budget'>,
): BudgetPlan {
  const moves = descentMoves * index.nodeCount;
  const descents = Math.min(mostDescents, Math.max(1, Math.round(descentNodes / (index.nodeCount + 1))));
  const search = (budget: number, seeds: readonly Int32Array[]): BudgetPlan =>
    planForBudget(index, { ...options, budget, seeds, effort: 'fast', moves });
  // Below what every sequence keeps alive, a search looks for the smallest peak.
  let smallest = search(1, []);
  let least = smallest.workingSetBytes;
  for (let tries = 0; tries < descents && !smallest.stopped && least < smallest.arenaBytes; tries++) {
    const middle = Math.floor((least + smallest.arenaBytes) / 2);
    const next = search(middle, [smallest.sequence]);
    if (next.arenaBytes < smallest.arenaBytes) smallest = next;
    else smallest = next.stopped ? { ...smallest, stopped: true } : smallest;
    if (!next.feasible) least = middle;
  }
  return smallest;
}

/** Names the smallest budget that can be met, in the figure that was limited, and what is alive at its fullest step. */
function infeasible(index: PlanIndex, plan: BudgetPlan, limit: Limit): SublinearError {
  const { figure, bytes, residentBytes, whole, otherwise } = limit;
  const simulation = simulate(index, plan.sequence);
  const node = index.graph.nodes[plan.sequence[simulation.peakStep] ?? 0];
  const smallest = residentBytes + plan.arenaBytes;
  const parts = residentBytes === 0 ? '' : ` (residents ${residentBytes}, arena ${plan.arenaBytes})`;
  const proof =
    bytes < residentBytes
      ? 'residents alone (parameters, state, inputs and constants) are more than the budget'
      : plan.provedInfeasible
        ? 'it is proved that no legal sequence fits'
        : `it is not proved that none fits: no step can do with an arena of less than ${plan.workingSetBytes} bytes`;
  const alive = aliveAt(index, plan.sequence, simulation.peakStep);
  const share = whole === undefined ? '' : ` (${sufficientPercentage(smallest, whole)}%)`;
  return new SublinearError(
    {
      code: 'budget-infeasible',
      message: `no plan fits into ${figure === 'peak' ? 'a peak' : 'an arena'} of ${bytes} bytes; the smallest found needs ${smallest}${parts}; ${proof}\n  alive at its fullest step: ${alive.join(', ')}`,
      ...(node !== undefined && { node: node.name }),
      hint: `raise the budget to ${smallest}${share}${otherwise}`,
    },
    3,
  );
}

/** The least number of tenths of a percent of `whole` that come to `bytes`. */
function sufficientPercentage(bytes: number, whole: number): string {
  let tenths = Math.ceil((1000 * bytes) / whole);
  while (resolveByteSize(parseByteSize(`${tenths / 10}%`), whole) < bytes) tenths++;
  return (tenths / 10).toFixed(1);
}

function interrupted(plan: BudgetPlan, { figure, bytes, residentBytes }: Limit): SublinearError {
  return new SublinearError(
    {
      code: 'interrupted',
      message: `stopped before a plan within ${figure === 'peak' ? 'a peak' : 'an arena'} of ${bytes} bytes was found; the smallest so far needs ${residentBytes + plan.arenaBytes}`,
    },
    130,
  );
}

/** The largest values alive at a step: name and bytes. */
function aliveAt(index: PlanIndex, sequence: Int32Array, step: number): readonly string[] {
  const simulation = simulate(index, sequence);
  const names = new Map<number, string>();
  for (let s = 0; s < sequence.length; s++) {
    const node = sequence[s]!;
    for (
      let v = index.resultStart[node]!, copy = simulation.copyStart[s]!;
      v < index.resultStart[node + 1]!;
      v++, copy++
    ) {
      const storage = simulation.copyStorage[copy]!;
      if (storage >= 0 && s <= step) names.set(storage, valueName(index, v));
    }
  }
  const alive = simulation.storages
    .map((storage, k) => ({ ...storage, name: names.get(k) ?? '' }))
    .filter((storage) => storage.start <= step && step < storage.end)
    .sort((a, b) => b.bytes - a.bytes || a.start - b.start);
  const listed = alive.slice(0, 6).map(({ name, bytes }) => `${name} (${bytes} bytes)`);
  return alive.length > 6 ? [...listed, `and ${alive.length - 6} more`] : listed;
}

/** Options of every strategy that searches. */
export const searchOptionList: readonly StrategyOption[] = [
  { name: 'effort', kind: 'text', summary: 'fast, default or max', fallback: 'default' },
  { name: 'seed', kind: 'integer', summary: 'seed of the search', fallback: '1' },
];

export const budgetStrategy: StrategyDefinition = {
  name: 'budget',
  summary: 'the least recomputation that fits a byte budget, with a proven lower bound',
  options: [
    {
      name: 'budget',
      kind: 'bytes',
      summary: 'limit of the peak (residents and arena)',
      fallback: 'none: one of the two is needed',
    },
    { name: 'arena', kind: 'bytes', summary: 'limit of the arena', fallback: 'none: one of the two is needed' },
    ...searchOptionList,
  ],
  sequence: (index, options) => boundedSequence(index, options, contextOf()).sequence,
  bounded: boundedSequence,
};

/** For graphs of bare costs: no residents count. */
export function contextOf(search?: SearchSettings): PlanContext {
  return {
    residentBytes: 0,
    ...(search !== undefined && { search }),
  };
}

function usage(message: string, hint: string): SublinearError {
  return new SublinearError({ code: 'bad-budget', message, hint }, 2);
}
