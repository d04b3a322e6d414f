/**
 * ONNX element types and the types the IR computes them in. Half, bfloat16 and double become f32; unsigned types wider
 * than 8 bits, strings, complex and sub-byte types have no counterpart and are refused.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { DType } from '../../ir/graph.ts';
import { dtypeOfFormat, type RawFormat } from '../raw-elements.ts';

const formats: ReadonlyMap<number, RawFormat> = new Map<number, RawFormat>([
  [DataType.FLOAT, 'f32'],
  [DataType.FLOAT16, 'f16'],
  [DataType.BFLOAT16, 'bf16'],
  [DataType.DOUBLE, 'f64'],
  [DataType.INT64, 'i64'],
  [DataType.INT32, 'i32'],
  [DataType.INT16, 'i16'],
  [DataType.INT8, 'i8'],
  [DataType.UINT8, 'u8'],
  [DataType.BOOL, 'bool'],
]);

/** How files store an ONNX element type; undefined where the IR has no counterpart. */
export function rawFormatOf(elementType: number): RawFormat | undefined {
  return formats.get(elementType);
}

/** The IR's type for an ONNX element type; undefined where there is none. */
export function dtypeOf(elementType: number): DType | undefined {
  const format = formats.get(elementType);
  return format === undefined ? undefined : dtypeOfFormat(format);
}

/** The ONNX element type that holds elements of `dtype` as they are. */
export function elementTypeOf(dtype: DType): DataType {
  switch (dtype) {
    case 'f32':
      return DataType.FLOAT;
    case 'i64':
      return DataType.INT64;
    case 'i32':
      return DataType.INT32;
    case 'i16':
      return DataType.INT16;
    case 'i8':
      return DataType.INT8;
    case 'u8':
      return DataType.UINT8;
    case 'bool':
      return DataType.BOOL;
  }
}

/** `FLOAT16`, or `element type 99`. */
export function elementTypeName(elementType: number): string {
  return DataType[elementType] ?? `element type ${elementType}`;
}

/** The element type of a name like `FLOAT16`. */
export function elementTypeNamed(name: string): number | undefined {
  const found = Object.entries(DataType).find(([key]) => key === name.toUpperCase());
  return typeof found?.[1] === 'number' ? found[1] : undefined;
}

/** Whether the IR computes the ONNX type in another one. */
export function isConverted(elementType: number): boolean {
  const format = formats.get(elementType);
  return format !== undefined && dtypeOfFormat(format) !== format;
}
