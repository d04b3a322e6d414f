/** The cheap placements of a part, from the likeliest to the least likely, until one is low enough. */
import { type Fit, firstFitScratch, placeInOrder } from './first-fit.ts';
import { type Direction, placeInTime } from './free-list.ts';
import { type OrderKey, sortedOrder } from './orders.ts';
import type { ArenaPart } from './problem.ts';

/** A placement of a part: offsets by interval of the part. */
export interface PartPlacement {
  readonly offsets: Float64Array;
  readonly height: number;
}

const firstFits: readonly { readonly keys: readonly OrderKey[]; readonly fit: Fit }[] = [
  { keys: ['T', 'A', 'W'], fit: 'first' },
  { keys: ['T', 'W', 'A'], fit: 'first' },
  { keys: ['Z', 'W'], fit: 'first' },
  { keys: ['A'], fit: 'first' },
  { keys: ['T', 'Z'], fit: 'best' },
  { keys: ['T', 'W', 'A'], fit: 'best' },
  { keys: ['Z', 'W'], fit: 'best' },
  { keys: ['W', 'Z'], fit: 'best' },
];

const directions: readonly Direction[] = ['forward', 'backward'];

/** First fit looks at every pair of intervals: past this many intervals only free lists are tried. */
const mostForFirstFit = 8192;

export interface PortfolioPlacement extends PartPlacement {
  /** The order that did best by first fit; none where free lists were enough, or first fit too slow. */
  readonly order?: Int32Array;
}

/** The lowest placement found, or the first that is not above `target`. */
export function placeByPortfolio(part: ArenaPart, target: number): PortfolioPlacement {
  const count = part.size.length;
  let best: PartPlacement = { offsets: new Float64Array(count), height: Number.POSITIVE_INFINITY };
  let offsets = new Float64Array(count);
  const keep = (height: number): boolean => {
    if (height < best.height) {
      best = { offsets, height };
      offsets = new Float64Array(count);
    }
    return best.height <= target;
  };
  for (const direction of directions) if (keep(placeInTime(part, direction, best.height, offsets))) return best;
  if (count > mostForFirstFit) return best;
  const scratch = firstFitScratch(count);
  let bestOrder: Int32Array | undefined;
  let bestFirstFit = Number.POSITIVE_INFINITY;
  for (const { keys, fit } of firstFits) {
    const order = sortedOrder(part, keys);
    const height = placeInOrder(part, order, fit, bestFirstFit, offsets, scratch);
    if (height < bestFirstFit) {
      bestFirstFit = height;
      bestOrder = order;
    }
    if (keep(height)) break;
  }
  return bestOrder === undefined ? best : { ...best, order: bestOrder };
}
