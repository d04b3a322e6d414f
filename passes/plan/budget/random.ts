/** A seeded generator of the search's own (xorshift128 by Marsaglia), so that a plan can be repeated anywhere. */

export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform integer in [0, bound); `bound` is positive. */
  below(bound: number): number;
}

export function createRandom(seed: number): Random {
  // Spread the seed's bits over the four words (finaliser of MurmurHash3); the state must not be all zero.
  const word = (k: number): number => {
    let h = (seed | 0) + Math.imul(k + 1, 0x9e3779b9);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) | 0;
  };
  let a = word(0);
  let b = word(1);
  let c = word(2);
  let d = word(3) | 1;
  const next = (): number => {
    let t = a ^ (a << 11);
    a = b;
    b = c;
    c = d;
    t ^= t >>> 8;
    d = d ^ (d >>> 19) ^ t;
    return d >>> 0;
  };
  return {
    unit: () => next() / 4294967296,
    below: (bound) => Math.floor((next() / 4294967296) * bound),
  };
}
