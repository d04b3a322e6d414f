/**
 * Memory: typed views over the one buffer in which a step runs.
 *
 * Kernels take byte offsets into it. An int64 is stored as a double, exact for integers up to 2^53 in magnitude, so
 * that every element type is a plain `number` and no kernel touches BigInt.
 */

export type DType = 'f32' | 'i32' | 'i64' | 'bool' | 'u8' | 'i8' | 'i16';

/** Bytes of one stored element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  f32: 4,
  i32: 4,
  i64: 8,
  bool: 1,
  u8: 1,
  i8: 1,
  i16: 2,
};

/** Float32 views are widened to Float64Array by the double-precision test memory; kernels work on either. */
export type FloatArray = Float32Array | Float64Array;
export type NumberArray = FloatArray | Int32Array | Uint8Array | Int8Array | Int16Array;

export interface Memory {
  readonly f32: FloatArray;
  readonly i32: Int32Array;
  /** Holds i64 values. */
  readonly f64: Float64Array;
  /** Holds bool (0 or 1) and u8. */
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly i16: Int16Array;
}

/** Views over one buffer. Its length must be a multiple of 8 bytes. */
export function viewMemory(buffer: ArrayBufferLike): Memory {
  return {
    f32: new Float32Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    u8: new Uint8Array(buffer),
    i8: new Int8Array(buffer),
    i16: new Int16Array(buffer),
  };
}

/** The whole view that holds elements of `dtype`; index it with byte offset / bytesPerElement. */
export function viewOf(memory: Memory, dtype: DType): NumberArray {
  switch (dtype) {
    case 'f32':
      return memory.f32;
    case 'i32':
      return memory.i32;
    case 'i64':
      return memory.f64;
    case 'bool':
    case 'u8':
      return memory.u8;
    case 'i8':
      return memory.i8;
    case 'i16':
      return memory.i16;
  }
}

/** A fresh array that holds `length` elements of `dtype`. */
export function allocateArray(dtype: DType, length: number): NumberArray {
  switch (dtype) {
    case 'f32':
      return new Float32Array(length);
    case 'i32':
      return new Int32Array(length);
    case 'i64':
      return new Float64Array(length);
    case 'bool':
    case 'u8':
      return new Uint8Array(length);
    case 'i8':
      return new Int8Array(length);
    case 'i16':
      return new Int16Array(length);
  }
}
