/** Gradients of reductions that need the operand; dimensions as in reduce.ts. Right in place on x. */
import type { Memory } from '../memory.ts';
import { offsetAt } from './broadcast.ts';

function product(dims: readonly number[]): number {
  let result = 1;
  for (const extent of dims) result *= extent;
  return result;
}

/** dx = dy where x equals y, its group's largest or smallest element, shared evenly among equals; elsewhere 0. */
export function reduceExtremeGrad(
  m: Memory,
  dy: number,
  x: number,
  y: number,
  dx: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
): void {
  const f = m.f32;
  const groups = product(kept);
  const size = product(reduced);
  for (let n = 0; n < groups; n++) {
    const start = offsetAt(n, kept, keptStrides, kept.length);
    const extreme = f[y / 4 + n]!;
    let ties = 0;
    for (let k = 0; k < size; k++)
      if (f[x / 4 + start + offsetAt(k, reduced, reducedStrides, reduced.length)] === extreme) ties++;
    const share = f[dy / 4 + n]! / ties;
    for (let k = 0; k < size; k++) {
      const offset = start + offsetAt(k, reduced, reducedStrides, reduced.length);
      f[dx / 4 + offset] = f[x / 4 + offset] === extreme ? share : 0;
    }
  }
}

/** dx = dy times the product of the group's other elements; 0 where dy is, whatever they are. */
export function reduceProdGrad(
  m: Memory,
  dy: number,
  x: number,
  dx: number,
  kept: readonly number[],
  keptStrides: readonly number[],
  reduced: readonly number[],
  reducedStrides: readonly number[],
): void {
  const f = m.f32;
  const groups = product(kept);
  const size = product(reduced);
  for (let n = 0; n < groups; n++) {
    const start = offsetAt(n, kept, keptStrides, kept.length);
    const gradient = f[dy / 4 + n]!;
    let zeros = 0;
    let others = gradient;
    for (let k = 0; k < size; k++) {
      const value = f[x / 4 + start + offsetAt(k, reduced, reducedStrides, reduced.length)]!;
      if (value === 0) zeros++;
      else others *= value;
    }
    for (let k = 0; k < size; k++) {
      const offset = start + offsetAt(k, reduced, reducedStrides, reduced.length);
      const value = f[x / 4 + offset]!;
      if (gradient === 0) f[dx / 4 + offset] = 0;
      else if (value === 0) f[dx / 4 + offset] = zeros === 1 ? others : 0;
      else f[dx / 4 + offset] = zeros === 0 ? others / value : 0;
    }
  }
}
