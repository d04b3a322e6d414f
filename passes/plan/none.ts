/** Strategy `none`: keep everything, which is ordinary backpropagation, and the figure that others are measured against. */
import { placeUpdates } from './place-updates.ts';
import type { Strategy } from './strategy.ts';

export const none: Strategy = (index) =>
  placeUpdates(
    index,
    Int32Array.from({ length: index.nodeCount }, (_, n) => n),
  );
