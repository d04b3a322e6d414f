/**
 * Reading by index, and its adjoint. Indices are i32 or i64 (`indexType` is their code in elements.ts), count from the
 * end where negative, and throw a RangeError where they are out of range.
 */
import type { Memory, NumberArray } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** The index at element `at`, counted from the front. */
function indexAt(indices: NumberArray, base: number, at: number, extent: number): number {
  const index = indices[base + at]!;
  if (index >= -extent && index < extent) return index < 0 ? index + extent : index;
  throw new RangeError(`index ${index} at element ${at} is out of range for an extent of ${extent}`);
}

/** out [outer, count, inner] = x [outer, extent, inner] at `indices` [count] of the middle dimension. */
export function gather(
  m: Memory,
  type: number,
  x: number,
  indexType: number,
  indices: number,
  out: number,
  outer: number,
  extent: number,
  inner: number,
  count: number,
): void {
  const elements = elementsOf(m, type);
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  const from = x / elementBytes(type);
  let o = out / elementBytes(type);
  for (let row = 0; row < outer; row++)
    for (let j = 0; j < count; j++, o += inner) {
      const i = from + (row * extent + indexAt(given, base, j, extent)) * inner;
      elements.copyWithin(o, i, i + inner);
    }
}

/** dx [outer, extent, inner] = dy [outer, count, inner] added up at its indices. */
export function gatherGrad(
  m: Memory,
  dy: number,
  indexType: number,
  indices: number,
  dx: number,
  outer: number,
  extent: number,
  inner: number,
  count: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  f.fill(0, dx / 4, dx / 4 + outer * extent * inner);
  let i = dy / 4;
  for (let row = 0; row < outer; row++)
    for (let j = 0; j < count; j++) {
      const o = dx / 4 + (row * extent + indexAt(given, base, j, extent)) * inner;
      for (let k = o; k < o + inner; k++, i++) f[k] = f[k]! + f[i]!;
    }
}

/**
 * Index tuples: the t-th of dims.product tuples names a block of `inner` elements of a tensor, at
 * sum of position(t) * baseStrides + sum over k of index(t, k) * strides[k], with index(t, k) < extents[k]. Gathers and
 * scatters by elements have tuples of one; those of ONNX's ND family have longer ones.
 */
export function tupleCount(dims: readonly number[]): number {
  let count = 1;
  for (let d = 0; d < dims.length; d++) count *= dims[d]!;
  return count;
}

/** First element of the block that tuple `t` names, relative to the tensor. */
export function tupleOffset(
  indices: NumberArray,
  base: number,
  t: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
): number {
  let offset = 0;
  let rest = t;
  for (let d = dims.length - 1; d >= 0; d--) {
    offset += (rest % dims[d]!) * baseStrides[d]!;
    rest = Math.floor(rest / dims[d]!);
  }
  for (let k = 0; k < extents.length; k++)
    offset += indexAt(indices, base, t * extents.length + k, extents[k]!) * strides[k]!;
  return offset;
}

/** out = the blocks of x that the tuples name, one after another. */
export function gatherTuples(
  m: Memory,
  type: number,
  x: number,
  indexType: number,
  indices: number,
  out: number,
  inner: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
): void {
  const elements = elementsOf(m, type);
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  const from = x / elementBytes(type);
  let o = out / elementBytes(type);
  const count = tupleCount(dims);
  for (let t = 0; t < count; t++) {
    const i = from + tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    for (let k = i; k < i + inner; k++) elements[o++] = elements[k]!;
  }
}

/** dx (`size` elements) = the blocks of dy added up where the tuples name them. */
export function gatherTuplesGrad(
  m: Memory,
  dy: number,
  indexType: number,
  indices: number,
  dx: number,
  size: number,
  inner: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
): void {
  const f = m.f32;
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  f.fill(0, dx / 4, dx / 4 + size);
  let i = dy / 4;
  const count = tupleCount(dims);
  for (let t = 0; t < count; t++) {
    const o = dx / 4 + tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    for (let k = o; k < o + inner; k++, i++) f[k] = f[k]! + f[i]!;
  }
}
