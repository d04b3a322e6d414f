/** OnnxLowering: how one ONNX operator becomes ops of the IR. One entry an operator, in the files under `lowerings/`. */
import type { Attributes, Node, Tensor, TensorType, Value } from '../../ir/graph.ts';
import type { Emitter, Op } from '../../ir/op.ts';
import type { AttributeReader } from './attributes.ts';

/** What a lowering sees of its ONNX node, and how it adds nodes to the graph. */
export interface LoweringContext extends Emitter {
  readonly opType: string;
  /** Version of the operator set the model imports. */
  readonly opset: number;
  readonly attributes: AttributeReader;
  /** Overrides the file's choice between training and inference; undefined leaves it to the file. */
  readonly training: boolean | undefined;

  /** Operands in order; undefined where an optional one is left out. Trailing ones may be missing. */
  readonly operands: readonly (Value | undefined)[];
  /** Operand `index`; its absence is an error. */
  operand(index: number): Value;
  readonly outputCount: number;
  /** Whether output `index` is named and something reads it. */
  usesOutput(index: number): boolean;

  /** Contents of a folded constant. */
  folded(value: Value): Tensor | undefined;
  /** The number in a folded constant of one element. */
  scalar(value: Value): number | undefined;
  /** Whether `value` has its contents in the file: a constant, or a weight that came with data. */
  isStored(value: Value): boolean;
  /** A constant with the contents of a stored value, which is not trained as a weight would be. */
  frozen(value: Value): Value;
  /** Contents of optional operand `index`, which must be known before the step runs; undefined if it is left out. */
  numbers(index: number): readonly number[] | undefined;
  /** The node that makes `value`, if one does. */
  producer(value: Value): Node | undefined;

  /** As `emitAll`, in the region `update`. */
  emitUpdate<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A): readonly Value[];
  /** Makes parameters that nothing else reads state of the step: all of them, or none and the answer false. */
  moveToState(values: readonly Value[]): boolean;
  /** The graph's seed input (i32[2]: seed and step) and a number for the node that draws from it. */
  random(): { readonly rng: Value; readonly site: number };
  /**
   * A constant that the lowering makes up, one for all nodes that ask for the same `key` and type. Throws, before `make`,
   * where all such constants together take too many bytes.
   */
  sharedConstant(key: string, type: TensorType, make: () => Tensor['data']): Value;
  /** Counts nodes that this one is written out to, before they are made; throws where they are too many. */
  expand(nodes: number): void;
  /** Says something of this node in a note, which names all nodes that it is said of. */
  remark(about: string): void;
  /** Throws the error that this node is not supported as it is. */
  fail(message: string, hint?: string): never;
}

export interface OnnxLowering {
  /** The ONNX operator. */
  readonly onnx: string;
  /** The first supported opset. */
  readonly since: number;
  /** Whether gradients flow through it. */
  readonly gradient: boolean;
  /** What is not supported, for people. */
  readonly limits?: string;
  /** Values of the outputs in order; unused trailing ones may be missing. Throws `SublinearError` or `ShapeError`. */
  lower(context: LoweringContext): readonly Value[];
}
