/**
 * Moves of the skeleton: a backward node (with the clones that run just before it) earlier or later, where the graph leaves
 * that free. A move that leaves the cost alone and lowers the load near the limit gives the search over intervals room.
 * Judged by the exact simulator on the whole sequence.
 */
import { forwardRegion, updateRegion } from '../../../src/analysis/plan-graph.ts';
import { type Simulation, simulate } from '../../../src/analysis/simulate.ts';
import type { Prepared } from './prepared.ts';
import type { Random } from './random.ts';

/** Steps with at least this share of the largest load are full. */
const fullShare = 0.98;

export interface OrderSearchOptions {
  readonly tries: number;
  readonly random: Random;
  /** Bytes allowed. */
  readonly limit: number;
  /** Relieve the fullest steps alone, not whatever is near the limit. */
  readonly sharp?: boolean;
}

export interface OrderSearchResult {
  readonly sequence: Int32Array;
  readonly improved: boolean;
}

export function searchOrder(prepared: Prepared, start: Int32Array, options: OrderSearchOptions): OrderSearchResult {
  const { index } = prepared;
  const { random, limit, sharp = false } = options;
  const { region, readStart, reads, producer, readerStart, readers, resultStart } = index;
  let sequence = start;
  let blocks = blocksOf(prepared, sequence);
  let simulation = simulate(index, sequence);
  let load = loadNear(simulation.liveAt, limit, sharp);
  let improved = false;
  const position = new Int32Array(index.nodeCount);
  const firstClone = new Int32Array(index.nodeCount);
  let full: number[] = [];
  const renew = (): void => {
    firstClone.fill(blocks.length);
    for (let i = blocks.length - 1; i >= 0; i--) {
      const { node, nodes } = blocks[i]!;
      for (const n of nodes) if (n !== node) firstClone[n] = i;
      position[node] = i;
    }
    full = fullNodes(prepared, sequence, simulation);
  };
  renew();
  // Where the forward part ends: regions do not mix.
  const forwardBlocks = blocks.filter((block) => region[block.node] === forwardRegion).length;
  for (let attempt = 0; attempt < options.tries && load > 0; attempt++) {
    const from = random.unit() < 0.5 ? position[full[random.below(full.length)]!]! : random.below(blocks.length);
    const node = blocks[from]!.node;
    // The free range: after what it reads is first made, before its first reader; clones after what they are clones of.
    const forward = region[node] === forwardRegion;
    let low = forward ? 0 : forwardBlocks;
    let high = Math.min(forward ? forwardBlocks - 1 : blocks.length - 1, firstClone[node]! - 1);
    for (const n of blocks[from]!.nodes) {
      if (n !== node) low = Math.max(low, position[n]! + 1);
      for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
        const made = producer[reads[k]!]!;
        if (made >= 0 && made !== node && region[made] !== updateRegion) low = Math.max(low, position[made]! + 1);
      }
    }
    for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++)
        if (region[readers[k]!] !== updateRegion) high = Math.min(high, position[readers[k]!]! - 1);
    if (high <= low) continue;
    const choice = random.unit();
    // A way to go is anything from a step to all there is: its logarithm is uniform.
    const later = high > from && (low >= from || random.unit() < 0.5);
    const most = later ? high - from : from - low;
    const far = Math.min(most, Math.floor(Math.exp(random.unit() * Math.log(most + 1))));
    const to = choice < 0.15 ? low : choice < 0.3 ? high : later ? from + far : from - far;
    if (to === from) continue;
    const moved = blocks.slice();
    const [block] = moved.splice(from, 1);
    moved.splice(to, 0, block!);
    const candidate = prepared.placeUpdates(sequenceOf(prepared, moved, sequence.length));
    const next = simulate(index, candidate);
    const nextLoad = loadNear(next.liveAt, limit, sharp);
    if (next.liveBytes > Math.max(limit, simulation.liveBytes) || nextLoad > load) continue;
    if (nextLoad < load) improved = true;
    sequence = candidate;
    blocks = moved;
    simulation = next;
    load = nextLoad;
    renew();
  }
  return { sequence, improved };
}

/** First runs (updates aside) in the fullest steps, or with clones in them. */
function fullNodes(prepared: Prepared, sequence: Int32Array, simulation: Simulation): number[] {
  const { region, nodeCount } = prepared.index;
  const seen = new Uint8Array(nodeCount);
  const found: number[] = [];
  let full = false;
  for (let s = 0; s < sequence.length; s++) {
    const n = sequence[s]!;
    full ||= simulation.liveAt[s]! > fullShare * simulation.liveBytes;
    if (seen[n] === 1 || region[n] === updateRegion) continue;
    seen[n] = 1;
    if (full) found.push(n);
    full = false;
  }
  return found.length > 0 ? found : [sequence[0]!];
}

interface Block {
  /** Its clones, then the node itself. */
  readonly nodes: readonly number[];
  readonly node: number;
}

/** Updates aside: they are placed afterwards. */
function blocksOf(prepared: Prepared, sequence: Int32Array): Block[] {
  const { region, nodeCount } = prepared.index;
  const seen = new Uint8Array(nodeCount);
  const blocks: Block[] = [];
  let pending: number[] = [];
  for (const n of sequence) {
    if (region[n] === updateRegion) continue;
    pending.push(n);
    if (seen[n] === 1) continue;
    seen[n] = 1;
    blocks.push({ nodes: pending, node: n });
    pending = [];
  }
  return blocks;
}

function sequenceOf(prepared: Prepared, blocks: readonly Block[], length: number): Int32Array {
  const { region, nodeCount } = prepared.index;
  const sequence = new Int32Array(length);
  let at = 0;
  for (const block of blocks) for (const n of block.nodes) sequence[at++] = n;
  for (let n = 0; n < nodeCount; n++) if (region[n] === updateRegion) sequence[at++] = n;
  return sequence.subarray(0, at);
}

/**
 * A smooth stand-in for the peak. The broad one falls as the load near the limit falls anywhere; the sharp one hardly sees
 * what is a few percent below it, so that one full step may be relieved at the cost of many that have room.
 */
function loadNear(liveAt: Float64Array, limit: number, sharp: boolean): number {
  let sum = 0;
  if (sharp) {
    const from = 0.95 * limit;
    for (let s = 0; s < liveAt.length; s++)
      if (liveAt[s]! > from) sum += Math.exp(Math.min(300, (400 * (liveAt[s]! - limit)) / limit));
    return sum;
  }
  const from = 0.8 * limit;
  for (let s = 0; s < liveAt.length; s++) {
    const above = (liveAt[s]! - from) / limit;
    if (above > 0) sum += above * above * above * above;
  }
  return sum;
}
