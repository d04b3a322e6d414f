/** Sliding windows: what convolutions and poolings share. */
import type { LoweringContext } from '../lowering.ts';

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** All begins, then all ends. */
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/**
 * The window of a node over the spatial extents `spatial`, its `auto_pad` worked out. `kernel` is the default of
 * `kernel_shape`.
 */
export function windowOf(c: LoweringContext, spatial: readonly number[], kernel?: readonly number[]): Window {
  const rank = spatial.length;
  if (rank < 1 || rank > 3) c.fail(`${rank} spatial dimensions are not supported`, 'supported are 1, 2 and 3');
  const shape = c.attributes.ints('kernel_shape') ?? kernel ?? c.fail('its kernel_shape is left out');
  const strides = listOf(c, 'strides', rank, 1);
  const dilations = listOf(c, 'dilations', rank, 1);
  if (shape.length !== rank) c.fail(`its kernel has ${shape.length} dimensions, its operand ${rank}`);
  const padded = (pads: readonly number[]): Window => ({ kernel: shape, strides, pads, dilations });
  const automatic = c.attributes.string('auto_pad', 'NOTSET');
  switch (automatic) {
    case 'NOTSET':
      return padded(listOf(c, 'pads', 2 * rank, 0));
    case 'VALID':
      return padded(new Array<number>(2 * rank).fill(0));
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      // As many results as strides fit in; the odd element of padding goes to the end, or to the begin.
      const totals = spatial.map((extent, d) => {
        const reach = (shape[d]! - 1) * dilations[d]! + 1;
        return Math.max(0, (Math.ceil(extent / strides[d]!) - 1) * strides[d]! + reach - extent);
      });
      return padded(halved(totals, automatic === 'SAME_LOWER'));
    }
    default:
      return c.fail(`unknown auto_pad ${JSON.stringify(automatic)}`);
  }
}

/** Totals divided into begins and ends; the odd element goes to the end unless `atBegin`. */
export function halved(totals: readonly number[], atBegin: boolean): readonly number[] {
  const begins = totals.map((total) => (atBegin ? Math.ceil(total / 2) : Math.floor(total / 2)));
  return [...begins, ...totals.map((total, d) => total - begins[d]!)];
}

export function listOf(c: LoweringContext, name: string, length: number, fallback: number): readonly number[] {
  const list = c.attributes.ints(name) ?? new Array<number>(length).fill(fallback);
  if (list.length !== length) c.fail(`its ${name} have ${list.length} entries, not ${length}`);
  return list;
}
