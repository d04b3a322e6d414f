/**
 * Ruin and recreate over feasible states: drop a few neighbouring intervals (or insist on retaining a few and drop others
 * until all fits), then retain again whatever saves recomputation and still fits, best ratio of cost to bytes first. A
 * step is accepted by annealing on cost alone.
 */
import type { PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Random } from './random.ts';
import { type DropEstimates, repair, retainUpTo } from './repair.ts';
import type { Retention } from './retention.ts';
import type { Roots } from './roots.ts';

/** Nodes and touches simulated that count as one move more: dear moves use the effort up faster. */
const nodesAMove = 12;

const guided = { tries: 6, blind: 2 };
const blindly = { tries: 6, blind: 6 };

/** Recomputations that one step tries to spare. */
const mostTries = 40;

export interface RuinOptions {
  /** Number of changes tried, rejected ones included. */
  readonly moves: number;
  readonly random: Random;
  readonly estimates: DropEstimates;
  readonly typicalCost: number;
  readonly heat: number;
  readonly shouldStop?: () => boolean;
  readonly best: number;
  readonly onBest: (cost: number) => void;
}

export function ruinAndRecreate(state: Retention, index: PlanIndex, roots: Roots, options: RuinOptions): number {
  const { random, typicalCost } = options;
  const { resultStart, bytes, cost } = index;
  const { movable, root } = roots;
  let { best } = options;
  let moves = 0;
  const workBefore = state.work();
  const spent = (): number => moves + (state.work() - workBefore) / nodesAMove;
  let current = state.extraCost();
  const hot = typicalCost * options.heat;
  const cold = typicalCost * 0.001;
  // Storages of a node's results, and what keeping one is worth: cost per byte.
  const ownStart = new Int32Array(index.nodeCount + 1);
  const own: number[] = [];
  const worth: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) {
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      if (root[v] !== v || bytes[v] === 0) continue;
      own.push(v);
      worth.push((cost[n]! + 1) / bytes[v]!);
    }
    ownStart[n + 1] = own.length;
  }
  const alikeOf = groupAlike(index, movable);
  const stagesOf = new Int32Array(mostTries);
  const rootsOf = new Int32Array(mostTries);
  const scores = new Float64Array(mostTries);
  while (spent() < options.moves && movable.length > 0) {
    moves++;
    if (options.shouldStop?.() === true) break;
    const temperature = hot * (cold / hot) ** (spent() / options.moves);
    const mark = state.mark();
    const kind = random.unit();
    const center = random.below(movable.length);
    const count = 1 + random.below(kind < 0.5 ? 6 : 3);
    const reach = 1 + random.below(24);
    const alike = random.unit() < 0.25 ? alikeOf(center) : undefined;
    for (let k = 0; k < count; k++) {
      const at =
        alike === undefined ? center + random.below(2 * reach + 1) - reach : alike[random.below(alike.length)]!;
      if (at < 0 || at >= movable.length) continue;
      const r = movable[at]!;
      const touches = state.touches(r).length;
      if (touches < 2) continue;
      moves++;
      const gap = random.below(touches - 1);
      if (kind < 0.5) state.drop(r, gap);
      else if (kind < 0.8) state.retain(r, gap);
      else state.toggle(r, gap);
    }
    if (state.violations() > 0) {
      state.rollback(mark);
      continue;
    }
    if (state.overshoot() > 0) {
      const outcome = repair(state, index, roots, random, random.unit() < 0.5 ? guided : blindly, options.estimates);
      moves += outcome.moves;
      if (!outcome.fits || state.violations() > 0) {
        state.rollback(mark);
        continue;
      }
    }
    // Recreate: what is recomputed, by cost saved per byte, perturbed; the best few.
    let chosen = 0;
    for (let b = state.busyCount() - 1; b >= 0; b--) {
      const t = state.busy[b]!;
      const clones = state.clones(t);
      for (let k = 0; k < clones.length; k++) {
        const n = clones[k]!;
        for (let i = ownStart[n]!; i < ownStart[n + 1]!; i++) {
          const score = worth[i]! * (0.5 + random.unit());
          if (chosen === mostTries && score <= scores[chosen - 1]!) continue;
          let at = chosen < mostTries ? chosen++ : chosen - 1;
          for (; at > 0 && scores[at - 1]! < score; at--) {
            scores[at] = scores[at - 1]!;
            stagesOf[at] = stagesOf[at - 1]!;
            rootsOf[at] = rootsOf[at - 1]!;
          }
          scores[at] = score;
          stagesOf[at] = t;
          rootsOf[at] = own[i]!;
        }
      }
    }
    for (let k = 0; k < chosen; k++) {
      const inner = state.mark();
      const before = state.extraCost();
      moves++;
      if (!retainUpTo(state, rootsOf[k]!, stagesOf[k]!)) continue;
      if (state.overshoot() > 0 || state.violations() > 0 || state.extraCost() > before) state.rollback(inner);
    }
    const next = state.extraCost();
    if (next > current && random.unit() >= Math.exp((current - next) / temperature)) state.rollback(mark);
    else {
      state.commit();
      current = next;
      if (current < best) {
        best = current;
        options.onBest(best);
      }
    }
  }
  return best;
}

/** For a position in `movable`: the positions of storages as large and as dear to make, of the same place in other blocks. */
function groupAlike(index: PlanIndex, movable: Int32Array): (position: number) => readonly number[] {
  const { bytes, cost, producer } = index;
  const groups = new Map<string, number[]>();
  const groupOf = Array.from(movable, (r, position) => {
    const key = `${bytes[r]}:${cost[producer[r]!]}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(position);
    return group;
  });
  return (position) => groupOf[position]!;
}
