/**
 * How far results are from stored ones, by the tolerances of the reference data: forward |a - b| <= 1e-5 + 1e-3 |b|;
 * gradients by largest error over largest magnitude.
 */
import { formatType, sameShape, type Tensor } from '../ir/graph.ts';

/** The first element that is too far off, in words; undefined where there is none. */
export function forwardDifference(actual: Tensor, expected: Tensor): string | undefined {
  if (!alike(actual, expected)) return `is ${formatType(actual.type)}, expected ${formatType(expected.type)}`;
  for (let i = 0; i < expected.data.length; i++) {
    const a = actual.data[i]!;
    const b = expected.data[i]!;
    const equal = a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (!equal && !(Math.abs(a - b) <= 1e-5 + 1e-3 * Math.abs(b))) return `element ${i} is ${a}, expected ${b}`;
  }
  return undefined;
}

/** Largest magnitude of the elements; 0 where there are none. */
export function largestMagnitude(tensor: Tensor): number {
  let largest = 0;
  for (const x of tensor.data) largest = Math.max(largest, Math.abs(x));
  return largest;
}

/**
 * Largest error over largest magnitude of the reference; NaN where the shapes differ or a number is not one. A gradient
 * that is zero by mathematics (of a bias before a batch norm, of a key's bias before a softmax) is stored as the
 * rounding noise of doubles: a reference that small beside `largestOfAll` is measured against that instead.
 */
export function gradientError(actual: Tensor, expected: Tensor, largestOfAll = 0): number {
  if (!alike(actual, expected)) return Number.NaN;
  let error = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const apart = Math.abs(actual.data[i]! - expected.data[i]!);
    if (Number.isNaN(apart)) return Number.NaN;
    error = Math.max(error, apart);
  }
  const own = largestMagnitude(expected);
  const scale = own < 1e-12 * largestOfAll ? largestOfAll : own;
  return scale === 0 ? error : error / scale;
}

/** What a gradient may be off by, where float32 itself loses `float32` of it. */
export function gradientTolerance(float32: number): number {
  return Math.max(1e-4, 20 * float32);
}

/** Equal shapes; files write single numbers as [] or as [1]. */
function alike(a: Tensor, b: Tensor): boolean {
  return sameShape(a.type.shape, b.type.shape) || (a.data.length === 1 && b.data.length === 1);
}
