/** Runs a graph node by node, every result in memory of its own: slow, and right wherever the kernels are. */
import type { Model, Tensor } from '../src/ir/graph.ts';
import { evaluate } from '../src/ops/evaluate.ts';
import { opNamed } from '../src/ops/table.ts';

/**
 * Every value by name, residents included; and graph outputs by their own names. State keeps the contents it had before
 * the step. Throws where an input or a weight is missing.
 */
export function evaluateGraph(model: Model, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const { graph, weights } = model;
  const values = new Map<string, Tensor>([...weights, ...inputs]);
  for (const node of graph.nodes) {
    const operands = node.operands.map((operand) => {
      const tensor = values.get(operand.name);
      if (tensor === undefined) throw new Error(`${node.name} reads ${operand.name}, which has no contents`);
      return tensor;
    });
    evaluate(opNamed(node.op), operands, node.attributes).forEach((tensor, i) => {
      values.set(node.results[i]!.name, tensor);
    });
  }
  const outputs = graph.outputs.map((output): [string, Tensor] => {
    const tensor = values.get(output.value);
    if (tensor === undefined) throw new Error(`output ${output.name} has no contents`);
    return [output.name, tensor];
  });
  for (const [name, tensor] of outputs) values.set(name, tensor);
  return values;
}
