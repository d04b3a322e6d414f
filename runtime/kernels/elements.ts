/**
 * Element types as numbers, for the kernels that are generic in them (copies, comparisons, integer arithmetic): kernel
 * arguments are numbers. Kernels on floats that matter for speed are not generic and read `m.f32` alone.
 */
import { bytesPerElement, type DType, type Memory, type NumberArray, viewOf } from '../memory.ts';

const elementTypes: readonly DType[] = ['f32', 'i32', 'i64', 'bool', 'u8', 'i8', 'i16'];

/** The number that stands for `dtype` among kernel arguments. */
export function typeCode(dtype: DType): number {
  return elementTypes.indexOf(dtype);
}

/** The view that holds elements of the type. */
export function elementsOf(m: Memory, type: number): NumberArray {
  return viewOf(m, elementTypes[type]!);
}

export function elementBytes(type: number): number {
  return bytesPerElement[elementTypes[type]!];
}
