/**
 * Moves each update node to the earliest step at which it may run, so that a gradient dies as soon as its parameter is
 * updated (DESIGN section 7). An update runs after its operands are made and after the last read, by clones too, of
 * every resident it writes over; reads through views count, and so do reads by earlier updates.
 *
 * An update node that reads only residents and writes none (a decayed weight, say) would live from the start of the step
 * if it ran as early as it may: it floats, and runs right before its first reader.
 */
import { type PlanIndex, updateRegion } from '../../src/analysis/plan-graph.ts';
import { findStorages } from './storages.ts';

/** The other nodes keep their order. Updates that may run at the same step keep theirs. O(nodes + reads of the sequence). */
export function placeUpdates(index: PlanIndex, sequence: Int32Array): Int32Array {
  return updatePlacer(index)(sequence);
}

/** The same for many sequences of one graph: what does not depend on the sequence is found once. */
export function updatePlacer(index: PlanIndex): (sequence: Int32Array) => Int32Array {
  const { readStart, reads, producer, writes, writeStart, inputCount, region, nodeCount } = index;
  const { root } = findStorages(index);
  if (!region.includes(updateRegion)) return (sequence) => sequence;
  const copies = copiesReadByUpdates(index, root);
  /** By resident: the last slot at which it is read or written. */
  const lastTouch = new Int32Array(inputCount);
  /** A node of slot s runs after step s of the other nodes. */
  const slot = new Int32Array(nodeCount);
  const floats = new Uint8Array(nodeCount);
  const rank = new Int32Array(nodeCount);
  const done = new Uint8Array(nodeCount);

  return (sequence) => {
    const updates = sequence.filter((n) => region[n] === updateRegion);
    if (updates.length === 0) return sequence;
    const fixed = sequence.filter((n) => region[n] !== updateRegion);
    copies.follow(fixed);
    lastTouch.fill(-1);
    for (let s = 0; s < fixed.length; s++)
      for (let k = readStart[fixed[s]!]!; k < readStart[fixed[s]! + 1]!; k++) {
        const owner = root[reads[k]!]!;
        if (owner < inputCount) lastTouch[owner] = s;
      }
    slot.fill(-1);
    floats.fill(0);
    const floatingReaders = new Map<number, number[]>();
    let anyFloats = false;
    for (const n of updates) {
      let earliest = -1;
      let floating = writeStart[n] === writeStart[n + 1];
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const maker = producer[reads[k]!]!;
        if (maker < 0) continue;
        if (region[maker] === updateRegion) {
          earliest = Math.max(earliest, slot[maker]!);
          floating &&= floats[maker] === 1 || root[reads[k]!]! < inputCount;
        } else {
          earliest = Math.max(earliest, copies.made(reads[k]!));
          floating &&= root[reads[k]!]! < inputCount;
        }
      }
      for (let k = writeStart[n]!; k < writeStart[n + 1]!; k++) earliest = Math.max(earliest, lastTouch[writes[k]!]!);
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++)
        earliest = Math.max(earliest, copies.firstAlive(reads[k]!, earliest));
      slot[n] = earliest;
      floats[n] = floating ? 1 : 0;
      anyFloats ||= floating;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const owner = root[reads[k]!]!;
        if (owner >= inputCount) continue;
        lastTouch[owner] = Math.max(lastTouch[owner]!, earliest);
        if (!floating) continue;
        const readers = floatingReaders.get(owner);
        if (readers === undefined) floatingReaders.set(owner, [n]);
        else readers.push(n);
      }
      for (let k = writeStart[n]!; k < writeStart[n + 1]!; k++) lastTouch[writes[k]!] = earliest;
    }

    // Updates by slot, those of one slot in their order: a list for each slot, made from the end.
    const firstOf = new Int32Array(fixed.length + 1).fill(-1);
    const nextOf = new Int32Array(updates.length);
    for (let position = updates.length - 1; position >= 0; position--) {
      const n = updates[position]!;
      rank[n] = position;
      if (floats[n] === 1) continue;
      nextOf[position] = firstOf[slot[n]! + 1]!;
      firstOf[slot[n]! + 1] = position;
    }
    const result = new Int32Array(sequence.length);
    done.fill(0);
    let length = 0;
    /** Runs a node after the floating nodes that it waits for. */
    const run = (node: number): void => {
      const stack = [node];
      while (stack.length > 0) {
        const n = stack[stack.length - 1]!;
        const before = stack.length;
        if (done[n] === 0 && anyFloats) {
          for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
            const maker = producer[reads[k]!]!;
            if (maker >= 0 && floats[maker] === 1 && done[maker] === 0) stack.push(maker);
          }
          for (let k = writeStart[n]!; k < writeStart[n + 1]!; k++)
            for (const reader of floatingReaders.get(writes[k]!) ?? [])
              if (done[reader] === 0 && rank[reader]! < rank[n]!) stack.push(reader);
        }
        if (stack.length > before) continue;
        stack.pop();
        if (done[n] === 1) continue;
        done[n] = 1;
        result[length++] = n;
      }
    };
    const runSlot = (s: number): void => {
      for (let position = firstOf[s + 1]!; position >= 0; position = nextOf[position]!) run(updates[position]!);
    };
    runSlot(-1);
    for (let s = 0; s < fixed.length; s++) {
      result[length++] = fixed[s]!;
      runSlot(s);
    }
    for (const n of updates) if (done[n] === 0) run(n);
    return result;
  };
}

interface Copies {
  /** Finds the copies in a sequence of nodes that are no updates. */
  readonly follow: (fixed: Int32Array) => void;
  /** Step at which the first copy of a value is made; -1 for inputs and for values that updates make. */
  readonly made: (value: number) => number;
  /** First step from `step` on after which a reader finds a copy whose life it does not prolong. */
  readonly firstAlive: (value: number, step: number) => number;
}

/**
 * The copies of what updates read. A recomputed value has several: an update must not prolong an early one to where a
 * later one would do. A copy and the views of it share a life.
 */
function copiesReadByUpdates(index: PlanIndex, root: Int32Array): Copies {
  const { readStart, reads, resultStart, inputCount, valueCount, nodeCount, region } = index;
  const watched = new Uint8Array(valueCount);
  const hasLives = new Uint8Array(valueCount);
  for (let n = 0; n < nodeCount; n++) {
    if (region[n] !== updateRegion) continue;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      if (reads[k]! < inputCount) continue;
      watched[reads[k]!] = 1;
      hasLives[root[reads[k]!]!] = 1;
    }
  }
  /** By root: its life at the moment of the walk. */
  const life = new Int32Array(valueCount);
  const lastUse: number[] = [];
  /** Copies of a value, the last first: a list through `before`. */
  const latest = new Int32Array(valueCount);
  const first = new Int32Array(valueCount);
  const start: number[] = [];
  const lifeOf: number[] = [];
  const before: number[] = [];
  return {
    follow: (fixed) => {
      latest.fill(-1);
      lastUse.length = 0;
      start.length = 0;
      lifeOf.length = 0;
      before.length = 0;
      for (let v = 0; v < valueCount; v++) if (hasLives[v] === 1) life[v] = lastUse.push(-1) - 1;
      for (let s = 0; s < fixed.length; s++) {
        const n = fixed[s]!;
        for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
          const owner = root[reads[k]!]!;
          if (hasLives[owner] === 1) lastUse[life[owner]!] = s;
        }
        for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
          const owner = root[v]!;
          if (hasLives[owner] === 0) continue;
          if (owner === v) life[owner] = lastUse.push(s) - 1;
          lastUse[life[owner]!] = s;
          if (watched[v] === 0) continue;
          const copy = start.push(s) - 1;
          lifeOf.push(life[owner]!);
          before.push(latest[v]!);
          if (latest[v]! < 0) first[v] = copy;
          latest[v] = copy;
        }
      }
    },
    made: (value) => (latest[value]! < 0 ? -1 : start[first[value]!]!),
    firstAlive: (value, step) => {
      const last = latest[value]!;
      if (last < 0 || before[last]! < 0 || root[value]! < inputCount) return step;
      let copy = last;
      while (start[copy]! > step && before[copy]! >= 0) copy = before[copy]!;
      return lastUse[lifeOf[copy]!]! >= step ? step : Math.max(step, start[last]!);
    },
  };
}
