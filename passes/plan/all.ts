/**
 * Strategy `all`: keep nothing but the inputs and recompute from the start for each backward node. Quadratic; the other
 * end of the scale from `none`.
 */
import { updateRegion } from '../../src/analysis/plan-graph.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { placeUpdates } from './place-updates.ts';
import { sequenceWriter } from './sequence-writer.ts';
import { findStorages } from './storages.ts';
import type { Strategy } from './strategy.ts';

/** A sequence of more steps than this would help nobody and might not fit in memory. */
const mostSteps = 20_000_000;

export const all: Strategy = (index) => {
  const storages = findStorages(index);
  const { forwardCount, permanent, root } = storages;
  const writer = sequenceWriter(index, storages);
  for (let n = 0; n < forwardCount; n++) writer.run(n);
  for (let v = index.inputCount; v < index.resultStart[forwardCount]!; v++) writer.available[v] = permanent[root[v]!]!;
  for (let n = forwardCount; n < index.nodeCount; n++) {
    if (index.region[n] !== updateRegion) {
      for (const again of writer.supply(n))
        for (let v = index.resultStart[again]!; v < index.resultStart[again + 1]!; v++)
          writer.available[v] = permanent[root[v]!]!;
      if (writer.length() > mostSteps)
        throw new SublinearError({
          code: 'sequence-too-long',
          message: `strategy all needs more than ${mostSteps} steps on a graph of ${index.nodeCount} nodes`,
          hint: 'recursive needs little more memory and far fewer steps',
        });
    }
    writer.run(n);
  }
  return placeUpdates(index, writer.finish());
};
