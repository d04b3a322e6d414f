/**
 * From a kept set to a sequence (DESIGN section 8): forward nodes in source order, then backward nodes, and before each
 * of these whatever forward value it reads and does not find.
 *
 * Kept storages live to their last read. So do those made after the last kept value: the last segment is not run twice.
 * Every other storage dies after its last forward read, is recomputed once, and then lives to its last backward read,
 * so a kept set costs at most one more forward pass.
 */
import { type PlanIndex, updateRegion } from '../../src/analysis/plan-graph.ts';
import { placeUpdates } from './place-updates.ts';
import { sequenceWriter } from './sequence-writer.ts';
import { findStorages, type Storages } from './storages.ts';

/**
 * `kept[v]` is 1 for the forward values to keep; a value is kept with its whole storage. Update nodes are placed.
 * O(reads log reads).
 */
export function keptSetSequence(
  index: PlanIndex,
  kept: Uint8Array,
  storages: Storages = findStorages(index),
): Int32Array {
  const { forwardCount, root, permanent } = storages;
  const { producer, resultStart, inputCount } = index;
  const writer = sequenceWriter(index, storages);
  for (let n = 0; n < forwardCount; n++) writer.run(n);
  const keptStorage = new Uint8Array(index.valueCount);
  let lastKept = -1;
  const forwardValues = resultStart[forwardCount]!;
  for (let v = inputCount; v < forwardValues; v++) {
    if (kept[v] !== 1) continue;
    keptStorage[root[v]!] = 1;
    lastKept = producer[v]!;
  }
  for (let v = inputCount; v < forwardValues; v++) {
    const owner = root[v]!;
    writer.available[v] = permanent[owner] === 1 || keptStorage[owner] === 1 || producer[owner]! > lastKept ? 1 : 0;
  }
  for (let n = forwardCount; n < index.nodeCount; n++) {
    // What an update reads is permanent: it finds it.
    if (index.region[n] !== updateRegion) writer.supply(n);
    writer.run(n);
  }
  return placeUpdates(index, writer.finish());
}
