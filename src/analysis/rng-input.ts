/** The input that random ops draw from: i32[2], seed and step, which whoever runs the step writes. */
import { type Graph, sameType, type Value } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

/** What it is called where that name is free. */
export const rngInput = 'rng';

const seedAndStep = { dtype: 'i32', shape: [2] } as const;

/**
 * The input of that type that a random op reads; or, its readers having gone, one that is called so and that nothing
 * reads. An input of the user's own may have the name.
 */
export function rngInputOf(graph: Graph): Value | undefined {
  const candidates = graph.inputs.filter(({ type }) => sameType(type, seedAndStep));
  if (candidates.length === 0) return undefined;
  const read = new Set<string>(graph.outputs.map((output) => output.value));
  const drawn = new Set<string>();
  for (const node of graph.nodes) {
    const names = opNamed(node.op).effect === 'random' ? drawn : read;
    for (const { name } of node.operands) names.add(name);
  }
  return (
    candidates.find(({ name }) => drawn.has(name)) ??
    candidates.find(({ name }) => name === rngInput && !read.has(name))
  );
}
