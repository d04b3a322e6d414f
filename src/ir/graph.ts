/**
 * The IR: one functional DAG of named, statically shaped values. Forward, backward, recomputation and update are nodes
 * of the same graph (DESIGN idea 1).
 *
 * Names are identity. A node is named after its first result; value names are unique in a graph. The order of `nodes`
 * is the order of execution.
 */
import type { DType } from '../../runtime/memory.ts';
import { bytesPerElement } from '../../runtime/memory.ts';
import type { Region } from '../../runtime/program.ts';

export type { DType, Region };

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface Value {
  readonly name: string;
  readonly type: TensorType;
}

export type AttributeValue = number | string | boolean | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One text for equal attributes: sorted by name, and -0, NaN and infinities told apart. */
export function attributesKey(attributes: Attributes): string {
  return Object.keys(attributes)
    .sort()
    .map((name) => `${name}=${attributeKey(attributes[name]!)}`)
    .join(';');
}

function attributeKey(value: AttributeValue): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'object' ? `[${value.map(attributeKey).join(',')}]` : JSON.stringify(value);
}

export interface Node {
  /** Equal to `results[0].name`. */
  readonly name: string;
  /** A name of the op table. */
  readonly op: string;
  /** Order is the truth: `operands[i]` is the op's i-th operand. */
  readonly operands: readonly Value[];
  readonly attributes: Attributes;
  /** At least one. */
  readonly results: readonly Value[];
  readonly region: Region;
  /** Where it came from: an ONNX node, or file and line of the builder call. */
  readonly source?: string;
  /** Names of nodes that must run before this one though it does not read them. */
  readonly after?: readonly string[];
  /** Name of the original node this one recomputes (collapse law). */
  readonly recompute?: string;
  /** Name of the forward node whose gradient rule made this node. */
  readonly gradientOf?: string;
}

/** A graph output: `value` leaves the step under `name`. */
export interface Output {
  readonly name: string;
  readonly value: string;
  /** The value this is the gradient of. */
  readonly of?: string;
}

export interface Graph {
  readonly name: string;
  /** Given anew each step; resident. */
  readonly inputs: readonly Value[];
  /** Float weights; resident. Which of them are trained is chosen at differentiation. */
  readonly parameters: readonly Value[];
  /** Running statistics, optimizer moments, accumulators; resident, written over by update nodes. */
  readonly state: readonly Value[];
  /** Never written; resident. */
  readonly constants: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
}

/** Elements of a tensor and their type. Integers of an i64 are stored as doubles. */
export interface Tensor {
  readonly type: TensorType;
  readonly data: ArrayLike<number> & Iterable<number>;
}

/** A graph with the numbers of its parameters, state and constants, by name. */
export interface Model {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
}

export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const extent of shape) count *= extent;
  return count;
}

/** Bytes of the elements, not rounded. */
export function byteLength(type: TensorType): number {
  return elementCount(type.shape) * bytesPerElement[type.dtype];
}

/** Dimensions of a tensor, at most. */
const largestRank = 64;

/** What is wrong with a type that no program could work with: more dimensions, or more bytes, than can be counted. */
export function sizeFault(type: TensorType): string | undefined {
  if (type.shape.length > largestRank) return `has ${type.shape.length} dimensions; supported are up to ${largestRank}`;
  if (byteLength(type) <= Number.MAX_SAFE_INTEGER) return undefined;
  return `of the type ${formatType(type)} has more than 2^53 bytes`;
}

/** DESIGN section 7: every size is rounded up to 64 bytes. */
export const alignment = 64;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** `f32[32,64]` */
export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(',')}]`;
}

/** Every resident value, in the order inputs, parameters, state, constants. */
export function residents(graph: Graph): readonly Value[] {
  return [...graph.inputs, ...graph.parameters, ...graph.state, ...graph.constants];
}

/** Every value by name. */
export function valuesByName(graph: Graph): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const value of residents(graph)) values.set(value.name, value);
  for (const node of graph.nodes) for (const result of node.results) values.set(result.name, result);
  return values;
}
