/**
 * The lower bound on the cost of recomputation: the best of the loss cut, of the same cut at later moments (windows), and of
 * both orders of a weight gradient that may run early or late. Small graphs are solved as integer programs, large ones
 * by maximum flow; uniform chains have a closed form. Which moments are worth an integer program, their relaxations tell.
 */
import { backwardRegion, forwardRegion, type PlanIndex, updateRegion } from '../../../src/analysis/plan-graph.ts';
import { closureBound } from './closure-bound.ts';
import { cutProgram } from './cut-program.ts';
import { firstBackwardNodes, type Moment, momentAt } from './moment.ts';
import { createOrderCases } from './order-cases.ts';
import { orderSplits } from './order-splits.ts';
import type { Prepared } from './prepared.ts';
import { reversalExtra } from './reversal-chain.ts';
import type { Solver } from './solver.ts';

export interface LowerBound {
  /** On the cost of recomputation alone; Infinity if no legal sequence fits. */
  readonly extra: number;
  readonly name: 'working-set' | 'reversal' | 'loss-cut' | 'windows' | 'none';
  /** Roots kept at the loss in relaxations and solutions met on the way: seeds for plans. */
  readonly keptSets: readonly Uint8Array[];
}

export interface BoundOptions {
  readonly budget: number;
  readonly solver?: Solver;
  /** Backward nodes at which a plan found earlier is tight: moments worth looking at. */
  readonly tightNodes?: readonly number[];
  /** What the best plan costs beyond the base: a bound close below it needs no cases. */
  readonly planned?: number;
  /** Bounds found before for this budget, by moments: what was solved is not solved again. */
  readonly known?: Map<string, number>;
  /** Scales the limits of the solver; 1 by default. */
  readonly effort?: number;
}

/** Up to this many forward nodes integer programs are solved. */
const mostProgramNodes = 2500;
const mostCandidates = 14;
/** Forward nodes times moments up to which several moments go into one program. */
const mostChainNodes = 900;
const longestChain = 9;
/** Forward nodes up to which cases go into programs of several moments. */
const mostCaseNodes = 180;
const mostChainedSplits = 2;
/** Such cases take seconds: they are for plans that cost this many times the bound. */
const farFromBound = 1.1;

export function lowerBound(prepared: Prepared, options: BoundOptions): LowerBound {
  const { index, roots, baseCost, large } = prepared;
  const { budget, solver, effort = 1 } = options;
  const reversal = reversalExtra(index, budget);
  if (reversal !== undefined) return { extra: reversal, name: 'reversal', keptSets: [] };
  const firsts = firstBackwardNodes(index);
  if (firsts.length === 0) return { extra: 0, name: 'none', keptSets: [] };
  let integerCosts = true;
  let forwardNodes = 0;
  for (let n = 0; n < index.nodeCount; n++) {
    if (index.region[n] !== forwardRegion) continue;
    forwardNodes++;
    integerCosts &&= Number.isInteger(index.cost[n]!);
  }
  const keptSets: Uint8Array[] = [];
  const rounded = (bound: number): number => {
    if (!Number.isFinite(bound)) return bound > 0 ? bound : 0;
    // The solver's tolerances are relative; costs that are integers add up to one.
    const safe = Math.max(0, bound - 1e-6 * Math.max(Math.abs(bound), 1e-3));
    return integerCosts ? Math.ceil(safe - 1e-9 * baseCost) : safe;
  };
  let best = 0;
  let name: LowerBound['name'] = 'none';
  const offer = (bound: number, from: LowerBound['name']): void => {
    const value = rounded(bound);
    if (value <= best) return;
    best = value;
    name = from;
  };
  const lossMoment = momentAt(index, roots, firsts[0]!);
  const closure = closureBound(index, roots, lossMoment, budget);
  offer(closure.bound, 'loss-cut');
  keptSets.push(...closure.keptSets);
  if (!Number.isFinite(best)) return { extra: best, name, keptSets };

  const candidates = large
    ? [...new Set([firsts[0]!, ...(options.tightNodes ?? []).slice(0, 2)])]
    : candidateMoments(index, firsts, options.tightNodes ?? []);
  const moments = candidates.map((n) => momentAt(index, roots, n));
  const relaxed = moments.map((moment) => closureBound(index, roots, moment, budget).bound);
  relaxed.forEach((bound) => {
    offer(bound, 'windows');
  });
  if (!Number.isFinite(best)) return { extra: best, name, keptSets };
  const splits = large ? [] : orderSplits(index, roots, options.tightNodes ?? []);
  const limits = {
    nodes: Math.ceil(400 * effort),
    iterations: Math.ceil(8000 * effort),
    relativeGap: 5e-4,
    // What is rounded up to an integer need not be proved beyond it.
    absoluteGap: integerCosts ? 0.9 : 0,
  };
  const useProgram = solver !== undefined && forwardNodes <= mostProgramNodes;
  const solve = (chosen: readonly Moment[], keep = false): number => {
    if (!useProgram) return Math.max(0, ...chosen.map((moment) => closureBound(index, roots, moment, budget).bound));
    const key = chosen.map((moment) => moment.key).join(' ');
    const before = options.known?.get(key);
    if (before !== undefined) return before;
    const { program, alive } = cutProgram(index, roots, chosen, budget, true);
    const result = solver(program, limits);
    if (keep && result.solution !== undefined) {
      const kept = new Uint8Array(index.valueCount);
      for (let v = index.inputCount; v < index.valueCount; v++) {
        const column = roots.root[v] === v ? alive(0, v) : -1;
        if (column >= 0 && result.solution[column]! > 0.5) kept[v] = 1;
      }
      keptSets.push(kept);
    }
    options.known?.set(key, result.bound);
    return result.bound;
  };
  /** The first of these moments, as many as one program takes, that come one after the other in every order. */
  const inOrder = (wanted: readonly Moment[]): Moment[] => {
    const length = Math.min(longestChain, Math.floor(mostChainNodes / forwardNodes));
    const found: Moment[] = [];
    for (const moment of wanted) {
      if (found.length >= length) break;
      if (found.every((other) => other.after[moment.node] === 1 || moment.after[other.node] === 1)) found.push(moment);
    }
    return found.sort((a, b) => (a.after[b.node] === 1 ? -1 : 1));
  };
  const anchors = [lossMoment.node];
  if (useProgram) {
    const ranked = moments.map((_, i) => i).sort((a, b) => relaxed[b]! - relaxed[a]! || a - b);
    const promising = ranked.find((i) => moments[i]!.node !== lossMoment.node && relaxed[i]! > 0.9 * best);
    // The loss cut takes longest where what is kept matters least to it.
    if (promising === undefined || relaxed[promising]! <= closure.bound) offer(solve([lossMoment], true), 'loss-cut');
    if (promising !== undefined) {
      offer(solve([moments[promising]!], true), 'windows');
      anchors.push(moments[promising]!.node);
    }
    const chain = inOrder(ranked.map((i) => moments[i]!));
    if (chain.length > 1) offer(solve(chain, true), 'windows');
  }
  const cases = createOrderCases({
    ...{ index, roots, forwardNodes, inOrder },
    relax: (moment) => closureBound(index, roots, moment, budget).bound,
    solve: useProgram ? solve : undefined,
  });
  for (const split of splits) {
    if (!Number.isFinite(best)) break;
    offer(cases.single(split, best), 'windows');
  }
  if (useProgram && forwardNodes <= mostCaseNodes)
    for (const split of splits.slice(-mostChainedSplits)) {
      if (!Number.isFinite(best) || (options.planned ?? 0) <= farFromBound * best) break;
      offer(cases.chained(split, anchors, best), 'windows');
    }
  return { extra: best, name, keptSets };
}

/** Nodes of the gradient's way, from the loss on, and those at which a plan was tight. */
function candidateMoments(index: PlanIndex, firsts: readonly number[], tight: readonly number[]): number[] {
  const chosen = new Set<number>(firsts.slice(0, 2));
  for (const n of tight) {
    if (chosen.size >= mostCandidates) break;
    if (index.region[n] === backwardRegion) chosen.add(n);
  }
  let seen = 0;
  for (let n = 0; n < index.nodeCount && seen < 12 && chosen.size < 2 * mostCandidates; n++) {
    if (index.region[n] !== backwardRegion || isLeaf(index, n)) continue;
    chosen.add(n);
    seen++;
  }
  return [...chosen].sort((a, b) => a - b);
}

function isLeaf(index: PlanIndex, n: number): boolean {
  const { resultStart, readerStart, readers, region } = index;
  for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
    for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) if (region[readers[k]!] !== updateRegion) return false;
  return true;
}
