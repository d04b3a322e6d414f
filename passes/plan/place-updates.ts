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

/** The other nodes keep their order. Updates that may run at the same step keep theirs. O(n log n). */
export function placeUpdates(index: PlanIndex, sequence: Int32Array): Int32Array {
  const updates = sequence.filter((n) => index.region[n] === updateRegion);
  if (updates.length === 0) return sequence;
  const fixed = sequence.filter((n) => index.region[n] !== updateRegion);
  const { readStart, reads, producer, writes, writeStart, inputCount, region } = index;
  const { root } = findStorages(index);
  const copies = copiesReadByUpdates(index, root, fixed, updates);
  /** By resident: the last slot at which it is read or written. */
  const lastTouch = new Int32Array(inputCount).fill(-1);
  fixed.forEach((n, s) => {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const owner = root[reads[k]!]!;
      if (owner < inputCount) lastTouch[owner] = s;
    }
  });

  /** A node of slot s runs after step s of `fixed`. */
  const slot = new Int32Array(index.nodeCount).fill(-1);
  const floats = new Uint8Array(index.nodeCount);
  const floatingReaders = new Map<number, number[]>();
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

  const rank = new Int32Array(index.nodeCount);
  updates.forEach((n, position) => {
    rank[n] = position;
  });
  const settled = updates.filter((n) => floats[n] === 0).sort((a, b) => slot[a]! - slot[b]! || rank[a]! - rank[b]!);
  const result = new Int32Array(sequence.length);
  const done = new Uint8Array(index.nodeCount);
  let length = 0;
  /** Runs a node after the floating nodes that it waits for. */
  const run = (node: number): void => {
    const stack = [node];
    while (stack.length > 0) {
      const n = stack[stack.length - 1]!;
      const before = stack.length;
      if (done[n] === 0) {
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
  let next = 0;
  const runUntil = (s: number): void => {
    for (; next < settled.length && slot[settled[next]!]! <= s; next++) run(settled[next]!);
  };
  runUntil(-1);
  fixed.forEach((n, s) => {
    result[length++] = n;
    runUntil(s);
  });
  for (const n of updates) if (done[n] === 0) run(n);
  return result;
}

interface Copies {
  /** Step at which the first copy of a value is made; -1 for inputs and for values that updates make. */
  readonly made: (value: number) => number;
  /** First step from `step` on after which a reader finds a copy whose life it does not prolong. */
  readonly firstAlive: (value: number, step: number) => number;
}

interface Copy {
  readonly start: number;
  /** Shared by a copy and the views of it. */
  readonly life: { lastUse: number };
}

/**
 * The copies of what updates read. A recomputed value has several: an update must not prolong an early one to where a
 * later one would do.
 */
function copiesReadByUpdates(index: PlanIndex, root: Int32Array, fixed: Int32Array, updates: Int32Array): Copies {
  const { readStart, reads, resultStart, inputCount } = index;
  const watched = new Map<number, Copy[]>();
  const lives = new Map<number, { lastUse: number }>();
  for (const n of updates)
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      if (reads[k]! < inputCount) continue;
      watched.set(reads[k]!, []);
      lives.set(root[reads[k]!]!, { lastUse: -1 });
    }
  fixed.forEach((n, s) => {
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const life = lives.get(root[reads[k]!]!);
      if (life !== undefined) life.lastUse = s;
    }
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      const owner = root[v]!;
      if (!lives.has(owner)) continue;
      if (owner === v) lives.set(owner, { lastUse: s });
      const life = lives.get(owner)!;
      life.lastUse = s;
      watched.get(v)?.push({ start: s, life });
    }
  });
  return {
    made: (value) => watched.get(value)?.[0]?.start ?? -1,
    firstAlive: (value, step) => {
      const copies = watched.get(value);
      if (copies === undefined || copies.length < 2 || root[value]! < inputCount) return step;
      const found = copies.findLast((copy) => copy.start <= step) ?? copies[0]!;
      return found.life.lastUse >= step ? step : Math.max(step, copies[copies.length - 1]!.start);
    },
  };
}
