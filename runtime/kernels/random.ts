/**
 * Random tensors; the numbers are those of runtime/rng.ts. Without WebAssembly twins, and drawn by one thread: a step draws
 * a tensor once, and few models draw any.
 */
import type { Memory } from '../memory.ts';
import { normalAt, randomKey, uniformAt } from '../rng.ts';

/** out (bool) = 1 with probability 1 - ratio: the elements that dropout with the same rng, site and ratio keeps. */
export function dropoutMask(m: Memory, rng: number, out: number, count: number, site: number, ratio: number): void {
  const key = randomKey(m.i32[rng / 4]!, m.i32[rng / 4 + 1]!, site);
  for (let i = 0; i < count; i++) m.u8[out + i] = uniformAt(key, i) >= ratio ? 1 : 0;
}

/** The key of a site; where `seeded` is 1, `seed` takes the place of the one in `rng`. */
function keyAt(m: Memory, rng: number, site: number, seeded: number, seed: number): number {
  return randomKey(seeded === 1 ? seed : m.i32[rng / 4]!, m.i32[rng / 4 + 1]!, site);
}

/** out = low + (high - low) u, with u uniform in [0, 1). */
export function randomUniform(
  m: Memory,
  rng: number,
  out: number,
  count: number,
  site: number,
  seeded: number,
  seed: number,
  low: number,
  high: number,
): void {
  const key = keyAt(m, rng, site, seeded, seed);
  for (let i = 0; i < count; i++) m.f32[out / 4 + i] = low + (high - low) * uniformAt(key, i);
}

/** out = mean + scale z, with z standard normal. */
export function randomNormal(
  m: Memory,
  rng: number,
  out: number,
  count: number,
  site: number,
  seeded: number,
  seed: number,
  mean: number,
  scale: number,
): void {
  const key = keyAt(m, rng, site, seeded, seed);
  for (let i = 0; i < count; i++) m.f32[out / 4 + i] = mean + scale * normalAt(key, i);
}

/** out = 1 with the probability that p says of the element, else 0. May run in place. */
export function bernoulli(
  m: Memory,
  p: number,
  rng: number,
  out: number,
  count: number,
  site: number,
  seeded: number,
  seed: number,
): void {
  const key = keyAt(m, rng, site, seeded, seed);
  for (let i = 0; i < count; i++) m.f32[out / 4 + i] = uniformAt(key, i) < m.f32[p / 4 + i]! ? 1 : 0;
}
