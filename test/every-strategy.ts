/** Every strategy a test can run on any model: those that need a budget run within shares of ordinary training. */

import type { PassOptionValue } from '../passes/pass.ts';
import { strategies } from '../passes/plan/strategies.ts';
import type { BuiltModel } from '../src/frontend/builder/model-builder.ts';

export interface StrategyCase {
  readonly label: string;
  readonly strategy: string;
  readonly strategyOptions: Readonly<Record<string, PassOptionValue>>;
}

/** `manual` only where the model marks checkpoints; `all` (quadratic) only below 100 nodes. */
export function everyStrategy(nodes: number, model?: Pick<BuiltModel, 'checkpoints'>): readonly StrategyCase[] {
  return [...strategies.values()].flatMap(({ name, bounded }): StrategyCase[] => {
    if (bounded !== undefined) return [];
    if (name === 'all' && nodes >= 100) return [];
    if (name !== 'manual') return [{ label: name, strategy: name, strategyOptions: {} }];
    const values = model?.checkpoints ?? [];
    return values.length === 0 ? [] : [{ label: name, strategy: name, strategyOptions: { values } }];
  });
}

/** Budgets on the arena, as shares of what ordinary training takes in source order. */
export function budgetCases(shares: readonly string[]): readonly StrategyCase[] {
  return shares.map((share) => ({
    label: `budget ${share}`,
    strategy: 'budget',
    strategyOptions: { arena: share, effort: 'fast' },
  }));
}
