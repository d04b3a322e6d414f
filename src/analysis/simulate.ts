/**
 * The exact simulator: what a sequence of nodes costs and how many bytes it keeps alive (DESIGN idea 2, section 7).
 *
 * A read takes the most recent copy. A copy and the views of it share a storage, which dies after the last read of any
 * of them; a result nobody reads lives for the step that makes it; an output's first copy lives to the end. A result
 * with `over` candidates takes the first one's storage whose last read this is. A result made of `parts` takes over the
 * bytes of every part whose last read this is, as far as they fit: those parts have been made where they lie in it.
 */
import type { PlanIndex } from './plan-graph.ts';

/** A block of arena bytes and the steps during which it is alive: `start <= step < end`. */
export interface Storage {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export interface Simulation {
  /** Largest sum of live bytes and scratch at a step. */
  readonly liveBytes: number;
  /** First step at which it is reached; -1 for an empty sequence. */
  readonly peakStep: number;
  /** Sum of the costs of all steps. */
  readonly cost: number;
  /** Live bytes and scratch at each step. */
  readonly liveAt: Float64Array;
  readonly storages: readonly Storage[];
  /** By storage: the storage that it became a part of when it ended; -1 for most. */
  readonly partOf: Int32Array;
  /** Where it begins in that storage, in bytes. */
  readonly partOffset: Float64Array;
  /** Copies in order of creation: step s made copies `copyStart[s] .. copyStart[s + 1]`, one a result. */
  readonly copyStart: Int32Array;
  /** Storage of each copy; -1 where it lies in a resident. */
  readonly copyStorage: Int32Array;
  /** Copy that each read takes, in the order of `index.reads` within each step; -1 for inputs. */
  readonly readCopyStart: Int32Array;
  readonly readCopies: Int32Array;
}

/** Thrown for a sequence that reads what has not been made. */
export class SequenceError extends Error {
  /** Position in the sequence. */
  readonly step: number;
  constructor(step: number, message: string) {
    super(message);
    this.name = 'SequenceError';
    this.step = step;
  }
}

/** `sequence` holds node numbers. Throws `SequenceError`. O(reads + results of the sequence). */
export function simulate(index: PlanIndex, sequence: ArrayLike<number>): Simulation {
  const steps = sequence.length;
  const { resultStart, readStart, reads, view, inputCount, overStart, over, bytes, partStart, parts, partBytes } =
    index;
  const copyStart = new Int32Array(steps + 1);
  const readCopyStart = new Int32Array(steps + 1);
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    copyStart[s + 1] = copyStart[s]! + resultStart[n + 1]! - resultStart[n]!;
    readCopyStart[s + 1] = readCopyStart[s]! + readStart[n + 1]! - readStart[n]!;
  }
  const copies = copyStart[steps]!;
  const readCopies = new Int32Array(readCopyStart[steps]!).fill(-1);
  // Pass 1: which copy each read takes, and when each group (a copy with its views) is used last.
  const current = new Int32Array(index.valueCount).fill(-1);
  const bound = new Uint8Array(index.valueCount);
  const group = new Int32Array(copies).fill(-1);
  const lastUse = new Int32Array(copies);
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    for (let k = readStart[n]!, r = readCopyStart[s]!; k < readStart[n + 1]!; k++, r++) {
      const value = reads[k]!;
      if (value < inputCount) continue;
      const copy = current[value]!;
      if (copy < 0)
        throw new SequenceError(
          s,
          `step ${s} (${index.graph.nodes[n]!.name}) reads ${valueName(index, value)} before it is made`,
        );
      readCopies[r] = copy;
      const owner = group[copy]!;
      if (owner >= 0 && lastUse[owner]! < s) lastUse[owner] = s;
    }
    for (let v = resultStart[n]!, copy = copyStart[s]!; v < resultStart[n + 1]!; v++, copy++) {
      // A view of a resident (group -1) costs nothing however long it lives.
      let owner = copy;
      if (view[v]! >= 0) {
        const viewed = current[view[v]!]!;
        owner = view[v]! < inputCount || viewed < 0 ? -1 : group[viewed]!;
      }
      group[copy] = owner;
      current[v] = copy;
      if (owner < 0) continue;
      if (lastUse[owner]! < s) lastUse[owner] = s;
      if (index.isOutput[v] === 1 && bound[v] === 0) lastUse[owner] = steps;
      bound[v] = 1;
    }
  }
  // Pass 2: storages, with hand-overs, and the bytes alive at each step.
  const storageOf = new Int32Array(copies).fill(-1);
  const start: number[] = [];
  const end: number[] = [];
  const size: number[] = [];
  const partOf: number[] = [];
  const partOffset: number[] = [];
  const takenAt = new Int32Array(copies).fill(-1);
  /** The storage of `least` to `most` bytes of a value that dies at step s, taken over by a result of it; -1 if none. */
  const take = (s: number, n: number, donor: number, least: number, most: number): number => {
    if (donor < inputCount) return -1;
    const donorCopy = copyReadAt(index, readCopies, readCopyStart, s, n, donor);
    const donorGroup = donorCopy < 0 ? -1 : group[donorCopy]!;
    if (donorGroup < 0 || lastUse[donorGroup] !== s || takenAt[donorGroup]! >= 0) return -1;
    const candidate = storageOf[donorGroup]!;
    if (candidate < 0 || size[candidate]! < least || size[candidate]! > most) return -1;
    takenAt[donorGroup] = s;
    return candidate;
  };
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    for (let v = resultStart[n]!, copy = copyStart[s]!; v < resultStart[n + 1]!; v++, copy++) {
      const owner = group[copy]!;
      if (owner !== copy) {
        storageOf[copy] = owner < 0 ? -1 : storageOf[owner]!;
        continue;
      }
      const death = Math.min(lastUse[copy]! + 1, steps);
      let storage = -1;
      for (let k = overStart[v]!; k < overStart[v + 1]! && storage < 0; k++)
        storage = take(s, n, over[k]!, bytes[v]!, Number.POSITIVE_INFINITY);
      if (storage < 0) {
        storage = start.length;
        start.push(s);
        end.push(death);
        size.push(bytes[v]!);
        partOf.push(-1);
        partOffset.push(0);
        let room = bytes[v]!;
        for (let k = partStart[v]!; k < partStart[v + 1]!; k++) {
          const own = partBytes[k]!;
          const part = own > room ? -1 : take(s, n, parts[k]!, own, own);
          if (part < 0) continue;
          room -= size[part]!;
          end[part] = s;
          partOf[part] = storage;
          partOffset[part] = index.partOffset[k]!;
        }
      } else end[storage] = Math.max(end[storage]!, death);
      storageOf[copy] = storage;
    }
  }
  const delta = new Float64Array(steps + 1);
  for (let k = 0; k < start.length; k++) {
    delta[start[k]!] = delta[start[k]!]! + size[k]!;
    delta[end[k]!] = delta[end[k]!]! - size[k]!;
  }
  const liveAt = new Float64Array(steps);
  let live = 0;
  let liveBytes = 0;
  let peakStep = -1;
  let cost = 0;
  for (let s = 0; s < steps; s++) {
    const n = sequence[s]!;
    live += delta[s]!;
    liveAt[s] = live + index.scratch[n]!;
    cost += index.cost[n]!;
    if (liveAt[s]! > liveBytes || peakStep < 0) {
      liveBytes = liveAt[s]!;
      peakStep = s;
    }
  }
  let storages: readonly Storage[] | undefined;
  return {
    liveBytes,
    peakStep,
    cost,
    liveAt,
    // Made when asked for: searches simulate tens of thousands of sequences and look at `liveAt` alone.
    get storages() {
      return (storages ??= start.map((from, k) => ({ start: from, end: end[k]!, bytes: size[k]! })));
    },
    partOf: Int32Array.from(partOf),
    partOffset: Float64Array.from(partOffset),
    copyStart,
    copyStorage: storageOf,
    readCopyStart,
    readCopies,
  };
}

/** The copy of `value` that step s (node n) reads; -1 if it reads none. */
function copyReadAt(
  index: PlanIndex,
  readCopies: Int32Array,
  readCopyStart: Int32Array,
  s: number,
  n: number,
  value: number,
): number {
  for (let k = index.readStart[n]!, r = readCopyStart[s]!; k < index.readStart[n + 1]!; k++, r++)
    if (index.reads[k] === value) return readCopies[r]!;
  return -1;
}

/** Name of a value by its number. */
export function valueName(index: PlanIndex, value: number): string {
  if (value < index.inputCount) return index.graph.inputs[value]!.name;
  const node = index.producer[value]!;
  return index.graph.nodes[node]!.outputs[value - index.resultStart[node]!]!.name;
}
