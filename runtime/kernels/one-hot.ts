/** One-hot encoding. An index out of range (below -depth too) encodes as all off. */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** out [outer, depth, inner] = `values` [off, on], on where the depth coordinate is the index [outer, inner]. */
export function oneHot(
  m: Memory,
  type: number,
  indexType: number,
  indices: number,
  values: number,
  out: number,
  outer: number,
  depth: number,
  inner: number,
): void {
  const elements = elementsOf(m, type);
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  const off = elements[values / elementBytes(type)]!;
  const on = elements[values / elementBytes(type) + 1]!;
  const o = out / elementBytes(type);
  elements.fill(off, o, o + outer * depth * inner);
  for (let i = 0; i < outer * inner; i++) {
    const index = given[base + i]!;
    const at = index < 0 ? index + depth : index;
    if (at >= 0 && at < depth) elements[o + (Math.floor(i / inner) * depth + at) * inner + (i % inner)] = on;
  }
}

/** dvalues [2]: the sum of dy where it is off, and where it is on. */
export function oneHotGrad(
  m: Memory,
  dy: number,
  indexType: number,
  indices: number,
  dvalues: number,
  outer: number,
  depth: number,
  inner: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, indexType);
  const base = indices / elementBytes(indexType);
  let off = 0;
  let on = 0;
  let i = dy / 4;
  for (let row = 0; row < outer; row++)
    for (let d = 0; d < depth; d++)
      for (let k = 0; k < inner; k++, i++) {
        const index = given[base + row * inner + k]!;
        if ((index < 0 ? index + depth : index) === d) on += f[i]!;
        else off += f[i]!;
      }
  f[dvalues / 4] = off;
  f[dvalues / 4 + 1] = on;
}
