/** Dropout (Srivastava et al. 2014), its mask drawn anew from a counter wherever it is needed. */
import type { Memory } from '../memory.ts';
import { randomKey, uniformAt } from '../rng.ts';

/**
 * out = x / (1 - ratio) with probability 1 - ratio, else 0. `rng` holds i32 [seed, step]. Its own gradient: applied to
 * dy, with the same rng, site and ratio. May run in place.
 */
export function dropout(
  m: Memory,
  x: number,
  rng: number,
  out: number,
  count: number,
  site: number,
  ratio: number,
): void {
  const f = m.f32;
  const key = randomKey(m.i32[rng / 4]!, m.i32[rng / 4 + 1]!, site);
  const scale = ratio < 1 ? 1 / (1 - ratio) : 0;
  let i = x / 4;
  let o = out / 4;
  for (let k = 0; k < count; k++, i++, o++) f[o] = uniformAt(key, k) >= ratio ? f[i]! * scale : 0;
}
