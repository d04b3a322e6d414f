/** A bound beside a plan that fits: the bound may not be above what the plan costs. */
import type { LowerBound } from './lower-bound.ts';

/** Bounds on costs that are no integers are sums in another order than the cost: they may differ by so much of either. */
const rounding = 1e-9;

/**
 * The bound on the cost of recomputation, for a plan within the budget that costs `extra`: no more than that where the two
 * differ by rounding. Throws `RangeError` where the bound is truly above: it is then no bound, which is a fault of ours.
 */
export function provedBound(bound: Pick<LowerBound, 'extra' | 'name'>, extra: number, baseCost: number): number {
  if (bound.extra > extra + rounding * (Math.abs(extra) + baseCost))
    throw new RangeError(
      `the lower bound ${bound.extra} (${bound.name}) on the cost of recomputation is above the ${extra} of a plan that fits`,
    );
  return Math.min(bound.extra, extra);
}
