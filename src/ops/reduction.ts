/** The dimensions that reduction kernels walk: those kept and those reduced, each collapsed by itself. */
import { type CollapsedDims, collapseDims, contiguousStrides } from './broadcasting.ts';

/** Extents, and one list of element strides an operand, as runtime/kernels/reduce.ts takes them. */
export interface Reduction {
  readonly kept: CollapsedDims;
  readonly reduced: CollapsedDims;
}

/**
 * Splits the dimensions `dims`, along which each operand has the given `strides`, into those reduced and those kept.
 */
export function splitDims(
  dims: readonly number[],
  strides: readonly (readonly number[])[],
  isReduced: (dimension: number) => boolean,
): Reduction {
  const part = (reduced: boolean): CollapsedDims => {
    const chosen = dims.map((_, d) => d).filter((d) => isReduced(d) === reduced);
    return collapseDims(
      chosen.map((d) => dims[d]!),
      strides.map((own) => chosen.map((d) => own[d]!)),
    );
  };
  return { kept: part(false), reduced: part(true) };
}

/** Reduction of a contiguous tensor over `axes`. */
export function reduceAxes(shape: readonly number[], axes: readonly number[]): Reduction {
  const over = new Set(axes);
  return splitDims(shape, [contiguousStrides(shape)], (d) => over.has(d));
}

/** Whether dimension d of `shape` is summed over where `target` had been broadcast to `shape`. */
export function isStretched(shape: readonly number[], target: readonly number[]): (dimension: number) => boolean {
  const lead = shape.length - target.length;
  return (d) => d < lead || (target[d - lead] === 1 && shape[d] !== 1);
}
