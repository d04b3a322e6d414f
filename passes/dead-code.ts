/**
 * dce: removes nodes that no output, update or state node depends on, and residents nobody reads.
 *
 *   %a = exp %x                      (nothing)
 *   %b = tanh %x      -> (%b)        %b = tanh %x      -> (%b)
 */
import type { Graph, Model, Node } from '../src/ir/graph.ts';
import { opNamed } from '../src/ops/table.ts';

/** Inputs are the caller's interface and stay. */
export function eliminateDeadCode(model: Model): Model {
  const { graph } = model;
  const live = new Set(graph.outputs.map((output) => output.value));
  for (const output of graph.outputs) if (output.of !== undefined) live.add(output.of);
  const kept: Node[] = [];
  for (let n = graph.nodes.length - 1; n >= 0; n--) {
    const node = graph.nodes[n]!;
    const { effect } = opNamed(node.op);
    const needed = effect === 'state' || effect === 'update' || node.results.some((result) => live.has(result.name));
    if (!needed) continue;
    kept.push(node);
    for (const operand of node.operands) live.add(operand.name);
  }
  kept.reverse();
  const parameters = graph.parameters.filter((value) => live.has(value.name));
  const state = graph.state.filter((value) => live.has(value.name));
  const constants = graph.constants.filter((value) => live.has(value.name));
  const dropped: Graph = { ...graph, nodes: kept, parameters, state, constants };
  const weights = new Map(
    [...parameters, ...state, ...constants].flatMap((value) => {
      const tensor = model.weights.get(value.name);
      return tensor === undefined ? [] : [[value.name, tensor]];
    }),
  );
  return { graph: dropped, weights };
}
