/**
 * memory-plan: gives every value of a scheduled graph its place in one memory `[arena | resident]` (DESIGN section 7).
 *
 * Lifetimes come from the exact simulator, run on the graph in its own order; a result that takes over an operand's
 * storage shares its bytes; what is made as a part of another value lies within that; scratch lives for one step.
 */

import type { ByteRange } from '../runtime/program.ts';
import { indexPlanGraph, type PlanIndex } from '../src/analysis/plan-graph.ts';
import { type Simulation, simulate } from '../src/analysis/simulate.ts';
import { toPlanGraph } from '../src/analysis/to-plan-graph.ts';
import { alignUp, byteLength, type Graph, residents } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';
import { type PlaceOptions, placeArena } from './arena/place.ts';
import { joinParts } from './join-parts.ts';

export interface MemoryPlan {
  /** Length of the arena. */
  readonly arenaBytes: number;
  /** Largest sum of live bytes and scratch at a step: what no placement can go below. */
  readonly liveBytes: number;
  readonly residentBytes: number;
  /** Byte offset of every value in the memory; residents follow the arena. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Byte offset of each node's scratch, where it has any. */
  readonly scratch: ReadonlyMap<string, number>;
  /** Live bytes and scratch while each node runs, in node order. */
  readonly liveAt: Float64Array;
  /** Arena ranges that are dead after each node, in node order. */
  readonly frees: readonly (readonly ByteRange[])[];
}

/**
 * Intervals to place: the storages of a simulation, then the scratch of each step that has any. A storage made within
 * another has no bytes of its own.
 */
export interface ArenaIntervals {
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly bytes: Float64Array;
  /** Step of each scratch interval, from interval `storageCount` on. */
  readonly scratchSteps: readonly number[];
  readonly storageCount: number;
  /** By storage: the one it is made in (itself for most), and the bytes before it there. */
  readonly root: Int32Array;
  readonly within: Float64Array;
}

export function arenaIntervals(index: PlanIndex, sequence: ArrayLike<number>, simulation: Simulation): ArenaIntervals {
  const { storages } = simulation;
  const scratchSteps: number[] = [];
  for (let s = 0; s < sequence.length; s++) if (index.scratch[sequence[s]!]! > 0) scratchSteps.push(s);
  const count = storages.length + scratchSteps.length;
  const start = new Int32Array(count);
  const end = new Int32Array(count);
  const bytes = new Float64Array(count);
  const joined = joinParts(simulation);
  start.set(joined.start);
  end.set(joined.end);
  storages.forEach((storage, k) => {
    if (joined.root[k] === k) bytes[k] = storage.bytes;
  });
  scratchSteps.forEach((step, k) => {
    start[storages.length + k] = step;
    end[storages.length + k] = step + 1;
    bytes[storages.length + k] = index.scratch[sequence[step]!]!;
  });
  const { root, within } = joined;
  return { start, end, bytes, scratchSteps, storageCount: storages.length, root, within };
}

/** Length of the arena that a sequence needs, scratch included: what `planMemory` gives its rewritten graph. */
export function placedArena(
  index: PlanIndex,
  sequence: ArrayLike<number>,
  simulation: Simulation = simulate(index, sequence),
  options: PlaceOptions = {},
): number {
  return alignUp(placeArena(arenaIntervals(index, sequence, simulation), options).height);
}

/** The graph's node order is the schedule. O(n log n) for the placements that training graphs need. */
export function planMemory(graph: Graph, options: PlaceOptions = {}): MemoryPlan {
  const index = indexPlanGraph(toPlanGraph(graph));
  const sequence = Int32Array.from(graph.nodes.keys());
  const simulation = simulate(index, sequence);
  const intervals = arenaIntervals(index, sequence, simulation);
  const placement = placeArena(intervals, options);
  const arenaBytes = alignUp(placement.height);
  const placeOf = (storage: number): number =>
    placement.offsets[intervals.root[storage]!]! + intervals.within[storage]!;
  const offsets = new Map<string, number>();
  let residentBytes = 0;
  for (const value of residents(graph)) {
    offsets.set(value.name, arenaBytes + residentBytes);
    residentBytes += alignUp(byteLength(value.type));
  }
  let copy = 0;
  for (const node of graph.nodes) {
    const op = opNamed(node.op);
    node.results.forEach((result, i) => {
      const written = op.writes?.[i];
      const base = op.effect === 'view' ? node.operands[0] : written === undefined ? undefined : node.operands[written];
      const offset =
        base === undefined
          ? placeOf(simulation.copyStorage[copy]!)
          : offsets.get(base.name)! + (op.effect === 'view' ? (op.viewOffset?.(node, i) ?? 0) : 0);
      offsets.set(result.name, offset);
      copy++;
    });
  }
  const scratch = new Map<string, number>();
  const frees: ByteRange[][] = graph.nodes.map(() => []);
  for (let k = 0; k < intervals.start.length; k++) {
    if (k < intervals.storageCount && intervals.root[k] !== k) continue;
    const offset = placement.offsets[k]!;
    frees[intervals.end[k]! - 1]?.push({ start: offset, end: offset + intervals.bytes[k]! });
    if (k >= intervals.storageCount)
      scratch.set(graph.nodes[intervals.scratchSteps[k - intervals.storageCount]!]!.name, offset);
  }
  // Outputs end with the last step and must outlive it.
  const last = frees.at(-1);
  if (last !== undefined) {
    const bound = boundStorages(index, simulation, intervals.root);
    frees[frees.length - 1] = last.filter(
      (range) => ![...bound].some((k) => placement.offsets[k] === range.start && intervals.bytes[k]! > 0),
    );
  }
  return {
    arenaBytes,
    liveBytes: simulation.liveBytes,
    residentBytes,
    offsets,
    scratch,
    liveAt: simulation.liveAt,
    frees,
  };
}

/** Storages that hold outputs. Each node runs once here, so copy k is the k-th result. */
function boundStorages(index: PlanIndex, simulation: Simulation, root: Int32Array): ReadonlySet<number> {
  const bound = new Set<number>();
  for (let value = index.inputCount; value < index.valueCount; value++)
    if (index.isOutput[value] === 1) bound.add(root[simulation.copyStorage[value - index.inputCount]!] ?? -1);
  return bound;
}
