/**
 * Counter-based random numbers: a number is a function of (seed, step, site, index) and of nothing else, so a node that
 * runs again draws the same ones, in any order, on any machine. 32-bit integer arithmetic only.
 */

/** Spreads every bit of a 32-bit integer over all of them: xor-shifts and odd multipliers (those of Wellons 2018). */
function scramble(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  h ^= h >>> 16;
  return h;
}

/** The key of one site in one step. */
export function randomKey(seed: number, step: number, site: number): number {
  return scramble(scramble(scramble(seed) + step) + Math.imul(site, 0x9e3779b9));
}

/** Uniform in [0, 1), a multiple of 2^-24; `index` counts elements. */
export function uniformAt(key: number, index: number): number {
  // Two rounds, keyed before each: streams of two keys are then no shifts of one another.
  const first = scramble(Math.imul(index, 0x9e3779b9) ^ key);
  return (scramble(first + Math.imul(key, 0x85ebca6b) + Math.floor(index / 4294967296)) >>> 8) / 16777216;
}
