/**
 * Strategy `budget`: the least recomputation whose placed arena fits a byte budget (DESIGN section 7 says which figure
 * each option limits), or an error that names the smallest budget found and what is alive where it is pinned.
 */
import { parseByteSize, resolveByteSize } from '../../../src/analysis/byte-size.ts';
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { simulate, valueName } from '../../../src/analysis/simulate.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import { placedArena } from '../../memory-plan.ts';
import type { BoundedSequence, PlanContext, StrategyDefinition, StrategyOptions } from '../strategy.ts';
import { type BudgetPlan, type Effort, planForBudget } from './plan-for-budget.ts';

const efforts: readonly Effort[] = ['fast', 'default', 'max'];

/** The effort called `text`. Throws `SublinearError` (exit code 2). */
export function effortNamed(text: string): Effort {
  const effort = efforts.find((candidate) => candidate === text);
  if (effort !== undefined) return effort;
  throw usage(`effort is ${efforts.join(', ')}, not ${JSON.stringify(text)}`, 'leave it out for the default');
}

/** Bytes that the arena may take. Throws `SublinearError`: exit code 2 for no budget, 3 where residents alone exceed it. */
export function arenaBudget(options: StrategyOptions, context: PlanContext): number {
  const { budget, arena } = options;
  if (typeof arena === 'string' && arena !== '')
    return resolveByteSize(parseByteSize(arena, 'the arena budget'), context.baselineArenaBytes());
  if (typeof budget !== 'string' || budget === '')
    throw usage('the strategy budget needs a budget', 'give one with --budget 64MiB, --budget 40% or --arena-budget');
  const size = parseByteSize(budget);
  const whole = size.kind === 'share' ? context.residentBytes + context.baselineArenaBytes() : 0;
  const peak = resolveByteSize(size, whole);
  if (peak > context.residentBytes) return peak - context.residentBytes;
  throw new SublinearError(
    {
      code: 'budget-below-residents',
      message: `the budget of ${peak} bytes is taken up by residents alone: parameters, state, inputs and constants are ${context.residentBytes} bytes`,
      hint: 'a budget on the arena alone is --arena-budget',
    },
    3,
  );
}

function boundedSequence(index: PlanIndex, options: StrategyOptions, context: PlanContext): BoundedSequence {
  const budget = arenaBudget(options, context);
  const { effort = 'default', seed = '1' } = options;
  const plan = planForBudget(index, {
    budget,
    effort: effortNamed(String(effort)),
    seed: Number(seed),
    place: (simulation, sequence) => placedArena(index, sequence, simulation),
    ...context.search,
  });
  if (plan.feasible) return plan;
  throw infeasible(index, plan, budget, context.residentBytes);
}

/** Names the smallest budget that was found to do, what is proved, and what is alive at the fullest step. */
export function infeasible(index: PlanIndex, plan: BudgetPlan, budget: number, residentBytes: number): SublinearError {
  const simulation = simulate(index, plan.sequence);
  const node = index.graph.nodes[plan.sequence[simulation.peakStep] ?? 0];
  const resident = residentBytes > 0 ? ` (${residentBytes + plan.arenaBytes} with residents)` : '';
  const proof = plan.provedInfeasible
    ? 'it is proved that no legal sequence fits'
    : `it is not proved that none fits: no step can do with less than ${plan.workingSetBytes} bytes`;
  return new SublinearError(
    {
      code: 'budget-infeasible',
      message: `no plan fits into an arena of ${budget} bytes; the smallest found needs ${plan.arenaBytes}${resident}; ${proof}\n  alive at its fullest step: ${aliveAt(index, plan.sequence, simulation.peakStep).join(', ')}`,
      ...(node !== undefined && { node: node.name }),
      hint: `raise the budget to ${residentBytes + plan.arenaBytes}, or make the batch smaller`,
    },
    3,
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
    { name: 'effort', kind: 'text', summary: 'fast, default or max', fallback: 'default' },
    { name: 'seed', kind: 'integer', summary: 'seed of the search', fallback: '1' },
  ],
  sequence: (index, options) =>
    boundedSequence(index, options, {
      residentBytes: 0,
      baselineArenaBytes: () =>
        placedArena(
          index,
          Int32Array.from({ length: index.nodeCount }, (_, n) => n),
        ),
    }).sequence,
  bounded: boundedSequence,
};

function usage(message: string, hint: string): SublinearError {
  return new SublinearError({ code: 'bad-budget', message, hint }, 2);
}
