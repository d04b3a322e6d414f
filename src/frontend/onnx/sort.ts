/**
 * Nodes in an order in which every operand is made before it is read. A file that is already in order keeps its order;
 * otherwise each node comes right after what it waited for. Iterative: chains may be 20,000 nodes long.
 */
import type { NodeProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';
import { nodeLabel, nodeSource } from './node-names.ts';
import { namesRead } from './subgraphs.ts';

/** Throws `SublinearError` (`cyclic-graph`) that names the nodes of one cycle. `producer`: index by output name. */
export function sortNodes(nodes: readonly NodeProto[], producer: ReadonlyMap<string, number>): readonly NodeProto[] {
  const unvisited = 0;
  const open = 1;
  const done = 2;
  const state = new Uint8Array(nodes.length);
  const nextInput = new Uint32Array(nodes.length);
  const sorted: NodeProto[] = [];
  const inputs = nodes.map(namesRead);
  const path: number[] = [];
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== unvisited) continue;
    path.push(root);
    state[root] = open;
    while (path.length > 0) {
      const at = path[path.length - 1]!;
      const node = nodes[at]!;
      const input = inputs[at]![nextInput[at]!++];
      if (input === undefined) {
        state[at] = done;
        sorted.push(node);
        path.pop();
        continue;
      }
      const dependency = producer.get(input);
      if (dependency === undefined || state[dependency] === done) continue;
      if (state[dependency] === open) throw cycle(path.slice(path.indexOf(dependency)).map((i) => nodes[i]!));
      state[dependency] = open;
      path.push(dependency);
    }
  }
  return sorted;
}

function cycle(nodes: readonly NodeProto[]): SublinearError {
  const labels = nodes.map((node) => JSON.stringify(nodeLabel(node)));
  const shown = labels.length > 8 ? [...labels.slice(0, 7), `... ${labels.length - 7} more`] : labels;
  return new SublinearError({
    code: 'cyclic-graph',
    message: `the graph has a cycle: ${[...shown].reverse().join(' -> ')} -> ${shown[shown.length - 1]}`,
    source: nodeSource(nodes[0]!),
    hint: 'the nodes of a model must form a directed acyclic graph',
  });
}
