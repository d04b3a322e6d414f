/** Does a part fit in a capacity? Branch and bound in several orders, which take turns until one of them decides it. */
import { advance, type Search, type SearchSpace, startSearch } from './branch-and-bound.ts';
import { type OrderKey, ranksOf, sortedOrder } from './orders.ts';
import type { PartPlacement } from './portfolio.ts';
import { heightOf } from './solve-core.ts';

/** Inner steps that may still be taken; shared by all searches for a problem. */
export interface SearchBudget {
  work: number;
}

/** Orders that one search tries side by side; which one is lucky differs from problem to problem (MiniMalloc, section 5). */
export type Rankings = readonly (readonly OrderKey[])[];

/** Steps that each order gets in the first turn, at least; twice as many in every later one. */
const leastTurn = 1_250_000;

/** Takes at most about `limit` steps from the budget. */
export function decide(
  space: SearchSpace,
  rankings: Rankings,
  capacity: number,
  limit: number,
  budget: SearchBudget,
): PartPlacement | 'infeasible' | 'undecided' {
  const searches: Search[] = [];
  let left = Math.min(limit, budget.work);
  for (let turn = Math.max(leastTurn, space.descent); left > 0; turn *= 2)
    for (let order = 0; order < rankings.length && left > 0; order++) {
      const search = (searches[order] ??= startSearch(
        space,
        capacity,
        ranksOf(sortedOrder(space.part, rankings[order]!)),
      ));
      const before = search.work;
      const verdict = advance(search, before + Math.min(turn, left));
      left -= search.work - before;
      budget.work -= search.work - before;
      if (verdict === 'infeasible') return verdict;
      if (verdict === 'placed') return { offsets: search.offsets, height: heightOf(space.part, search.offsets) };
    }
  return 'undecided';
}
