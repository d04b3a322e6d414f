/** Random tensors: the masks of dropout. The numbers are those of runtime/rng.ts. */
import type { Memory } from '../memory.ts';
import { randomKey, uniformAt } from '../rng.ts';

/** out (bool) = 1 with probability 1 - ratio: the elements that dropout with the same rng, site and ratio keeps. */
export function dropoutMask(m: Memory, rng: number, out: number, count: number, site: number, ratio: number): void {
  const key = randomKey(m.i32[rng / 4]!, m.i32[rng / 4 + 1]!, site);
  for (let i = 0; i < count; i++) m.u8[out + i] = uniformAt(key, i) >= ratio ? 1 : 0;
}
