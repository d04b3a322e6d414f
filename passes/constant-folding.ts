/**
 * fold: replaces pure nodes of constant operands by constants, evaluated by the ops' own kernels.
 *
 *   %c = add %one, %two : f32[]      consts(%c: f32[])
 *   %y = multiply %x, %c             %y = multiply %x, %c
 */
import { elementCount, type Model, type Node, type Tensor } from '../src/ir/graph.ts';
import { evaluate } from '../src/ops/evaluate.ts';
import { opNamed } from '../src/ops/table.ts';

/** Larger results would trade cheap computation for resident bytes. */
const largestFoldedElements = 65_536;

/** Runs before differentiation: the graph has forward and state nodes only. */
export function foldConstants(model: Model): Model {
  const { graph } = model;
  const known = new Map<string, Tensor>();
  for (const value of graph.constants) {
    const tensor = model.weights.get(value.name);
    if (tensor !== undefined) known.set(value.name, tensor);
  }
  const bound = new Set(graph.outputs.map((output) => output.value));
  const nodes: Node[] = [];
  const constants = [...graph.constants];
  const weights = new Map(model.weights);
  for (const node of graph.nodes) {
    const op = opNamed(node.op);
    const foldable =
      (op.effect === 'pure' || op.effect === 'view') &&
      node.operands.every((operand) => known.has(operand.name)) &&
      node.results.every(
        (result) => elementCount(result.type.shape) <= largestFoldedElements && !bound.has(result.name),
      );
    if (!foldable) {
      nodes.push(node);
      continue;
    }
    const results = evaluate(
      op,
      node.operands.map((operand) => known.get(operand.name)!),
      node.attributes,
    );
    node.results.forEach((result, i) => {
      known.set(result.name, results[i]!);
      constants.push(result);
      weights.set(result.name, results[i]!);
    });
  }
  if (nodes.length === graph.nodes.length) return model;
  return { graph: { ...graph, nodes, constants }, weights };
}
