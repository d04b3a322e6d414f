/** Random allocation instances for tests. */
import type { ArenaIntervals } from '../../../passes/arena/problem.ts';

export interface Interval {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export function toIntervals(list: readonly Interval[]): ArenaIntervals {
  return {
    start: Int32Array.from(list, (interval) => interval.start),
    end: Int32Array.from(list, (interval) => interval.end),
    bytes: Float64Array.from(list, (interval) => interval.bytes),
  };
}

/** Largest sum of sizes alive at a step, from the definition. */
export function largestLoad(list: readonly Interval[]): number {
  let most = 0;
  for (const { start } of list) {
    let load = 0;
    for (const other of list) if (other.start <= start && start < other.end) load += other.bytes;
    most = Math.max(most, load);
  }
  return most;
}

/** All overlapping pairs, from the definition. */
export function overlaps(list: readonly Interval[], offsets: ArrayLike<number>): string[] {
  const found: string[] = [];
  for (let j = 0; j < list.length; j++)
    for (let i = 0; i < j; i++) {
      const [a, b] = [list[i]!, list[j]!];
      if (a.start >= b.end || b.start >= a.end || a.start >= a.end || b.start >= b.end) continue;
      if (offsets[i]! < offsets[j]! + b.bytes && offsets[j]! < offsets[i]! + a.bytes && a.bytes > 0 && b.bytes > 0)
        found.push(`${i}-${j}`);
    }
  return found;
}

/**
 * The lowest height, by trying every order: some lowest placement is left after putting each interval at the lowest place
 * where it fits, in the order of its offsets.
 */
export function lowestHeight(list: readonly Interval[]): number {
  let best = Number.POSITIVE_INFINITY;
  const offsets: number[] = [];
  const visit = (left: readonly number[], placed: readonly number[], height: number): void => {
    if (height >= best) return;
    if (left.length === 0) best = height;
    for (const k of left) {
      const own = list[k]!;
      const meeting = placed.filter((p) => list[p]!.start < own.end && own.start < list[p]!.end);
      const candidates = [0, ...meeting.map((p) => offsets[p]! + list[p]!.bytes)].sort((a, b) => a - b);
      offsets[k] = candidates.find((at) =>
        meeting.every((p) => offsets[p]! + list[p]!.bytes <= at || offsets[p]! >= at + own.bytes),
      )!;
      visit(
        left.filter((other) => other !== k),
        [...placed, k],
        Math.max(height, offsets[k]! + own.bytes),
      );
    }
  };
  visit([...list.keys()], [], 0);
  return best;
}

/** Repeatable numbers below a bound. */
export function counter(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

export interface RandomInstance {
  readonly count: number;
  readonly steps: number;
  readonly longest: number;
  readonly largest: number;
  /** Sizes are multiples of it. Default 1. */
  readonly unit?: number;
}

export function randomInstance(seed: number, { count, steps, longest, largest, unit = 1 }: RandomInstance): Interval[] {
  const draw = counter(seed);
  return Array.from({ length: count }, () => {
    const start = draw(steps);
    return { start, end: start + 1 + draw(longest), bytes: unit * (1 + draw(largest)) };
  });
}

/**
 * Storages of an ordinary training step: activations that live from the forward pass to their backward node, gradients
 * handed from layer to layer, scratch, and parameter gradients that live to the end.
 */
export function trainingTrace(layers: number, seed: number): Interval[] {
  const draw = counter(seed);
  const list: Interval[] = [];
  const end = 2 * layers;
  for (let layer = 0; layer < layers; layer++) {
    const back = end - 1 - layer;
    const bytes = 64 * (1 + draw(4096));
    list.push({ start: layer, end: back + 1, bytes });
    if (draw(3) === 0) list.push({ start: layer, end: layer + 2, bytes: 64 * (1 + draw(4096)) });
    list.push({ start: back, end: Math.min(back + 2, end), bytes });
    if (draw(2) === 0) list.push({ start: back, end: back + 1, bytes: 64 * (1 + draw(1024)) });
    list.push({ start: back, end, bytes: 64 * (1 + draw(256)) });
  }
  return list;
}

/** Every step has the same load, so there is no room to spare anywhere: where placements are hard to find, or absent. */
export function tightInstance(seed: number): Interval[] {
  const draw = counter(7919 * seed + 1);
  const load = 3 + draw(5);
  const steps = 3 + draw(5);
  const list: { start: number; end: number; bytes: number }[] = [];
  let room = load;
  for (let step = 0; step < steps; step++) {
    for (const interval of list)
      if (interval.start < step && interval.end === steps && draw(3) === 0) {
        interval.end = step;
        room += interval.bytes;
      }
    while (room > 0) {
      const bytes = 1 + draw(Math.min(room, 3));
      list.push({ start: step, end: steps, bytes });
      room -= bytes;
    }
  }
  return list;
}
