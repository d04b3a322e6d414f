/**
 * ONNX TensorProto: initializers, attributes, and the `.pb` files that hold inputs, outputs and gradients.
 *
 * Elements come either as raw bytes or in the field of their type.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { allocateArray, type NumberArray } from '../../runtime/memory.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Tensor } from '../ir/graph.ts';
import { elementTypeName, elementTypeOf, rawFormatOf } from './onnx/element-type.ts';
import {
  bfloat16sToFloats,
  decodeRaw,
  dtypeOfFormat,
  encodeRaw,
  halvesToFloats,
  integersToDoubles,
  type RawFormat,
  rawBytesPerElement,
} from './raw-elements.ts';

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * A tensor from the bytes of a TensorProto file. Throws `SublinearError` where they are not one, or its type has no
 * counterpart, or its elements are not as many as its shape says.
 */
export function readTensorProto(bytes: Uint8Array): NamedTensor {
  let proto: TensorProto;
  try {
    proto = fromBinary(TensorProtoSchema, bytes);
  } catch (error) {
    throw new SublinearError({
      code: 'not-a-tensor',
      message: `not an ONNX TensorProto: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
  return { name: proto.name, tensor: tensorOf(proto) };
}

/** The bytes of a TensorProto file; elements are stored raw, in the tensor's own type. */
export function writeTensorProto(name: string, tensor: Tensor): Uint8Array {
  return toBinary(TensorProtoSchema, tensorProtoOf(name, tensor));
}

export function tensorProtoOf(name: string, { type, data }: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: type.shape.map(BigInt),
    dataType: elementTypeOf(type.dtype),
    rawData: encodeRaw(type.dtype, data),
  });
}

/**
 * Type and elements of a decoded TensorProto; `external` stands in for its raw bytes where they lie in another file.
 * Throws `SublinearError`.
 */
export function tensorOf(proto: TensorProto, external?: Uint8Array): Tensor {
  const format = rawFormatOf(proto.dataType);
  if (format === undefined)
    throw new SublinearError({
      code: 'unsupported-dtype',
      message: `tensor ${JSON.stringify(proto.name)} has the unsupported element type ${elementTypeName(proto.dataType)}`,
      hint: 'supported are FLOAT, FLOAT16, BFLOAT16, DOUBLE, INT64, INT32, INT16, INT8, UINT8 and BOOL',
    });
  const shape = proto.dims.map(Number);
  if (shape.some((extent) => extent < 0)) throw malformed(proto, `has a negative extent: [${shape.join(',')}]`);
  const type = { dtype: dtypeOfFormat(format), shape };
  const count = elementCount(shape);
  const raw = external ?? (proto.rawData.length > 0 ? proto.rawData : undefined);
  const size = rawBytesPerElement(format);
  if (raw !== undefined && raw.length !== count * size)
    throw malformed(proto, `has ${raw.length} bytes of data, but ${count} elements take ${count * size}`);
  const data = raw === undefined ? fieldElements(proto, format) : decodeRaw(format, raw);
  if (data.length !== count)
    throw malformed(proto, `has ${data.length} elements, but type ${formatType(type)} has ${count}`);
  return { type, data };
}

function malformed(proto: TensorProto, what: string): SublinearError {
  return new SublinearError({
    code: 'malformed-tensor',
    message: `tensor ${JSON.stringify(proto.name)} ${what}`,
    hint: 'the file is damaged or was cut short',
  });
}

/** Small types share the field of int32; half and bfloat16 lie in it as bit patterns. */
function fieldElements(proto: TensorProto, format: RawFormat): NumberArray {
  switch (format) {
    case 'f32':
      return Float32Array.from(proto.floatData);
    case 'f64':
      return Float32Array.from(proto.doubleData);
    case 'f16':
      return halvesToFloats(proto.int32Data);
    case 'bf16':
      return bfloat16sToFloats(proto.int32Data);
    case 'i64':
      return integersToDoubles(proto.int64Data);
    case 'i32':
    case 'i16':
    case 'i8':
    case 'u8':
    case 'bool': {
      const data = allocateArray(format, proto.int32Data.length);
      data.set(format === 'bool' ? proto.int32Data.map((x) => (x === 0 ? 0 : 1)) : proto.int32Data);
      return data;
    }
  }
}
