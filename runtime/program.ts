/**
 * Program: a compiled step as a flat list of kernel calls with constant byte offsets. No graph is left in it: the
 * interpreter runs it, code generation prints it.
 */
import type { DType, Memory } from './memory.ts';

/** Numbers, and short lists of numbers (shapes, strides). Byte offsets count from the start of the memory. */
export type KernelArgument = number | readonly number[];

/**
 * A kernel reads and writes `memory` at byte offsets and allocates nothing. Its function name is its identity: other
 * backends and emitted code find it by that name. Parameters are checked where calls are made, by `call`.
 */
export type Kernel = { bivariant(memory: Memory, ...args: KernelArgument[]): void }['bivariant'];

export interface KernelCall {
  readonly kernel: Kernel;
  readonly args: readonly KernelArgument[];
}

/** A kernel call whose arguments are checked against the kernel's own parameters. */
export function call<A extends KernelArgument[]>(kernel: (memory: Memory, ...args: A) => void, ...args: A): KernelCall {
  return { kernel, args: args.map((arg) => (typeof arg === 'number' ? asInteger(arg) : arg.map(asInteger))) };
}

/**
 * The same number as an engine's small integer, where it is one: offsets come out of arithmetic in doubles, and a kernel
 * that is handed doubles computes its addresses with them, at half the speed.
 */
function asInteger(value: number): number {
  const integer = value | 0;
  return Object.is(integer, value) ? integer : value;
}

export type Region = 'forward' | 'backward' | 'update';

/** A half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ProgramStep {
  /** Name of the node. */
  readonly name: string;
  readonly op: string;
  readonly region: Region;
  /** The node this one computes again, if it is a recomputation. */
  readonly recompute?: string;
  /** Usually one; none for a view. */
  readonly calls: readonly KernelCall[];
  /** Printed form of the results, for comments and traces. */
  readonly comment: string;
  /** Bytes of the arena that hold live values while the step runs, scratch included. */
  readonly liveBytes: number;
  /** Ranges of the arena whose contents are dead after the step. */
  readonly frees: readonly ByteRange[];
}

/** Where a named value lies. */
export interface Slot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes from the start of the memory. */
  readonly offset: number;
  /** Bytes of the elements, not rounded. */
  readonly bytes: number;
}

/** A slot that is an output; `of` names the value whose gradient it is. */
export interface OutputSlot extends Slot {
  readonly of?: string;
}

/**
 * The memory is `[arena | resident]`: the arena starts at offset 0, the resident values follow it.
 */
export interface Program {
  readonly name: string;
  readonly arenaBytes: number;
  readonly residentBytes: number;
  readonly steps: readonly ProgramStep[];
  readonly inputs: readonly Slot[];
  readonly parameters: readonly Slot[];
  readonly state: readonly Slot[];
  readonly constants: readonly Slot[];
  readonly outputs: readonly OutputSlot[];
  /** That of `inputs` from which random ops draw, i32[2]: seed and step. */
  readonly random?: Slot;
}
