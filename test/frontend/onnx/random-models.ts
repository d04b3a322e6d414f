/** ONNX models of one random node. */
import { elementTypeOf } from '../../../src/frontend/onnx/element-type.ts';
import { formatType, type Tensor } from '../../../src/ir/graph.ts';
import { initializer, input, modelBytes, node } from '../onnx-models.ts';
import type { RandomNode } from './random-nodes.ts';

/** y0, y1, ... */
export function nodeOutputs({ outputs }: RandomNode): readonly string[] {
  return Array.from({ length: outputs }, (_, i) => `y${i}`);
}

/** The operands that are not stored: x0, x1, ... by their places. */
export function nodeInputs({ operands }: RandomNode): ReadonlyMap<string, Tensor> {
  return new Map(
    operands.flatMap((operand, i) => (operand?.stored === false ? [[`x${i}`, operand.tensor] as const] : [])),
  );
}

/** A model file of this node alone. */
export function nodeBytes(operator: string, drawn: RandomNode): Uint8Array {
  const names = drawn.operands.map((operand, i) => (operand === undefined ? '' : `x${i}`));
  const initializers = drawn.operands.flatMap((operand, i) =>
    operand?.stored === true ? [initializer(`x${i}`, operand.tensor)] : [],
  );
  const inputs = [...nodeInputs(drawn)].map(([name, { type }]) => input(name, type.shape, elementTypeOf(type.dtype)));
  const outputs = nodeOutputs(drawn);
  const nodes = [node(operator, names, outputs, drawn.attributes)];
  return modelBytes({ nodes, inputs, initializers, outputs, opset: drawn.opset });
}

/** The node as a person would repeat it. */
export function describeNode(operator: string, { operands, attributes, opset }: RandomNode): string {
  const show = ({ type, data }: Tensor): string => `${formatType(type)}(${Array.from(data).slice(0, 12).join(' ')})`;
  const shown = operands.map((operand) => (operand === undefined ? 'none' : show(operand.tensor)));
  return `${operator} (opset ${opset}) ${JSON.stringify(attributes)} of ${shown.join(', ')}`;
}
