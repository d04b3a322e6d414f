/**
 * Which kernel calls threads share, and how: data by the kernel's name. What is not listed runs on one thread: kernels
 * without a WebAssembly twin, and those whose elements are summed over what could be parted.
 */
import type { KernelCall } from '../program.ts';
import type { Part, Split } from './split.ts';
import { elementSplits } from './split-elements.ts';
import { productSplits } from './split-products.ts';
import { rowSplits } from './split-rows.ts';
import { walkSplits } from './split-walks.ts';

export const splits: ReadonlyMap<string, Split> = new Map([
  ...elementSplits,
  ...walkSplits,
  ...rowSplits,
  ...productSplits,
]);

/** Nanoseconds of work that make a part worth handing to another thread. */
const leastPart = 5_000;

export interface SharedCall {
  readonly call: KernelCall;
  readonly split: Split;
  /** At most as many as there are threads, none of them empty. */
  readonly parts: readonly Part[];
}

/** The parts of a call for `threads` threads; undefined where it stays whole: it is cheap, or cannot be parted. */
export function shareCall(call: KernelCall, threads: number): SharedCall | undefined {
  const split = splits.get(call.kernel.name);
  if (split === undefined) return undefined;
  const most = Math.min(threads, Math.floor(split.cost(...call.args) / leastPart));
  if (most < 2) return undefined;
  const parts = split.cut(most, ...call.args)?.filter((part) => part.length > 0) ?? [];
  return parts.length < 2 ? undefined : { call, split, parts };
}
