/**
 * Simulated annealing over retention intervals: drop or retain one gap between two touches of a storage, and score recompute
 * cost plus a price on bytes above the limit. The price rises while the state is above the limit and falls while it is
 * below, so that the walk crosses the border of feasibility again and again; the cheapest feasible state is kept.
 */
import type { Random } from './random.ts';
import type { Retention } from './retention.ts';

export interface AnnealOptions {
  readonly moves: number;
  readonly random: Random;
  /** Roots to move. */
  readonly movable: ArrayLike<number>;
  /** Cost that a first uphill step may have, as a share of the typical cost of a clone. */
  readonly heat: number;
  /** Cost of one recomputation, typically. */
  readonly typicalCost: number;
  /** Cost per byte and stage above the limit. */
  readonly price: number;
  readonly shouldStop?: () => boolean;
  /** Called when a feasible state cheaper than `best` is reached. */
  readonly onBest: (cost: number) => void;
  readonly best: number;
}

/** Leaves the state where the walk ended. Returns the price reached. */
export function anneal(state: Retention, options: AnnealOptions): number {
  const { moves, random, movable, typicalCost } = options;
  let { price, best } = options;
  let current = state.extraCost() + price * state.overshoot();
  const hot = typicalCost * options.heat;
  const cold = typicalCost * 0.002;
  let above = 0;
  const span = 100;
  for (let move = 0; move < moves; move++) {
    const temperature = hot * (cold / hot) ** (move / moves);
    const root = movable[random.below(movable.length)]!;
    const touches = state.touches(root).length;
    if (touches < 2) continue;
    const mark = state.mark();
    if (!state.toggle(root, random.below(touches - 1))) continue;
    const next = state.extraCost() + price * state.overshoot();
    const worse = next - current;
    if (state.violations() > 0 || (worse > 0 && random.unit() >= Math.exp(-worse / temperature))) state.rollback(mark);
    else {
      state.commit();
      current = next;
      if (state.overshoot() === 0 && state.extraCost() < best) {
        best = state.extraCost();
        options.onBest(best);
      }
    }
    if (state.overshoot() > 0) above++;
    if (move % span === span - 1) {
      if (above > 0.7 * span) price *= 1.05;
      else if (above < 0.3 * span) price /= 1.05;
      above = 0;
      current = state.extraCost() + price * state.overshoot();
      if (options.shouldStop?.() === true) break;
    }
  }
  return price;
}
