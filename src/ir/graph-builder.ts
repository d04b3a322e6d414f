/**
 * GraphBuilder: a graph under construction. The importer, the typed builder and autodiff all add nodes through it, so
 * that types are inferred and names made unique in one place.
 */
import { type Diagnostic, SublinearError } from './diagnostic.ts';
import {
  type Attributes,
  elementCount,
  formatType,
  type Graph,
  type Node,
  type Output,
  type Region,
  sizeFault,
  type Tensor,
  type TensorType,
  type Value,
} from './graph.ts';
import { type Emitter, type Op, ShapeError } from './op.ts';

export type ResidentKind = 'input' | 'parameter' | 'state' | 'constant';

/** What newly emitted nodes are stamped with. */
export interface EmitOptions {
  region: Region;
  source: string | undefined;
  gradientOf: string | undefined;
}

export class GraphBuilder implements Emitter {
  readonly nodes: Node[] = [];
  readonly weights = new Map<string, Tensor>();
  /** Stamp of nodes emitted from now on. */
  readonly stamp: EmitOptions = { region: 'forward', source: undefined, gradientOf: undefined };
  private readonly lists: Record<ResidentKind, Value[]> = { input: [], parameter: [], state: [], constant: [] };
  private readonly outputs: Output[] = [];
  private readonly taken = new Set<string>();
  private readonly counters = new Map<string, number>();
  private readonly constantsByKey = new Map<string, Value>();
  private readonly name: string;

  constructor(name: string, from?: Graph, weights?: ReadonlyMap<string, Tensor>) {
    this.name = name;
    if (from === undefined) return;
    this.lists.input.push(...from.inputs);
    this.lists.parameter.push(...from.parameters);
    this.lists.state.push(...from.state);
    this.lists.constant.push(...from.constants);
    for (const list of Object.values(this.lists)) for (const value of list) this.taken.add(value.name);
    for (const node of from.nodes) this.push(node);
    this.outputs.push(...from.outputs);
    for (const [key, tensor] of weights ?? []) {
      this.weights.set(key, tensor);
    }
    for (const value of from.constants) {
      const tensor = this.weights.get(value.name);
      if (tensor !== undefined && elementCount(value.type.shape) <= 64)
        this.constantsByKey.set(constantKey(value.type, tensor.data), value);
    }
  }

  /** Adds a finished node as it is; its result names must be free. */
  push(node: Node): void {
    for (const result of node.results) this.taken.add(result.name);
    this.nodes.push(node);
  }

  /** The node that makes `value`; undefined for residents. */
  producerOf(value: Value): Node | undefined {
    return this.nodes.findLast((node) => node.results.some((result) => result.name === value.name));
  }

  /** `hint`, or `hint.1`, `hint.2`, ... where it is taken. */
  uniqueName(hint: string): string {
    let name = hint;
    if (this.taken.has(name)) {
      let count = this.counters.get(hint) ?? 0;
      do {
        count++;
        name = `${hint}.${count}`;
      } while (this.taken.has(name));
      this.counters.set(hint, count);
    }
    this.taken.add(name);
    return name;
  }

  /** What `uniqueName(hint)` would give, without taking it. */
  freeName(hint: string): string {
    if (!this.taken.has(hint)) return hint;
    let count = 1;
    while (this.taken.has(`${hint}.${count}`)) count++;
    return `${hint}.${count}`;
  }

  resident(kind: ResidentKind, name: string, type: TensorType, data?: ArrayLike<number> & Iterable<number>): Value {
    const value: Value = { name: this.uniqueName(name), type };
    this.lists[kind].push(value);
    if (data !== undefined) this.weights.set(value.name, { type, data });
    return value;
  }

  constant(type: TensorType, data: ArrayLike<number> & Iterable<number>, hint = 'const'): Value {
    if (data.length !== elementCount(type.shape))
      throw new ShapeError(`constant of type ${formatType(type)} was given ${data.length} elements`);
    if (data.length > 64) return this.resident('constant', hint, type, data);
    const key = constantKey(type, data);
    const known = this.constantsByKey.get(key);
    if (known !== undefined) return known;
    const value = this.resident('constant', hint, type, data);
    this.constantsByKey.set(key, value);
    return value;
  }

  emitAll<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A, hint?: string): readonly Value[] {
    const types = inferTypes(op, operands, attributes, hint, this.stamp.source);
    const base = this.uniqueName(hint ?? op.name);
    const results = types.map((type, i): Value => ({ name: i === 0 ? base : this.uniqueName(`${base}#${i}`), type }));
    this.nodes.push({
      name: base,
      op: op.name,
      operands,
      attributes,
      results,
      region: this.stamp.region,
      ...(this.stamp.source !== undefined && { source: this.stamp.source }),
      ...(this.stamp.gradientOf !== undefined && { gradientOf: this.stamp.gradientOf }),
    });
    return results;
  }

  emit<A extends Attributes>(op: Op<A>, operands: readonly Value[], attributes: A, hint?: string): Value {
    return this.emitAll(op, operands, attributes, hint)[0]!;
  }

  output(value: Value, name = value.name, of?: string): void {
    this.outputs.push({ name, value: value.name, ...(of !== undefined && { of }) });
  }

  finish(): Graph {
    return {
      name: this.name,
      inputs: [...this.lists.input],
      parameters: [...this.lists.parameter],
      state: [...this.lists.state],
      constants: [...this.lists.constant],
      nodes: [...this.nodes],
      outputs: [...this.outputs],
    };
  }
}

/** Result types, with a `ShapeError` turned into the diagnostic a user can act on. */
export function inferTypes<A extends Attributes>(
  op: Op<A>,
  operands: readonly Value[],
  attributes: A,
  name?: string,
  source?: string,
): readonly TensorType[] {
  try {
    const types = op.infer(
      operands.map((operand) => operand.type),
      attributes,
    );
    for (const type of types) {
      const fault = sizeFault(type);
      if (fault !== undefined) throw new ShapeError(`its result ${fault}`);
    }
    return types;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const given = operands.map((operand) => `${operand.name}: ${formatType(operand.type)}`).join(', ');
    const diagnostic: Diagnostic = {
      code: 'shape-mismatch',
      message: `${op.name}(${given}): ${error.message}`,
      ...(name !== undefined && { node: name }),
      ...(source !== undefined && { source }),
      ...(error.hint !== undefined && { hint: error.hint }),
    };
    throw new SublinearError(diagnostic);
  }
}

function constantKey(type: TensorType, data: ArrayLike<number>): string {
  return `${formatType(type)}:${Array.from(data, (x) => (Object.is(x, -0) ? '-0' : String(x))).join(',')}`;
}
