/**
 * join-parts: which storages are made where they lie in a larger one (the operands of a concatenation).
 *
 * The simulator counts a part's bytes from when it is made, and the rest of the whole from when that is. Intervals of an
 * arena are boxes, so a whole whose parts are made in it takes its bytes from the first of them on. Parts that would
 * lift the fullest step that way get a place of their own, and are copied: no step is fuller than the fullest would be
 * if all were. The last made of a whole are the first to be made in it.
 *
 *     step      0  1  2  3            parts of 1 and 2 blocks made at 0 and 2, whole at 3
 *     both      3  3  3  3            the whole from step 0 on
 *     one       1  1  1+3  1+3        the whole from step 2 on, the first part beside it till it is copied
 */
import type { Simulation } from '../src/analysis/simulate.ts';

export interface JoinedStorages {
  /** By storage: the steps `start <= step < end` during which its bytes are taken. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** The storage that it is made in; itself for most. */
  readonly root: Int32Array;
  /** Where it begins in that, in bytes. */
  readonly within: Float64Array;
}

/** O(storages + steps that parts wait for their wholes). */
export function joinParts(simulation: Simulation): JoinedStorages {
  const chosen = joinAsFits(simulation);
  return chosen.peak <= chosen.apartPeak ? chosen : allApart(simulation);
}

/** Every part has a place of its own until it has been copied. */
function allApart({ storages, partOf }: Simulation): JoinedStorages {
  return {
    start: Int32Array.from(storages, (storage) => storage.start),
    end: Int32Array.from(storages, (storage, k) => storage.end + (partOf[k]! < 0 ? 0 : 1)),
    root: Int32Array.from(storages, (_, k) => k),
    within: new Float64Array(storages.length),
  };
}

interface Chosen extends JoinedStorages {
  /** Bytes at the fullest step, and what they would be if every part were copied. */
  readonly peak: number;
  readonly apartPeak: number;
}

function joinAsFits(simulation: Simulation): Chosen {
  const { storages, partOf, partOffset } = simulation;
  const count = storages.length;
  const start = Int32Array.from(storages, (storage) => storage.start);
  const end = Int32Array.from(storages, (storage) => storage.end);
  const root = Int32Array.from({ length: count }, (_, k) => k);
  const within = new Float64Array(count);
  const partsOf = new Map<number, number[]>();
  for (let k = 0; k < count; k++) {
    if (partOf[k]! < 0) continue;
    const others = partsOf.get(partOf[k]!);
    if (others === undefined) partsOf.set(partOf[k]!, [k]);
    else others.push(k);
  }
  // Wholes in the order in which they are made: those that are parts themselves come first.
  const wholes = [...partsOf.keys()].sort((a, b) => a - b);
  const load = simulation.liveAt.slice();
  let peak = simulation.liveBytes;
  let apartPeak = peak;
  for (const whole of wholes) {
    const parts = partsOf.get(whole)!.sort((a, b) => start[b]! - start[a]! || b - a);
    const copied = parts.reduce((sum, k) => sum + storages[k]!.bytes, 0);
    apartPeak = Math.max(apartPeak, simulation.liveAt[storages[whole]!.start]! + copied);
    const choice = chooseParts(load, start[whole]!, storages[whole]!.bytes, parts, (k) => ({
      from: start[k]!,
      bytes: storages[k]!.bytes,
    }));
    peak = Math.max(peak, choice.load);
    for (const part of parts.slice(0, choice.joined)) root[part] = whole;
    for (const part of parts.slice(choice.joined)) end[part] = storages[whole]!.start + 1;
    if (choice.joined > 0) start[whole] = start[parts[choice.joined - 1]!]!;
  }
  // A whole has a greater number than its parts.
  for (let k = count - 1; k >= 0; k--) {
    const whole = root[k]!;
    if (whole === k) continue;
    within[k] = within[whole]! + partOffset[k]!;
    root[k] = root[whole]!;
  }
  return { start, end, root, within, peak, apartPeak };

  /**
   * How many of the parts, the last made first, are made in the whole: as many as leave the fullest step least full. Adds
   * to `load` what that takes beside what is counted already.
   */
  function chooseParts(
    load: Float64Array,
    made: number,
    bytes: number,
    parts: readonly number[],
    of: (part: number) => { readonly from: number; readonly bytes: number },
  ): { readonly joined: number; readonly load: number } {
    let apart = 0;
    for (const part of parts) apart += of(part).bytes;
    let best = { joined: 0, load: load[made]! + apart };
    // Going back in time: parts alive before the step, and the fullest that steps are without them.
    let alive = apart;
    let fullest = 0;
    let step = made;
    parts.forEach((part, i) => {
      const { from, bytes: own } = of(part);
      while (step > from) {
        step--;
        fullest = Math.max(fullest, load[step]! - alive);
      }
      alive -= own;
      apart -= own;
      const most = Math.max(load[made]!, fullest + bytes) + apart;
      if (Math.max(peak, most) <= Math.max(peak, best.load)) best = { joined: i + 1, load: most };
    });
    for (let i = best.joined; i < parts.length; i++) load[made] = load[made]! + of(parts[i]!).bytes;
    if (best.joined === 0) return best;
    const from = of(parts[best.joined - 1]!).from;
    let joined = 0;
    for (let i = best.joined - 1, s = from; s < made; s++) {
      for (; i >= 0 && of(parts[i]!).from <= s; i--) joined += of(parts[i]!).bytes;
      load[s] = load[s]! + bytes - joined;
    }
    return best;
  }
}
