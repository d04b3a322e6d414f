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

/** Standard normal, from the uniform number of the same index moved to the middle of its step; within 5.42 of 0. */
export function normalAt(key: number, index: number): number {
  return normalQuantile(uniformAt(key, index) + 1 / 33554432);
}

/**
 * The inverse of the normal distribution function at 1e-11 < p < 1 (Wichura 1988, algorithm AS 241, PPND16). Sums,
 * products, quotients and square roots only, so it is the same on every machine.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q *
        (((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r + 45921.95393154987) * r +
          13731.69376550946) *
          r +
          1971.5909503065513) *
          r +
          133.14166789178438) *
          r +
          3.3871328727963665)) /
      (((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r + 21213.794301586597) * r +
        5394.196021424751) *
        r +
        687.1870074920579) *
        r +
        42.31333070160091) *
        r +
        1)
    );
  }
  const r = Math.sqrt(-logarithm(q < 0 ? p : 1 - p)) - 1.6;
  const size =
    (((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r + 1.2704582524523684) * r +
      3.6478483247632045) *
      r +
      5.769497221460691) *
      r +
      4.630337846156546) *
      r +
      1.4234371107496835) /
    (((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r + 0.14810397642748008) *
      r +
      0.6897673349851) *
      r +
      1.6763848301838038) *
      r +
      2.053191626637759) *
      r +
      1);
  return q < 0 ? -size : size;
}

/** log(x) of 0 < x < 1, without the engine's own, which engines are free to round as they like. */
function logarithm(x: number): number {
  let mantissa = x;
  let exponent = 0;
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) exponent--;
  const s = (mantissa - 1) / (mantissa + 1);
  const t = s * s;
  let series = 1 / 21;
  for (let n = 19; n > 0; n -= 2) series = 1 / n + t * series;
  return exponent * Math.LN2 + 2 * s * series;
}
