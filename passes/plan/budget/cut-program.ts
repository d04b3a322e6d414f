/**
 * The loss cut and its windows as one integer program (PLANNING, "Lower bounds"). A moment is the step at which a given
 * backward node runs. At that moment every storage is alive or not; what a node that must come later reads is alive
 * then or recomputed afterwards; and what is alive fits the budget beside the gradients that must be alive too. With
 * several moments, one after another in every legal order, each window between two has recomputations of its own.
 *
 * Everything here holds for every legal sequence (DESIGN section 8), whatever its order: only ancestors of a moment's
 * node are taken to be done, only its descendants to be outstanding. Sharing by `over` and by views is counted in the
 * sequence's favour.
 */
import { backwardRegion, forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Roots } from './roots.ts';
import type { IntegerProgram } from './solver.ts';

export interface Moment {
  readonly node: number;
  /** Names the moment and what is assumed. */
  readonly key: string;
  /** By node, among nodes after the forward part: must run before the moment's node. */
  readonly before: Uint8Array;
  /** Must run after it. */
  readonly after: Uint8Array;
  /** Bytes that are alive at the moment whatever is kept: gradients on their way, results, scratch. */
  readonly forcedBytes: number;
}

/** An order that is assumed of two nodes that the graph leaves free. */
export interface AssumedOrder {
  readonly first: number;
  readonly second: number;
}

/** Everything that follows from one moment (and an assumption). O(nodes + reads). */
export function momentAt(index: PlanIndex, roots: Roots, node: number, assumed?: AssumedOrder): Moment {
  const { nodeCount, readStart, reads, readerStart, readers, resultStart, producer, region, bytes, scratch } = index;
  const { isOutput, overStart } = index;
  const before = new Uint8Array(nodeCount);
  const after = new Uint8Array(nodeCount);
  const stack = [node];
  for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
    if (assumed?.second === n && before[assumed.first] === 0) {
      before[assumed.first] = 1;
      stack.push(assumed.first);
    }
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0 && region[made] !== forwardRegion && before[made] === 0) {
        before[made] = 1;
        stack.push(made);
      }
    }
  }
  stack.push(node);
  for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
    if (assumed?.first === n && after[assumed.second] === 0) {
      after[assumed.second] = 1;
      stack.push(assumed.second);
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) {
        const reader = readers[k]!;
        if (after[reader] === 0) {
          after[reader] = 1;
          stack.push(reader);
        }
      }
  }
  // A storage made before the moment that somebody reads (itself or a view of it) at the moment or later is alive at it.
  let forcedBytes = scratch[node]!;
  const counted = new Uint8Array(index.valueCount);
  const count = (v: number): void => {
    const r = roots.root[v]!;
    if (r < 0 || counted[r] === 1 || before[producer[r]!] === 0) return;
    counted[r] = 1;
    forcedBytes += bytes[r]!;
  };
  for (let n = 0; n < nodeCount; n++) {
    if (n === node || after[n] === 1) for (let k = readStart[n]!; k < readStart[n + 1]!; k++) count(reads[k]!);
    if (before[n] === 1) for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) if (isOutput[v] === 1) count(v);
  }
  for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++)
    if (roots.root[v] === v && overStart[v] === overStart[v + 1]) forcedBytes += bytes[v]!;
  return { node, key: `${node}:${assumed?.first ?? ''}<${assumed?.second ?? ''}`, before, after, forcedBytes };
}

export interface CutProgram {
  readonly program: IntegerProgram;
  /** Column of "alive at moment j" of a root; -1 if it has none. */
  alive(moment: number, root: number): number;
  /** Column of "recomputed after moment j, before the next" of a node. */
  rerun(moment: number, node: number): number;
}

/**
 * Moments must be in order: each one's node a descendant of the one before. Throws RangeError otherwise. Bytes are scaled
 * so that the budget is 1.
 */
export function cutProgram(
  index: PlanIndex,
  roots: Roots,
  moments: readonly Moment[],
  budget: number,
  integral: boolean,
): CutProgram {
  const { nodeCount, inputCount, readStart, reads, producer, region, bytes, cost, recomputable, isOutput } = index;
  const { root } = roots;
  let forwardCount = 0;
  while (forwardCount < nodeCount && region[forwardCount] === forwardRegion) forwardCount++;
  const forwardValues: number[] = [];
  for (let v = inputCount; v < index.resultStart[forwardCount]!; v++) if (root[v] === v) forwardValues.push(v);
  const aliveSlot = new Int32Array(index.valueCount).fill(-1);
  forwardValues.forEach((v, i) => {
    aliveSlot[v] = i;
  });
  // The first copy of an output, and so its storage, lives to the end.
  const heldToEnd = new Uint8Array(index.valueCount);
  for (let v = inputCount; v < index.resultStart[forwardCount]!; v++)
    if (isOutput[v] === 1 && root[v]! >= 0) heldToEnd[root[v]!] = 1;
  const width = forwardCount + forwardValues.length;
  const columns = moments.length * width;
  const rerun = (j: number, n: number): number => j * width + n;
  const alive = (j: number, r: number): number => (aliveSlot[r]! < 0 ? -1 : j * width + forwardCount + aliveSlot[r]!);

  const objective = new Array<number>(columns).fill(0);
  const lower = new Array<number>(columns).fill(0);
  const upper = new Array<number>(columns).fill(1);
  const rowStart = [0];
  const rowColumns: number[] = [];
  const rowValues: number[] = [];
  const rowLower: number[] = [];
  const rowUpper: number[] = [];
  const row = (low: number, high: number, entries: readonly (readonly [number, number])[]): void => {
    for (const [column, value] of entries) {
      rowColumns.push(column);
      rowValues.push(value);
    }
    rowStart.push(rowColumns.length);
    rowLower.push(low);
    rowUpper.push(high);
  };
  moments.forEach((moment, j) => {
    if (j > 0 && moments[j - 1]!.after[moment.node] === 0) throw new RangeError('the moments are not in order');
    const next = moments[j + 1];
    for (let n = 0; n < forwardCount; n++) {
      objective[rerun(j, n)] = cost[n]!;
      if (recomputable[n] === 0) upper[rerun(j, n)] = 0;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const u = reads[k]!;
        if (u < inputCount || root[u]! < 0) continue;
        row(Number.NEGATIVE_INFINITY, 0, [
          [rerun(j, n), 1],
          [rerun(j, producer[u]!), -1],
          [alive(j, root[u]!), -1],
        ]);
      }
    }
    // Demands: what must be read in this window, or (last window of those it may fall into) later.
    const demanded = new Uint8Array(index.valueCount);
    for (let n = forwardCount; n < nodeCount; n++) {
      if (moment.after[n] === 0) continue;
      if (next !== undefined && n !== next.node && next.before[n] === 0) continue;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const u = reads[k]!;
        if (u < inputCount || root[u]! < 0) continue;
        // A backward node's view of a forward storage wants that storage.
        const wanted = producer[u]! < forwardCount ? u : root[u]!;
        if (producer[wanted]! < forwardCount) demanded[wanted] = 1;
      }
    }
    for (let u = inputCount; u < index.resultStart[forwardCount]!; u++)
      if (demanded[u] === 1)
        row(1, Number.POSITIVE_INFINITY, [
          [rerun(j, producer[u]!), 1],
          [alive(j, root[u]!), 1],
        ]);
    // Nodes on neither side of the next moment read in one of the windows from this one on.
    if (next !== undefined)
      for (let n = forwardCount; n < nodeCount; n++) {
        if (moment.after[n] === 0 || next.before[n] === 1 || next.after[n] === 1 || n === next.node) continue;
        for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
          const u = reads[k]!;
          if (u < inputCount || producer[u]! >= forwardCount || root[u]! < 0) continue;
          const entries: (readonly [number, number])[] = [[alive(j, root[u]!), 1]];
          for (let later = j; later < moments.length; later++) entries.push([rerun(later, producer[u]!), 1]);
          row(1, Number.POSITIVE_INFINITY, entries);
        }
      }
    if (j > 0)
      for (const v of forwardValues)
        row(Number.NEGATIVE_INFINITY, 0, [
          [alive(j, v), 1],
          [alive(j - 1, v), -1],
          [rerun(j - 1, producer[v]!), -1],
        ]);
    for (let k = readStart[moment.node]!; k < readStart[moment.node + 1]!; k++) {
      const u = reads[k]!;
      if (u >= inputCount && root[u]! >= 0 && alive(j, root[u]!) >= 0) lower[alive(j, root[u]!)] = 1;
    }
    for (const v of forwardValues) if (heldToEnd[v] === 1) lower[alive(j, v)] = 1;
    row(
      Number.NEGATIVE_INFINITY,
      1 - moment.forcedBytes / budget,
      forwardValues.filter((v) => bytes[v]! > 0).map((v) => [alive(j, v), bytes[v]! / budget] as const),
    );
  });
  return {
    program: {
      cost: objective,
      lower,
      upper,
      integral,
      rowStart,
      columns: rowColumns,
      values: rowValues,
      rowLower,
      rowUpper,
    },
    alive,
    rerun,
  };
}

/** Backward nodes without backward ancestors come first in any legal order; the moment of such a node is the loss cut. */
export function firstBackwardNodes(index: PlanIndex): number[] {
  const { nodeCount, region, readStart, reads, producer } = index;
  const found: number[] = [];
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] !== backwardRegion) continue;
    let first = true;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0 && region[made] !== forwardRegion) first = false;
    }
    if (first) found.push(n);
  }
  return found;
}
