/** Skeletons of small graphs at random: where there are few, trying many beats searching cleverly. */
import { forwardRegion, type PlanIndex, updateRegion } from '../../../src/analysis/plan-graph.ts';
import type { Random } from './random.ts';
import { withUpdates } from './roots.ts';

/** Every node once in a legal order: forward nodes, then backward ones, each ready one as likely as the others. */
export function randomOrder(
  index: PlanIndex,
  writers: readonly (readonly number[] | undefined)[],
  random: Random,
): Int32Array {
  const { nodeCount, region, readStart, reads, producer, resultStart, readerStart, readers } = index;
  const waits = new Int32Array(nodeCount);
  for (let n = 0; n < nodeCount; n++)
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) if (producer[reads[k]!]! >= 0) waits[n] = waits[n]! + 1;
  const main: number[] = [];
  const ready: [number[], number[]] = [[], []];
  const release = (n: number): void => {
    if (region[n] !== updateRegion) ready[region[n] === forwardRegion ? 0 : 1].push(n);
  };
  for (let n = 0; n < nodeCount; n++) if (waits[n] === 0) release(n);
  for (;;) {
    const list = ready[0].length > 0 ? ready[0] : ready[1];
    if (list.length === 0) break;
    const [n] = list.splice(random.below(list.length), 1);
    main.push(n!);
    for (let v = resultStart[n!]!; v < resultStart[n! + 1]!; v++)
      for (let k = readerStart[v]!; k < readerStart[v + 1]!; k++) {
        const reader = readers[k]!;
        waits[reader] = waits[reader]! - 1;
        if (waits[reader] === 0) release(reader);
      }
  }
  return withUpdates(index, writers, main);
}
