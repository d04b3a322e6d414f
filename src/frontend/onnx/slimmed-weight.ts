/** Weights of slimmed models: the file says their shape, and one number for all their elements. */
import type { NodeProto } from 'onnx-buf';
import { elementCount, type Tensor, type TensorType, type Value } from '../../ir/graph.ts';
import { tensorOf } from '../tensor-proto.ts';
import { largestCount, product } from './compose.ts';
import type { FoldingEmitter } from './folding-emitter.ts';

/**
 * The parameter that a `ConstantOfShape` node becomes where it is float and its shape an initializer (one of `stored`);
 * undefined for any other node.
 */
export function slimmedWeight(
  node: NodeProto,
  stored: ReadonlySet<string>,
  values: ReadonlyMap<string, Value>,
  emitter: FoldingEmitter,
): Value | undefined {
  const [shapeName] = node.input;
  const [name] = node.output;
  if (node.opType !== 'ConstantOfShape' || shapeName === undefined || !stored.has(shapeName)) return undefined;
  const given = values.get(shapeName);
  const shape = given === undefined ? undefined : emitter.folded(given);
  if (name === undefined || shape === undefined) return undefined;
  const attribute = node.attribute.find((candidate) => candidate.name === 'value')?.t;
  const fill = attribute === undefined ? undefined : tensorOf(attribute);
  if (fill !== undefined && fill.type.dtype !== 'f32') return undefined;
  const extents = Array.from(shape.data);
  if (extents.some((extent) => extent < 0) || product(extents) > largestCount) return undefined;
  const type: TensorType = { dtype: 'f32', shape: extents };
  return emitter.parameter(name, type, filled(type, fill?.data[0] ?? 0));
}

/** Its elements are made when they are asked for first: a few bytes of a file must not take memory before a step does. */
function filled(type: TensorType, value: number): Tensor {
  let elements: Float32Array | undefined;
  return {
    type,
    get data() {
      elements ??= new Float32Array(elementCount(type.shape)).fill(value);
      return elements;
    },
  };
}
