/**
 * Trained weights back into the ONNX file they came from. Everything else of the file stays as it is: nodes, names,
 * metadata, and the element type each weight is stored in.
 */
import { clone, create, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { requireBytes, requireTensors } from '../../ir/arguments.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { formatType, sameShape, type Tensor } from '../../ir/graph.ts';
import { encodeRaw, type RawFormat } from '../raw-elements.ts';
import { decodeModel } from './decode.ts';
import { elementTypeName, elementTypeOf, rawFormatOf } from './element-type.ts';
import { separateStatistics, withCopies } from './separate-statistics.ts';

export interface SavedOnnx {
  readonly bytes: Uint8Array;
  /** Names of the weights that were put in. */
  readonly saved: readonly string[];
  /** Names of tensors that have no place in the file: the optimizer's state, say. */
  readonly left: readonly string[];
}

/**
 * `bytes`: the model's own. Weights are matched by name: initializers are replaced (external data come into the file);
 * weights that `ConstantOfShape` nodes stood for, copies of running statistics that importing made (whose nodes read them then), and graph inputs that were taken as weights, become initializers.
 * Throws `SublinearError` where a shape differs from the file's.
 */
export function saveOnnx(bytes: Uint8Array, weights: ReadonlyMap<string, Tensor>): SavedOnnx {
  requireBytes('saveOnnx', bytes);
  requireTensors('saveOnnx', weights);
  const { proto, graph } = decodeModel(bytes);
  const saved = new Set<string>();
  const separated = separateStatistics(graph);
  // Of a training that has them: where weights come from elsewhere, the file's nodes stay.
  if (separated.copies.some(({ name }) => weights.has(name))) {
    const declared = new Map(graph.input.map((input) => [input.name, input]));
    const inputs = separated.copies.flatMap(({ name, of }) => {
      const input = declared.get(of);
      return input === undefined ? [] : [Object.assign(clone(ValueInfoProtoSchema, input), { name })];
    });
    graph.input.push(...inputs);
    graph.initializer = withCopies(graph, separated.copies);
    graph.node = [...separated.nodes];
  }
  graph.initializer = graph.initializer.map((initializer) => {
    const tensor = weights.get(initializer.name);
    if (tensor === undefined) return initializer;
    saved.add(initializer.name);
    return replaced(initializer, tensor);
  });
  const added = (name: string): boolean => {
    const tensor = weights.get(name);
    if (tensor === undefined || saved.has(name)) return false;
    saved.add(name);
    graph.initializer.push(newInitializer(name, tensor));
    // Before IR version 4 every initializer had to be an input too.
    if (proto.irVersion < 4n && !graph.input.some((input) => input.name === name))
      graph.input.push(inputOf(name, tensor));
    return true;
  };
  graph.node = graph.node.filter((node) => {
    const [name = ''] = node.output;
    return !(node.opType === 'ConstantOfShape' && node.output.length === 1 && added(name));
  });
  for (const input of graph.input) added(input.name);
  return {
    bytes: toBinary(ModelProtoSchema, proto),
    saved: [...saved],
    left: [...weights.keys()].filter((name) => !saved.has(name)),
  };
}

function replaced(initializer: TensorProto, tensor: Tensor): TensorProto {
  const format = rawFormatOf(initializer.dataType);
  const shape = initializer.dims.map(Number);
  if (format === undefined || !sameShape(shape, tensor.type.shape))
    throw new SublinearError({
      code: 'weight-mismatch',
      message: `the weight ${JSON.stringify(initializer.name)} is ${formatType(tensor.type)}, but ${elementTypeName(initializer.dataType)}[${shape.join(',')}] in the file`,
      hint: 'weights go back into the file that the model was read from',
    });
  const { name, dims, dataType, docString, metadataProps } = initializer;
  return create(TensorProtoSchema, {
    name,
    dims,
    dataType,
    docString,
    metadataProps,
    dataLocation: TensorProto_DataLocation.DEFAULT,
    rawData: encodeAs(format, tensor),
  });
}

function newInitializer(name: string, tensor: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: tensor.type.shape.map(BigInt),
    dataType: elementTypeOf(tensor.type.dtype),
    rawData: encodeRaw(tensor.type.dtype, tensor.data),
  });
}

function inputOf(name: string, { type }: Tensor): ValueInfoProto {
  const dim = type.shape.map((extent) => ({ value: { case: 'dimValue' as const, value: BigInt(extent) } }));
  const value = { elemType: elementTypeOf(type.dtype), shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value } } });
}

/** Little-endian bytes in the type the file stores. */
function encodeAs(format: RawFormat, { data }: Tensor): Uint8Array<ArrayBuffer> {
  if (format !== 'f64' && format !== 'f16' && format !== 'bf16') return encodeRaw(format, data);
  if (format === 'f64') return new Uint8Array(Float64Array.from(data).buffer);
  const halves = new Uint16Array(data.length);
  const toBits = format === 'f16' ? halfBits : bfloat16Bits;
  for (let i = 0; i < halves.length; i++) halves[i] = toBits(data[i]!);
  return new Uint8Array(halves.buffer);
}

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/** The nearest bfloat16, ties to even. */
function bfloat16Bits(value: number): number {
  word[0] = value;
  const bits = wordBits[0]!;
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The nearest IEEE 754 binary16, ties to even; overflow becomes infinity. */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  // log2 may round up at the edge of a binade.
  const settled = size < 2 ** exponent && exponent > -14 ? exponent - 1 : exponent;
  const units = roundHalfToEven(size / 2 ** (settled - 10));
  // Subnormal units count from 0; a carry into the next binade is right in both cases.
  return sign | (settled === -14 ? units : ((settled + 14) << 10) + units);
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
