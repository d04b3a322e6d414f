/**
 * The nodes of an ONNX graph become nodes of the IR, one by one: a call, a branch or a loop is written out where it
 * stands. A node that cannot be lowered leaves its results missing, and so do those that would read them.
 */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import type { Tensor, Value } from '../../ir/graph.ts';
import { producersOf } from './check-graph.ts';
import { addRemark, createContext, type GraphScope } from './context.ts';
import { controlFlow, type Expansion, type Surroundings } from './control-flow.ts';
import { dequantizedRemark, dequantizedWeight } from './dequantized-weight.ts';
import type { ExpansionBudget } from './expansion-budget.ts';
import { asDiagnosed } from './folding-emitter.ts';
import { isGradient } from './gradient-node.ts';
import { readInitializers } from './initializers.ts';
import type { FunctionCalls } from './inline-functions.ts';
import type { MissingValues } from './missing-values.ts';
import { nodeLabel, nodeSource, operatorKey, operatorLabel } from './node-names.ts';
import { lowerings } from './operators.ts';
import { slimmedWeight } from './slimmed-weight.ts';
import { sortNodes } from './sort.ts';
import { namesRead } from './subgraphs.ts';

/** An ONNX graph while it is lowered. */
export interface Lowering {
  readonly scope: GraphScope;
  /** By ONNX name. */
  readonly values: Map<string, Value>;
  readonly missing: MissingValues;
  /** How often each ONNX value is read, graph outputs included; that of `scope`. */
  readonly uses: Map<string, number>;
  readonly calls: FunctionCalls;
  /** What is wrong with a node whose operator is not supported. */
  readonly operatorFault: (node: NodeProto) => Diagnostic | undefined;
  readonly budget: ExpansionBudget;
  /** Names of initializers of the graph. */
  readonly stored: ReadonlySet<string>;
  /** Initializers of types that only quantized weights have, by name. */
  readonly quantized: Map<string, Tensor>;
  /** Where files of external data lie. */
  readonly directory: string | undefined;
  /** Makes an initializer a value. */
  bindInitializer(name: string, tensor: Tensor): void;
  /** Names of weights of which the file says only the shape are added. */
  readonly placeholders: Set<string>;
}

interface Pending {
  readonly node: NodeProto;
  /** Functions it is inside of. */
  readonly within: readonly string[];
}

/** What comes after the nodes that were written out. */
interface Following extends Pending {
  rest(): Expansion | undefined;
}

/** `nodes` must stand in order. Throws `SublinearError` where so much would be written out that there is no going on. */
export function lowerNodes(nodes: readonly NodeProto[], lowering: Lowering): void {
  const pending: (Pending | Following)[] = [];
  const push = (more: readonly NodeProto[], within: readonly string[]): void => {
    for (let i = more.length - 1; i >= 0; i--) pending.push({ node: more[i]!, within });
  };
  const expand = (expansion: Expansion | undefined, { node, within }: Pending): void => {
    if (expansion?.rest !== undefined) pending.push({ node, within, rest: expansion.rest });
    count(expansion?.nodes ?? [], lowering.uses, 1);
    push(expansion?.nodes ?? [], within);
  };
  push(nodes, []);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, within } = next;
    if (isGradient(node)) continue;
    if ('rest' in next) {
      expand(attempt(node, lowering, next.rest), next);
      continue;
    }
    const expander = controlFlow.get(operatorKey(node));
    const called = attempt(node, lowering, () => lowering.calls(node, within));
    if (called !== undefined) {
      count([node], lowering.uses, -1);
      count(called.nodes, lowering.uses, 1);
      push(attempt(node, lowering, () => sortedBody(called.nodes)) ?? [], called.within);
      continue;
    }
    if (node.output.some((name) => lowering.missing.has(name))) continue;
    const fault = expander === undefined ? lowering.operatorFault(node) : undefined;
    if (fault !== undefined) lowering.missing.record(node.output, [fault], node.input);
    if (fault !== undefined || isStoredWeight(node, lowering) || wants(node, lowering)) continue;
    if (expander === undefined) {
      lowerNode(node, lowering);
      continue;
    }
    count([node], lowering.uses, -1);
    expand(
      withSurroundings(node, lowering, (around) => expander(node, around)),
      next,
    );
  }
}

/** Whether an operand is missing, and so the results are. A value that nothing makes is a fault of its own. */
function wants(node: NodeProto, { values, missing }: Lowering): boolean {
  const absent = node.input.filter((name) => name !== '' && !values.has(name));
  const undefinedName = absent.find((name) => !missing.has(name));
  if (undefinedName !== undefined)
    missing.record(node.output, [
      {
        code: 'undefined-value',
        message: `the value ${JSON.stringify(undefinedName)} is not defined`,
        source: nodeSource(node),
      },
    ]);
  else if (absent.length > 0) missing.recordWant(node.output, absent);
  return absent.length > 0;
}

/** What `make` gives; after a fault the node's results are missing, and nothing is given. */
function attempt<T>(node: NodeProto, { missing }: Lowering, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    const { diagnostics } = asDiagnosed(error, nodeSource(node));
    if (diagnostics.some(({ code }) => code === 'too-large')) throw error;
    missing.record(node.output, diagnostics);
    return undefined;
  }
}

/** Whether the node stands for a weight that lies in the file in another form; it is then one of `values`. */
function isStoredWeight(node: NodeProto, lowering: Lowering): boolean {
  const { scope, values, stored, quantized, placeholders } = lowering;
  const { emitter, opset, remarks } = scope;
  const weight = attempt(node, lowering, () => {
    const slimmed = slimmedWeight(node, stored, values, emitter);
    if (slimmed !== undefined) placeholders.add(slimmed.name);
    if (slimmed !== undefined) return slimmed;
    const dequantized = dequantizedWeight(node, { values, emitter, quantized, opset });
    if (dequantized !== undefined) addRemark(remarks, dequantizedRemark, dequantized.name);
    return dequantized;
  });
  if (weight !== undefined) values.set(weight.name, weight);
  return weight !== undefined || node.output.some((name) => lowering.missing.has(name));
}

function lowerNode(node: NodeProto, lowering: Lowering): void {
  const { scope, values, missing } = lowering;
  const { emitter } = scope;
  emitter.open(nodeLabel(node), nodeSource(node));
  const results = attempt(node, lowering, () => {
    const operands = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    return lowerings.get(operatorKey(node))!.lower(createContext(node, operands, scope));
  });
  if (results === undefined) {
    emitter.abandon();
    return;
  }
  emitter.close(results, node.output).forEach((value, i) => {
    const name = node.output[i];
    if (name !== undefined && name !== '') values.set(name, value);
  });
  node.output.forEach((name, i) => {
    if (name === '' || values.has(name)) return;
    const message = `${operatorLabel(node, scope.opset)}: output ${i} is not supported`;
    missing.record([name], [{ code: 'unsupported', message, source: nodeSource(node) }]);
  });
}

/** Runs `make`, and gives what it defines the names it is to have. */
function withSurroundings(
  node: NodeProto,
  lowering: Lowering,
  make: (around: Surroundings) => Expansion | undefined,
): Expansion | undefined {
  const { scope, values, missing, uses, budget } = lowering;
  const { emitter } = scope;
  const run = (step: () => Expansion | undefined): Expansion | undefined => {
    const defined: (readonly [string, Value])[] = [];
    definitions = defined;
    emitter.open(nodeLabel(node), nodeSource(node));
    const expansion = attempt(node, lowering, step);
    const names = defined.map(([name]) => name);
    emitter
      .close(
        defined.map(([, value]) => value),
        names,
      )
      .forEach((value, i) => {
        if (!missing.has(names[i]!)) values.set(names[i]!, value);
      });
    const rest = expansion?.rest;
    return expansion === undefined ? undefined : { ...expansion, ...(rest !== undefined && { rest: () => run(rest) }) };
  };
  let definitions: (readonly [string, Value])[] = [];
  const operands = node.input.map((name) => (name === '' ? undefined : values.get(name)));
  const around: Surroundings = {
    context: createContext(node, operands, scope),
    budget,
    fresh: (hint) => emitter.reserve(hint),
    value: (name) => values.get(name),
    contents: (value) => emitter.contents(value)?.data,
    use: (name) => uses.set(name, (uses.get(name) ?? 0) + 1),
    define: (name, value) => definitions.push([name, value]),
    miss: (name, needs) => missing.recordWant([name], needs),
    initializers: (graph, label) => bindInitializers(graph, label, lowering),
    sorted: (graph) => sortedBody(graph.node),
  };
  return run(() => make(around));
}

/** The weights stored in a graph within a node; what is wrong with one leaves it missing. */
function bindInitializers(graph: GraphProto, label: string, lowering: Lowering): ReadonlyMap<string, string> {
  const { scope, missing, directory, bindInitializer } = lowering;
  const faults: Diagnostic[] = [];
  const names = new Map<string, string>();
  const { tensors, refused, quantized } = readInitializers(graph, directory, faults);
  if (faults.length > 0) throw new SublinearError(faults);
  for (const [name, tensor] of tensors) {
    names.set(name, scope.emitter.reserve(`${label}/${name}`));
    bindInitializer(names.get(name)!, tensor);
  }
  for (const [name, fault] of refused) {
    const own = scope.emitter.reserve(`${label}/${name}`);
    names.set(name, own);
    missing.record([own], [fault]);
    const tensor = quantized.get(name);
    if (tensor !== undefined) lowering.quantized.set(own, tensor);
  }
  return names;
}

function sortedBody(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const faults: Diagnostic[] = [];
  const producers = producersOf(nodes, () => undefined, faults);
  if (faults.length > 0) throw new SublinearError(faults);
  return sortNodes(nodes, producers);
}

/** Adds `by` for every read of the nodes. */
export function count(nodes: readonly NodeProto[], uses: Map<string, number>, by: number): void {
  for (const node of nodes)
    for (const name of namesRead(node)) if (name !== '') uses.set(name, (uses.get(name) ?? 0) + by);
}
