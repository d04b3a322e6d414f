/** Weights that the file stores as integers: a `DequantizeLinear` of them becomes the floats they stand for. */
import type { NodeProto } from 'onnx-buf';
import { elementCount, type Tensor, type Value } from '../../ir/graph.ts';
import { attributeReader } from './attributes.ts';
import { failer } from './context.ts';
import type { FoldingEmitter } from './folding-emitter.ts';
import { nodeSource, operatorKey } from './node-names.ts';
import { scaleLayout, scalePlaces } from './scale-layout.ts';

/** What is said of such weights. */
export const dequantizedRemark =
  'stored as integers in the file, a parameter of floats here; it does not go back into the file when it is trained';

/** What the weight is made of. */
export interface StoredTensors {
  readonly values: ReadonlyMap<string, Value>;
  readonly emitter: FoldingEmitter;
  /** Initializers of types that nothing else reads, by name. */
  readonly quantized: ReadonlyMap<string, Tensor>;
  readonly opset: number;
}

/**
 * The parameter that a `DequantizeLinear` node becomes where its operands are stored in the file; undefined for any other
 * node. Each number is (x - zero point) * scale, rounded to f32 once.
 */
export function dequantizedWeight(node: NodeProto, stored: StoredTensors): Value | undefined {
  const { values, emitter, quantized, opset } = stored;
  const [name] = node.output;
  if (operatorKey(node) !== 'DequantizeLinear' || name === undefined) return undefined;
  const tensorAt = (index: number): Tensor | undefined => {
    const operand = node.input[index] ?? '';
    const value = values.get(operand);
    if (value === undefined || !emitter.isStored(value)) return quantized.get(operand);
    return emitter.contents(value);
  };
  const [x, scales, zeros] = [tensorAt(0), tensorAt(1), tensorAt(2)];
  const hasZeros = (node.input[2] ?? '') !== '';
  if (x === undefined || x.type.dtype === 'f32' || scales === undefined || (hasZeros && zeros === undefined))
    return undefined;
  const source = nodeSource(node);
  const fail: (message: string) => never = failer(node, opset);
  const attributes = attributeReader(node, source);
  const { shape } = x.type;
  if (zeros !== undefined && zeros.data.length !== scales.data.length)
    fail(`it has ${scales.data.length} scales and ${zeros.data.length} zero points`);
  const block = attributes.int('block_size', 0);
  const layout = scaleLayout(shape, scales.type.shape, attributes.int('axis', 1), block, fail);
  const placeOf = scalePlaces(shape, scales.type.shape, layout);
  const data = new Float32Array(elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    const place = placeOf(i);
    data[i] = (x.data[i]! - (zeros?.data[place] ?? 0)) * scales.data[place]!;
  }
  return emitter.parameter(name, { dtype: 'f32', shape }, { type: { dtype: 'f32', shape }, data });
}
