/**
 * How one kernel call becomes calls that threads make at the same time. Which parts there are depends on the arguments
 * and the number of threads; what an element is computed from, and in which order, on neither: a part computes its
 * elements exactly as the whole call does.
 */
import type { KernelArgument } from '../program.ts';

export type Arguments = readonly KernelArgument[];

/** The calls of the same kernel that one thread makes in place of the whole, in order. */
export type Part = readonly Arguments[];

/** Parameters are checked where splits are written, by `splitOf`. */
export interface Split {
  /** Nanoseconds that the whole call takes on one thread, roughly. */
  cost(...args: KernelArgument[]): number;
  /** A part for each of `parts` threads, some of them empty; undefined where the call has to stay whole. */
  cut(parts: number, ...args: KernelArgument[]): readonly Part[] | undefined;
  /** Bytes of scratch that the call needs, and which argument says where. Every thread needs as many of its own. */
  readonly scratch?: Scratch;
  /** Whether the kernel looks into the memory to find out what to do: its calls are then written down at every run. */
  readonly readsMemory?: boolean;
}

export interface Scratch {
  readonly argument: number;
  bytes(...args: KernelArgument[]): number;
}

/** A split whose parameters are checked against the kernel's own, under the kernel's name. */
export function splitOf<A extends KernelArgument[]>(
  kernel: (...args: [memory: never, ...A]) => void,
  split: {
    cost(...args: A): number;
    cut(parts: number, ...args: A): readonly Part[] | undefined;
    readonly scratch?: { readonly argument: number; bytes(...args: A): number };
    readonly readsMemory?: boolean;
  },
): readonly [name: string, split: Split] {
  return [kernel.name, split];
}

/** Bounds of `parts` even parts of `count`, which lie at multiples of `unit` but for the end. */
function bounds(count: number, parts: number, unit: number): readonly number[] {
  const units = Math.floor(count / unit);
  return Array.from({ length: parts + 1 }, (_, part) =>
    part === parts ? count : Math.round((part * units) / parts) * unit,
  );
}

/** The parts of `count` pieces, cut at multiples of `unit`: the calls for `count` of them from `start` on. */
export function eachRange(
  count: number,
  parts: number,
  unit: number,
  calls: (start: number, count: number) => Part,
): readonly Part[] {
  const at = bounds(count, parts, unit);
  return at.slice(1).map((end, part) => (end === at[part] ? [] : calls(at[part]!, end - at[part]!)));
}

/** A byte offset moved on; -1 stands for an operand that is not there, and stays. */
export function moved(offset: number, bytes: number): number {
  return offset < 0 ? offset : offset + bytes;
}
