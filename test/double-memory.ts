/**
 * A memory whose float elements are doubles: `f32` is a Float64Array of its own, with the same element indices. Kernels
 * run on it unchanged, and central differences become exact enough to check gradients by.
 */
import type { Memory } from '../runtime/memory.ts';
import type { MemoryFactory } from '../src/ops/evaluate.ts';

export const doubleMemory: MemoryFactory = (bytes): Memory => {
  const buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  return {
    f32: new Float64Array(buffer.byteLength / 4),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    u8: new Uint8Array(buffer),
    i8: new Int8Array(buffer),
    i16: new Int16Array(buffer),
  };
};
