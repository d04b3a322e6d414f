/** The search for the largest extent that can be borne: doubling, then bisection. */

/** What is known of an extent. */
export interface Attempt {
  readonly extent: number;
}

/**
 * The largest extent from 1 to `limit` that `attempt` gives a result for, where every smaller one has one too; `undefined`
 * where not even 1 has. Told to stop, the largest found so far. O(log of the extent) attempts, one after the other.
 */
export async function largestExtent<T extends Attempt>(
  attempt: (extent: number) => Promise<T | undefined>,
  limit: number,
  stopped: () => boolean,
): Promise<T | undefined> {
  let best = await attempt(1);
  if (best === undefined) return undefined;
  let failed = limit + 1;
  let doubling = true;
  while (failed - best.extent > 1 && !stopped()) {
    const extent: number = doubling ? Math.min(2 * best.extent, limit) : Math.floor((best.extent + failed) / 2);
    const result: T | undefined = await attempt(extent);
    if (result !== undefined) best = result;
    else {
      failed = extent;
      doubling = false;
    }
  }
  return best;
}
