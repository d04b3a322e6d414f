/**
 * Op: everything the compiler knows of an operator, in one object. Nothing else in the tree switches on an op's name.
 *
 * `A` is the record of the op's attributes. Methods are declared with method syntax, so an `Op<{ axis: number }>` is
 * usable as an `Op` without a cast; the verifier checks attributes against `attributes` before any method sees them.
 */
import type { KernelCall } from '../../runtime/program.ts';
import type { Attributes, TensorType, Value } from './graph.ts';

/**
 * pure: may run again anywhere. random: pure given its seed operands, may run again. view: its result shares the
 * storage of operand 0. state: reads or writes state that moves once a step; never cloned. update: writes over
 * resident operands (see `writes`); never cloned.
 */
export type Effect = 'pure' | 'random' | 'view' | 'state' | 'update';

export type AttributeKind = 'int' | 'ints' | 'float' | 'floats' | 'string' | 'bool' | 'dtype';

export interface AttributeSpec {
  readonly kind: AttributeKind;
  readonly doc: string;
}

/** The types (and names) round one application of an op. */
export interface Application<A = Attributes> {
  readonly operands: readonly Value[];
  readonly results: readonly Value[];
  readonly attributes: A;
}

/** Byte offsets of an application in the memory. */
export interface Addresses {
  operand(index: number): number;
  result(index: number): number;
  /** Start of `scratch()` bytes, aligned to 64. */
  readonly scratch: number;
}

/** Adds nodes to a graph under construction. */
export interface Emitter {
  /** All results. `hint` is the wanted name of the first result; it is made unique. */
  emitAll<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A, hint?: string): readonly Value[];
  /** The first result. */
  emit<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A, hint?: string): Value;
  /** A resident constant (deduplicated by contents). */
  constant(type: TensorType, data: ArrayLike<number> & Iterable<number>, hint?: string): Value;
}

export interface GradientContext<A = Attributes> extends Application<A>, Emitter {
  /** d loss / d results[i]; undefined where nothing depends on that result. At least one is defined. */
  readonly cotangents: readonly (Value | undefined)[];
  /** Whether the gradient with respect to operand `index` is asked for. */
  wants(index: number): boolean;
}

/** A case the op-table test checks: operand types, attributes, and the range its float operands are drawn from. */
export interface OpExample<A = Attributes> {
  readonly operands: readonly TensorType[];
  readonly attributes: A;
  /** Range of float operands; default [-2, 2]. */
  readonly range?: readonly [number, number];
  /** Ranges by operand, where they differ (or integers: inclusive bounds of indices). */
  readonly ranges?: Readonly<Record<number, readonly [number, number]>>;
}

export interface Op<A = Attributes> {
  /** snake_case. */
  readonly name: string;
  /** One line for `sublinear ops`. */
  readonly doc: string;
  readonly attributes: { readonly [K in keyof A]-?: AttributeSpec };
  readonly effect: Effect;
  /** Matrix products and convolutions: what the strategy `speed` keeps. */
  readonly expensive?: boolean;
  /** Result types. Throws `ShapeError` naming the shapes at fault. */
  infer(operands: readonly TensorType[], attributes: A): readonly TensorType[];
  /** Floating-point operations of one run. */
  flops(application: Application<A>): number;
  /** Bytes read and written; default: all operands and results once. */
  bytesMoved?(application: Application<A>): number;
  /** Bytes of scratch the kernel needs; default 0. */
  scratch?(application: Application<A>): number;
  /**
   * `inPlace[i]` lists the operands whose storage result i may take when they die here (same byte size is checked by
   * the planner). The kernel must then be right when result and operand offsets are equal.
   */
  readonly inPlace?: readonly (readonly number[])[];
  /**
   * Operands that may lie exactly where a result in place is written: the operand taken over given twice, or a view of
   * all its bytes. The kernel must have read element k of these before it writes element k. By default nothing else that
   * the op reads may lie in that storage; what covers a part of it never may.
   */
  readonly mayAlias?: readonly number[];
  /**
   * Byte offset at which operand `operand` lies, as it is, in result 0; undefined where it does not lie in one piece. The
   * planner may then have made the operand there, and the kernels have nothing to do for it.
   */
  partOffset?(application: Application<A>, operand: number): number | undefined;
  /** For effects `state` and `update`: `writes[i]` is the resident operand that result i is written over. */
  readonly writes?: readonly number[];
  /** Operands that are running statistics: not trained unless asked for. */
  readonly statistics?: readonly number[];
  /** Operands that say what the op does (an exponent): seldom weights, so not trained unless asked for. */
  readonly settings?: readonly number[];
  /** Exclusive upper bound of the elements of integer operand `operand` (class numbers, indices), where there is one. */
  indexBound?(application: Application<A>, operand: number): number | undefined;
  /** Whether elements of operand `operand` are elements of the results, unchanged: what bounds these bounds it. Views do. */
  passesOn?(operand: number): boolean;
  /** For views: byte offset of result `result` within operand 0's storage; default 0. */
  viewOffset?(application: Application<A>, result: number): number;
  /** What the gradient's nodes read beside the cotangents: operand and result indices. */
  readonly gradientReads?: { readonly operands?: readonly number[]; readonly results?: readonly number[] };
  /** Gradients by operand; undefined where none is wanted or none exists. Absent: not differentiable. */
  gradient?(context: GradientContext<A>): readonly (Value | undefined)[];
  /**
   * Its gradient is not the derivative, which is zero almost everywhere, but that of the function it stands in for
   * (straight-through estimator).
   */
  readonly straightThrough?: true;
  /** Kernel calls of one application; a view has none. */
  lower(application: Application<A>, at: Addresses): readonly KernelCall[];
  readonly examples: readonly OpExample<A>[];
}

/** Thrown by `infer`; turned into a diagnostic with the node's name and source by whoever applies the op. */
export class ShapeError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'ShapeError';
    this.hint = hint;
  }
}

/** Attributes of an op that has none. */
export type NoAttributes = Readonly<Record<never, never>>;
