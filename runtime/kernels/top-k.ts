/** The k largest or smallest elements along a dimension, by heapsort of positions in scratch. */
import type { Memory, NumberArray } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** Whether position a comes before b: by value, NaN as the largest, then by position. */
function before(x: NumberArray, start: number, stride: number, a: number, b: number, largest: number): boolean {
  const va = x[start + a * stride]!;
  const vb = x[start + b * stride]!;
  if (Number.isNaN(va) || Number.isNaN(vb)) {
    if (Number.isNaN(va) && Number.isNaN(vb)) return a < b;
    return Number.isNaN(va) === (largest === 1);
  }
  if (va === vb) return a < b;
  return largest === 1 ? va > vb : va < vb;
}

/** Restores the heap below `root`: no child comes before its parent. */
function sink(
  heap: Float64Array,
  first: number,
  root: number,
  size: number,
  x: NumberArray,
  start: number,
  stride: number,
  largest: number,
): void {
  const moving = heap[first + root]!;
  let hole = root;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= size) break;
    if (child + 1 < size && before(x, start, stride, heap[first + child + 1]!, heap[first + child]!, largest)) child++;
    if (!before(x, start, stride, heap[first + child]!, moving, largest)) break;
    heap[first + hole] = heap[first + child]!;
    hole = child;
  }
  heap[first + hole] = moving;
}

/**
 * values and indices (i64) [outer, k, inner] of x [outer, extent, inner], in order, equal ones by position. `scratch`
 * holds `extent` doubles.
 */
export function topK(
  m: Memory,
  type: number,
  x: number,
  values: number,
  indices: number,
  scratch: number,
  outer: number,
  extent: number,
  inner: number,
  k: number,
  largest: number,
): void {
  const elements = elementsOf(m, type);
  const heap = m.f64;
  const first = scratch / 8;
  for (let row = 0; row < outer * inner; row++) {
    const block = Math.floor(row / inner);
    const start = x / elementBytes(type) + block * extent * inner + (row % inner);
    for (let i = 0; i < extent; i++) heap[first + i] = i;
    for (let root = Math.floor(extent / 2) - 1; root >= 0; root--)
      sink(heap, first, root, extent, elements, start, inner, largest);
    for (let j = 0; j < k; j++) {
      const top = heap[first]!;
      const o = block * k * inner + j * inner + (row % inner);
      elements[values / elementBytes(type) + o] = elements[start + top * inner]!;
      m.f64[indices / 8 + o] = top;
      heap[first] = heap[first + extent - 1 - j]!;
      sink(heap, first, 0, extent - 1 - j, elements, start, inner, largest);
    }
  }
}
