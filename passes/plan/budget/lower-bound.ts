/**
 * The lower bound on the cost of recomputation: the best of the loss cut, of the same cut at later moments (windows), and of
 * both orders of a weight gradient that may run early or late. Small graphs are solved as integer programs, large ones
 * by maximum flow. Which moments are worth an integer program, their relaxations tell.
 */
import { backwardRegion, forwardRegion, type PlanIndex, updateRegion } from '../../../src/analysis/plan-graph.ts';
import { closureBound } from './closure-bound.ts';
import { type AssumedOrder, cutProgram, firstBackwardNodes, type Moment, momentAt } from './cut-program.ts';
import type { Prepared } from './prepared.ts';
import type { Solver } from './solver.ts';

export interface LowerBound {
  /** On the cost of recomputation alone; Infinity if no legal sequence fits. */
  readonly extra: number;
  readonly name: 'working-set' | 'loss-cut' | 'windows' | 'none';
  /** Roots kept at the loss in relaxations and solutions met on the way: seeds for plans. */
  readonly keptSets: readonly Uint8Array[];
}

export interface BoundOptions {
  readonly budget: number;
  readonly solver?: Solver;
  /** Backward nodes at which a plan found earlier is tight: moments worth looking at. */
  readonly tightNodes?: readonly number[];
  /** Bounds found before for this budget, by moments: what was solved is not solved again. */
  readonly known?: Map<string, number>;
  /** Scales the limits of the solver; 1 by default. */
  readonly effort?: number;
}

/** Up to this many forward nodes integer programs are solved. */
const mostProgramNodes = 2500;
const mostCandidates = 14;
/** Beyond this many nodes few moments are looked at. */
const largeGraph = 20_000;
/** Forward nodes times moments up to which several moments go into one program. */
const mostChainNodes = 900;

export function lowerBound(prepared: Prepared, options: BoundOptions): LowerBound {
  const { index, roots, baseCost } = prepared;
  const { budget, solver, effort = 1 } = options;
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

  const large = index.nodeCount > largeGraph;
  const candidates = large
    ? [...new Set([firsts[0]!, ...(options.tightNodes ?? []).slice(0, 2)])]
    : candidateMoments(index, firsts, options.tightNodes ?? []);
  const moments = candidates.map((n) => momentAt(index, roots, n));
  const relaxed = moments.map((moment) => closureBound(index, roots, moment, budget).bound);
  relaxed.forEach((bound) => {
    offer(bound, 'windows');
  });
  if (!Number.isFinite(best)) return { extra: best, name, keptSets };
  const splits = large ? [] : orderSplits(index, options.tightNodes ?? []);
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
  if (useProgram) {
    offer(solve([lossMoment], true), 'loss-cut');
    const ranked = moments.map((_, i) => i).sort((a, b) => relaxed[b]! - relaxed[a]! || a - b);
    for (const i of ranked.slice(0, 2))
      if (moments[i]!.node !== lossMoment.node) offer(solve([moments[i]!], true), 'windows');
    const inOrder = ranked.slice(0, 3).sort((a, b) => a - b);
    const chain: Moment[] = [];
    for (const i of inOrder)
      if (chain.length === 0 || chain[chain.length - 1]!.after[moments[i]!.node] === 1) chain.push(moments[i]!);
    if (chain.length > 1 && chain.length * forwardNodes <= mostChainNodes) offer(solve(chain), 'windows');
  }
  for (const { early, late } of splits) {
    if (!Number.isFinite(best)) break;
    // Either the weight gradient runs before the gradient has gone on, or what it reads is alive when that happens.
    const one: AssumedOrder = { first: early, second: late };
    const other: AssumedOrder = { first: late, second: early };
    const before = momentAt(index, roots, early, one);
    const after = momentAt(index, roots, late, other);
    const relaxedBefore = closureBound(index, roots, before, budget).bound;
    const relaxedAfter = closureBound(index, roots, after, budget).bound;
    offer(Math.min(relaxedBefore, relaxedAfter), 'windows');
    if (!useProgram || Math.min(relaxedBefore, relaxedAfter) < 0.9 * best) continue;
    // The easier side first: if it is no better than what is known, the other is not needed.
    const easy = relaxedBefore <= relaxedAfter ? before : after;
    const first = Number.isFinite(Math.min(relaxedBefore, relaxedAfter)) ? solve([easy]) : Number.POSITIVE_INFINITY;
    if (rounded(first) <= best) continue;
    const second = solve([easy === before ? after : before]);
    offer(Math.min(first, second), 'windows');
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

interface OrderSplit {
  /** A weight gradient. */
  readonly early: number;
  /** A node by which the gradient has gone on. */
  readonly late: number;
}

const mostSplits = 5;

function orderSplits(index: PlanIndex, tight: readonly number[]): OrderSplit[] {
  const { readStart, reads, resultStart, producer, region, bytes } = index;
  const weight = (n: number): number => {
    let sum = index.scratch[n]!;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++)
      sum += bytes[reads[k]!]! * (reads[k]! < index.inputCount ? 0 : 1);
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) sum += bytes[v]!;
    return sum;
  };
  const leaves: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) if (region[n] === backwardRegion && isLeaf(index, n)) leaves.push(n);
  leaves.sort((a, b) => weight(b) - weight(a) || a - b);
  const chosen = [...new Set([...tight.filter((n) => leaves.includes(n)), ...leaves.slice(0, mostSplits)])].slice(
    0,
    2 * mostSplits,
  );
  const splits: OrderSplit[] = [];
  for (const early of chosen) {
    for (let k = readStart[early]!; k < readStart[early + 1]!; k++) {
      const gradient = reads[k]!;
      if (producer[gradient]! < 0 || region[producer[gradient]!] !== backwardRegion) continue;
      const onward = nextOnTheWay(index, gradient, early);
      if (onward < 0) continue;
      let further = -1;
      for (let v = resultStart[onward]!; v < resultStart[onward + 1]! && further < 0; v++)
        further = nextOnTheWay(index, v, onward);
      splits.push({ early, late: further < 0 ? onward : further });
    }
  }
  return splits;
}

/** The first backward reader of a value that is no leaf. */
function nextOnTheWay(index: PlanIndex, value: number, not: number): number {
  const { readerStart, readers, region } = index;
  for (let k = readerStart[value]!; k < readerStart[value + 1]!; k++) {
    const n = readers[k]!;
    if (n !== not && region[n] === backwardRegion && !isLeaf(index, n)) return n;
  }
  return -1;
}
