/** Small ONNX models, written in the test that uses them. */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { tensorProtoOf } from '../../src/frontend/tensor-proto.ts';
import type { Tensor } from '../../src/ir/graph.ts';

export type AttributeInput =
  | number
  | readonly number[]
  | readonly string[]
  | string
  | Tensor
  | { readonly float: number }
  | { readonly floats: readonly number[] };

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs: readonly string[];
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
}

/** The bytes of a model. */
export function modelBytes(parts: ModelParts): Uint8Array {
  return toBinary(ModelProtoSchema, modelProto(parts));
}

export function modelProto({ nodes, inputs = [], outputs, initializers = [], opset = 17 }: ModelParts): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...[...new Set(nodes.map(({ domain }) => domain))]
        .filter((domain) => domain !== '')
        .map((domain) => ({ domain, version: 1n })),
    ],
    graph: create(GraphProtoSchema, {
      name: 'test',
      node: [...nodes],
      input: [...inputs],
      output: outputs.map((name) => create(ValueInfoProtoSchema, { name })),
      initializer: [...initializers],
    }),
  });
}

/** A node with one output, or several, of an operator that may be written `DOMAIN.OPERATOR`. Integers become INT, lists INTS or STRINGS, `{ float }` FLOAT, `{ floats }` FLOATS, texts STRING, tensors TENSOR. */
export function node(
  operator: string,
  input: readonly string[],
  output: string | readonly string[],
  attributes: Readonly<Record<string, AttributeInput>> = {},
): NodeProto {
  const dot = operator.lastIndexOf('.');
  return create(NodeProtoSchema, {
    domain: operator.slice(0, Math.max(0, dot)),
    opType: operator.slice(dot + 1),
    input: [...input],
    output: typeof output === 'string' ? [output] : [...output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

function attribute(name: string, value: AttributeInput): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...value.floats] });
  if ('type' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: tensorProtoOf('', value) });
  const strings = value.filter((item) => typeof item === 'string');
  if (strings.length > 0)
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRINGS,
      strings: strings.map((text) => new TextEncoder().encode(text)),
    });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

/** A graph input; extents are numbers, names, or `''` for neither. */
export function input(
  name: string,
  shape: readonly (number | string)[],
  elemType: number = DataType.FLOAT,
): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          shape: {
            dim: shape.map((extent) => ({
              value:
                typeof extent === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(extent) }
                  : extent === ''
                    ? { case: undefined }
                    : { case: 'dimParam' as const, value: extent },
            })),
          },
        },
      },
    },
  });
}

export function floats(shape: readonly number[], ...data: readonly number[]): Tensor {
  return { type: { dtype: 'f32', shape }, data: Float32Array.from(data) };
}

export function integers(...data: readonly number[]): Tensor {
  return { type: { dtype: 'i64', shape: [data.length] }, data };
}

export function integer(value: number): Tensor {
  return { type: { dtype: 'i64', shape: [] }, data: [value] };
}

export function initializer(name: string, tensor: Tensor): TensorProto {
  return tensorProtoOf(name, tensor);
}

/** A tensor of `shape` whose elements are 0.1, 0.2, ... */
export function ramp(...shape: readonly number[]): Tensor {
  const count = shape.reduce((all, extent) => all * extent, 1);
  return floats(shape, ...Array.from({ length: count }, (_, i) => (i + 1) / 10));
}
