/**
 * Ordinary training: the figure that shares of a budget are shares of, and at which a curve of plans ends. It is what the
 * strategy `none` comes to, updates placed and all.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { placedArena } from '../memory-plan.ts';
import { none } from './none.ts';

/** Bytes of the arena. */
export function baselineArena(index: PlanIndex): number {
  return placedArena(index, none(index, {}));
}
