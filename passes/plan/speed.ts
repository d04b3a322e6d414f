/**
 * Strategy `speed`: keep the results of convolutions and matrix products, recompute the rest, which costs little beside
 * them.
 */
import { keptSetSequence } from './kept-set.ts';
import type { Strategy } from './strategy.ts';

export const speed: Strategy = (index) => {
  const kept = new Uint8Array(index.valueCount);
  for (let v = index.inputCount; v < index.valueCount; v++) kept[v] = index.expensive[index.producer[v]!]!;
  return keptSetSequence(index, kept);
};
