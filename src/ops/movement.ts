/** Kernel calls that movement ops share: copies from or to a strided tensor, of any element type. */
import {
  copyInto,
  copyIntoElements,
  copyStrided,
  copyStridedElements,
  fillElements,
} from '../../runtime/kernels/copy.ts';
import { typeCode } from '../../runtime/kernels/elements.ts';
import { bytesPerElement, type DType } from '../../runtime/memory.ts';
import { call, type KernelCall } from '../../runtime/program.ts';
import { collapseDims } from './broadcasting.ts';

/**
 * out (contiguous, extents `dims`) = the elements at `x` under element `strides`, from element `first` on. `x` and `out`
 * are byte offsets.
 */
export function lowerStridedRead(
  dtype: DType,
  x: number,
  out: number,
  dims: readonly number[],
  strides: readonly number[],
  first = 0,
): KernelCall {
  const walk = collapseDims(dims, [strides]);
  const from = x + first * bytesPerElement[dtype];
  return dtype === 'f32'
    ? call(copyStrided, from, out, walk.dims, walk.strides[0]!)
    : call(copyStridedElements, typeCode(dtype), from, out, walk.dims, walk.strides[0]!);
}

/** The elements at `out` under `strides`, from element `first` on, = x (contiguous, extents `dims`). */
export function lowerStridedWrite(
  dtype: DType,
  x: number,
  out: number,
  dims: readonly number[],
  strides: readonly number[],
  first = 0,
): KernelCall {
  const walk = collapseDims(dims, [strides]);
  const to = out + first * bytesPerElement[dtype];
  return dtype === 'f32'
    ? call(copyInto, x, to, walk.dims, walk.strides[0]!)
    : call(copyIntoElements, typeCode(dtype), x, to, walk.dims, walk.strides[0]!);
}

/** `count` elements at `out` set to `value`. */
export function lowerFill(dtype: DType, out: number, count: number, value: number): KernelCall {
  return call(fillElements, typeCode(dtype), out, count, value);
}
