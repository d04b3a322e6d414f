/**
 * The lower bound on the cost of recomputation: the best of the loss cut, of the same cut at later moments (windows), and of
 * both orders of a weight gradient that may run early or late. Small graphs are solved as integer programs, large ones
 * by maximum flow; uniform chains have a closed form. Which moments are worth an integer program, their relaxations tell.
 */
import { backwardRegion, forwardRegion, type PlanIndex, updateRegion } from '../../../src/analysis/plan-graph.ts';
import { closureBound } from './closure-bound.ts';
import { cutProgram, firstBackwardNodes, type Moment, momentAt } from './cut-program.ts';
import type { Prepared } from './prepared.ts';
import { reversalExtra } from './reversal-chain.ts';
import type { Roots } from './roots.ts';
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
const longestChain = 9;

export function lowerBound(prepared: Prepared, options: BoundOptions): LowerBound {
  const { index, roots, baseCost } = prepared;
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
  if (useProgram) {
    offer(solve([lossMoment], true), 'loss-cut');
    const ranked = moments.map((_, i) => i).sort((a, b) => relaxed[b]! - relaxed[a]! || a - b);
    const promising = ranked.find((i) => moments[i]!.node !== lossMoment.node && relaxed[i]! > 0.9 * best);
    if (promising !== undefined) offer(solve([moments[promising]!], true), 'windows');
    const length = Math.min(longestChain, Math.floor(mostChainNodes / forwardNodes));
    // The moments with the best bounds that come one after the other in every order.
    const chain: Moment[] = [];
    for (const i of ranked) {
      if (chain.length >= length) break;
      const moment = moments[i]!;
      if (chain.every((other) => other.after[moment.node] === 1 || moment.after[other.node] === 1)) chain.push(moment);
    }
    chain.sort((a, b) => (a.after[b.node] === 1 ? -1 : 1));
    if (chain.length > 1) offer(solve(chain), 'windows');
  }
  for (const { node, way } of splits) {
    if (!Number.isFinite(best)) break;
    offer(casesBound(node, way), 'windows');
  }

  /**
   * A node that may run early or late: whichever two nodes of the gradient's way it runs between, it is bounded by itself
   * with all that comes after the second, and by every node before it, at which what it reads is still alive.
   */
  function casesBound(node: number, way: readonly number[]): number {
    const relaxations = (moment: Moment): number => closureBound(index, roots, moment, budget).bound;
    const waiting = way.map((late) => momentAt(index, roots, late, { first: late, second: node }));
    const running = way.map((late) => momentAt(index, roots, node, { first: node, second: late }));
    const waitingBound = waiting.map(relaxations);
    const runningBound = running.map(relaxations);
    const improved = new Set<Moment>();
    for (let solved = 0; ; solved++) {
      // The case that is worst for the bound, and the moment that decides it.
      let value = Number.POSITIVE_INFINITY;
      let decisive: { readonly moment: Moment; readonly bounds: number[]; readonly i: number } | undefined;
      let latest = -1;
      for (let i = 0; i <= way.length; i++) {
        if (i > 0 && (latest < 0 || waitingBound[i - 1]! > waitingBound[latest]!)) latest = i - 1;
        const early = latest < 0 ? 0 : waitingBound[latest]!;
        const own = i < way.length ? runningBound[i]! : 0;
        if (Math.max(early, own) >= value) continue;
        value = Math.max(early, own);
        decisive =
          early >= own && latest >= 0
            ? { moment: waiting[latest]!, bounds: waitingBound, i: latest }
            : i < way.length
              ? { moment: running[i]!, bounds: runningBound, i }
              : undefined;
      }
      if (!useProgram || decisive === undefined || solved >= mostCaseSolves || !Number.isFinite(value)) return value;
      if (value < 0.85 * best || improved.has(decisive.moment)) return value;
      improved.add(decisive.moment);
      decisive.bounds[decisive.i] = Math.max(value, solve([decisive.moment]));
    }
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
  /** A node that few others wait for: a weight gradient, mostly. */
  readonly node: number;
  /** Nodes by which the gradient that it reads goes on, in order. */
  readonly way: readonly number[];
}

const mostSplits = 4;
const longestWay = 20;
const mostCaseSolves = 5;

/** Nodes that plans are tight at, or that are large, beside the gradient's way, with that way. */
function orderSplits(index: PlanIndex, roots: Roots, tight: readonly number[]): OrderSplit[] {
  const { readStart, reads, resultStart, producer, region, bytes } = index;
  const reach = waysToTheEnd(index);
  const weight = (n: number): number => {
    let sum = index.scratch[n]!;
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) sum += bytes[v]!;
    return sum;
  };
  const backward: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) if (region[n] === backwardRegion) backward.push(n);
  const most = backward.reduce((best, n) => Math.max(best, reach[n]!), 0);
  const beside = backward.filter((n) => reach[n]! < 0.3 * most);
  beside.sort((a, b) => weight(b) - weight(a) || a - b);
  const besideSet = new Set(beside);
  const chosen = [...new Set([...tight.filter((n) => besideSet.has(n)), ...beside.slice(0, 3)])].slice(0, mostSplits);
  const splits: OrderSplit[] = [];
  for (const node of chosen) {
    let gradient = -1;
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++) {
      const r = roots.root[reads[k]!]!;
      if (r >= 0 && region[producer[r]!] === backwardRegion && (gradient < 0 || bytes[r]! > bytes[gradient]!))
        gradient = r;
    }
    if (gradient < 0) continue;
    const way: number[] = [];
    let at = producer[gradient]!;
    while (way.length < longestWay) {
      const next = nextOnTheWay(index, at, node, reach);
      if (next < 0) break;
      way.push(next);
      at = next;
    }
    if (way.length > 0) splits.push({ node, way });
  }
  return splits;
}

/** The reader of a node's results (or of views of them) that most others wait for. */
function nextOnTheWay(index: PlanIndex, from: number, not: number, reach: Float64Array): number {
  const { resultStart, readerStart, readers, region } = index;
  let best = -1;
  for (let v = resultStart[from]!; v < resultStart[from + 1]!; v++)
    for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) {
      const n = readers[k]!;
      if (n !== not && region[n] === backwardRegion && (best < 0 || reach[n]! > reach[best]!)) best = n;
    }
  return best;
}

/** Length of the longest way from each node to the end. */
function waysToTheEnd(index: PlanIndex): Float64Array {
  const { nodeCount, resultStart, readerStart, readers, region } = index;
  // The longest way to the end is what tells the gradient's way from what hangs beside it.
  const reach = new Float64Array(nodeCount);
  for (let n = nodeCount - 1; n >= 0; n--) {
    if (region[n] === forwardRegion) continue;
    let most = 0;
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) most = Math.max(most, 1 + reach[readers[k]!]!);
    reach[n] = most;
  }
  return reach;
}
