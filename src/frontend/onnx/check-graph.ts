/** What can be said of an ONNX graph before any shape is known: every operator supported, every name made exactly once. */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { type Diagnostic, nearestName } from '../../ir/diagnostic.ts';
import type { Tensor } from '../../ir/graph.ts';
import { isGradient } from './gradient-node.ts';
import { nodeSource, operatorKey } from './node-names.ts';
import { lowerings } from './operators.ts';

const controlFlow: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/** Adds a diagnostic for each node whose operator has no lowering at `opset`. */
export function checkOperators(nodes: readonly NodeProto[], opset: number, diagnostics: Diagnostic[]): void {
  for (const node of nodes) {
    if (isGradient(node)) continue;
    const key = operatorKey(node);
    const lowering = lowerings.get(key);
    if (lowering !== undefined && lowering.since <= opset) continue;
    diagnostics.push({
      code: 'unknown-op',
      message:
        lowering !== undefined
          ? `operator ${key} is supported from opset ${lowering.since}, and the model uses opset ${opset}`
          : `operator ${key} is not supported (opset ${opset})`,
      source: nodeSource(node),
      hint: operatorHint(node),
    });
  }
}

function operatorHint(node: NodeProto): string {
  const key = operatorKey(node);
  if (controlFlow.has(key))
    return 'control flow is not supported: export the model unrolled, with the branch taken or the loop count fixed';
  const nearest = nearestName(key, lowerings.keys());
  return nearest === undefined
    ? '`sublinear ops` lists the supported operators'
    : `the nearest supported operator is ${nearest}`;
}

/**
 * Index of the node that makes each name. Adds diagnostics for names made twice (by nodes, inputs or initializers) and for
 * operands and outputs that nothing makes. An input that is also an initializer is the initializer (IR version 3).
 */
export function checkNames(
  graph: GraphProto,
  initializers: ReadonlyMap<string, Tensor>,
  diagnostics: Diagnostic[],
): ReadonlyMap<string, number> {
  const producer = new Map<string, number>();
  const inputs = new Set<string>();
  // Initializers that could not be decoded have their own diagnostic, and are not missing besides.
  const stored = new Set([...initializers.keys(), ...graph.initializer.map((proto) => proto.name)]);
  for (const { name } of graph.input) {
    if (inputs.has(name))
      diagnostics.push({ code: 'duplicate-name', message: `two inputs are called ${JSON.stringify(name)}` });
    inputs.add(name);
  }
  graph.node.forEach((node, index) => {
    for (const name of node.output) {
      if (name === '') continue;
      const other = producer.get(name);
      const taken =
        other !== undefined
          ? `is made by ${nodeSource(graph.node[other]!)} too`
          : inputs.has(name)
            ? 'is an input of the graph too'
            : stored.has(name)
              ? 'is an initializer too'
              : undefined;
      if (taken !== undefined)
        diagnostics.push({
          code: 'duplicate-name',
          message: `the value ${JSON.stringify(name)} ${taken}`,
          source: nodeSource(node),
          hint: 'every value of a model must be made exactly once',
        });
      else producer.set(name, index);
    }
  });
  const isDefined = (name: string): boolean => producer.has(name) || inputs.has(name) || stored.has(name);
  const everyName = (): readonly string[] => [...inputs, ...stored, ...producer.keys()];
  const missing = new Set<string>();
  for (const node of graph.node)
    for (const name of node.input) {
      if (name === '' || isDefined(name) || missing.has(name)) continue;
      missing.add(name);
      diagnostics.push(undefinedValue(name, 'no node, input or initializer makes it', everyName(), nodeSource(node)));
    }
  for (const { name } of graph.output)
    if (!isDefined(name) && !missing.has(name))
      diagnostics.push(undefinedValue(name, 'it is an output of the graph, but nothing makes it', everyName()));
  return producer;
}

function undefinedValue(name: string, why: string, names: readonly string[], source?: string): Diagnostic {
  const nearest = nearestName(name, names);
  return {
    code: 'undefined-value',
    message: `the value ${JSON.stringify(name)} is not defined: ${why}`,
    ...(source !== undefined && { source }),
    ...(nearest !== undefined && { hint: `did you mean ${JSON.stringify(nearest)}?` }),
  };
}
