/**
 * A seed for deep graphs: dynamic programming over the chain of blocks, as in optimal reversal of chains (Griewank and
 * Walther 2000, algorithm 799; Beaumont et al. 2019 for blocks of different sizes). The forward part is cut into blocks at
 * positions with light frontiers. To run the backward nodes of a range of blocks, either its inside is run again and
 * kept whole, or a frontier within is run up to and kept for the right part, dropped, and the left part follows:
 *
 *     cost(i, j, m) = min over k of  F(i, k) + cost(k, j, m - size(k)) + cost(i, k, m)
 *
 * On a uniform chain this is the optimum; elsewhere the bytes are estimates, and the search repairs what does not fit.
 */
import { forwardRegion } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import type { Prepared } from './prepared.ts';

const mostBlocks = 64;
const mostUnits = 96;

/** Packed pairs of stages for `Retention.load` on the skeleton `order`; undefined where there is no chain to speak of. */
export function chainIntervals(
  prepared: Prepared,
  order: Int32Array,
  budget: number,
): (number[] | undefined)[] | undefined {
  const { index, roots } = prepared;
  const { readStart, reads, resultStart, producer, region, bytes, cost, valueCount, inputCount, nodeCount } = index;
  const { root } = roots;
  // Positions count forward nodes in the skeleton's order; stages are those of the skeleton.
  const positionOf = new Int32Array(nodeCount).fill(-1);
  const stageOf = new Int32Array(nodeCount);
  const forward: number[] = [];
  order.forEach((n, t) => {
    stageOf[n] = t;
    if (region[n] !== forwardRegion) return;
    positionOf[n] = forward.length;
    forward.push(n);
  });
  const count = forward.length;
  if (count < 4) return undefined;
  const madeAt = new Int32Array(valueCount).fill(-1);
  const lastForward = new Int32Array(valueCount).fill(-1);
  const lastTouch = new Int32Array(valueCount).fill(-1);
  const demanded = new Uint8Array(valueCount);
  order.forEach((n, t) => {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = root[reads[k]!]!;
      if (r < 0) continue;
      lastTouch[r] = t;
      if (region[n] === forwardRegion) lastForward[r] = positionOf[n]!;
      else demanded[r] = 1;
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      const r = root[v]!;
      if (r < 0) continue;
      if (r === v && region[n] === forwardRegion) madeAt[r] = positionOf[n]!;
      lastTouch[r] = t;
    }
  });
  const held = (v: number): boolean => root[v] === v && madeAt[v]! >= 0 && roots.pinned[v] === 0;

  const cuts = chooseCuts(count, forward, cost, (add) => {
    for (let v = inputCount; v < valueCount; v++)
      if (held(v) && lastForward[v]! > madeAt[v]!) add(madeAt[v]! + 1, lastForward[v]!, bytes[v]!);
  });
  const blocks = cuts.length - 1;
  if (blocks < 3) return undefined;
  const blockOf = new Int32Array(count);
  for (let b = 0; b < blocks; b++) blockOf.fill(b, cuts[b]!, cuts[b + 1]!);

  // Frontier of each cut, and what backward wants of each block: made inside, or found at its left end. What is made in
  // a block and crosses the cut after it counts for the block after it, whose left end it is.
  const wantedBy = new Int32Array(valueCount).fill(-1);
  const frontier: number[][] = Array.from({ length: blocks + 1 }, () => []);
  const size = new Float64Array(blocks + 1);
  const inner = new Float64Array(blocks);
  const leftEnd = new Float64Array(blocks);
  const leafCost = new Float64Array(blocks);
  const wanted = new Uint8Array(nodeCount);
  for (let v = inputCount; v < valueCount; v++) {
    if (!held(v)) continue;
    const b = blockOf[madeAt[v]!]!;
    for (let c = b + 1; c < blocks && cuts[c]! <= lastForward[v]!; c++) {
      frontier[c]!.push(v);
      size[c] = size[c]! + bytes[v]!;
    }
    if (demanded[v] === 0) continue;
    if (b + 1 < blocks && cuts[b + 1]! <= lastForward[v]!) {
      wantedBy[v] = b + 1;
      leftEnd[b + 1] = leftEnd[b + 1]! + bytes[v]!;
    } else {
      wantedBy[v] = b;
      inner[b] = inner[b]! + bytes[v]!;
      wanted[producer[v]!] = 1;
    }
  }
  for (let p = count - 1; p >= 0; p--) {
    const n = forward[p]!;
    if (wanted[n] === 0) continue;
    leafCost[blockOf[p]!] = leafCost[blockOf[p]!]! + cost[n]!;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0 && blockOf[positionOf[made]!] === blockOf[p]) wanted[made] = 1;
    }
  }
  const runCost = new Float64Array(blocks + 1);
  for (let p = 0; p < count; p++) runCost[blockOf[p]! + 1] = runCost[blockOf[p]! + 1]! + cost[forward[p]!]!;
  for (let b = 0; b < blocks; b++) runCost[b + 1] = runCost[b + 1]! + runCost[b]!;

  // When each block's backward nodes begin: from there on nothing later is wanted.
  const begins = new Int32Array(blocks + 1).fill(order.length);
  let need = -1;
  const needs = new Int32Array(order.length).fill(-1);
  for (let t = order.length - 1; t >= 0 && region[order[t]!] !== forwardRegion; t--) {
    const n = order[t]!;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = root[reads[k]!]!;
      if (r >= 0) need = Math.max(need, wantedBy[r]!);
    }
    needs[t] = need;
    if (need >= 0) begins[need] = t;
  }
  for (let b = 1; b <= blocks; b++) begins[b] = Math.min(begins[b]!, begins[b - 1]!);

  // Bytes of each block's backward pass besides what earlier blocks left for others.
  const own = new Float64Array(blocks);
  const { liveAt } = simulate(index, order);
  const earlier = new Float64Array(order.length + 1);
  for (let v = inputCount; v < valueCount; v++) {
    if (!held(v)) continue;
    // Alive from its making to its last touch; of the stages of later or equal blocks it is no part.
    const from = stageOf[producer[v]!]!;
    earlier[from] = earlier[from]! + bytes[v]!;
    const until = lastTouch[v]! + 1;
    earlier[until] = earlier[until]! - bytes[v]!;
  }
  let sum = 0;
  for (let t = 0; t < order.length; t++) {
    sum += earlier[t]!;
    const b = needs[t]!;
    if (b >= 0 && region[order[t]!] !== forwardRegion) own[b] = Math.max(own[b]!, liveAt[t]! - sum);
  }

  const unit = budget / 64 <= mostUnits ? 64 : budget / mostUnits;
  const units = Math.floor(budget / unit);
  const inUnits = (amount: number): number => Math.ceil(amount / unit - 1e-9);
  const sizeUnits = size.map(inUnits);
  const width = units + 1;
  const at = (i: number, j: number): number => (i * (blocks + 1) + j) * width;
  const best = new Float64Array((blocks + 1) * (blocks + 1) * width).fill(Number.POSITIVE_INFINITY);
  /** Cut to split at; -1: run the inside again and keep it whole. */
  const choice = new Int16Array(best.length).fill(-2);
  for (let length = 1; length <= blocks; length++)
    for (let i = 0; i + length <= blocks; i++) {
      const j = i + length;
      let inside = 0;
      let most = 0;
      for (let b = i; b < j; b++) {
        inside += inner[b]! + (b > i ? leftEnd[b]! : 0);
        most = Math.max(most, own[b]! + inside);
      }
      const whole = inUnits(most);
      const wholeCost = runCost[j - 1]! - runCost[i]! + leafCost[j - 1]!;
      const here = at(i, j);
      for (let m = Math.max(0, whole); m <= units; m++) {
        best[here + m] = wholeCost;
        choice[here + m] = -1;
      }
      for (let k = i + 1; k < j; k++) {
        const keeping = sizeUnits[k]!;
        const runTo = runCost[k]! - runCost[i]!;
        const right = at(k, j) - keeping;
        const left = at(i, k);
        for (let m = keeping; m <= units; m++) {
          const total = runTo + best[right + m]! + best[left + m]!;
          if (total < best[here + m]!) {
            best[here + m] = total;
            choice[here + m] = k;
          }
        }
      }
    }
  if (!Number.isFinite(best[at(0, blocks) + units]!)) return undefined;

  const pairs: (number[] | undefined)[] = new Array(valueCount).fill(undefined);
  const firstStage = (v: number): number => stageOf[producer[v]!]!;
  const keep = (v: number, from: number, to: number): void => {
    const list = (pairs[v] ??= [firstStage(v), forwardStage(v)]);
    if (to > from) list.push(from, to);
  };
  const forwardStage = (v: number): number =>
    lastForward[v]! < 0 ? firstStage(v) : stageOf[forward[lastForward[v]!]!]!;
  interface Range {
    readonly i: number;
    readonly j: number;
    readonly m: number;
    /** Whether the range has just been run for the first time. */
    readonly first: boolean;
  }
  const stack: Range[] = [{ i: 0, j: blocks, m: units, first: true }];
  for (let range = stack.pop(); range !== undefined; range = stack.pop()) {
    const { i, j, m, first } = range;
    const k = choice[at(i, j) + m]!;
    const start = begins[j - 1]!;
    if (k < 0) {
      for (let p = cuts[i]!; p < cuts[j]!; p++) {
        const n = forward[p]!;
        for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
          if (held(v) && demanded[v] === 1 && wantedBy[v]! < j) keep(v, first ? firstStage(v) : start, lastTouch[v]!);
      }
      continue;
    }
    const until = Math.max(begins[k - 1]! - 1, start);
    for (const v of frontier[k]!) if (blockOf[madeAt[v]!]! >= i) keep(v, first ? firstStage(v) : start, until);
    stack.push({ i, j: k, m, first: false });
    stack.push({ i: k, j, m: m - sizeUnits[k]!, first });
  }
  return pairs.map((list) => (list === undefined ? undefined : tidy(list)));
}

/** Cuts `0 = c0 < c1 < .. = count`: all positions of short graphs, else the lightest of each stretch of equal cost. */
function chooseCuts(
  count: number,
  forward: readonly number[],
  cost: Float64Array,
  intervals: (add: (from: number, to: number, bytes: number) => void) => void,
): number[] {
  if (count <= mostBlocks) return Array.from({ length: count + 1 }, (_, p) => p);
  const load = new Float64Array(count + 2);
  intervals((from, to, bytes) => {
    load[from] = load[from]! + bytes;
    load[to + 1] = load[to + 1]! - bytes;
  });
  let total = 0;
  for (let p = 0; p < count; p++) {
    load[p + 1] = load[p + 1]! + load[p]!;
    total += cost[forward[p]!]! + 1e-3;
  }
  const cuts = [0];
  let done = 0;
  let window = 1;
  let lightest = -1;
  for (let p = 1; p < count; p++) {
    done += cost[forward[p - 1]!]! + 1e-3;
    if (lightest < 0 || load[p]! < load[lightest]!) lightest = p;
    if (done < (total * window) / mostBlocks) continue;
    while (done >= (total * window) / mostBlocks) window++;
    cuts.push(lightest);
    lightest = -1;
  }
  cuts.push(count);
  return [...new Set(cuts)];
}

/** Pairs in order, those that overlap or meet as one. */
function tidy(list: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let k = 0; k < list.length; k += 2) if (list[k + 1]! > list[k]!) pairs.push([list[k]!, list[k + 1]!]);
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const result: number[] = [];
  for (const [from, to] of pairs) {
    const end = result.length - 1;
    if (end > 0 && from <= result[end]!) result[end] = Math.max(result[end]!, to);
    else result.push(from, to);
  }
  return result;
}
