/** Leaves out the nodes that nothing asked for: what they make is not read, leaves by no output, and changes no state. */
import type { Node, Output } from '../../ir/graph.ts';

/** The nodes that `outputs` and the update nodes need, in their order, update nodes last. */
export function prune(nodes: readonly Node[], outputs: readonly Output[]): readonly Node[] {
  const needed = new Set(outputs.map((output) => output.value));
  const forward: Node[] = [];
  const updates: Node[] = [];
  // Nodes stand in topological order, so one walk from the end sees every reader before what it reads.
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (node.region !== 'update' && !node.results.some((result) => needed.has(result.name))) continue;
    for (const operand of node.operands) needed.add(operand.name);
    (node.region === 'update' ? updates : forward).push(node);
  }
  return [...forward.reverse(), ...updates.reverse()];
}
