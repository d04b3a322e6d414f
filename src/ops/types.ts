/** Short forms of tensor types, for examples and constants. */
import type { TensorType } from '../ir/graph.ts';

export const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });
export const i32 = (...shape: number[]): TensorType => ({ dtype: 'i32', shape });
export const i64 = (...shape: number[]): TensorType => ({ dtype: 'i64', shape });
export const bool = (...shape: number[]): TensorType => ({ dtype: 'bool', shape });
