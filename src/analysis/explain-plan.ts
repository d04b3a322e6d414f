/**
 * Why each value is kept or recomputed: for every forward storage that the backward pass reads, what a plan does with it,
 * and what the other choice would come to. All figures are those of the exact simulator, for the plan as it is and for
 * the plan with this one choice turned round.
 */
import { isRecord, wrongArgument } from '../ir/arguments.ts';
import { isArrayLike } from '../ir/elements.ts';
import { type EditableSequence, type EditedFigures, editableSequence } from './edit-sequence.ts';
import { neededAgain, overwrittenAt } from './needed-again.ts';
import { backwardRegion, forwardRegion, type PlanIndex } from './plan-graph.ts';
import { valueName } from './simulate.ts';

/** A step of the plan: its position in the sequence, and the node it runs. */
export interface StepName {
  readonly step: number;
  readonly node: string;
}

/** A plan that differs in one choice. */
export interface OtherPlan {
  /** Live bytes at its fullest step, scratch included, before placement. */
  readonly liveBytes: number;
  /** Node that runs at that step. */
  readonly fullest: string;
  readonly cost: number;
}

interface ExplainedStorage {
  readonly name: string;
  /** Of the storage, rounded up to 64. */
  readonly bytes: number;
}

/** Made once. */
export interface KeptValue extends ExplainedStorage {
  readonly kept: true;
  readonly from: StepName;
  /** Its last reader; null for an output of the step, which lives to the end. */
  readonly to: StepName | null;
  /** The fullest of the steps at which it waits for a use in the backward pass; null where it never waits. */
  readonly between: (StepName & { readonly liveBytes: number }) | null;
  /** What would have to run, and before which step, for it to be there again; null where that cannot be, or serves nothing. */
  readonly recomputing: { readonly nodes: readonly string[]; readonly before: StepName; readonly cost: number } | null;
  /** Why it cannot be recomputed. */
  readonly bound: string | null;
  /** The plan in which it is dropped before that wait, and recomputed for the use at its end. */
  readonly dropped: OtherPlan | null;
}

/** Made more than once, for readers that take the later copies. */
export interface RecomputedValue extends ExplainedStorage {
  readonly kept: false;
  readonly times: number;
  /** Of those runs of its own node. */
  readonly cost: number;
  /**
   * The plan in which its node runs once and all readers take that copy; what ran only for the later copies does not run
   * either.
   */
  readonly keptInstead: OtherPlan;
}

export type ExplainedValue = KeptValue | RecomputedValue;

export interface Explanation {
  /** Live bytes that were allowed, if a budget was given. */
  readonly budget: number | null;
  readonly liveBytes: number;
  /** Node of the first step with so many. */
  readonly fullest: string;
  readonly cost: number;
  readonly baseCost: number;
  /** The largest first; of equals, in source order. */
  readonly values: readonly ExplainedValue[];
}

/** `sequence` holds node numbers, `budget` is in bytes of the arena. Throws `SequenceError`. */
export function explainPlan(index: PlanIndex, sequence: ArrayLike<number>, budget?: number): Explanation {
  if (!isRecord(index) || !isRecord(index.graph))
    throw wrongArgument('explainPlan', 'what `indexPlanGraph` gives', index);
  if (!isArrayLike(sequence) || !Array.from(sequence).every((node) => index.region[node] !== undefined))
    throw wrongArgument('explainPlan', `a sequence of node numbers below ${index.nodeCount}`, sequence);
  const editable = editableSequence(index, sequence);
  const { simulation, roots } = editable;
  const names = index.graph.nodes.map((node) => node.name);
  const runs = runsByNode(index, sequence);
  const unread = unreadWithout(editable, runs);
  const overwritten = overwrittenAt(index, sequence);
  const firstBackward = Array.from(sequence).findIndex((node) => index.region[node] === backwardRegion);
  const stepName = (step: number): StepName => ({ step, node: names[sequence[step]!]! });
  const otherPlan = ({ liveBytes, peakNode, cost }: EditedFigures): OtherPlan => ({
    liveBytes,
    fullest: names[peakNode]!,
    cost,
  });

  const explain = (root: number): ExplainedValue => {
    const node = index.producer[root]!;
    const { births, lasts } = editable.livesOf(root);
    const storage = { name: valueName(index, root), bytes: index.bytes[root]! };
    const later = births.slice(1);
    if (later.some((birth, i) => lasts[i + 1]! > birth))
      return {
        ...storage,
        kept: false,
        times: later.length,
        cost: later.length * index.cost[node]!,
        keptInstead: otherPlan(editable.evaluate({ removed: unread(runs[node]!.slice(1)) })),
      };
    const last = lasts[0]!;
    const kept = {
      ...storage,
      kept: true,
      from: stepName(births[0]!),
      to: last < sequence.length ? stepName(last) : null,
    } as const;
    const { fullest, next } = fullestWait(editable, root, firstBackward);
    const nothing = { recomputing: null, bound: null, dropped: null };
    // An output is bound to the first copy: another would not replace it.
    if (kept.to === null || fullest < 0) return { ...kept, between: null, ...nothing };
    const between = { ...stepName(fullest), liveBytes: simulation.liveAt[fullest]! };
    const needed = neededAgain(editable, root, next, overwritten);
    if (typeof needed === 'string') return { ...kept, between, ...nothing, bound: needed };
    return {
      ...kept,
      between,
      recomputing: {
        nodes: needed.map((n) => names[n]!),
        before: stepName(next),
        cost: needed.reduce((total, n) => total + index.cost[n]!, 0),
      },
      bound: null,
      dropped: otherPlan(editable.evaluate({ inserted: { before: next, nodes: needed } })),
    };
  };

  const explained = readByBackward(index, roots).filter((root) => editable.livesOf(root).births.length > 0);
  const base = index.cost.reduce((total, cost) => total + cost, 0);
  return {
    budget: budget ?? null,
    liveBytes: simulation.liveBytes,
    fullest: names[sequence[simulation.peakStep] ?? -1] ?? '',
    cost: simulation.cost,
    baseCost: base,
    values: explained.map(explain).sort((a, b) => b.bytes - a.bytes),
  };
}

/**
 * Of the waits of a storage for a use in the backward pass, the one with the fullest step, and the use it ends with; -1
 * where there is none.
 */
function fullestWait(
  { touchesOf, livesOf, fullestStep, simulation }: EditableSequence,
  root: number,
  firstBackward: number,
): { readonly fullest: number; readonly next: number } {
  const { steps } = touchesOf(root);
  const last = livesOf(root).lasts[0]!;
  let found = { fullest: -1, next: -1 };
  for (let i = 1; i < steps.length && steps[i]! <= last; i++) {
    if (steps[i]! < firstBackward) continue;
    const fullest = fullestStep(steps[i - 1]! + 1, steps[i]! - 1);
    if (fullest < 0) continue;
    if (found.fullest < 0 || simulation.liveAt[fullest]! > simulation.liveAt[found.fullest]!)
      found = { fullest, next: steps[i]! };
  }
  return found;
}

/** Roots of the forward storages of which backward nodes read something, in source order. */
function readByBackward(index: PlanIndex, roots: Int32Array): readonly number[] {
  const read = new Set<number>();
  for (let n = 0; n < index.nodeCount; n++) {
    if (index.region[n] !== backwardRegion) continue;
    for (let k = index.readStart[n]!; k < index.readStart[n + 1]!; k++) read.add(roots[index.reads[k]!]!);
  }
  const isForward = (root: number): boolean => index.region[index.producer[root]!] === forwardRegion;
  return [...read]
    .filter((root) => root >= index.inputCount && index.bytes[root]! > 0 && isForward(root))
    .sort((a, b) => a - b);
}

/** The steps at which each node runs. */
function runsByNode(index: PlanIndex, sequence: ArrayLike<number>): readonly (readonly number[])[] {
  const runs = Array.from({ length: index.nodeCount }, (): number[] => []);
  for (let s = 0; s < sequence.length; s++) runs[sequence[s]!]!.push(s);
  return runs;
}

/** Gives, for steps that do not run, these and the recomputations that only they read. */
function unreadWithout(
  { index, sequence, simulation }: EditableSequence,
  runs: readonly (readonly number[])[],
): (removed: readonly number[]) => ReadonlySet<number> {
  const { copyStart, readCopyStart, readCopies } = simulation;
  const makerOf = new Int32Array(copyStart[sequence.length]!);
  for (let s = 0; s < sequence.length; s++) makerOf.fill(s, copyStart[s]!, copyStart[s + 1]!);
  const reads = new Int32Array(sequence.length);
  for (const copy of readCopies) if (copy >= 0) reads[makerOf[copy]!] = reads[makerOf[copy]!]! + 1;
  return (given) => {
    const removed = new Set(given);
    const lost = new Map<number, number>();
    for (const step of removed)
      for (let r = readCopyStart[step]!; r < readCopyStart[step + 1]!; r++) {
        const maker = readCopies[r]! < 0 ? -1 : makerOf[readCopies[r]!]!;
        if (maker < 0 || runs[sequence[maker]!]![0] === maker || index.region[sequence[maker]!] !== forwardRegion)
          continue;
        lost.set(maker, (lost.get(maker) ?? 0) + 1);
        if (lost.get(maker) === reads[maker]) removed.add(maker);
      }
    return removed;
  };
}
