/**
 * Lives: for each storage of a plan graph, the copies that a sequence makes of it, and from which step to which each is
 * alive. It is the first half of the exact simulator (`src/analysis/simulate.ts`), one storage at a time, so that a
 * storage can be traced again by itself where an edit of the sequence touches it.
 */
import type { PlanIndex } from './plan-graph.ts';

interface ViewCopy {
  readonly step: number;
  /** Number of the life it belongs to. */
  readonly life: number;
}

/**
 * Of one storage: its copies, each with the views of it, numbered in order of birth. Steps are positions in the sequence;
 * those of inserted nodes are fractions between them.
 */
export interface Lives {
  readonly births: readonly number[];
  /** Last step that reads each; the length of the sequence for an output. */
  readonly lasts: readonly number[];
  /** Of each view of the storage, its copies in order. */
  readonly views: ReadonlyMap<number, readonly ViewCopy[]>;
}

/** Steps that read or make a value of one storage, in order, and their nodes. */
export interface Touches {
  readonly steps: ArrayLike<number>;
  readonly nodes: ArrayLike<number>;
}

const noViews: ReadonlyMap<number, readonly ViewCopy[]> = new Map();

/** The value whose storage each value lies in; residents are their own. */
export function storageRoots(index: PlanIndex): Int32Array {
  const root = Int32Array.from({ length: index.valueCount }, (_, v) => v);
  for (let v = index.inputCount; v < index.valueCount; v++) if (index.view[v]! >= 0) root[v] = root[index.view[v]!]!;
  return root;
}

/** Traces the storage of `root` through its touches. `end` is the length of the sequence. */
export function traceLives(
  index: PlanIndex,
  roots: Int32Array,
  root: number,
  { steps, nodes }: Touches,
  end: number,
): Lives {
  const { readStart, reads, resultStart, view, isOutput } = index;
  const births: number[] = [];
  const lasts: number[] = [];
  let views: Map<number, ViewCopy[]> | undefined;
  const bound = new Set<number>();
  const current = (value: number): number =>
    value === root ? births.length - 1 : (views?.get(value)?.at(-1)?.life ?? -1);
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    const node = nodes[i]!;
    for (let k = readStart[node]!; k < readStart[node + 1]!; k++) {
      if (roots[reads[k]!] !== root) continue;
      const life = current(reads[k]!);
      if (life < 0) throw new RangeError(`step ${step} reads value ${reads[k]} before it is made`);
      lasts[life] = Math.max(lasts[life]!, step);
    }
    for (let v = resultStart[node]!; v < resultStart[node + 1]!; v++) {
      if (roots[v] !== root) continue;
      if (v === root) {
        births.push(step);
        lasts.push(step);
      } else {
        const life = current(view[v]!);
        views ??= new Map();
        const copies = views.get(v);
        if (copies === undefined) views.set(v, [{ step, life }]);
        else copies.push({ step, life });
        lasts[life] = Math.max(lasts[life]!, step);
      }
      if (isOutput[v] === 1 && !bound.has(v)) lasts[current(v)] = end;
      bound.add(v);
    }
  }
  return { births, lasts, views: views ?? noViews };
}

/** Number of the life that a read of `value` at `step` takes; -1 where there is none yet. */
export function lifeReadAt(lives: Lives, root: number, value: number, step: number): number {
  if (value === root) return lastBefore(lives.births, step, (birth) => birth);
  const copies = lives.views.get(value) ?? [];
  return copies[lastBefore(copies, step, (copy) => copy.step)]?.life ?? -1;
}

/** Position of the last item whose step is below `step`; -1 if none is. */
function lastBefore<T>(items: readonly T[], step: number, stepOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stepOf(items[middle]!) < step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
