/**
 * What a sequence would cost and keep alive if a few of its steps did not run, or a few nodes ran once more: exactly what
 * `simulate` says of the edited sequence, without simulating it anew.
 *
 * Only the storages that the edited steps read or make are traced again. Where a life then begins or ends at another
 * step, hand-overs of storage (`over`, `parts`) are decided again, onwards as far as the length of a storage changes. What is left
 * is a handful of ranges of steps with more or fewer bytes; their peaks come from a table of range maxima.
 */
import { covers, type LiveRange, pieces } from './live-ranges.ts';
import { type Lives, lifeReadAt, storageRoots, type Touches, traceLives } from './lives.ts';
import type { PlanIndex } from './plan-graph.ts';
import { rangeMax } from './range-max.ts';
import { type Simulation, simulate } from './simulate.ts';

export interface SequenceEdit {
  /** Steps that do not run. What is left must still read only what has been made. */
  readonly removed?: ReadonlySet<number>;
  /** Nodes that run, in this order, right before the step `before`. */
  readonly inserted?: { readonly before: number; readonly nodes: readonly number[] };
}

export interface EditedFigures {
  readonly liveBytes: number;
  /** Node of a step at which so many bytes are alive; -1 for an empty sequence. */
  readonly peakNode: number;
  readonly cost: number;
}

export interface EditableSequence {
  readonly index: PlanIndex;
  readonly sequence: ArrayLike<number>;
  readonly simulation: Simulation;
  /** Step with the most live bytes of those from `from` to `to`, both included; -1 where there is none. */
  readonly fullestStep: (from: number, to: number) => number;
  /** The value whose storage each value lies in. */
  readonly roots: Int32Array;
  /** Lives of a storage, by its root: a result, not a resident. */
  readonly livesOf: (root: number) => Lives;
  /** The touches of a storage. */
  readonly touchesOf: (root: number) => Touches;
  readonly evaluate: (edit: SequenceEdit) => EditedFigures;
}

/** Lives, and what the hand-overs between them came to. */
interface Placed {
  readonly lives: Lives;
  /** Length of the storage each lies in: its own, or that of the copy whose place it took. */
  readonly sizes: Float64Array;
  /** 1 where the storage is handed over at the last step. */
  readonly handedOver: Uint8Array;
}

const noSteps: ReadonlySet<number> = new Set();

/** Throws `SequenceError` where the sequence reads what has not been made. O(n log n) for n reads and results. */
export function editableSequence(index: PlanIndex, sequence: ArrayLike<number>): EditableSequence {
  const { readStart, reads, resultStart, overStart, over, partStart, parts, bytes, inputCount, cost, scratch } = index;
  const simulation = simulate(index, sequence);
  const { liveAt } = simulation;
  const steps = sequence.length;
  const roots = storageRoots(index);
  const table = rangeMax(liveAt);
  const touches = touchesByRoot(index, sequence, roots);

  /** Bytes that the lives of one storage take alone; hand-overs are decided after it. */
  const place = (root: number, lives: Lives): Placed => ({
    lives,
    sizes: new Float64Array(lives.births.length).fill(bytes[root]!),
    handedOver: new Uint8Array(lives.births.length),
  });
  const base: (Placed | undefined)[] = [];
  for (let v = inputCount; v < index.valueCount; v++)
    if (roots[v] === v) base[v] = place(v, traceLives(index, roots, v, touches[v]!, steps));

  /**
   * Which results of a step take over which storage, as in `simulate`. `placedOf` gives what may be changed. Returns the
   * results whose storage has another length than before.
   */
  const handOver = (step: number, node: number, placedOf: (root: number) => Placed): number[] => {
    const donors: { readonly value: number; readonly placed: Placed; readonly life: number }[] = [];
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++) {
      const root = roots[reads[k]!]!;
      if (root < inputCount) continue;
      const placed = placedOf(root);
      const life = lifeReadAt(placed.lives, root, reads[k]!, step);
      if (placed.lives.lasts[life] !== step) continue;
      placed.handedOver[life] = 0;
      donors.push({ value: reads[k]!, placed, life });
    }
    const changed: number[] = [];
    for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++) {
      if (roots[v] !== v) continue;
      const own = placedOf(v);
      const life = own.lives.births.indexOf(step);
      let size = bytes[v]!;
      for (let k = overStart[v]!; k < overStart[v + 1]!; k++) {
        const donor = donors.find(({ value }) => value === over[k]);
        if (donor === undefined || donor.placed.handedOver[donor.life] === 1) continue;
        if (donor.placed.sizes[donor.life]! < bytes[v]!) continue;
        donor.placed.handedOver[donor.life] = 1;
        size = donor.placed.sizes[donor.life]!;
        break;
      }
      let room = size;
      for (let k = partStart[v]!; k < partStart[v + 1]!; k++) {
        const part = donors.find(({ value }) => value === parts[k]);
        if (part === undefined || part.placed.handedOver[part.life] === 1) continue;
        const length = part.placed.sizes[part.life]!;
        if (length !== index.partBytes[k] || length > room) continue;
        part.placed.handedOver[part.life] = 1;
        room -= length;
      }
      if (own.sizes[life] === size) continue;
      own.sizes[life] = size;
      changed.push(v);
    }
    return changed;
  };
  for (let s = 0; s < steps; s++) {
    const node = sequence[s]!;
    const [from, to] = [resultStart[node]!, resultStart[node + 1]!];
    if (overStart[from] !== overStart[to] || partStart[from] !== partStart[to])
      handOver(s, node, (root) => base[root]!);
  }

  /** Bytes alive from one step to the next: `across[s]` before step s. */
  const across = new Float64Array(steps + 2);
  for (const placed of base) {
    if (placed === undefined) continue;
    const { lives, sizes } = placed;
    lives.births.forEach((birth, i) => {
      across[birth + 1] = across[birth + 1]! + sizes[i]!;
      across[lives.lasts[i]! + 1] = across[lives.lasts[i]! + 1]! - sizes[i]!;
    });
  }
  for (let s = 1; s <= steps; s++) across[s] = across[s]! + across[s - 1]!;

  const evaluate = ({ removed = noSteps, inserted }: SequenceEdit): EditedFigures => {
    const before = inserted?.before ?? steps;
    const extra = inserted?.nodes ?? [];
    const keyOf = (i: number): number => before - 1 + (i + 1) / (extra.length + 1);
    const nodeAt = (step: number): number =>
      Number.isInteger(step) ? sequence[step]! : extra[Math.round((step - before + 1) * (extra.length + 1)) - 1]!;

    const changed = new Map<number, Placed>();
    const dirty = createStepQueue((step) => step < steps && !removed.has(step));
    const touchedRoots = new Set<number>();
    for (const node of [...Array.from(removed, (step) => sequence[step]!), ...extra]) {
      for (let k = readStart[node]!; k < readStart[node + 1]!; k++) touchedRoots.add(roots[reads[k]!]!);
      for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++) touchedRoots.add(roots[v]!);
    }
    for (const root of touchedRoots) {
      if (root < inputCount) continue;
      const now = place(root, traceLives(index, roots, root, editTouches(root), steps));
      changed.set(root, now);
      compareLives(base[root]!, now, dirty.add);
    }

    /** The touches of a storage in the edited sequence. */
    function editTouches(root: number): Touches {
      const own = touches[root]!;
      const editedSteps: number[] = [];
      for (let i = 0; i < own.steps.length; i++) if (!removed.has(own.steps[i]!)) editedSteps.push(own.steps[i]!);
      const at = editedSteps.findIndex((step) => step >= before);
      const added = extra.flatMap((node, i) => (touchesRoot(index, roots, node, root) ? [keyOf(i)] : []));
      editedSteps.splice(at < 0 ? editedSteps.length : at, 0, ...added);
      return { steps: editedSteps, nodes: editedSteps.map(nodeAt) };
    }

    const placedOf = (root: number): Placed => {
      const found = changed.get(root);
      if (found !== undefined) return found;
      const { lives, sizes, handedOver } = base[root]!;
      const copy = { lives, sizes: sizes.slice(), handedOver: handedOver.slice() };
      changed.set(root, copy);
      return copy;
    };
    for (let step = dirty.take(); step !== undefined; step = dirty.take())
      for (const v of handOver(step, nodeAt(step), placedOf)) {
        const { lives } = changed.get(v)!;
        dirty.add(lives.lasts[lives.births.indexOf(step)]!);
      }

    // Ranges of steps and the bytes that come to each, or go.
    const ranges: LiveRange[] = [];
    for (const [root, now] of changed) {
      addRanges(base[root]!, -1, ranges);
      addRanges(now, 1, ranges);
    }
    let total = simulation.cost;
    for (const step of removed) total -= cost[sequence[step]!]!;
    let liveBytes = 0;
    let peakNode = -1;
    const offer = (live: number, node: number): void => {
      if (live <= liveBytes && peakNode >= 0) return;
      liveBytes = live;
      peakNode = node;
    };
    for (const { from, to, by } of pieces(ranges, removed, steps)) {
      const step = table.argMax(from, to);
      offer(liveAt[step]! + by, sequence[step]!);
    }
    extra.forEach((node, i) => {
      const key = keyOf(i);
      total += cost[node]!;
      let live = across[before]! + scratch[node]!;
      for (const range of ranges) if (covers(range, key)) live += range.by;
      offer(live, node);
    });
    return { liveBytes, peakNode, cost: total };
  };

  return {
    index,
    sequence,
    simulation,
    fullestStep: table.argMax,
    roots,
    livesOf: (root) => base[root]!.lives,
    touchesOf: (root) => touches[root]!,
    evaluate,
  };
}

function touchesRoot(index: PlanIndex, roots: Int32Array, node: number, root: number): boolean {
  for (let k = index.readStart[node]!; k < index.readStart[node + 1]!; k++)
    if (roots[index.reads[k]!] === root) return true;
  for (let v = index.resultStart[node]!; v < index.resultStart[node + 1]!; v++) if (roots[v] === root) return true;
  return false;
}

/** By root: the steps that read or make a value in its storage. */
function touchesByRoot(
  index: PlanIndex,
  sequence: ArrayLike<number>,
  roots: Int32Array,
): readonly (Touches | undefined)[] {
  const lists: ({ readonly steps: number[]; readonly nodes: number[] } | undefined)[] = [];
  for (let v = index.inputCount; v < index.valueCount; v++) if (roots[v] === v) lists[v] = { steps: [], nodes: [] };
  for (let s = 0; s < sequence.length; s++) {
    const node = sequence[s]!;
    const touch = (value: number): void => {
      const list = lists[roots[value]!];
      if (list === undefined || list.steps.at(-1) === s) return;
      list.steps.push(s);
      list.nodes.push(node);
    };
    for (let k = index.readStart[node]!; k < index.readStart[node + 1]!; k++) touch(index.reads[k]!);
    for (let v = index.resultStart[node]!; v < index.resultStart[node + 1]!; v++) touch(v);
  }
  return lists;
}

/**
 * Lives that begin and end as before keep their storage for now; the steps where others begin and end, or did, are
 * reported.
 */
function compareLives(before: Placed, now: Placed, report: (step: number) => void): void {
  const known = new Map(before.lives.births.map((birth, i) => [birth, i]));
  now.lives.births.forEach((birth, i) => {
    const old = known.get(birth);
    if (old !== undefined) {
      now.sizes[i] = before.sizes[old]!;
      if (before.lives.lasts[old] === now.lives.lasts[i]) {
        now.handedOver[i] = before.handedOver[old]!;
        known.delete(birth);
        return;
      }
    }
    report(birth);
    report(now.lives.lasts[i]!);
  });
  for (const [birth, i] of known) {
    report(birth);
    report(before.lives.lasts[i]!);
  }
}

/** Steps to look at again, the earliest first, each once. */
function createStepQueue(exists: (step: number) => boolean): {
  readonly add: (step: number) => void;
  readonly take: () => number | undefined;
} {
  const seen = new Set<number>();
  /** In falling order. */
  const waiting: number[] = [];
  return {
    add: (step) => {
      if (seen.has(step) || !exists(step)) return;
      seen.add(step);
      let at = waiting.length;
      while (at > 0 && waiting[at - 1]! < step) at--;
      waiting.splice(at, 0, step);
    },
    take: () => waiting.pop(),
  };
}

function addRanges({ lives, sizes, handedOver }: Placed, sign: number, ranges: LiveRange[]): void {
  lives.births.forEach((birth, i) => {
    ranges.push({ birth, last: lives.lasts[i]!, handedOver: handedOver[i] === 1, by: sign * sizes[i]! });
  });
}
