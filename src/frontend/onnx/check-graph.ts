/** What can be said of an ONNX graph before any shape is known: every operator supported, every name made exactly once. */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { type Diagnostic, nameSuggester } from '../../ir/diagnostic.ts';
import { nodeSource, operatorKey } from './node-names.ts';
import { lowerings } from './operators.ts';
import { namesRead } from './subgraphs.ts';

/** Whether a fault is that something is not supported, rather than that the file is wrong. */
export function isUnsupported({ code }: Diagnostic): boolean {
  return code === 'unknown-op' || code === 'unsupported' || code.startsWith('unsupported-');
}

/** What is wrong with a node whose operator has no lowering at `opset`. */
export function operatorChecker(opset: number): (node: NodeProto) => Diagnostic | undefined {
  const nearest = nameSuggester(() => lowerings.keys());
  return (node) => operatorFault(node, opset, nearest);
}

function operatorFault(
  node: NodeProto,
  opset: number,
  nearest: (name: string) => string | undefined,
): Diagnostic | undefined {
  const key = operatorKey(node);
  const lowering = lowerings.get(key);
  if (lowering !== undefined && lowering.since <= opset) return undefined;
  return {
    code: 'unknown-op',
    message:
      lowering !== undefined
        ? `operator ${key} is supported from opset ${lowering.since}, and the model uses opset ${opset}`
        : `operator ${key} is not supported (opset ${opset})`,
    source: nodeSource(node),
    hint: operatorHint(nearest(key)),
  };
}

function operatorHint(nearest: string | undefined): string {
  return nearest === undefined
    ? '`sublinear ops` lists the supported operators'
    : `the nearest supported operator is ${nearest}`;
}

/** Index of the node that makes each name. Adds a diagnostic for each name that is made twice, or is `taken`. */
export function producersOf(
  nodes: readonly NodeProto[],
  taken: (name: string) => string | undefined,
  diagnostics: Diagnostic[],
): ReadonlyMap<string, number> {
  const producer = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const name of node.output) {
      if (name === '') continue;
      const other = producer.get(name);
      const reason = other !== undefined ? `is made by ${nodeSource(nodes[other]!)} too` : taken(name);
      if (reason !== undefined)
        diagnostics.push({
          code: 'duplicate-name',
          message: `the value ${JSON.stringify(name)} ${reason}`,
          source: nodeSource(node),
          hint: 'every value of a model must be made exactly once',
        });
      else producer.set(name, index);
    }
  });
  return producer;
}

/**
 * Index of the node that makes each name. Adds diagnostics for names made twice (by nodes, inputs or initializers) and for
 * operands and outputs that nothing makes. An input that is also an initializer is the initializer (IR version 3).
 */
export function checkNames(
  graph: GraphProto,
  stored: ReadonlySet<string>,
  diagnostics: Diagnostic[],
): ReadonlyMap<string, number> {
  const inputs = new Set<string>();
  for (const { name } of graph.input) {
    if (inputs.has(name))
      diagnostics.push({ code: 'duplicate-name', message: `two inputs are called ${JSON.stringify(name)}` });
    inputs.add(name);
  }
  const producer = producersOf(
    graph.node,
    (name) =>
      inputs.has(name) ? 'is an input of the graph too' : stored.has(name) ? 'is an initializer too' : undefined,
    diagnostics,
  );
  const isDefined = (name: string): boolean => producer.has(name) || inputs.has(name) || stored.has(name);
  const nearest = nameSuggester(() => [...inputs, ...stored, ...producer.keys()]);
  const missing = new Set<string>();
  for (const node of graph.node)
    for (const name of namesRead(node)) {
      if (name === '' || isDefined(name) || missing.has(name)) continue;
      missing.add(name);
      const why = 'no node, input or initializer makes it';
      diagnostics.push(undefinedValue(name, why, nearest(name), nodeSource(node)));
    }
  for (const { name } of graph.output)
    if (!isDefined(name) && !missing.has(name))
      diagnostics.push(undefinedValue(name, 'it is an output of the graph, but nothing makes it', nearest(name)));
  return producer;
}

function undefinedValue(name: string, why: string, nearest: string | undefined, source?: string): Diagnostic {
  return {
    code: 'undefined-value',
    message: `the value ${JSON.stringify(name)} is not defined: ${why}`,
    ...(source !== undefined && { source }),
    ...(nearest !== undefined && { hint: `did you mean ${JSON.stringify(nearest)}?` }),
  };
}
