/**
 * Whether a sequence of nodes is one that may run, checked by running it on names alone: every read finds a copy that
 * was made, of operands that are what they were, and what runs once runs once. Shares nothing with the planner.
 */
import type { Graph, Node } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';

/** A copy of a value: where it lies in a resident, the resident and how often that had been written over. */
interface Copy {
  readonly resident?: string;
  readonly writes: number;
}

/** What is wrong, in words; nothing is an empty list. */
export function illegalSteps(graph: Graph, sequence: readonly string[]): readonly string[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const faults: string[] = [];
  const written = new Map<string, number>();
  const copies = new Map<string, Copy>();
  for (const list of [graph.inputs, graph.parameters, graph.state, graph.constants])
    for (const { name } of list) copies.set(name, { resident: name, writes: 0 });
  const runs = new Map<string, number>();
  let backward = false;

  const check = (name: string, reader: string): void => {
    const copy = copies.get(name);
    if (copy === undefined) faults.push(`${reader} reads ${name}, which is not made yet`);
    else if (copy.resident !== undefined && copy.writes !== (written.get(copy.resident) ?? 0))
      faults.push(`${reader} reads ${name}, but ${copy.resident} was written over`);
  };
  const make = (node: Node): void => {
    const op = opNamed(node.op);
    for (const index of op.writes ?? []) {
      const { name } = node.operands[index]!;
      const { resident } = copies.get(name) ?? {};
      if (resident !== undefined) written.set(resident, (written.get(resident) ?? 0) + 1);
    }
    node.results.forEach((result, i) => {
      const over = op.effect === 'view' ? node.operands[0] : node.operands[op.writes?.[i] ?? -1];
      const resident = over === undefined ? undefined : copies.get(over.name)?.resident;
      if (resident === undefined) copies.set(result.name, { writes: 0 });
      else copies.set(result.name, { resident, writes: written.get(resident) ?? 0 });
    });
  };

  for (const name of sequence) {
    const node = nodes.get(name);
    if (node === undefined) {
      faults.push(`there is no node ${name}`);
      continue;
    }
    const before = runs.get(name) ?? 0;
    runs.set(name, before + 1);
    const { effect } = opNamed(node.op);
    if (before > 0 && (effect === 'state' || effect === 'update')) faults.push(`${name} runs twice`);
    if (node.region === 'backward') backward = true;
    if (node.region === 'forward' && before === 0 && backward) faults.push(`${name} runs first after a backward node`);
    for (const operand of node.operands) check(operand.name, name);
    make(node);
  }
  for (const node of graph.nodes) if (!runs.has(node.name)) faults.push(`${node.name} never runs`);
  for (const output of graph.outputs) check(output.value, `the output ${output.name}`);
  return faults;
}
