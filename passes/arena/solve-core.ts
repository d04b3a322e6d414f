/** Solves what is hard of a part, and places around it what was set aside because it fits anyway. */
import { peel, placePeeled } from './peel.ts';
import { type PartPlacement, placeByPortfolio } from './portfolio.ts';
import { type ArenaPart, splitPart } from './problem.ts';

export interface PartSolution extends PartPlacement {
  /** No placement of the part is lower than this. */
  readonly lowerBound: number;
}

/** Meetings of intervals that are worth going through to set some aside. */
const mostPeelingWork = 200_000_000;

/** `solve` gets the pieces into which the core falls. What is set aside for `target` never lies above it. */
export function solveCore(part: ArenaPart, target: number, solve: (piece: ArenaPart) => PartSolution): PartSolution {
  const peeling = peel(part, target);
  if (peeling.work > mostPeelingWork) return { ...placeByPortfolio(part, target), lowerBound: part.maxLoad };
  const offsets = new Float64Array(part.size.length);
  let lowerBound = part.maxLoad;
  for (const piece of splitPart(part, peeling.core)) {
    const solution = solve(piece);
    lowerBound = Math.max(lowerBound, solution.lowerBound);
    for (let k = 0; k < piece.index.length; k++) offsets[piece.index[k]!] = solution.offsets[k]!;
  }
  placePeeled(part, peeling, offsets);
  return { offsets, height: heightOf(part, offsets), lowerBound };
}

export function heightOf({ size }: ArenaPart, offsets: Float64Array): number {
  let height = 0;
  for (let k = 0; k < size.length; k++) height = Math.max(height, offsets[k]! + size[k]!);
  return height;
}
