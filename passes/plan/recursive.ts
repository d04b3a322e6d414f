/**
 * Strategy `recursive`: Chen et al. 2016, section 4.3, O(log n) memory by clones of clones. To run the backward nodes of
 * a range of positions: if the range is short, recompute its inside; else recompute forward to a frontier near the
 * middle, keep that, do the right half, drop it, do the left half. The recursion is a stack of frames; the frontiers of
 * its first descent are kept from the forward pass.
 *
 * Backward nodes keep their order, and the range they need is read off them. A node may read further left than its range
 * (not after our own differentiation, but plan graphs come from anywhere): that is recomputed for it alone from the
 * nearest frontier, until this has cost as much as the recursion itself; from then on nothing is dropped.
 */
import { type PlanIndex, updateRegion } from '../../src/analysis/plan-graph.ts';
import { type Frontiers, findFrontiers } from './frontiers.ts';
import { smallestPeak } from './memory.ts';
import { normalizeSequence } from './normalize-sequence.ts';
import { placeUpdates } from './place-updates.ts';
import { sequenceWriter } from './sequence-writer.ts';
import { rangeSplitter } from './split-range.ts';
import { findStorages, type Storages } from './storages.ts';
import type { Strategy } from './strategy.ts';

/** Sizes of a short range that are tried where a sequence has hundreds of thousands of steps. */
const largeGraphSizes = 2;

/**
 * What counts as a short range changes memory little and cost much, so several sizes are tried, and of those with the
 * smallest peak the cheapest is taken.
 */
export const recursive: Strategy = (index) => {
  const storages = findStorages(index);
  const frontiers = findFrontiers(index, storages);
  const total = frontiers.demandedBytes.reduce((sum, size) => sum + size, 0);
  const sequences: Int32Array[] = [recursiveSequence(index, storages, frontiers, 0)];
  const sizes = index.nodeCount > 20_000 ? largeGraphSizes : Math.ceil(2 * Math.log2(index.nodeCount + 1));
  for (let k = sizes; k > 0; k--)
    sequences.push(recursiveSequence(index, storages, frontiers, total / Math.SQRT2 ** k));
  // One range, which is ordinary backpropagation: the answer where no split helps.
  sequences.push(recursiveSequence(index, storages, frontiers, total));
  return smallestPeak(index, sequences);
};

/** A range `from .. to` whose left frontier is available, with the owners of the storages that it keeps. */
interface Frame {
  readonly from: number;
  to: number;
  readonly kept: number[];
}

const dropped = 0;
const held = 1;
/** Left over from a frame that is done: dropped unless the next range wants it. */
const orphaned = 2;

function recursiveSequence(index: PlanIndex, storages: Storages, frontiers: Frontiers, shortBytes: number): Int32Array {
  const { forwardCount, root, members, memberStart, permanent } = storages;
  const { producer, resultStart } = index;
  const writer = sequenceWriter(index, storages);
  const { available } = writer;
  const split = rangeSplitter(index, storages, frontiers, shortBytes);
  const furthest = furthestNeeds(index, storages);
  const state = new Uint8Array(index.valueCount);
  const frames: Frame[] = [{ from: 0, to: forwardCount, kept: [] }];
  let leaf: Frame | undefined;

  const drop = (owner: number): void => {
    state[owner] = dropped;
    available[owner] = 0;
    for (let m = memberStart[owner]!; m < memberStart[owner + 1]!; m++) available[members[m]!] = 0;
  };
  const hold = (frame: Frame, owner: number): void => {
    state[owner] = held;
    frame.kept.push(owner);
  };
  /** Owners that the given nodes made again and nobody holds. */
  const loose = (nodes: Int32Array): number[] => {
    const owners: number[] = [];
    for (const n of nodes)
      for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++)
        if (permanent[root[v]!] === 0 && state[root[v]!] === dropped) owners.push(root[v]!);
    return owners;
  };
  /** Makes the frame of the range that holds `need` the last one and its frontier available. */
  const descend = (need: number, recompute: boolean): void => {
    let frame = frames[frames.length - 1]!;
    if (frame === leaf && need >= frame.from) return;
    const orphans: number[] = [];
    while (frame.from > need) {
      frames.pop();
      for (const owner of frame.kept) {
        state[owner] = orphaned;
        orphans.push(owner);
      }
      const to = frame.from;
      frame = frames[frames.length - 1]!;
      frame.to = to;
    }
    for (let next = split(frame.from, frame.to); next !== undefined; next = split(frame.from, frame.to)) {
      if (need < next.position) {
        frame.to = next.position;
        continue;
      }
      frame = { from: next.position, to: frame.to, kept: [] };
      frames.push(frame);
      for (const owner of next.frontier) hold(frame, owner);
      if (recompute) loose(writer.supplyValues(next.frontier)).forEach(drop);
    }
    leaf = frame;
    for (const owner of orphans) {
      if (state[owner] !== orphaned) continue;
      const maker = producer[owner]!;
      if (maker >= frame.from && maker < frame.to) hold(frame, owner);
      else drop(owner);
    }
  };

  for (let n = 0; n < forwardCount; n++) writer.run(n);
  if (furthest.length > 0 && furthest[0]! >= 0) {
    descend(furthest[0]!, false);
    // The right half of the first descent has just been run: nothing of it is recomputed.
    const last = frames[frames.length - 1]!;
    for (let v = resultStart[last.from]!; v < resultStart[last.to]!; v++)
      if (root[v] === v && permanent[v] === 0) hold(last, v);
  }
  for (let v = index.inputCount; v < resultStart[forwardCount]!; v++)
    available[v] = permanent[root[v]!] === 1 || state[root[v]!] === held ? 1 : 0;
  const allowance = forwardCount * (Math.ceil(Math.log2(forwardCount + 1)) + 2) + index.nodeCount;
  for (let n = forwardCount; n < index.nodeCount; n++) {
    if (index.region[n] === updateRegion) {
      writer.run(n);
      continue;
    }
    const dropping = writer.length() < allowance;
    const need = furthest[n - forwardCount]!;
    if (dropping && need >= 0) descend(need, true);
    const frame = frames[frames.length - 1]!;
    const strays: number[] = [];
    for (const owner of loose(writer.supply(n))) {
      if (producer[owner]! >= frame.from || !dropping) hold(frame, owner);
      else strays.push(owner);
    }
    writer.run(n);
    strays.forEach(drop);
  }
  return normalizeSequence(index, placeUpdates(index, writer.finish()));
}

/** For each node after the forward pass: the last forward node whose result it or a later one reads and may not find. */
function furthestNeeds(index: PlanIndex, { forwardCount, root, permanent }: Storages): Int32Array {
  const result = new Int32Array(index.nodeCount - forwardCount).fill(-1);
  let need = -1;
  for (let n = index.nodeCount - 1; n >= forwardCount; n--) {
    for (let k = index.readStart[n]!; k < index.readStart[n + 1]!; k++) {
      const owner = root[index.reads[k]!]!;
      const maker = index.producer[owner]!;
      if (permanent[owner] === 0 && maker < forwardCount) need = Math.max(need, maker);
    }
    result[n - forwardCount] = need;
  }
  return result;
}
