/**
 * FoldingEmitter: the graph under construction while ONNX nodes are lowered into it.
 *
 * An op whose operands are all known is evaluated at once, by its own kernel, and becomes a constant, so the shape
 * arithmetic of exported models (Shape, Gather, Concat, ...) leaves no node and needs no evaluator of its own. Constants,
 * and weights, become residents of the graph only if a node that stays reads them. Between `open` and `close` lies one
 * ONNX node; `close` gives the values it makes their ONNX names.
 */
import { SublinearError } from '../../ir/diagnostic.ts';
import {
  type Attributes,
  byteLength,
  elementCount,
  formatType,
  type Graph,
  type Model,
  type Node,
  type Output,
  type Tensor,
  type TensorType,
  type Value,
} from '../../ir/graph.ts';
import { GraphBuilder, inferTypes } from '../../ir/graph-builder.ts';
import { type Emitter, type Op, ShapeError } from '../../ir/op.ts';
import { evaluate } from '../../ops/evaluate.ts';
import { prune } from './prune.ts';

/** Beyond this many elements, operands and results together, a constant is left to be computed in the step. */
const foldingLimit = 1_000_000;

/** Bytes of all constants that are made while a model is read, but for small ones; those of the file do not count. */
export const constantLimit = 128 * 2 ** 20;

/** Operations spent on folding; small nodes, such as shape arithmetic has, are folded beyond that. */
const workLimit = 500_000_000;

/** Elements of a small node. */
const smallNode = 1024;

/** Constants of at most this many elements are shared where they are equal. */
const interningLimit = 64;

interface Producer {
  readonly node: Node;
  readonly op: Op;
}

export class FoldingEmitter implements Emitter {
  private readonly name: string;
  private readonly builder: GraphBuilder;
  private readonly inputs: Value[] = [];
  private readonly parameters = new Map<string, Value>();
  private readonly state = new Map<string, Value>();
  private readonly weights = new Map<string, Tensor>();
  /** Constants by name; residents only once a node reads them. */
  private readonly known = new Map<string, Tensor>();
  private readonly interned = new Map<string, Value>();
  private readonly shared = new Map<string, Value>();
  /** Keys of shared constants by their names. */
  private readonly sharedKeys = new Map<string, string>();
  private readonly producers = new Map<string, Producer>();
  /** Contents of inputs that the caller lets the compiler look at. */
  private readonly given = new Map<string, Tensor>();
  /** Values worked out from given inputs; undefined where that is not possible. */
  private readonly resolved = new Map<string, Tensor | undefined>();
  private readonly specialized = new Set<string>();
  private scope = '';
  private firstNode = 0;
  private freshConstants = new Set<string>();
  private constantBytes = 0;
  private work = 0;

  constructor(name: string) {
    this.name = name;
    this.builder = new GraphBuilder(name);
  }

  /** Keeps names for values that come later, so that intermediate values do not take them. */
  reserve(name: string): string {
    return this.builder.uniqueName(name);
  }

  /** `given`: its contents, where lowerings may rely on them. The name must be reserved. */
  input(name: string, type: TensorType, given?: Tensor): Value {
    const value: Value = { name, type };
    this.inputs.push(value);
    if (given !== undefined) this.given.set(name, given);
    return value;
  }

  /** A float weight; without data it is to be filled in later. The name must be reserved. */
  parameter(name: string, type: TensorType, tensor?: Tensor): Value {
    const value: Value = { name, type };
    this.parameters.set(name, value);
    if (tensor !== undefined) this.weights.set(name, tensor);
    return value;
  }

  isParameter(value: Value): boolean {
    return this.parameters.has(value.name);
  }

  /** Makes a parameter a state value (running statistics). */
  moveToState(value: Value): void {
    this.parameters.delete(value.name);
    this.state.set(value.name, value);
  }

  /** Whether `value` has its contents in the file: a constant, or a weight that came with data. */
  isStored(value: Value): boolean {
    return this.known.has(value.name) || this.weights.has(value.name);
  }

  /** A constant called `name`, which must be reserved; not shared. */
  namedConstant(name: string, { type, data }: Tensor): Value {
    this.known.set(name, { type, data });
    return { name, type };
  }

  constant(type: TensorType, data: Tensor['data'], hint?: string): Value {
    if (data.length !== elementCount(type.shape))
      throw new ShapeError(`constant of type ${formatType(type)} was given ${data.length} elements`);
    const key = data.length <= interningLimit ? contentsKey(type, data) : undefined;
    const shared = key === undefined ? undefined : this.interned.get(key);
    if (shared !== undefined && this.known.has(shared.name)) return shared;
    const value: Value = { name: this.builder.uniqueName(hint ?? `${this.scope}/constant`), type };
    this.known.set(value.name, { type, data });
    this.freshConstants.add(value.name);
    if (key !== undefined) this.interned.set(key, value);
    return value;
  }

  emitAll<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A): readonly Value[] {
    const types = inferTypes(op, operands, attributes, this.scope, this.builder.stamp.source);
    if (
      operands.every((operand) => this.known.has(operand.name)) &&
      this.takesFolding(op, operands, types, attributes)
    ) {
      const tensors = operands.map((operand) => this.known.get(operand.name)!);
      return evaluate(op, tensors, attributes).map(({ type, data }) =>
        this.constant(type, data, `${this.scope}/${op.name}`),
      );
    }
    const results = this.builder.emitAll(op, operands, attributes, `${this.scope}/${op.name}`);
    const node = this.builder.nodes[this.builder.nodes.length - 1]!;
    for (const result of results) this.producers.set(result.name, { node, op });
    return results;
  }

  emit<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A): Value {
    return this.emitAll(op, operands, attributes)[0]!;
  }

  /** As `emitAll`, in the region `update`. */
  emitUpdate<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A): readonly Value[] {
    this.builder.stamp.region = 'update';
    try {
      return this.emitAll(op, operands, attributes);
    } finally {
      this.builder.stamp.region = 'forward';
    }
  }

  /** The node that makes `value`; undefined for residents and constants. */
  producer(value: Value): Node | undefined {
    return this.producers.get(value.name)?.node;
  }

  /** Contents of a constant. */
  folded(value: Value): Tensor | undefined {
    return this.known.get(value.name);
  }

  /**
   * Contents known before the step: of constants, of weights that have data, of given inputs, and of what pure nodes
   * make of them. Using a given input so fixes the program to its contents; `specializations` lists such inputs.
   */
  contents(value: Value): Tensor | undefined {
    const path: Value[] = [value];
    while (path.length > 0) {
      const at = path[path.length - 1]!;
      if (this.contentsIfReady(at) !== undefined || this.resolved.has(at.name)) {
        path.pop();
        continue;
      }
      const producer = this.producers.get(at.name);
      const waiting = producer?.node.operands.find(
        (operand) => this.contentsIfReady(operand) === undefined && !this.resolved.has(operand.name),
      );
      if (waiting !== undefined) {
        path.push(waiting);
        continue;
      }
      if (producer === undefined) this.resolved.set(at.name, undefined);
      else this.resolveNode(producer);
    }
    const tensor = this.contentsIfReady(value);
    if (tensor !== undefined) this.noteSpecialization(value);
    return tensor;
  }

  /** Names of given inputs whose contents a lowering has relied on. */
  get specializations(): readonly string[] {
    return this.inputs.map((input) => input.name).filter((name) => this.specialized.has(name));
  }

  /** Starts the lowering of one ONNX node; `scope` begins the names of its intermediate values. */
  open(scope: string, source: string): void {
    this.scope = scope;
    this.builder.stamp.source = source;
    this.firstNode = this.builder.nodes.length;
    this.freshConstants = new Set();
  }

  /**
   * Ends it: values made since `open` are renamed to `names[i]`, which must be reserved. Returns the values under the
   * names they now have; one that existed before keeps its own.
   */
  close(values: readonly Value[], names: readonly string[]): readonly Value[] {
    const renamed = new Map<string, Value>();
    const fresh = this.builder.nodes.splice(this.firstNode);
    const made = new Set(fresh.flatMap((node) => node.results.map((result) => result.name)));
    values.forEach((value, i) => {
      const name = names[i];
      if (name === undefined || name === '' || renamed.has(value.name)) return;
      if (made.has(value.name)) renamed.set(value.name, { name, type: value.type });
      else if (this.freshConstants.has(value.name)) renamed.set(value.name, this.renameConstant(value, name));
    });
    const current = (value: Value): Value => renamed.get(value.name) ?? value;
    for (const node of fresh) {
      const results = node.results.map(current);
      const settled: Node = { ...node, name: results[0]!.name, operands: node.operands.map(current), results };
      this.builder.nodes.push(settled);
      const op = this.producers.get(node.results[0]!.name)!.op;
      for (const result of node.results) this.producers.delete(result.name);
      for (const result of results) this.producers.set(result.name, { node: settled, op });
    }
    return values.map(current);
  }

  /** Ends a lowering that failed: its nodes go. */
  abandon(): void {
    this.builder.nodes.splice(this.firstNode);
  }

  /** The finished graph: dead nodes and unread residents are left out, inputs are not. */
  finish(outputs: readonly Output[]): Model {
    const nodes = prune(this.builder.nodes, outputs);
    const read = new Set<string>(outputs.map((output) => output.value));
    for (const node of nodes) for (const operand of node.operands) read.add(operand.name);
    const constants: Value[] = [];
    for (const constant of read) {
      const tensor = this.known.get(constant);
      if (tensor === undefined) continue;
      constants.push({ name: constant, type: tensor.type });
      this.weights.set(constant, tensor);
    }
    const graph: Graph = {
      name: this.name,
      inputs: this.inputs,
      parameters: [...this.parameters.values()].filter((value) => read.has(value.name)),
      state: [...this.state.values()].filter((value) => read.has(value.name)),
      constants,
      nodes,
      outputs,
    };
    return { graph, weights: new Map([...this.weights].filter(([key]) => read.has(key))) };
  }

  /** The constant that was made for `key`, or a new one; undefined where all constants made so take too many bytes. */
  sharedConstant(key: string, type: TensorType, make: () => Tensor['data']): Value | undefined {
    const shared = this.shared.get(key);
    if (shared !== undefined && this.known.has(shared.name)) return shared;
    if (!this.takeConstant(type)) return undefined;
    const value = this.constant(type, make());
    this.share(key, value);
    return value;
  }

  /** A constant with the contents of a weight that has any; a constant itself. */
  frozen(value: Value): Value {
    const tensor = this.weights.get(value.name);
    const key = `frozen ${value.name}`;
    if (tensor === undefined) return value;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const constant = this.constant(tensor.type, tensor.data, `${value.name}/frozen`);
    this.share(key, constant);
    return constant;
  }

  private share(key: string, value: Value): void {
    this.shared.set(key, value);
    this.sharedKeys.set(value.name, key);
  }

  /** Counts the bytes of a constant that is to be made; false where all of them would take too many. */
  private takeConstant(type: TensorType): boolean {
    const bytes = byteLength(type);
    if (!(this.constantBytes + bytes <= constantLimit)) return false;
    this.constantBytes += bytes;
    return true;
  }

  /** Whether a node of known operands may be folded; what it takes is counted. */
  private takesFolding<A extends Attributes>(
    op: Op<A>,
    operands: readonly Value[],
    types: readonly TensorType[],
    attributes: A,
  ): boolean {
    if (op.effect !== 'pure' && op.effect !== 'view') return false;
    if (operands.length === 0) return false;
    let elements = 0;
    for (const { type } of operands) elements += elementCount(type.shape);
    for (const { shape } of types) elements += elementCount(shape);
    if (!(elements <= foldingLimit)) return false;
    const results = types.map((type): Value => ({ name: '', type }));
    const flops = op.flops({ operands, results, attributes });
    if (elements <= smallNode && flops <= smallNode) return true;
    if (!(this.work + elements + flops <= workLimit)) return false;
    this.work += elements + flops;
    return types.every((type) => this.takeConstant(type));
  }

  private contentsIfReady(value: Value): Tensor | undefined {
    const { name } = value;
    return this.known.get(name) ?? this.weights.get(name) ?? this.given.get(name) ?? this.resolved.get(name);
  }

  private resolveNode({ node, op }: Producer): void {
    const operands = node.operands.map((operand) => this.contentsIfReady(operand));
    const ready = operands.filter((operand) => operand !== undefined);
    const types = node.results.map((result) => result.type);
    if (ready.length < operands.length || !this.takesFolding(op, node.operands, types, node.attributes)) {
      for (const result of node.results) this.resolved.set(result.name, undefined);
      return;
    }
    const results = evaluate(op, ready, node.attributes);
    node.results.forEach((result, i) => {
      this.resolved.set(result.name, results[i]);
    });
  }

  /** Every given input that `value` is computed from. */
  private noteSpecialization(value: Value): void {
    if (this.given.size === 0) return;
    const seen = new Set<string>();
    const queue = [value];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next.name)) continue;
      seen.add(next.name);
      if (this.given.has(next.name)) this.specialized.add(next.name);
      queue.push(...(this.producers.get(next.name)?.node.operands ?? []));
    }
  }

  private renameConstant(value: Value, name: string): Value {
    const tensor = this.known.get(value.name)!;
    this.known.delete(value.name);
    const renamed = this.namedConstant(name, tensor);
    const key = this.sharedKeys.get(value.name);
    if (key !== undefined) this.share(key, renamed);
    if (tensor.data.length <= interningLimit) this.interned.set(contentsKey(tensor.type, tensor.data), renamed);
    return renamed;
  }
}

function contentsKey(type: TensorType, data: ArrayLike<number>): string {
  return `${formatType(type)}:${Array.from(data, (x) => (Object.is(x, -0) ? '-0' : String(x))).join(',')}`;
}

/** What a lowering threw, as a `SublinearError` that names the ONNX node. Anything else is our own fault: rethrown. */
export function asDiagnosed(error: unknown, source: string): SublinearError {
  if (error instanceof SublinearError) return error;
  if (error instanceof ShapeError)
    return new SublinearError({
      code: 'shape-mismatch',
      message: error.message,
      source,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  throw error;
}
