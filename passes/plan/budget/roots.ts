/**
 * What every part of the budget planner needs to know of a graph: which storage a value lies in, which storages a plan
 * may drop, and a first order of the nodes with every update as early as it may be.
 */
import { backwardRegion, forwardRegion, type PlanIndex, updateRegion } from '../../../src/analysis/plan-graph.ts';

export interface Roots {
  /** The value that owns the storage of a value; -1 where it lies in a resident (it then costs no bytes). */
  readonly root: Int32Array;
  /** The resident that a value is a view of (or is); -1 for values in the arena. */
  readonly resident: Int32Array;
  /** 1 for roots that must live from their making to their last read: they cannot be made again. */
  readonly pinned: Uint8Array;
  /** Roots a plan may drop and recompute. */
  readonly movable: Int32Array;
  /** By root: views of it that later nodes make. They run once, so their copy lives from there to their last read. */
  readonly laterViews: readonly (readonly number[] | undefined)[];
}

export function findRoots(index: PlanIndex): Roots {
  const { valueCount, inputCount, view, producer, region, recomputable, isOutput } = index;
  const root = new Int32Array(valueCount).fill(-1);
  const resident = new Int32Array(valueCount).fill(-1);
  for (let v = 0; v < inputCount; v++) resident[v] = v;
  const pinned = new Uint8Array(valueCount);
  const laterViews: (number[] | undefined)[] = new Array(valueCount).fill(undefined);
  for (let v = inputCount; v < valueCount; v++) {
    const viewed = view[v]!;
    root[v] = viewed < 0 ? v : viewed < inputCount ? -1 : root[viewed]!;
    if (viewed >= 0) resident[v] = resident[viewed]!;
    const r = root[v]!;
    if (r < 0) continue;
    const n = producer[v]!;
    // A view that cannot be made again holds on to the copy it was made of; an output's first copy lives to the end.
    if (v !== r && region[n] !== forwardRegion && isOutput[v] === 0) (laterViews[r] ??= []).push(v);
    else if (region[n] !== forwardRegion || recomputable[n] === 0 || isOutput[v] === 1) pinned[r] = 1;
  }
  const movable: number[] = [];
  for (let v = inputCount; v < valueCount; v++) if (root[v] === v && pinned[v] === 0) movable.push(v);
  return { root, resident, pinned, movable: Int32Array.from(movable), laterViews };
}

/** For each node the other updates that write over what it reads: none of its runs may come after them. */
export function findWriters(index: PlanIndex, roots: Roots): readonly (readonly number[] | undefined)[] {
  const { nodeCount, inputCount, valueCount, writeStart, writes, readStart, reads, view, producer } = index;
  const writerOf = new Int32Array(inputCount).fill(-1);
  let any = false;
  for (let n = 0; n < nodeCount; n++)
    for (let w = writeStart[n]!; w < writeStart[n + 1]!; w++) {
      writerOf[writes[w]!] = n;
      any = true;
    }
  const found: (number[] | undefined)[] = new Array(nodeCount).fill(undefined);
  if (!any) return found;
  // What an update has written is no longer what it wrote over: its readers come after it.
  const old = roots.resident.slice();
  for (let v = inputCount; v < valueCount; v++) {
    const n = producer[v]!;
    const isNew = writeStart[n] !== writeStart[n + 1] || (view[v]! >= 0 && old[view[v]!] === -1);
    if (isNew) old[v] = -1;
  }
  for (let n = 0; n < nodeCount; n++) {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const resident = old[reads[k]!]!;
      const writer = resident < 0 ? -1 : writerOf[resident]!;
      if (writer >= 0 && writer !== n && found[n]?.includes(writer) !== true) (found[n] ??= []).push(writer);
    }
  }
  return found;
}

/**
 * `main` (every node that is no update once, in a legal order) with each update at the first moment at which its operands
 * are made and every other reader of what it writes has run.
 */
export function withUpdates(
  index: PlanIndex,
  writers: readonly (readonly number[] | undefined)[],
  main: ArrayLike<number>,
): Int32Array {
  const { nodeCount, readStart, reads, producer, region } = index;
  const order = new Int32Array(nodeCount);
  let count = 0;
  const waits = new Int32Array(nodeCount);
  const after: (number[] | undefined)[] = new Array(nodeCount).fill(undefined);
  const waitFor = (update: number, node: number): void => {
    waits[update] = waits[update]! + 1;
    (after[node] ??= []).push(update);
  };
  for (let n = 0; n < nodeCount; n++) {
    for (const writer of writers[n] ?? []) waitFor(writer, n);
    if (region[n] !== updateRegion) continue;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made >= 0) waitFor(n, made);
    }
  }
  const run = (node: number): void => {
    const queue = [node];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      order[count++] = at;
      const waiting = after[at];
      if (waiting === undefined) continue;
      for (let k = waiting.length - 1; k >= 0; k--) {
        const update = waiting[k]!;
        waits[update] = waits[update]! - 1;
        if (waits[update] === 0) queue.push(update);
      }
    }
  };
  // Listed before the first runs: those that it releases run with it.
  const ready: number[] = [];
  for (let n = 0; n < nodeCount; n++) if (region[n] === updateRegion && waits[n] === 0) ready.push(n);
  for (const n of ready) run(n);
  for (let k = 0; k < main.length; k++) run(main[k]!);
  return order;
}

/** The nodes once each: forward and backward in source order, updates as early as they may be. */
export function sourceOrder(index: PlanIndex, writers: readonly (readonly number[] | undefined)[]): Int32Array {
  const main: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) if (index.region[n] !== updateRegion) main.push(n);
  return withUpdates(index, writers, main);
}

/**
 * Source order, but backward nodes that nothing but updates waits for (weight gradients) run as soon as they can, before
 * the gradient goes on: what they read dies before the next gradient is made.
 */
export function hoistedOrder(index: PlanIndex, writers: readonly (readonly number[] | undefined)[]): Int32Array {
  const { nodeCount, region, readStart, reads, producer, resultStart, readerStart, readers, isOutput } = index;
  const leaf = new Uint8Array(nodeCount);
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] !== backwardRegion) continue;
    let only = true;
    let waiting = false;
    for (let v = resultStart[n]!; v < resultStart[n + 1]! && only; v++) {
      only = isOutput[v] === 0;
      for (let k = readerStart[v]!; k < readerStart[v + 1]! && only; k++) only = region[readers[k]!] === updateRegion;
    }
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) waiting ||= producer[reads[k]!]! >= 0;
    leaf[n] = only && waiting ? 1 : 0;
  }
  const waits = new Int32Array(nodeCount);
  const after: (number[] | undefined)[] = new Array(nodeCount).fill(undefined);
  for (let n = 0; n < nodeCount; n++) {
    if (leaf[n] === 0) continue;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const made = producer[reads[k]!]!;
      if (made < 0) continue;
      waits[n] = waits[n]! + 1;
      (after[made] ??= []).push(n);
    }
  }
  const main: number[] = [];
  const ready: number[] = [];
  const release = (n: number): void => {
    for (const next of after[n] ?? []) {
      waits[next] = waits[next]! - 1;
      if (waits[next] === 0) ready.push(next);
    }
  };
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] === updateRegion || leaf[n] === 1) continue;
    if (region[n] === backwardRegion)
      for (let k = 0; k < ready.length; k++) {
        main.push(ready[k]!);
        release(ready[k]!);
      }
    if (region[n] === backwardRegion) ready.length = 0;
    main.push(n);
    release(n);
  }
  for (let k = 0; k < ready.length; k++) {
    main.push(ready[k]!);
    release(ready[k]!);
  }
  return withUpdates(index, writers, main);
}

/**
 * Bytes that a result adds to those of its node's operands, at least: none where it may take an operand's place, and where
 * operands may be made in it, what these do not fill.
 */
export function addedBytes(index: PlanIndex, { root }: Roots, v: number): number {
  const { bytes, overStart, partStart, parts } = index;
  if (root[v] !== v || overStart[v] !== overStart[v + 1]) return 0;
  let filled = 0;
  for (let k = partStart[v]!; k < partStart[v + 1]!; k++) if (root[parts[k]!]! >= 0) filled += bytes[root[parts[k]!]!]!;
  return Math.max(0, bytes[v]! - filled);
}
