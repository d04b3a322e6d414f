/** VerifyContext: what every rule of the verifier looks up, built once. */
import type { Diagnostic } from '../../ir/diagnostic.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';

export type ValueKind = 'input' | 'parameter' | 'state' | 'constant' | 'result';

export interface Definition {
  readonly value: Value;
  readonly kind: ValueKind;
  /** Position of the node that makes it; -1 for residents. */
  readonly position: number;
}

export interface VerifyContext {
  readonly graph: Graph;
  /** First definition of each name. */
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Position of the first node of each name. */
  readonly positions: ReadonlyMap<string, number>;
  /** Results of clones, each with the value it is a copy of (itself a clone's where clones are chained wrongly). */
  readonly copies: ReadonlyMap<string, string>;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** One invariant, or a few that need the same walk. */
export type Rule = (context: VerifyContext) => void;

export function createContext(graph: Graph, report: (diagnostic: Diagnostic) => void): VerifyContext {
  const definitions = new Map<string, Definition>();
  const positions = new Map<string, number>();
  const define = (value: Value, kind: ValueKind, position: number): void => {
    if (!definitions.has(value.name)) definitions.set(value.name, { value, kind, position });
  };
  for (const value of graph.inputs) define(value, 'input', -1);
  for (const value of graph.parameters) define(value, 'parameter', -1);
  for (const value of graph.state) define(value, 'state', -1);
  for (const value of graph.constants) define(value, 'constant', -1);
  graph.nodes.forEach((node, position) => {
    if (!positions.has(node.name)) positions.set(node.name, position);
    for (const result of node.results) define(result, 'result', position);
  });
  return { graph, definitions, positions, copies: copiesOf(graph.nodes, positions), report };
}

function copiesOf(nodes: readonly Node[], positions: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  const copies = new Map<string, string>();
  for (const node of nodes) {
    const position = node.recompute === undefined ? undefined : positions.get(node.recompute);
    if (position === undefined) continue;
    const original = nodes[position]!;
    node.results.forEach((result, i) => {
      const copied = original.results[i];
      if (copied !== undefined) copies.set(result.name, copied.name);
    });
  }
  return copies;
}

/** A diagnostic placed at a node. */
export function at(node: Node, code: string, message: string, hint?: string): Diagnostic {
  return {
    code,
    message: `${formatValueName(node.name)}: ${message}`,
    node: node.name,
    ...(node.source !== undefined && { source: node.source }),
    ...(hint !== undefined && { hint }),
  };
}
