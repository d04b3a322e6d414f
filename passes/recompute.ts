/**
 * recompute: rewrites a graph so that it runs a sequence in which names appear more than once (DESIGN section 6).
 *
 *   h, a, b, d_b, h, d_a        ->   %h, %a, %b, %d_b, %h.r1 = ... recompute(%h) after(%d_b), %d_a (reads %h.r1)
 *
 * Only operands are redirected: to the most recent copy. Replacing every clone by its original gives the graph back
 * (the collapse law), which is why gradients are bitwise equal.
 */
import { SublinearError } from '../src/ir/diagnostic.ts';
import { type Graph, type Node, residents, type Value } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';

/**
 * `sequence` holds node names; every node of the graph appears. Appearances whose results nobody reads must have been
 * dropped. Throws `SublinearError` for unknown or missing nodes, for reads before the making, and for a second
 * appearance of a node whose effect is `state` or `update`.
 */
export function recompute(graph: Graph, sequence: readonly string[]): Graph {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const taken = new Set(residents(graph).map((value) => value.name));
  for (const node of graph.nodes) for (const result of node.results) taken.add(result.name);
  const current = new Map(residents(graph).map((value) => [value.name, value]));
  const clones = new Set<string>();
  const appearances = new Map<string, number>();
  const rewritten: Node[] = [];
  let lastOriginal: Node | undefined;
  for (const name of sequence) {
    const node = nodes.get(name);
    if (node === undefined) throw invalid(`the sequence names ${JSON.stringify(name)}, which is no node of the graph`);
    const seen = appearances.get(name) ?? 0;
    appearances.set(name, seen + 1);
    const operands = node.operands.map((operand) => {
      const copy = current.get(operand.name);
      if (copy === undefined)
        throw invalid(`the sequence runs ${JSON.stringify(name)} before ${JSON.stringify(operand.name)} is made`);
      return copy;
    });
    if (seen === 0) {
      for (const result of node.results) current.set(result.name, result);
      lastOriginal = node;
      rewritten.push({ ...node, operands });
      continue;
    }
    const { effect } = opNamed(node.op);
    if (effect === 'state' || effect === 'update')
      throw invalid(`${JSON.stringify(name)} is a ${effect} node (${node.op}) and may run only once a step`);
    const results = cloneResults(node, seen, taken);
    results.forEach((result, i) => {
      current.set(node.results[i]!.name, result);
      clones.add(result.name);
    });
    const readsClone = operands.some((operand) => clones.has(operand.name));
    const after = readsClone || lastOriginal === undefined ? node.after : [...(node.after ?? []), lastOriginal.name];
    rewritten.push({
      ...node,
      name: results[0]!.name,
      operands,
      results,
      region: lastOriginal?.region ?? node.region,
      recompute: node.name,
      ...(after !== undefined && { after }),
    });
  }
  for (const node of graph.nodes)
    if (!appearances.has(node.name)) throw invalid(`the sequence leaves out node ${JSON.stringify(node.name)}`);
  return { ...graph, nodes: rewritten };
}

/** `NAME.rN` for every result, N counted on where a name is taken. */
function cloneResults(node: Node, appearance: number, taken: Set<string>): readonly Value[] {
  let suffix = appearance;
  while (node.results.some((result) => taken.has(`${result.name}.r${suffix}`))) suffix++;
  return node.results.map((result): Value => {
    const name = `${result.name}.r${suffix}`;
    taken.add(name);
    return { name, type: result.type };
  });
}

function invalid(message: string): SublinearError {
  return new SublinearError({
    code: 'invalid-sequence',
    message,
    hint: 'a plan can only be replayed on the graph it was made for',
  });
}
