/** The LoweringContext of one ONNX node. */
import type { NodeProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';
import { elementCount, formatType, type Value } from '../../ir/graph.ts';
import { attributeReader } from './attributes.ts';
import { constantLimit, type FoldingEmitter } from './folding-emitter.ts';
import type { LoweringContext } from './lowering.ts';
import { nodeLabel, nodeSource, operatorLabel } from './node-names.ts';

/** Extents, axes, sizes: more of them than that are none. */
const mostNumbers = 1_000_000;

/** What nodes of one graph share. */
export interface GraphScope {
  readonly emitter: FoldingEmitter;
  readonly opset: number;
  readonly training: boolean | undefined;
  /** How often each ONNX value is read, graph outputs included. */
  readonly uses: ReadonlyMap<string, number>;
  /** The seed input, made on first use. */
  rng(): Value;
  /** A number that no other random node has. */
  nextSite(): number;
  /** Counts nodes that one is written out to (`ExpansionBudget`). */
  expand(nodes: number, what: string, source: string): void;
  /** Names of nodes or values, by what is to be said of them in a note. */
  readonly remarks: Map<string, string[]>;
}

/** Throws the error that a node is not supported as it is. */
export function failer(node: NodeProto, opset: number): (message: string, hint?: string) => never {
  return (message, hint) => {
    throw new SublinearError({
      code: 'unsupported',
      message: `${operatorLabel(node, opset)}: ${message}`,
      source: nodeSource(node),
      ...(hint !== undefined && { hint }),
    });
  };
}

/** `operands` are the values of the node's inputs; undefined where one is left out. */
export function createContext(
  node: NodeProto,
  operands: readonly (Value | undefined)[],
  scope: GraphScope,
): LoweringContext {
  const { emitter, opset } = scope;
  const source = nodeSource(node);
  const fail = failer(node, opset);
  const operand = (index: number): Value => {
    const value = operands[index];
    if (value !== undefined) return value;
    throw new SublinearError({
      code: 'missing-operand',
      message: `${operatorLabel(node, opset)} needs operand ${index}, but it is left out`,
      source,
    });
  };
  return {
    opType: node.opType,
    opset,
    attributes: attributeReader(node, source),
    training: scope.training,
    operands,
    operand,
    outputCount: node.output.length,
    usesOutput: (index) => (scope.uses.get(node.output[index] ?? '') ?? 0) > 0,
    emitAll: (op, values, attributes) => emitter.emitAll(op, values, attributes),
    emit: (op, values, attributes) => emitter.emit(op, values, attributes),
    constant: (type, data, hint) => emitter.constant(type, data, hint),
    emitUpdate: (op, values, attributes) => emitter.emitUpdate(op, values, attributes),
    folded: (value) => emitter.folded(value),
    scalar: (value) => {
      const tensor = emitter.folded(value);
      return tensor?.data.length === 1 ? tensor.data[0] : undefined;
    },
    isStored: (value) => emitter.isStored(value),
    numbers: (index) => {
      const value = operands[index];
      if (value === undefined) return undefined;
      if (elementCount(value.type.shape) > mostNumbers)
        fail(`operand ${index} (${JSON.stringify(value.name)}) has more than ${mostNumbers} elements`);
      const tensor = emitter.contents(value);
      return tensor === undefined
        ? fail(
            `operand ${index} (${JSON.stringify(value.name)}) must be known before the step runs, but is computed in it`,
            'shapes are static: export the model with constant shapes, axes and sizes',
          )
        : Array.from(tensor.data);
    },
    frozen: (value) => emitter.frozen(value),
    remark: (about) => addRemark(scope.remarks, about, nodeLabel(node)),
    producer: (value) => emitter.producer(value),
    moveToState: (values) => {
      const distinct = new Set(values.map((value) => value.name)).size === values.length;
      const movable = (value: Value): boolean => scope.uses.get(value.name) === 1 && emitter.isParameter(value);
      if (!distinct || !values.every(movable)) return false;
      for (const value of values) emitter.moveToState(value);
      return true;
    },
    sharedConstant: (key, type, make) =>
      emitter.sharedConstant(`${key}: ${formatType(type)}`, type, make) ??
      fail(
        `${formatType(type)} is too large for a constant: all that are made while the model is read may take ${constantLimit / 2 ** 20} MiB`,
        'give it as an input of the graph, or store it in the file',
      ),
    expand: (nodes) => scope.expand(nodes, `${node.opType} ${JSON.stringify(nodeLabel(node))}`, source),
    random: () => ({ rng: scope.rng(), site: scope.nextSite() }),
    fail,
  };
}

export function addRemark(remarks: Map<string, string[]>, about: string, name: string): void {
  const names = remarks.get(about) ?? [];
  remarks.set(about, names);
  names.push(name);
}
