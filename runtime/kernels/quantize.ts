/** Rounding to a range of integers, as quantization does. Without WebAssembly twins: one pass over what is quantized. */
import type { Memory } from '../memory.ts';
import { roundHalfEven } from './unary.ts';

/** y = the integer nearest to x (halves to the even one), at least `min` and at most `max`. May run in place. */
export function roundToRange(m: Memory, x: number, y: number, count: number, min: number, max: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.min(Math.max(roundHalfEven(f[i + k]!), min), max);
}

/** dx = dy where x rounds to an integer of the range, else 0. May run in place on either operand. */
export function roundToRangeGrad(
  m: Memory,
  dy: number,
  x: number,
  dx: number,
  count: number,
  min: number,
  max: number,
): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const rounded = roundHalfEven(f[i + k]!);
    f[o + k] = rounded >= min && rounded <= max ? f[j + k]! : 0;
  }
}
