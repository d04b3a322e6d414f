/**
 * Places the large intervals first, by search, and the small ones in the gaps. A search over all of them changes its
 * mind about a few bytes of bias gradient a million times before it reconsiders an activation; without the small ones it
 * is often over in one descent, and the gaps are wide enough for them.
 */
import { countMeetings, makeSearchSpace } from './branch-and-bound.ts';
import { decide, type SearchBudget } from './decide.ts';
import { placePeeled } from './peel.ts';
import { type PartPlacement, placeByPortfolio } from './portfolio.ts';
import { type ArenaPart, splitPart } from './problem.ts';
import { heightOf, solveCore } from './solve-core.ts';

/**
 * The small intervals are as many of the smallest as together never have more than `share * goal` bytes alive. Undefined
 * if that is none, or all.
 */
export function placeLargeFirst(
  part: ArenaPart,
  share: number,
  goal: number,
  mostMeetings: number,
  limit: number,
  budget: SearchBudget,
): PartPlacement | undefined {
  const smalls = smallestWithin(part, share * goal);
  if (smalls.length === 0 || smalls.length === part.size.length) return undefined;
  const isSmall = new Uint8Array(part.size.length);
  for (const k of smalls) isSmall[k] = 1;
  const large = Int32Array.from(part.size.keys()).filter((k) => isSmall[k] === 0);
  const offsets = new Float64Array(part.size.length);
  for (const group of splitPart(part, large)) {
    const solution = solveCore(group, goal, (piece) => {
      const lowerBound = piece.maxLoad;
      const greedy = placeByPortfolio(piece, goal);
      if (greedy.height <= goal || countMeetings(piece, mostMeetings) > mostMeetings) return { ...greedy, lowerBound };
      const found = decide(makeSearchSpace(piece), Math.floor(goal / piece.unit) * piece.unit, limit, budget);
      return { ...(typeof found === 'string' ? greedy : found), lowerBound };
    });
    for (let k = 0; k < group.index.length; k++) offsets[group.index[k]!] = solution.offsets[k]!;
  }
  placePeeled(part, { core: large, rounds: [smalls] }, offsets);
  return { offsets, height: heightOf(part, offsets) };
}

/** As many of the smallest intervals as together have no load above `bytes`, in order of first section. */
function smallestWithin(part: ArenaPart, bytes: number): Int32Array {
  const { first, last, size } = part;
  const bySize = Int32Array.from(size.keys()).sort((a, b) => size[a]! - size[b]! || a - b);
  const change = new Float64Array(part.load.length + 1);
  const fits = (count: number): boolean => {
    change.fill(0);
    for (let i = 0; i < count; i++) {
      const k = bySize[i]!;
      change[first[k]!] = change[first[k]!]! + size[k]!;
      change[last[k]!] = change[last[k]!]! - size[k]!;
    }
    let load = 0;
    for (const delta of change) {
      load += delta;
      if (load > bytes) return false;
    }
    return true;
  };
  let low = 0;
  let high = size.length;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return bySize.slice(0, low).sort((a, b) => a - b);
}
