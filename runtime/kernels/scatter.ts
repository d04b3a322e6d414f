/**
 * Writing by index. Index tuples are those of gather.ts; `reduction` is 0 to replace, 1 to add, 2 to multiply, 3 for the
 * smaller, 4 for the larger. Where tuples repeat, updates are taken in order.
 */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';
import { tupleCount, tupleOffset } from './gather.ts';

function combine(old: number, update: number, reduction: number): number {
  switch (reduction) {
    case 1:
      return old + update;
    case 2:
      return old * update;
    case 3:
      return Math.min(old, update);
    case 4:
      return Math.max(old, update);
    default:
      return update;
  }
}

/** out (`size` elements) = x with `updates` written where the tuples name blocks; may run in place on x. */
export function scatterTuples(
  m: Memory,
  type: number,
  x: number,
  indexType: number,
  indices: number,
  updates: number,
  out: number,
  size: number,
  reduction: number,
  inner: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
): void {
  const elements = elementsOf(m, type);
  const given = elementsOf(m, indexType);
  const bytes = elementBytes(type);
  const base = indices / elementBytes(indexType);
  if (x !== out) elements.copyWithin(out / bytes, x / bytes, x / bytes + size);
  let i = updates / bytes;
  const count = tupleCount(dims);
  for (let t = 0; t < count; t++) {
    const o = out / bytes + tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    for (let k = o; k < o + inner; k++, i++) elements[k] = combine(elements[k]!, elements[i]!, reduction);
  }
}

/**
 * Gradients of replacing: dupdates = the blocks of dy that the tuples name, dx (`size` elements) = dy without them. Tuples
 * are taken from the last, so that only the one that was written last gets the gradient. dx may lie where dy lies.
 */
export function scatterTuplesReplacedGrad(
  m: Memory,
  dy: number,
  indexType: number,
  indices: number,
  dx: number,
  dupdates: number,
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
  if (dy !== dx) f.copyWithin(dx / 4, dy / 4, dy / 4 + size);
  for (let t = tupleCount(dims) - 1; t >= 0; t--) {
    const o = dx / 4 + tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    f.copyWithin(dupdates / 4 + t * inner, o, o + inner);
    f.fill(0, o, o + inner);
  }
}

/**
 * Gradients of the reductions mul, min and max: dx (`size` elements) and dupdates. A product passes each factor the
 * product of the others; a minimum or maximum shares its gradient evenly among those equal to it. `scratch` holds
 * 2 * size floats: per element of x, the product of its nonzero factors and the number of zeros, or the number of equals.
 */
export function scatterTuplesGrad(
  m: Memory,
  dy: number,
  x: number,
  indexType: number,
  indices: number,
  updates: number,
  y: number,
  dx: number,
  dupdates: number,
  scratch: number,
  size: number,
  reduction: number,
  inner: number,
  dims: readonly number[],
  baseStrides: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
): void {
  const f = m.f32;
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  const product = scratch / 4;
  const tally = product + size;
  const count = tupleCount(dims);
  for (let k = 0; k < size; k++) {
    const value = f[x / 4 + k]!;
    f[product + k] = reduction === 2 && value !== 0 ? value : 1;
    f[tally + k] = value === (reduction === 2 ? 0 : f[y / 4 + k]!) ? 1 : 0;
  }
  for (let t = 0, i = updates / 4; t < count; t++) {
    const start = tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    for (let k = start; k < start + inner; k++, i++) {
      const value = f[i]!;
      if (value === (reduction === 2 ? 0 : f[y / 4 + k]!)) f[tally + k] = f[tally + k]! + 1;
      else if (reduction === 2) f[product + k] = f[product + k]! * value;
    }
  }
  for (let t = 0, i = 0; t < count; t++) {
    const start = tupleOffset(given, base, t, dims, baseStrides, extents, strides);
    for (let k = start; k < start + inner; k++, i++) {
      const share = shareOf(f[updates / 4 + i]!, f[y / 4 + k]!, f[product + k]!, f[tally + k]!, reduction);
      f[dupdates / 4 + i] = f[dy / 4 + k] === 0 ? 0 : f[dy / 4 + k]! * share;
    }
  }
  for (let k = 0; k < size; k++) {
    const share = shareOf(f[x / 4 + k]!, f[y / 4 + k]!, f[product + k]!, f[tally + k]!, reduction);
    f[dx / 4 + k] = f[dy / 4 + k] === 0 ? 0 : f[dy / 4 + k]! * share;
  }
}

/** Derivative of the result in one of the values that made it. */
function shareOf(value: number, result: number, product: number, tally: number, reduction: number): number {
  if (reduction !== 2) return value === result ? 1 / tally : 0;
  if (tally === 0) return product / value;
  return tally === 1 && value === 0 ? product : 0;
}
