/**
 * Kusumoto et al. 2019 (arXiv 1905.11722): a plan is a rising sequence of lower sets of the forward graph, each closed
 * under predecessors. The storages on the boundary of a lower set (made inside, read outside) are kept, the rest of each
 * difference is recomputed as one segment. Dynamic programming over (lower set, kept bytes) finds the cheapest sequence
 * whose segments fit a bound: over all lower sets where there are few, else over prefixes of source order, thinned to
 * those with the lightest frontiers. A baseline, and seeds for planners under a budget.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { type Frontiers, findFrontiers, frontierBytes } from './frontiers.ts';
import { keptSetSequence } from './kept-set.ts';
import { findStorages, type Storages } from './storages.ts';

/** All lower sets are tried up to this many forward nodes and this many sets. */
const exactNodes = 24;
const exactSets = 400;
/** Prefixes that are candidates in larger graphs. */
const mostPrefixes = 128;
/** Undominated (kept bytes, cost) pairs that are remembered for each lower set. */
const mostStates = 48;
/** Bounds on kept bytes + segment that are tried, as shares of all that backward reads. */
const boundShares = [
  0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.14, 0.2, 0.27, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93,
];
/** Further bounds below the smallest of those that anything fits. */
const bisections = 4;

/** Distinct sequences, smallest bound first. */
export function lowerSetPlans(index: PlanIndex): Int32Array[] {
  const storages = findStorages(index);
  const frontiers = findFrontiers(index, storages);
  const total = frontiers.demandedBytes.reduce((sum, size) => sum + size, 0);
  if (total === 0) return [];
  const facts = nodeFacts(index, storages, frontiers);
  const family = allLowerSets(index, storages, facts) ?? prefixes(frontiers, facts);
  const paths = boundShares.map((share) => cheapestPath(family, share * total));
  const sequences: Int32Array[] = [];
  const seen = new Set<string>();
  for (const path of [...towardsLeast(family, total, paths), ...paths]) {
    const key = path?.join() ?? '';
    if (path === undefined || path.length === 0 || seen.has(key)) continue;
    seen.add(key);
    const kept = new Uint8Array(index.valueCount);
    for (const set of path) family.keep(set, kept);
    sequences.push(keptSetSequence(index, kept, storages));
  }
  return sequences;
}

/** Bisects between the last bound that nothing fits and the first that something does; smallest bound first. */
function towardsLeast(family: LowerSets, total: number, paths: readonly (readonly number[] | undefined)[]): number[][] {
  const first = paths.findIndex((path) => path !== undefined);
  const found: number[][] = [];
  let low = first > 0 ? boundShares[first - 1]! : 0;
  let high = boundShares[first] ?? 1;
  for (let k = 0; k < bisections; k++) {
    const path = cheapestPath(family, ((low + high) / 2) * total);
    if (path === undefined) low = (low + high) / 2;
    else {
      high = (low + high) / 2;
      found.unshift(path);
    }
  }
  return found;
}

/** What a step from lower set p to a later one q costs; pairs are at `p * count + q`. */
interface LowerSets {
  /** The first is empty, the last is everything; subsets come before supersets. */
  readonly count: number;
  /** Bytes of q's boundary made since p; NaN where p is not a subset of q. */
  readonly keptBytes: Float64Array;
  /** Bytes that backward reads of what is between, beside kept ones. */
  readonly heldBytes: Float64Array;
  /** Of recomputing what is between. */
  readonly cost: Float64Array;
  /** Marks the boundary of a set. */
  readonly keep: (set: number, kept: Uint8Array) => void;
}

/** By forward node. */
interface NodeFacts {
  /** Bytes of its results. */
  readonly bytes: Float64Array;
  readonly demanded: Float64Array;
  readonly cost: Float64Array;
  /** The last forward node that uses one of its results. */
  readonly lastUse: Int32Array;
  /** The same nodes as bits, for small graphs. */
  readonly users: Int32Array;
  readonly owners: readonly (readonly number[])[];
}

function nodeFacts(index: PlanIndex, storages: Storages, frontiers: Frontiers): NodeFacts {
  const count = storages.forwardCount;
  const bytes = new Float64Array(count);
  const demanded = new Float64Array(count);
  const lastUse = Int32Array.from({ length: count }, (_, n) => n);
  const owners: number[][] = Array.from({ length: count }, () => []);
  frontiers.made.forEach((n, k) => {
    bytes[n] = bytes[n]! + frontiers.bytes[k]!;
    demanded[n] = demanded[n]! + frontiers.demandedBytes[k]!;
    lastUse[n] = Math.max(lastUse[n]!, frontiers.lastUse[k]!);
    owners[n]!.push(frontiers.root[k]!);
  });
  const users = new Int32Array(count);
  if (count <= exactNodes)
    for (let n = 0; n < count; n++)
      for (let r = index.readStart[n]!; r < index.readStart[n + 1]!; r++) {
        const maker = index.producer[storages.root[index.reads[r]!]!]!;
        if (maker >= 0) users[maker] = users[maker]! | (1 << n);
      }
  // What lives on anyway, and what only views, is never run again.
  const cost = Float64Array.from({ length: count }, (_, n) => (owners[n]!.length > 0 ? index.cost[n]! : 0));
  return { bytes, demanded, cost, lastUse, users, owners };
}

/** Undefined where there are too many. */
function allLowerSets(index: PlanIndex, storages: Storages, facts: NodeFacts): LowerSets | undefined {
  const nodes = storages.forwardCount;
  if (nodes > exactNodes) return undefined;
  const needs = new Int32Array(nodes);
  for (let n = 0; n < nodes; n++)
    for (let r = index.readStart[n]!; r < index.readStart[n + 1]!; r++) {
      const maker = index.producer[index.reads[r]!]!;
      if (maker >= 0) needs[n] = needs[n]! | (1 << maker);
    }
  // Breadth first: one node more at a time.
  const sets = [0];
  const known = new Set(sets);
  for (let head = 0; head < sets.length; head++) {
    const set = sets[head]!;
    for (let n = 0; n < nodes; n++) {
      const larger = set | (1 << n);
      if (larger === set || (set & needs[n]!) !== needs[n] || known.has(larger)) continue;
      if (sets.length === exactSets) return undefined;
      known.add(larger);
      sets.push(larger);
    }
  }
  const count = sets.length;
  const keptBytes = new Float64Array(count * count).fill(Number.NaN);
  const heldBytes = new Float64Array(count * count);
  const cost = new Float64Array(count * count);
  for (let p = 0; p < count; p++)
    for (let q = p + 1; q < count; q++) {
      if ((sets[p]! & ~sets[q]!) !== 0) continue;
      const pair = p * count + q;
      keptBytes[pair] = 0;
      for (let n = 0; n < nodes; n++) {
        if ((sets[q]! & ~sets[p]! & (1 << n)) === 0) continue;
        const list = (facts.users[n]! & ~sets[q]!) !== 0 ? keptBytes : heldBytes;
        list[pair] = list[pair]! + (list === keptBytes ? facts.bytes[n]! : facts.demanded[n]!);
        if (list === heldBytes) cost[pair] = cost[pair]! + facts.cost[n]!;
      }
    }
  return {
    count,
    keptBytes,
    heldBytes,
    cost,
    keep: (set, kept) => {
      for (let n = 0; n < nodes; n++)
        if ((sets[set]! & (1 << n)) !== 0 && (facts.users[n]! & ~sets[set]!) !== 0)
          for (const owner of facts.owners[n]!) kept[owner] = 1;
    },
  };
}

function prefixes(frontiers: Frontiers, facts: NodeFacts): LowerSets {
  const positions = lightPositions(frontiers);
  const count = positions.length;
  const keptBytes = new Float64Array(count * count);
  const heldBytes = new Float64Array(count * count);
  const cost = new Float64Array(count * count);
  let next = 0;
  let end = 0;
  for (let n = 0; n < facts.lastUse.length; n++) {
    // Made before candidate `next` and not before the one that precedes it; read after candidates up to `end`.
    while (positions[next]! <= n) next++;
    for (end = next; end < count && positions[end]! <= facts.lastUse[n]!; ) end++;
    // As a difference along p: it counts for all p < next. Summed up below.
    for (let q = next; q < count; q++) {
      const pair = (next - 1) * count + q;
      if (q < end) keptBytes[pair] = keptBytes[pair]! + facts.bytes[n]!;
      else {
        heldBytes[pair] = heldBytes[pair]! + facts.demanded[n]!;
        cost[pair] = cost[pair]! + facts.cost[n]!;
      }
    }
  }
  for (let p = count - 2; p >= 0; p--)
    for (let q = p + 1; q < count; q++)
      for (const list of [keptBytes, heldBytes, cost])
        if (q > p + 1) list[p * count + q] = list[p * count + q]! + list[(p + 1) * count + q]!;
  return {
    count,
    keptBytes,
    heldBytes,
    cost,
    keep: (set, kept) => {
      const position = positions[set]!;
      frontiers.made.forEach((n, k) => {
        if (n < position && frontiers.lastUse[k]! >= position) kept[frontiers.root[k]!] = 1;
      });
    },
  };
}

/** Both ends and, of each stretch of equal bytes between, the position of the lightest frontier. */
function lightPositions(frontiers: Frontiers): number[] {
  const { positionCount, madeStart, demandedBytes } = frontiers;
  if (positionCount < mostPrefixes) return Array.from({ length: positionCount + 1 }, (_, p) => p);
  const weights = frontierBytes(frontiers);
  const share = demandedBytes.reduce((sum, size) => sum + size, 0) / (mostPrefixes - 2);
  const positions = [0];
  let best = -1;
  let sum = 0;
  let limit = share;
  for (let p = 1; p < positionCount; p++) {
    for (let k = madeStart[p - 1]!; k < madeStart[p]!; k++) sum += demandedBytes[k]!;
    if (best < 0 || weights[p]! <= weights[best]!) best = p;
    if (sum < limit) continue;
    positions.push(best);
    best = -1;
    limit = sum + share;
  }
  positions.push(positionCount);
  return positions;
}

interface State {
  readonly kept: number;
  readonly cost: number;
  readonly set: number;
  readonly before: State | undefined;
}

/** The sets passed on the cheapest way from the empty set to everything, both left out; the last segment runs once. */
function cheapestPath({ count, keptBytes, heldBytes, cost }: LowerSets, bound: number): number[] | undefined {
  const states: State[][] = [[{ kept: 0, cost: 0, set: 0, before: undefined }]];
  for (let q = 1; q < count; q++) {
    const reached: State[] = [];
    const last = q === count - 1;
    for (let p = 0; p < q; p++) {
      const pair = p * count + q;
      if (Number.isNaN(keptBytes[pair]!)) continue;
      for (const before of states[p]!)
        if (before.kept + heldBytes[pair]! <= bound)
          reached.push({
            kept: before.kept + keptBytes[pair]!,
            cost: before.cost + (last ? 0 : cost[pair]!),
            set: q,
            before,
          });
    }
    states.push(undominated(reached));
  }
  const final = states[count - 1]!;
  if (final.length === 0) return undefined;
  const path: number[] = [];
  // The last state keeps the most and costs the least.
  for (let state = final[final.length - 1]!.before; state?.before !== undefined; state = state.before)
    path.push(state.set);
  return path.reverse();
}

function undominated(states: State[]): State[] {
  states.sort((a, b) => a.kept - b.kept || a.cost - b.cost);
  const result: State[] = [];
  let cheapest = Number.POSITIVE_INFINITY;
  for (const state of states) {
    if (state.cost >= cheapest) continue;
    cheapest = state.cost;
    result.push(state);
  }
  if (result.length <= mostStates) return result;
  const step = (result.length - 1) / (mostStates - 1);
  return Array.from({ length: mostStates }, (_, k) => result[Math.round(k * step)]!);
}
