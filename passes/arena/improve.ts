/**
 * Local search over orders: first fit places all intervals; one that stands out of the target moves to an earlier place,
 * or two that meet it change places; what stands out less is kept. Seeded, and limited by rounds.
 */
import { firstFitScratch, placeInOrder } from './first-fit.ts';
import type { PartPlacement } from './portfolio.ts';
import type { ArenaPart } from './problem.ts';

/** The lowest placement found in `rounds` rounds from `order`, or the first that is not above `target`. */
export function improveOrder(part: ArenaPart, order: Int32Array, target: number, rounds: number): PartPlacement {
  const { first, last, size } = part;
  const count = order.length;
  const scratch = firstFitScratch(count);
  const draw = seededDraw(7);
  let best: PartPlacement = { offsets: new Float64Array(count), height: Number.POSITIVE_INFINITY };
  let kept = { order, offsets: best.offsets, overhang: Number.POSITIVE_INFINITY };
  let candidate = order;
  for (let round = 0; round < rounds; round++) {
    const offsets = new Float64Array(count);
    const height = placeInOrder(part, candidate, 'first', Number.POSITIVE_INFINITY, offsets, scratch);
    if (height < best.height) best = { offsets, height };
    if (height <= target) break;
    // Bytes above the target, times the sections in which they stand there.
    let overhang = 0;
    for (let k = 0; k < count; k++) overhang += Math.max(0, offsets[k]! + size[k]! - target) * (last[k]! - first[k]!);
    // Now and then a little worse is as good: it leads out of dead ends.
    if (overhang <= kept.overhang * (draw(100) < 3 ? 1.02 : 1)) kept = { order: candidate, offsets, overhang };
    candidate = neighbour(part, kept.order, kept.offsets, target, draw);
  }
  return best;
}

function neighbour(
  { first, last, size }: ArenaPart,
  order: Int32Array,
  offsets: Float64Array,
  target: number,
  draw: (below: number) => number,
): Int32Array {
  const changed = order.slice();
  const above: number[] = [];
  for (let position = 0; position < order.length; position++) {
    const k = order[position]!;
    if (offsets[k]! + size[k]! > target) above.push(position);
  }
  for (let moves = 1 + draw(3); moves > 0; moves--) {
    const standing = order[above[draw(above.length)]!]!;
    if (draw(2) === 0) {
      const meeting: number[] = [];
      for (let position = 0; position < order.length; position++) {
        const k = order[position]!;
        if (first[k]! < last[standing]! && first[standing]! < last[k]!) meeting.push(position);
      }
      const one = meeting[draw(meeting.length)]!;
      const other = meeting[draw(meeting.length)]!;
      const moved = changed[one]!;
      changed[one] = changed[other]!;
      changed[other] = moved;
    } else {
      const from = draw(3) > 0 ? above[draw(above.length)]! : draw(order.length);
      const to = draw(from + 1);
      const moved = changed[from]!;
      changed.copyWithin(to + 1, to, from);
      changed[to] = moved;
    }
  }
  return changed;
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
