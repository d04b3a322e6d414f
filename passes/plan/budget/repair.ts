/**
 * From a state above its limits to one that fits, and from there to one that wastes nothing: drops what costs least per
 * byte at the worst stage, then retains whatever is made again and still fits.
 */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Random } from './random.ts';
import type { Retention } from './retention.ts';
import type { Roots } from './roots.ts';

/** Nodes whose results are retained for the sake of one that is dropped, at most. */
const mostSupport = 12;

/** What dropping each root cost per byte when it was last tried: what was cheap is tried first. */
export type DropEstimates = Float64Array;

/** Before anything is tried: the cost of the node that makes a root, per byte. */
export function createDropEstimates(index: PlanIndex): DropEstimates {
  const { bytes, cost, producer, inputCount } = index;
  return bytes.map((size, v) => (v < inputCount || size === 0 ? 0 : (cost[producer[v]!]! + 1e-3) / size));
}

/**
 * Drops intervals through the worst stage until nothing is above its limit: each time the cheapest of `tries` candidates,
 * `blind` of them anybody, the others those that look cheapest. False if it cannot be.
 */
export function repair(
  state: Retention,
  index: PlanIndex,
  roots: Roots,
  random: Random,
  { tries, blind }: { readonly tries: number; readonly blind: number },
  estimates: DropEstimates,
): { readonly fits: boolean; readonly moves: number } {
  let moves = 0;
  const candidates: number[] = [];
  const keys: number[] = [];
  /** Puts the candidate with the least key of those from `from` on at `from`. */
  const bringForward = (from: number): void => {
    let least = from;
    for (let k = from + 1; k < candidates.length; k++) if (keys[k]! < keys[least]!) least = k;
    swap(from, least);
  };
  const swap = (a: number, b: number): void => {
    const r = candidates[a]!;
    candidates[a] = candidates[b]!;
    candidates[b] = r;
    if (blind === tries) return;
    const key = keys[a]!;
    keys[a] = keys[b]!;
    keys[b] = key;
  };
  const dropOver = (r: number, stage: number, supported: boolean): boolean =>
    supported ? dropSupported(state, index, roots, r, stage) : dropAcross(state, r, stage);
  while (state.overshoot() > 0) {
    const worst = state.worst();
    candidates.length = 0;
    keys.length = 0;
    for (let k = 0; k < roots.movable.length; k++) {
      const r = roots.movable[k]!;
      if (index.bytes[r]! === 0 || !spans(state, r, worst)) continue;
      candidates.push(r);
      if (blind < tries) keys.push(estimates[r]! * (0.25 + random.unit()));
    }
    // One list serves until the stage fits: what is dropped leaves it.
    while (state.excess(worst) > 0) {
      let best = -1;
      let bestSupported = false;
      let bestScore = Number.POSITIVE_INFINITY;
      const before = state.overshoot();
      const beforeWorst = state.excess(worst);
      const costBefore = state.extraCost();
      const count = Math.min(tries, candidates.length);
      for (let k = 0; k < count; k++) {
        if (k < count - blind) bringForward(k);
        else swap(k, k + random.below(candidates.length - k));
        const r = candidates[k]!;
        const mark = state.mark();
        moves++;
        let score = Number.POSITIVE_INFINITY;
        const supported = random.unit() < 0.3;
        if (dropOver(r, worst, supported) && state.violations() === 0) {
          const freed = beforeWorst - state.excess(worst);
          const gained = before - state.overshoot();
          if (gained > 0 && freed >= 0)
            score =
              (state.extraCost() - costBefore + 1e-9) /
              (Math.min(freed, beforeWorst) + 1e-3 * Math.min(gained, beforeWorst));
        }
        state.rollback(mark);
        const estimate = estimates[r]!;
        estimates[r] = Number.isFinite(score) ? 0.5 * (estimate + score) : 2 * estimate;
        if (score < bestScore) {
          bestScore = score;
          best = k;
          bestSupported = supported;
        }
      }
      if (best >= 0) {
        const r = candidates[best]!;
        dropOver(r, worst, bestSupported);
        if (!spans(state, r, worst)) {
          swap(best, candidates.length - 1);
          candidates.length--;
          keys.length = Math.min(keys.length, candidates.length);
        }
        continue;
      }
      // None of these helps: they leave the list, and the others are tried.
      candidates.splice(0, count);
      keys.splice(0, count);
      if (candidates.length === 0) return { fits: false, moves };
    }
  }
  return { fits: true, moves };
}

/** Retains what would be made again from parameters that are updated by then. False if that cannot be. */
export function retainViolating(state: Retention, index: PlanIndex, roots: Roots): boolean {
  for (let before = Number.POSITIVE_INFINITY; state.violations() > 0 && state.violations() < before; ) {
    before = state.violations();
    for (const t of state.busy.slice(0, state.busyCount()))
      for (const n of state.clones(t)) {
        if (!state.isViolation(n, t)) continue;
        for (let v = index.resultStart[n]!; v < index.resultStart[n + 1]!; v++)
          if (roots.root[v] === v) retainUpTo(state, v, t);
      }
  }
  return state.violations() === 0;
}

/** Whether an interval of r is alive throughout a stage, or ends or starts in it. */
function spans(state: Retention, r: number, stage: number): boolean {
  const list = state.intervals(r);
  for (let i = 0; i < list.length; i += 3) if (list[i]! <= stage && stage <= list[i + 1]!) return true;
  return false;
}

/** Drops r over the gap that contains a stage (or one that touches it). */
function dropAcross(state: Retention, r: number, stage: number): boolean {
  const touches = state.touches(r);
  for (let k = 0; k + 1 < touches.length; k++)
    if (touches[k]! <= stage && stage <= touches[k + 1]! && state.drop(r, k)) return true;
  return false;
}

/**
 * Drops r over that gap, and where it is made again at its end what it is made of is retained up to there, instead of being
 * made again too.
 */
function dropSupported(state: Retention, index: PlanIndex, roots: Roots, r: number, stage: number): boolean {
  const touches = state.touches(r);
  for (let k = 0; k + 1 < touches.length; k++) {
    const end = touches[k + 1]!;
    if (touches[k]! > stage || stage > end || !state.drop(r, k)) continue;
    for (const n of state.clones(end).slice(0, mostSupport))
      for (let v = index.resultStart[n]!; v < index.resultStart[n + 1]!; v++)
        if (v !== r && roots.root[v] === v) retainUpTo(state, v, end);
    return true;
  }
  return false;
}

/** Retains r up to a stage in which it is recomputed. */
export function retainUpTo(state: Retention, r: number, stage: number): boolean {
  const touches = state.touches(r);
  for (let k = 1; k < touches.length; k++) if (touches[k] === stage) return state.retain(r, k - 1);
  return false;
}

/** Plans that make more again than this are left as they are. */
const mostRecreated = 60_000;

/** Retains whatever is made again and fits, dearest per byte first, until nothing more does; commits. Returns moves. */
export function recreate(state: Retention, index: PlanIndex, roots: Roots): number {
  let moves = 0;
  for (let before = Number.POSITIVE_INFINITY; state.extraCost() < before; ) {
    before = state.extraCost();
    const found: { readonly root: number; readonly stage: number; readonly worth: number }[] = [];
    for (const stage of state.busy.slice(0, state.busyCount()))
      for (const n of state.clones(stage))
        for (let v = index.resultStart[n]!; v < index.resultStart[n + 1]!; v++)
          if (roots.root[v] === v && index.bytes[v]! > 0)
            found.push({ root: v, stage, worth: (index.cost[n]! + 1e-3) / index.bytes[v]! });
    if (found.length > mostRecreated) break;
    found.sort((a, b) => b.worth - a.worth || a.stage - b.stage || a.root - b.root);
    for (const { root, stage } of found) {
      const mark = state.mark();
      const cost = state.extraCost();
      moves++;
      if (!retainUpTo(state, root, stage)) continue;
      if (state.overshoot() > 0 || state.violations() > 0 || state.extraCost() > cost) state.rollback(mark);
      else state.commit();
    }
  }
  return moves;
}
