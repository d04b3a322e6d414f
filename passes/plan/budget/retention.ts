/**
 * The incremental simulator of the search. State is linear in the touches of storages, as PLANNING's model has it.
 *
 * A stage is one node of the skeleton (every node once) with the clones that run just before it. A storage is touched at
 * the stages that make or read it. Between two touches it is retained or dropped; a wanted storage that is not retained is
 * made again in the stage that wants it, its absent operands first. So the retained intervals say everything: the clones of
 * each stage, cost and bytes follow. An interval `[a, b]` says: made (or made again) in stage a, alive until its last touch
 * in stage b; b = number of stages is an output's.
 *
 * Changing one gap simulates again only the stages whose clones change; ranges of stages in between only have their
 * bytes shifted. Everything is journalled, so a rejected move is taken back exactly.
 *
 * Beyond 400 lines because the stage simulation, the intervals and the journal are one invariant: the load is always
 * the bytes of each stage above its limit.
 *
 * Where a clone of a node of several results makes again one that is retained, both copies are counted; elsewhere the
 * bytes are those of the exact simulator, which judges every plan in the end.
 */
import { forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import type { Roots } from './roots.ts';
import { createStageLoad } from './stage-load.ts';

/** What a journal entry undoes. */
type Undo =
  | { readonly kind: 'through'; readonly from: number; readonly to: number; readonly delta: number }
  | { readonly kind: 'intervals'; readonly root: number; readonly before: readonly number[] }
  | { readonly kind: 'forced'; readonly stage: number; readonly before: readonly number[] }
  | {
      readonly kind: 'stage';
      readonly stage: number;
      readonly clones: readonly number[];
      readonly touched: readonly number[];
      readonly cost: number;
      readonly local: number;
    };

export interface Retention {
  readonly stages: number;
  /** Node of each stage. */
  readonly order: Int32Array;
  /** Stage of each node. */
  readonly position: Int32Array;
  /** Cost of all clones. */
  extraCost(): number;
  /** Grows with the bytes above the limits (see StageLoad); 0 iff every stage fits. */
  overshoot(): number;
  /** Clones that would read what an update has overwritten. */
  violations(): number;
  /** Whether a clone of a node in a stage is one of them. */
  isViolation(node: number, stage: number): boolean;
  /** Bytes above the limit at a stage (negative below it). */
  excess(stage: number): number;
  /** The fullest stage, measured from its limit. */
  worst(): number;
  /** Bytes allowed at each stage. Clears the journal. */
  setLimits(limit: (stage: number) => number): void;
  /** Stages that touch a root, ascending. */
  touches(root: number): readonly number[];
  /** Nodes run again in a stage, in order. */
  clones(stage: number): readonly number[];
  /** Stages with clones, in no particular order: the first `busyCount()` entries. */
  readonly busy: Int32Array;
  busyCount(): number;
  /** Whether a root is alive when a stage begins. */
  isLive(root: number, stage: number): boolean;
  /** Packed triples (first stage, last stage, bytes) of a root, ascending. */
  intervals(root: number): readonly number[];
  /** Replaces everything by the intervals given for movable roots (packed pairs first, last); clears the journal. */
  load(pairs: (root: number) => readonly number[] | undefined): void;
  /** Drops or retains a root between touch k and the next; false if that may not be. Journalled. */
  toggle(root: number, k: number): boolean;
  retain(root: number, k: number): boolean;
  drop(root: number, k: number): boolean;
  /** Nodes and touches simulated so far: what moves have cost. */
  work(): number;
  /** Number of journal entries; `rollback(mark)` takes back everything after a mark. */
  mark(): number;
  rollback(mark: number): void;
  commit(): void;
  /** The sequence of nodes: each stage's clones, then its node. */
  sequence(): Int32Array;
}

const none: readonly number[] = [];
const absent = 0;
const through = 1;
const ending = 2;
const starting = 3;

export function createRetention(
  index: PlanIndex,
  roots: Roots,
  writers: readonly (readonly number[] | undefined)[],
  order: Int32Array,
): Retention {
  const { nodeCount, valueCount, inputCount, bytes, scratch, producer, region, recomputable } = index;
  const { resultStart, readStart, reads, overStart, over, partStart, parts, partBytes, isOutput } = index;
  const { root: rootOf, pinned } = roots;
  const stages = nodeCount;
  const position = new Int32Array(nodeCount);
  for (let t = 0; t < stages; t++) position[order[t]!] = t;
  // Last stage in which a node may run: an update after it overwrites what it reads.
  const latest = new Int32Array(nodeCount).fill(stages);
  for (let n = 0; n < nodeCount; n++)
    for (const writer of writers[n] ?? none) latest[n] = Math.min(latest[n]!, position[writer]!);

  // Packed pairs of stages between which a root must stay, for the sake of a view made there once.
  const fixedBetween: (number[] | undefined)[] = new Array(valueCount).fill(undefined);
  for (let r = inputCount; r < valueCount; r++) {
    if (pinned[r] === 1) continue;
    for (const v of roots.laterViews[r] ?? none) {
      const from = position[producer[v]!]!;
      let to = from;
      for (let k = index.readerStart[v]!; k < index.readerStart[v + 1]!; k++)
        to = Math.max(to, position[index.readers[k]!]!);
      if (to > from) (fixedBetween[r] ??= []).push(from, to);
    }
  }

  const intervals: (readonly number[])[] = new Array(valueCount).fill(none);
  const touch: number[][] = new Array(valueCount);
  for (let v = 0; v < valueCount; v++) touch[v] = rootOf[v] === v ? [] : (none as number[]);
  const clones: (readonly number[])[] = new Array(stages).fill(none);
  const touched: (readonly number[])[] = new Array(stages).fill(none);
  const forced: (readonly number[])[] = new Array(stages).fill(none);
  const cost = new Float64Array(stages);
  const local = new Float64Array(stages);
  const limit = new Float64Array(stages);
  const load = createStageLoad(stages);
  let extraCost = 0;
  let violations = 0;
  let work = 0;
  const violationsAt = new Int32Array(stages);

  const busy = new Int32Array(stages);
  const busySlot = new Int32Array(stages).fill(-1);
  let busyCount = 0;

  const journal: Undo[] = [];
  const queue: number[] = [];
  const queued = new Uint8Array(stages);

  // Scratch of one stage simulation, valid where the stamp is the current token.
  let token = 0;
  const kindStamp = new Int32Array(valueCount);
  const kind = new Uint8Array(valueCount);
  const intervalAt = new Int32Array(valueCount);
  const touchStamp = new Int32Array(valueCount);
  const nodeStamp = new Int32Array(nodeCount);
  const lastUse = new Int32Array(valueCount);
  const size = new Float64Array(valueCount);
  const goneStamp = new Int32Array(valueCount);
  let profile = 0;
  const stackNode = new Int32Array(nodeCount + 1);
  const stackCursor = new Int32Array(nodeCount + 1);
  const diffStamp = new Int32Array(valueCount);
  let diffToken = 0;
  let newTouched: number[] = [];
  let newClones: number[] = [];
  let newViolations = 0;

  function kindOf(r: number, t: number): number {
    if (kindStamp[r] === token) return kind[r]!;
    kindStamp[r] = token;
    const list = intervals[r]!;
    let found = absent;
    for (let i = 0; i < list.length; i += 3) {
      const a = list[i]!;
      if (a > t) break;
      const b = list[i + 1]!;
      if (b < t) continue;
      found = a === t ? starting : b === t ? ending : through;
      intervalAt[r] = i;
      size[r] = list[i + 2]!;
      break;
    }
    kind[r] = found;
    return found;
  }

  /** The node to run so that `v` is there in stage t; -1 if it is there. */
  function toRun(v: number, t: number): number {
    const r = rootOf[v]!;
    if (r < 0) return -1;
    if (touchStamp[r] !== token) {
      touchStamp[r] = token;
      newTouched.push(r);
    }
    const n = producer[v]!;
    if (nodeStamp[n] === token) return -1;
    const k = kindOf(r, t);
    if (k === through || k === ending) {
      // A view made from this very copy is still there.
      if (v === r || (position[n]! < t && intervals[r]![intervalAt[r]!]! <= position[n]!)) return -1;
    } else if (v === r && pinned[r] === 1) return -1;
    if (region[n] !== forwardRegion || recomputable[n] === 0) return -1;
    return n;
  }

  function want(v: number, t: number): void {
    const first = toRun(v, t);
    if (first < 0) return;
    nodeStamp[first] = token;
    let depth = 0;
    stackNode[0] = first;
    stackCursor[0] = readStart[first]!;
    while (depth >= 0) {
      const n = stackNode[depth]!;
      const k = stackCursor[depth]!;
      if (k < readStart[n + 1]!) {
        stackCursor[depth] = k + 1;
        const next = toRun(reads[k]!, t);
        if (next >= 0) {
          nodeStamp[next] = token;
          depth++;
          stackNode[depth] = next;
          stackCursor[depth] = readStart[next]!;
        }
      } else {
        newClones.push(n);
        if (t > latest[n]!) newViolations++;
        depth--;
      }
    }
  }

  /** Whether the i-th node of stage t is the last to use a storage that nothing has taken over. */
  function endsHere(r: number, i: number, t: number): boolean {
    if (r < 0 || lastUse[r] !== i || goneStamp[r] === profile) return false;
    const k = kindOf(r, t);
    return k !== through && k !== starting;
  }

  /** Largest bytes of the stage's own storages (all but those alive throughout), with the clones in this order. */
  function stageBytes(list: readonly number[], t: number): number {
    const own = order[t]!;
    const count = list.length;
    profile++;
    for (let i = 0; i <= count; i++) {
      const n = i < count ? list[i]! : own;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const r = rootOf[reads[k]!]!;
        if (r >= 0) lastUse[r] = i;
      }
      for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
        const r = rootOf[v]!;
        if (r >= 0) lastUse[r] = i;
      }
    }
    let live = 0;
    for (let k = 0; k < newTouched.length; k++) {
      const r = newTouched[k]!;
      if (kindOf(r, t) === ending) {
        size[r] = intervals[r]![intervalAt[r]! + 2]!;
        live += size[r]!;
      }
    }
    let peak = 0;
    for (let i = 0; i <= count; i++) {
      const n = i < count ? list[i]! : own;
      let dead = scratch[n]!;
      const resultEnd = resultStart[n + 1]!;
      for (let v = resultStart[n]!; v < resultEnd; v++) {
        if (rootOf[v] !== v) continue;
        const k = kindOf(v, t);
        const need = bytes[v]!;
        if (k === through || k === ending) {
          dead += need;
          continue;
        }
        let taken = false;
        for (let o = overStart[v]!; o < overStart[v + 1]!; o++) {
          const donor = rootOf[over[o]!]!;
          if (donor === v || !endsHere(donor, i, t) || size[donor]! < need) continue;
          goneStamp[donor] = profile;
          size[v] = size[donor]!;
          taken = true;
          break;
        }
        if (!taken) {
          size[v] = need;
          live += need;
          let room = need;
          for (let o = partStart[v]!; o < partStart[v + 1]!; o++) {
            const part = rootOf[parts[o]!]!;
            if (!endsHere(part, i, t) || size[part] !== partBytes[o] || size[part]! > room) continue;
            goneStamp[part] = profile;
            room -= size[part]!;
            live -= size[part]!;
          }
        }
      }
      if (live + dead > peak) peak = live + dead;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const r = rootOf[reads[k]!]!;
        if (r < 0 || lastUse[r] !== i || goneStamp[r] === profile) continue;
        const rk = kindOf(r, t);
        if (rk === through || rk === starting) continue;
        goneStamp[r] = profile;
        live -= size[r]!;
      }
      for (let v = resultStart[n]!; v < resultEnd; v++) {
        const r = rootOf[v]!;
        if (r < 0 || lastUse[r] !== i || goneStamp[r] === profile) continue;
        const rk = kindOf(r, t);
        if (rk === through || rk === starting || (rk === ending && r === v)) continue;
        goneStamp[r] = profile;
        live -= size[r]!;
      }
    }
    return peak;
  }

  function enqueue(t: number): void {
    if (t >= stages || queued[t] === 1) return;
    queued[t] = 1;
    queue.push(t);
  }

  function shift(from: number, to: number, delta: number): void {
    const end = Math.min(to, stages - 1);
    if (from > end || delta === 0) return;
    journal.push({ kind: 'through', from, to: end, delta });
    load.shift(from, end, delta);
  }

  function setIntervals(r: number, list: readonly number[]): void {
    journal.push({ kind: 'intervals', root: r, before: intervals[r]! });
    intervals[r] = list;
  }

  function force(t: number, r: number, on: boolean): void {
    if (t === position[producer[r]!]!) return;
    const before = forced[t]!;
    journal.push({ kind: 'forced', stage: t, before });
    forced[t] = on ? [...before, r] : before.filter((other) => other !== r);
  }

  function setClones(t: number, list: readonly number[]): void {
    clones[t] = list;
    const slot = busySlot[t]!;
    if (list.length > 0 === slot >= 0) return;
    if (slot < 0) {
      busySlot[t] = busyCount;
      busy[busyCount++] = t;
      return;
    }
    const last = busy[--busyCount]!;
    busy[slot] = last;
    busySlot[last] = slot;
    busySlot[t] = -1;
  }

  function setLocal(t: number, value: number): void {
    if (value !== local[t]) load.shift(t, t, value - local[t]!);
    local[t] = value;
  }

  /** Puts intervals in place of `count` ones from the i-th triple on. */
  function splice(r: number, i: number, count: number, replacement: readonly number[]): void {
    const list = intervals[r]!;
    setIntervals(r, [...list.slice(0, i), ...replacement, ...list.slice(i + 3 * count)]);
  }

  /** Drops r between stages t0 and t1, consecutive touches within its i-th interval. */
  function dropBetween(r: number, i: number, t0: number, t1: number): void {
    const list = intervals[r]!;
    const a = list[i]!;
    const b = list[i + 1]!;
    const held = list[i + 2]!;
    const replacement: number[] = [];
    if (a < t0) replacement.push(a, t0, held);
    if (t1 < b) replacement.push(t1, b, bytes[r]!);
    splice(r, i, 1, replacement);
    shift(a < t0 ? t0 : t0 + 1, t1 < b ? t1 : t1 - 1, -held);
    if (t1 < b && held !== bytes[r]!) {
      shift(t1 + 1, b - 1, bytes[r]! - held);
      enqueue(b);
    }
    if (a === t0) force(a, r, false);
    if (t1 < b) force(t1, r, true);
    enqueue(t0);
    enqueue(t1);
  }

  /** Retains r between stages t0 and t1, consecutive touches that no interval joins. */
  function retainBetween(r: number, t0: number, t1: number): void {
    const list = intervals[r]!;
    let i = 0;
    while (i < list.length && list[i + 1]! < t0) i += 3;
    let count = 0;
    let a = t0;
    let b = t1;
    let held = bytes[r]!;
    if (i < list.length && list[i + 1] === t0) {
      a = list[i]!;
      held = list[i + 2]!;
      count++;
    }
    const next = i + 3 * count;
    if (next < list.length && list[next] === t1) {
      b = list[next + 1]!;
      const before = list[next + 2]!;
      count++;
      if (before !== held) {
        shift(t1 + 1, b - 1, held - before);
        enqueue(b);
      }
    }
    splice(r, i, count, [a, b, held]);
    shift(a < t0 ? t0 : t0 + 1, t1 < b ? t1 : t1 - 1, held);
    if (a === t0) force(a, r, true);
    if (t1 < b) force(t1, r, false);
    enqueue(t0);
    enqueue(t1);
  }

  function simulateStage(t: number): void {
    token++;

    newTouched = [];
    newClones = [];
    newViolations = 0;
    const n = order[t]!;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) want(reads[k]!, t);
    const starts = forced[t]!;
    for (let k = 0; k < starts.length; k++) want(starts[k]!, t);
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      const r = rootOf[v]!;
      if (r >= 0 && touchStamp[r] !== token) {
        touchStamp[r] = token;
        newTouched.push(r);
      }
    }
    let peak = stageBytes(newClones, t);
    if (newClones.length > 2) {
      const sorted = newClones.slice().sort((x, y) => position[x]! - position[y]!);
      const other = stageBytes(sorted, t);
      if (other < peak) {
        newClones = sorted;
        peak = other;
      } else if (other > peak) stageBytes(newClones, t);
      else newClones = sorted;
    }
    let newCost = 0;
    for (let k = 0; k < newClones.length; k++) newCost += index.cost[newClones[k]!]!;
    const oldTouched = touched[t]!;
    work += newClones.length + newTouched.length + clones[t]!.length;
    journal.push({
      kind: 'stage',
      stage: t,
      clones: clones[t]!,
      touched: oldTouched,
      cost: cost[t]!,
      local: local[t]!,
    });
    extraCost += newCost - cost[t]!;
    cost[t] = newCost;
    setClones(t, newClones);
    violations += newViolations - violationsAt[t]!;
    violationsAt[t] = newViolations;
    setLocal(t, peak);
    touched[t] = newTouched;
    // Sizes first: the touches below may simulate nothing, but they change intervals.
    for (let k = 0; k < newTouched.length; k++) {
      const r = newTouched[k]!;
      if (kind[r] !== starting || kindStamp[r] !== token) continue;
      const i = intervalAt[r]!;
      const list = intervals[r]!;
      const before = list[i + 2]!;
      const after = size[r]!;
      if (before === after) continue;
      const b = list[i + 1]!;
      splice(r, i, 1, [t, b, after]);
      shift(t + 1, b - 1, after - before);
      enqueue(b);
    }
    updateTouches(t, oldTouched, newTouched, true);
  }

  function updateTouches(t: number, before: readonly number[], after: readonly number[], repair: boolean): void {
    diffToken++;
    for (let k = 0; k < after.length; k++) diffStamp[after[k]!] = diffToken;
    for (let k = 0; k < before.length; k++) {
      const r = before[k]!;
      if (diffStamp[r] === diffToken) {
        diffStamp[r] = -diffToken;
        continue;
      }
      const list = touch[r]!;
      list.splice(list.indexOf(t), 1);
      if (repair) trim(r, t);
    }
    for (let k = 0; k < after.length; k++) {
      const r = after[k]!;
      if (diffStamp[r] === -diffToken) continue;
      const list = touch[r]!;
      let at = list.length;
      while (at > 0 && list[at - 1]! > t) at--;
      list.splice(at, 0, t);
      if (repair && pinned[r] === 1) hold(r, t);
    }
  }

  /** An interval that ended at a stage which no longer touches r ends at the touch before. */
  function trim(r: number, t: number): void {
    const list = intervals[r]!;
    let i = 0;
    while (i < list.length && list[i + 1]! < t) i += 3;
    if (i >= list.length || list[i + 1] !== t) return;
    const stagesOf = touch[r]!;
    let at = stagesOf.length;
    while (at > 0 && stagesOf[at - 1]! > t) at--;
    const a = list[i]!;
    const previous = at > 0 ? Math.max(a, stagesOf[at - 1]!) : a;
    const held = list[i + 2]!;
    splice(r, i, 1, previous > a ? [a, previous, held] : none);
    shift(previous > a ? previous : a + 1, t - 1, -held);
    if (previous <= a) force(a, r, false);
    enqueue(previous);
  }

  /** What cannot be made again lives to its last touch. */
  function hold(r: number, t: number): void {
    const list = intervals[r]!;
    if (list.length === 0) {
      const a = position[producer[r]!]!;
      if (t > a) {
        setIntervals(r, [a, t, bytes[r]!]);
        shift(a + 1, t - 1, bytes[r]!);
        enqueue(a);
        enqueue(t);
      }
      return;
    }
    const b = list[1]!;
    if (t <= b) return;
    splice(r, 0, 1, [list[0]!, t, list[2]!]);
    shift(b, t - 1, list[2]!);
    enqueue(b);
    enqueue(t);
  }

  function settle(): void {
    for (let head = 0; head < queue.length; head++) {
      const t = queue[head]!;
      queued[t] = 0;
      simulateStage(t);
    }
    queue.length = 0;
  }

  function rollback(mark: number): void {
    while (journal.length > mark) {
      const undo = journal.pop()!;
      switch (undo.kind) {
        case 'through':
          load.shift(undo.from, undo.to, -undo.delta);
          break;
        case 'intervals':
          intervals[undo.root] = undo.before;
          break;
        case 'forced':
          forced[undo.stage] = undo.before;
          break;
        case 'stage': {
          const t = undo.stage;
          updateTouches(t, touched[t]!, undo.touched, false);
          touched[t] = undo.touched;
          setClones(t, undo.clones);
          extraCost += undo.cost - cost[t]!;
          cost[t] = undo.cost;
          setLocal(t, undo.local);
          let bad = 0;
          if (violations > 0) for (const n of undo.clones) if (t > latest[n]!) bad++;
          violations += bad - violationsAt[t]!;
          violationsAt[t] = bad;
          break;
        }
      }
    }
  }

  function loadIntervals(pairs: (root: number) => readonly number[] | undefined): void {
    // From the skeleton's own touches: pinned roots live from their making to the last of them.
    for (let v = inputCount; v < valueCount; v++) {
      touch[v]!.length = 0;
      intervals[v] = none;
    }
    extraCost = 0;
    violations = 0;
    violationsAt.fill(0);
    cost.fill(0);
    local.fill(0);
    clones.fill(none);
    busySlot.fill(-1);
    busyCount = 0;
    touched.fill(none);
    forced.fill(none);
    const last = new Int32Array(valueCount).fill(-1);
    const toEnd = new Uint8Array(valueCount);
    for (let t = 0; t < stages; t++) {
      const n = order[t]!;
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const r = rootOf[reads[k]!]!;
        if (r >= 0) last[r] = t;
      }
      for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
        const r = rootOf[v]!;
        if (r < 0) continue;
        last[r] = t;
        if (isOutput[v] === 1) toEnd[r] = 1;
      }
    }
    const delta = new Float64Array(stages + 1);
    for (let v = inputCount; v < valueCount; v++) {
      if (rootOf[v] !== v) continue;
      const made = position[producer[v]!]!;
      const given = pinned[v] === 1 ? undefined : pairs(v);
      const list: number[] = [];
      if (pinned[v] === 1) {
        const b = toEnd[v] === 1 ? stages : last[v]!;
        if (b > made) list.push(made, b, bytes[v]!);
      } else for (const [a, b] of united(given ?? none, fixedBetween[v] ?? none)) list.push(a, b, bytes[v]!);
      intervals[v] = list;
      for (let i = 0; i < list.length; i += 3) {
        const a = list[i]!;
        const b = Math.min(list[i + 1]!, stages);
        if (a !== made) forced[a] = [...forced[a]!, v];
        if (b > a + 1) {
          delta[a + 1] = delta[a + 1]! + bytes[v]!;
          delta[b] = delta[b]! - bytes[v]!;
        }
      }
    }
    let held = 0;
    load.assign((t) => {
      held += delta[t]!;
      return held - limit[t]!;
    });
    for (let t = 0; t < stages; t++) enqueue(t);
    settle();
    // Ends that nothing touches (the pairs may be anybody's) end at the touch before.
    for (let v = inputCount; v < valueCount; v++) {
      if (rootOf[v] !== v) continue;
      for (let i = intervals[v]!.length - 3; i >= 0; i -= 3) {
        const b = intervals[v]![i + 1]!;
        if (b < stages && !touch[v]!.includes(b)) trim(v, b);
      }
    }
    settle();
    journal.length = 0;
  }

  function retained(r: number, t0: number, t1: number): number {
    const list = intervals[r]!;
    for (let i = 0; i < list.length; i += 3) if (list[i]! <= t0 && t1 <= list[i + 1]!) return i;
    return -1;
  }

  function change(r: number, k: number, wish: boolean | undefined): boolean {
    const list = touch[r]!;
    if (pinned[r] === 1 || k < 0 || k + 1 >= list.length) return false;
    const t0 = list[k]!;
    const t1 = list[k + 1]!;
    const i = retained(r, t0, t1);
    const fixed = fixedBetween[r];
    if (i >= 0 && fixed !== undefined)
      for (let h = 0; h < fixed.length; h += 2) if (t0 < fixed[h + 1]! && t1 > fixed[h]!) return false;
    if (wish !== undefined && wish === i >= 0) return false;
    if (i >= 0) dropBetween(r, i, t0, t1);
    else retainBetween(r, t0, t1);
    settle();
    return true;
  }

  return {
    stages,
    order,
    position,
    extraCost: () => extraCost,
    overshoot: load.overshoot,
    violations: () => violations,
    isViolation: (n, t) => t > latest[n]!,
    excess: load.at,
    worst: load.worst,
    setLimits(at) {
      const loads = Float64Array.from(limit, (allowed, t) => load.at(t) + allowed);
      for (let t = 0; t < stages; t++) limit[t] = at(t);
      load.assign((t) => loads[t]! - limit[t]!);
      journal.length = 0;
    },
    touches: (r) => touch[r]!,
    clones: (t) => clones[t]!,
    busy,
    busyCount: () => busyCount,
    isLive(r, t) {
      const list = intervals[r]!;
      for (let i = 0; i < list.length; i += 3) if (list[i]! < t && t <= list[i + 1]!) return true;
      return false;
    },
    intervals: (r) => intervals[r]!,
    load: loadIntervals,
    toggle: (r, k) => change(r, k, undefined),
    retain: (r, k) => change(r, k, true),
    drop: (r, k) => change(r, k, false),
    work: () => work,
    mark: () => journal.length,
    rollback,
    commit() {
      journal.length = 0;
    },
    sequence() {
      let count = stages;
      for (let t = 0; t < stages; t++) count += clones[t]!.length;
      const sequence = new Int32Array(count);
      let at = 0;
      for (let t = 0; t < stages; t++) {
        for (const n of clones[t]!) sequence[at++] = n;
        sequence[at++] = order[t]!;
      }
      return sequence;
    },
  };
}

/** Packed pairs of two lists as disjoint intervals, ascending; those that meet become one. */
function united(a: readonly number[], b: readonly number[]): (readonly [number, number])[] {
  const all: [number, number][] = [];
  for (const list of [a, b])
    for (let i = 0; i + 1 < list.length; i += 2) if (list[i + 1]! > list[i]!) all.push([list[i]!, list[i + 1]!]);
  all.sort((x, y) => x[0] - y[0]);
  const result: [number, number][] = [];
  for (const [from, to] of all) {
    const last = result[result.length - 1];
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
