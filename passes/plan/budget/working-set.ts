/**
 * The working-set floor: no legal sequence keeps less alive at its peak. At the step of a node its operands, its results,
 * its scratch and, after the forward part, the gradients on their way past it are alive.
 */
import { backwardRegion, forwardRegion, type PlanIndex } from '../../../src/analysis/plan-graph.ts';
import { momentAt } from './moment.ts';
import { addedBytes, type Roots } from './roots.ts';

export interface WorkingSet {
  readonly bytes: number;
  /** Node at whose step it is reached; -1 for a graph without nodes. */
  readonly node: number;
}

/** Gradients on their way are followed for at most this many nodes (those with the largest sets of their own). */
const mostMoments = 400;

export function workingSet(index: PlanIndex, roots: Roots): WorkingSet {
  const { nodeCount } = index;
  const followsForward = afterForward(index);
  const own = new Float64Array(nodeCount);
  let best: WorkingSet = { bytes: 0, node: -1 };
  const later: number[] = [];
  for (let n = 0; n < nodeCount; n++) {
    own[n] = ownBytes(index, roots, n);
    if (own[n]! > best.bytes || best.node < 0) best = { bytes: own[n]!, node: n };
    if (followsForward[n] === 1) later.push(n);
  }
  // The value of a forward output is alive from its making to the end.
  later.sort((a, b) => own[b]! - own[a]! || a - b);
  const held = outputBytes(index, roots);
  const work = Math.min(later.length, Math.max(20, Math.floor((mostMoments * 4000) / (nodeCount + 4000))));
  for (let k = 0; k < work; k++) {
    const n = later[k]!;
    const moment = momentAt(index, roots, n);
    const bytes = moment.forcedBytes + forwardOperandBytes(index, roots, n) + held(n);
    if (bytes > best.bytes) best = { bytes, node: n };
  }
  const last = lastStep(index, roots, own);
  return last.bytes > best.bytes ? last : best;
}

/** Nodes that come after the whole forward part: backward ones, and what needs them. Other updates may come in its midst. */
function afterForward({ nodeCount, region, readStart, reads, producer }: PlanIndex): Uint8Array {
  const follows = new Uint8Array(nodeCount);
  for (let n = 0; n < nodeCount; n++) {
    let found = region[n] === backwardRegion;
    for (let k = readStart[n]!; k < readStart[n + 1]! && !found; k++) {
      const made = producer[reads[k]!]!;
      found = made >= 0 && follows[made] === 1;
    }
    if (found) follows[n] = 1;
  }
  return follows;
}

/** Whichever node comes last, all outputs are alive at its step. It is no forward node where there are backward ones. */
function lastStep(index: PlanIndex, roots: Roots, own: Float64Array): WorkingSet {
  const { nodeCount, region, resultStart, readerStart, readers, readStart, reads, producer } = index;
  const { bytes, isOutput, inputCount, valueCount } = index;
  const differentiated = region.includes(backwardRegion);
  const held = new Uint8Array(valueCount);
  let all = 0;
  for (let v = inputCount; v < valueCount; v++) {
    const r = roots.root[v]!;
    if (isOutput[v] === 0 || r < 0 || held[r] === 1) continue;
    held[r] = 1;
    all += bytes[r]!;
  }
  let least: WorkingSet = { bytes: Number.POSITIVE_INFINITY, node: -1 };
  const mayBeLast = (n: number): boolean => region[n] !== forwardRegion || !differentiated;
  for (let n = 0; n < nodeCount; n++) {
    if (!mayBeLast(n)) continue;
    let read = false;
    let sum = all + own[n]!;
    const counted = new Set<number>();
    const count = (r: number): void => {
      if (r >= 0 && held[r] === 1 && !counted.has(r)) sum -= bytes[r]!;
      counted.add(r);
    };
    for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) {
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) read ||= mayBeLast(readers[k]!);
      if (roots.root[v] === v || producer[roots.root[v]!] === n) count(roots.root[v]!);
    }
    if (read) continue;
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) count(roots.root[reads[k]!]!);
    if (sum < least.bytes) least = { bytes: sum, node: n };
  }
  return Number.isFinite(least.bytes) ? least : { bytes: 0, node: -1 };
}

/** Operands, what the results add to them, scratch. */
export function ownBytes(index: PlanIndex, roots: Roots, n: number): number {
  const { readStart, reads, resultStart, bytes, scratch } = index;
  let sum = scratch[n]!;
  const counted: number[] = [];
  for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
    const r = roots.root[reads[k]!]!;
    if (r < 0 || counted.includes(r)) continue;
    counted.push(r);
    sum += bytes[r]!;
  }
  for (let v = resultStart[n]!; v < resultStart[n + 1]!; v++) sum += addedBytes(index, roots, v);
  return sum;
}

function forwardOperandBytes(index: PlanIndex, roots: Roots, n: number): number {
  const { readStart, reads, producer, region, bytes } = index;
  let sum = 0;
  const counted: number[] = [];
  for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
    const r = roots.root[reads[k]!]!;
    if (r < 0 || region[producer[r]!] !== forwardRegion || counted.includes(r)) continue;
    counted.push(r);
    sum += bytes[r]!;
  }
  return sum;
}

/** Bytes of forward outputs that a node does not read itself. */
function outputBytes(index: PlanIndex, roots: Roots): (n: number) => number {
  const { readStart, reads, producer, region, bytes, isOutput, valueCount, inputCount } = index;
  const held = new Set<number>();
  let all = 0;
  for (let v = inputCount; v < valueCount; v++) {
    const r = roots.root[v]!;
    if (isOutput[v] === 0 || r < 0 || held.has(r) || region[producer[v]!] !== forwardRegion) continue;
    if (region[producer[r]!] !== forwardRegion) continue;
    held.add(r);
    all += bytes[r]!;
  }
  return (n) => {
    let sum = all;
    const counted: number[] = [];
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const r = roots.root[reads[k]!]!;
      if (r < 0 || !held.has(r) || counted.includes(r)) continue;
      counted.push(r);
      sum -= bytes[r]!;
    }
    return sum;
  };
}
