/** Initial weights drawn by name and seed, so that adding a layer does not move the others' numbers. */
import { elementCount } from '../../ir/graph.ts';

/**
 * He et al. 2015 (arXiv 1502.01852, eq. 10), uniform: |w| <= sqrt(6 / fan-in), the fan-in being all extents but the
 * first.
 */
export function heUniform(name: string, shape: readonly number[], seed: number): Float32Array {
  const count = elementCount(shape);
  const fanIn = Math.max(1, elementCount(shape.slice(1)));
  const limit = Math.sqrt(6 / fanIn);
  const data = new Float32Array(count);
  let state = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (const byte of new TextEncoder().encode(name)) state = Math.imul(state ^ byte, 0x01000193);
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b9) | 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    data[i] = (((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1) * limit;
  }
  return data;
}
