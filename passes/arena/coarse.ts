/**
 * Places the large intervals first, by search, and the small ones in the gaps. A search over all of them changes its
 * mind about a few bytes of bias gradient a million times before it reconsiders an activation; without the small ones it
 * is often over in one descent, and the gaps are wide enough for them.
 */
import { countMeetings, makeSearchSpace } from './branch-and-bound.ts';
import { decide, type Rankings, type SearchBudget } from './decide.ts';
import { placePeeled } from './peel.ts';
import { type PartPlacement, placeByPortfolio } from './portfolio.ts';
import { type ArenaPart, splitPart } from './problem.ts';
import { heightOf, solveCore } from './solve-core.ts';

export interface LargeFirst {
  /** The small intervals are as many of the smallest as together never have more than this share of the goal alive. */
  readonly share: number;
  /**
   * Capacity for the large ones: 0 for their own load, which leaves the widest gap at the top, 1 for the goal, which is
   * easiest; or between.
   */
  readonly slack: number;
  readonly rankings: Rankings;
}

const longFirst: Rankings = [
  ['W', 'A', 'T'],
  ['V', 'A', 'T'],
];
const fullFirst: Rankings = [
  ['T', 'V', 'A'],
  ['T', 'A', 'W'],
];

/** From the likeliest; each was the only one to reach the largest load for some training step. */
export const largeFirstAttempts: readonly LargeFirst[] = [
  { share: 0.002, slack: 0, rankings: [...longFirst, ...fullFirst] },
  { share: 0.002, slack: 1, rankings: [...fullFirst, ...longFirst] },
  { share: 0.02, slack: 0, rankings: [...longFirst, ...fullFirst] },
  { share: 0.06, slack: 0.1, rankings: [...fullFirst, ...longFirst] },
  { share: 0.02, slack: 1, rankings: [...fullFirst, ...longFirst] },
];

/** Descents that a search gets at least. */
const descents = 1.25;

/** Undefined if there are no small intervals, or no others. Takes about `limit` steps, or a descent, for each piece. */
export function placeLargeFirst(
  part: ArenaPart,
  { share, slack, rankings }: LargeFirst,
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
    const capacity = group.maxLoad + slack * (goal - group.maxLoad);
    const solution = solveCore(group, capacity, (piece) => {
      const lowerBound = piece.maxLoad;
      const greedy = placeByPortfolio(piece, capacity);
      if (greedy.height <= capacity || countMeetings(piece, mostMeetings) > mostMeetings)
        return { ...greedy, lowerBound };
      const multiple = Math.floor(capacity / piece.unit) * piece.unit;
      const space = makeSearchSpace(piece);
      const found = decide(space, rankings, multiple, Math.max(limit, descents * space.descent), budget);
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
