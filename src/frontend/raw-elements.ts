/**
 * Elements as files store them: little-endian, packed, and not aligned. Half, bfloat16 and double become f32 in
 * memory; an i64 becomes a double.
 */
import { allocateArray, type DType, type NumberArray } from '../../runtime/memory.ts';

/** Element types of files. */
export type RawFormat = DType | 'f16' | 'bf16' | 'f64';

/** Bytes of one stored element. */
export function rawBytesPerElement(format: RawFormat): number {
  switch (format) {
    case 'f64':
    case 'i64':
      return 8;
    case 'f32':
    case 'i32':
      return 4;
    case 'f16':
    case 'bf16':
    case 'i16':
      return 2;
    case 'i8':
    case 'u8':
    case 'bool':
      return 1;
  }
}

/** The type of `decodeRaw`'s result. */
export function dtypeOfFormat(format: RawFormat): DType {
  return format === 'f16' || format === 'bf16' || format === 'f64' ? 'f32' : format;
}

/** Elements from `bytes`, whose length must be a multiple of the element's. */
export function decodeRaw(format: RawFormat, bytes: Uint8Array): NumberArray {
  // The copy is aligned; the view into the file is not.
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  switch (format) {
    case 'f32':
      return new Float32Array(buffer);
    case 'f64':
      return Float32Array.from(new Float64Array(buffer));
    case 'f16':
      return halvesToFloats(new Uint16Array(buffer));
    case 'bf16':
      return bfloat16sToFloats(new Uint16Array(buffer));
    case 'i64':
      return integersToDoubles(new BigInt64Array(buffer));
    case 'i32':
      return new Int32Array(buffer);
    case 'i16':
      return new Int16Array(buffer);
    case 'i8':
      return new Int8Array(buffer);
    case 'u8':
      return new Uint8Array(buffer);
    case 'bool':
      return new Uint8Array(buffer).map((x) => (x === 0 ? 0 : 1));
  }
}

/** The bytes of `data` stored as `dtype`. */
export function encodeRaw(dtype: DType, data: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  if (dtype === 'i64') {
    const integers = new BigInt64Array(data.length);
    for (let i = 0; i < data.length; i++) integers[i] = BigInt(data[i]!);
    return new Uint8Array(integers.buffer);
  }
  // f32 data may stand in a Float64Array, so it is copied into the type it is stored as.
  const copy = allocateArray(dtype, data.length);
  copy.set(data);
  const bytes = new Uint8Array(copy.byteLength);
  bytes.set(new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength));
  return bytes;
}

export function integersToDoubles(integers: ArrayLike<bigint>): Float64Array {
  const data = new Float64Array(integers.length);
  for (let i = 0; i < data.length; i++) data[i] = Number(integers[i]!);
  return data;
}

/** IEEE 754 binary16, given as bit patterns. */
export function halvesToFloats(halves: ArrayLike<number>): Float32Array {
  const data = new Float32Array(halves.length);
  for (let i = 0; i < data.length; i++) data[i] = halfToNumber(halves[i]!);
  return data;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A bfloat16, given as its bit pattern, is the upper half of a binary32. */
export function bfloat16sToFloats(halves: ArrayLike<number>): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! * 0x10000;
  return new Float32Array(bits.buffer);
}
