/** Conversion between element types. Right in place where the sizes are equal. */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/**
 * Floats are truncated toward zero, integers wrap to the width of the target, NaN becomes 0; `truth` is 1 where the
 * target is bool, whose value is then whether x is not 0.
 */
export function cast(
  m: Memory,
  from: number,
  to: number,
  x: number,
  y: number,
  count: number,
  whole: number,
  truth: number,
): void {
  const source = elementsOf(m, from);
  const target = elementsOf(m, to);
  const i = x / elementBytes(from);
  const o = y / elementBytes(to);
  if (truth !== 0) for (let k = 0; k < count; k++) target[o + k] = source[i + k]! === 0 ? 0 : 1;
  else if (whole !== 0) for (let k = 0; k < count; k++) target[o + k] = toWhole(source[i + k]!);
  else for (let k = 0; k < count; k++) target[o + k] = source[i + k]!;
}

/** Toward zero; neither NaN nor -0, which the doubles that hold int64 could store. */
function toWhole(v: number): number {
  return Number.isNaN(v) ? 0 : Math.trunc(v) + 0;
}
