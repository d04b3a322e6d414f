/**
 * The loss cut and its windows as one integer program (PLANNING, "Lower bounds"). A moment is the step at which a given
 * backward node runs. At that moment every storage is alive or not; what a node that must come later reads is alive
 * then or recomputed afterwards; and what is alive fits the budget beside the gradients that must be alive too. With
 * several moments, one after another in every legal order, each window between two has recomputations of its own, and
 * what is kept all through the window fits beside each of them.
 *
 * Everything here holds for every legal sequence (DESIGN section 8), whatever its order. Sharing by `over` and by views
 * is counted in the sequence's favour.
 */
import { forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { bytesThroughout, type Moment } from './moment.ts';
import type { Roots } from './roots.ts';
import type { IntegerProgram } from './solver.ts';
import { ownBytes } from './working-set.ts';

export interface CutProgram {
  readonly program: IntegerProgram;
  /** Column of "alive at moment j" of a root; -1 if it has none. */
  alive(moment: number, root: number): number;
  /** Column of "recomputed after moment j, before the next" of a node. */
  rerun(moment: number, node: number): number;
}

/** Recomputations of a window whose own bytes are looked at: the largest, from this share of the budget on. */
const mostPeaks = 4;
const leastPeak = 0.15;
/** Storages below this share of the budget are left out beside them. */
const leastBeside = 0.01;

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
  const {
    nodeCount,
    inputCount,
    readStart,
    reads,
    resultStart,
    producer,
    region,
    bytes,
    cost,
    recomputable,
    isOutput,
  } = index;
  const { root } = roots;
  let forwardCount = 0;
  while (forwardCount < nodeCount && region[forwardCount] === forwardRegion) forwardCount++;
  const forwardValues: number[] = [];
  for (let v = inputCount; v < resultStart[forwardCount]!; v++) if (root[v] === v) forwardValues.push(v);
  const aliveSlot = new Int32Array(index.valueCount).fill(-1);
  forwardValues.forEach((v, i) => {
    aliveSlot[v] = i;
  });
  // The first copy of an output, and so its storage, lives to the end.
  const heldToEnd = new Uint8Array(index.valueCount);
  for (let v = inputCount; v < resultStart[forwardCount]!; v++)
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
    for (let u = inputCount; u < resultStart[forwardCount]!; u++)
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
  // What is alive at the end of a window and was not made in it is alive all through it, beside whatever runs.
  const large = Array.from({ length: forwardCount }, (_, n) => n)
    .filter((n) => recomputable[n] === 1 && ownBytes(index, roots, n) > leastPeak * budget)
    .sort((a, b) => ownBytes(index, roots, b) - ownBytes(index, roots, a) || a - b)
    .slice(0, mostPeaks);
  for (let j = 0; j + 1 < moments.length && large.length > 0; j++) {
    const room = 1 - bytesThroughout(index, roots, moments[j]!, moments[j + 1]!) / budget;
    const through = new Map<number, number>();
    for (const v of forwardValues) {
      if (bytes[v]! < leastBeside * budget) continue;
      const column = objective.push(0) - 1;
      lower.push(0);
      upper.push(1);
      through.set(v, column);
      row(0, Number.POSITIVE_INFINITY, [
        [column, 1],
        [alive(j + 1, v), -1],
        [rerun(j, producer[v]!), 1],
      ]);
    }
    for (const n of large) {
      const own = new Set<number>();
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) own.add(root[reads[k]!]!);
      for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) own.add(root[v]!);
      const beside = [...through].filter(([v]) => !own.has(v));
      row(Number.NEGATIVE_INFINITY, room, [
        [rerun(j, n), ownBytes(index, roots, n) / budget],
        ...beside.map(([v, column]) => [column, bytes[v]! / budget] as const),
      ]);
    }
  }
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
