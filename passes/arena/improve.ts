/**
 * Iterated greedy: intervals that stand out of the target move to random earlier places of the order, and first fit runs
 * again. What stands out less is kept. Seeded, and limited by rounds.
 */
import { firstFitScratch, placeInOrder } from './first-fit.ts';
import type { PartPlacement } from './portfolio.ts';
import type { ArenaPart } from './problem.ts';

/** One interval in so many is moved though it does not stand out, so that a stuck order changes. */
const shakeOneIn = 200;

/** The lowest placement found in `rounds` rounds from `order`, or the first that is not above `target`. */
export function improveOrder(part: ArenaPart, order: Int32Array, target: number, rounds: number): PartPlacement {
  const { size } = part;
  const count = order.length;
  const scratch = firstFitScratch(count);
  const draw = seededDraw(1);
  let best: PartPlacement = { offsets: new Float64Array(count), height: Number.POSITIVE_INFINITY };
  let kept = { order, offsets: best.offsets, overhang: Number.POSITIVE_INFINITY };
  let candidate = order;
  for (let round = 0; round < rounds && best.height > target; round++) {
    const offsets = new Float64Array(count);
    const height = placeInOrder(part, candidate, 'first', Number.POSITIVE_INFINITY, offsets, scratch);
    if (height < best.height) best = { offsets, height };
    let overhang = 0;
    for (let k = 0; k < count; k++) overhang += Math.max(0, offsets[k]! + size[k]! - target);
    if (overhang <= kept.overhang) kept = { order: candidate, offsets, overhang };
    const wish = new Float64Array(count);
    for (let position = 0; position < count; position++) {
      const k = kept.order[position]!;
      const standsOut = kept.offsets[k]! + size[k]! > target;
      // Half a place below a whole number: before the interval that stands there.
      wish[position] = standsOut ? draw(position + 1) - 0.5 : draw(shakeOneIn) === 0 ? draw(count) - 0.5 : position;
    }
    const { order: from } = kept;
    candidate = Int32Array.from(wish.keys())
      .sort((a, b) => wish[a]! - wish[b]! || a - b)
      .map((position) => from[position]!);
  }
  return best;
}

/** Repeatable numbers: xorshift on 32 bits (Marsaglia 2003). */
function seededDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
