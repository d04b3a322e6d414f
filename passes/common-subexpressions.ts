/**
 * cse: merges forward nodes that compute the same thing from the same operands.
 *
 *   %a = tanh %x                     %a = tanh %x
 *   %b = tanh %x                     %y = add %a, %a
 *   %y = add %a, %b
 *
 * It must never run after `recompute`: it would merge every clone with its original.
 */
import { attributesKey, type Graph, type Node, type Value } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';

export function mergeCommonSubexpressions(graph: Graph): Graph {
  const merged = new Map<string, Value>();
  const resolve = (value: Value): Value => merged.get(value.name) ?? value;
  const bound = new Set(graph.outputs.map((output) => output.value));
  const known = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const changed = original.operands.some((operand) => merged.has(operand.name));
    const node = changed ? { ...original, operands: original.operands.map(resolve) } : original;
    const { effect } = opNamed(node.op);
    if (node.region !== 'forward' || effect === 'state' || effect === 'update') {
      nodes.push(node);
      continue;
    }
    const key = `${node.op} ${attributesKey(node.attributes)} ${JSON.stringify(node.operands.map(({ name }) => name))}`;
    const first = known.get(key);
    if (first === undefined || node.results.some((result) => bound.has(result.name))) {
      known.set(key, first ?? node);
      nodes.push(node);
      continue;
    }
    node.results.forEach((result, i) => {
      merged.set(result.name, first.results[i]!);
    });
  }
  return merged.size === 0 ? graph : { ...graph, nodes };
}
