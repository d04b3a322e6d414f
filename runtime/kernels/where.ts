/** out = condition ? a : b with broadcasting. Right in place on a or b where they are not stretched. */
import type { Memory } from '../memory.ts';
import { beginRows, nextRow, rowOffset } from './broadcast.ts';
import { elementBytes, elementsOf } from './elements.ts';

export function where(
  m: Memory,
  condition: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesCondition: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const f = m.f32;
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sc = stridesCondition[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / 4;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let c = condition + rowOffset(dims, stridesCondition);
    let i = a / 4 + rowOffset(dims, stridesA);
    let j = b / 4 + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, c += sc, i += sa, j += sb) f[o++] = flags[c]! !== 0 ? f[i]! : f[j]!;
  }
}

/** The same for any element type. */
export function whereElements(
  m: Memory,
  type: number,
  condition: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesCondition: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
): void {
  const e = elementsOf(m, type);
  const bytes = elementBytes(type);
  const flags = m.u8;
  const width = dims[dims.length - 1]!;
  const sc = stridesCondition[dims.length - 1]!;
  const sa = stridesA[dims.length - 1]!;
  const sb = stridesB[dims.length - 1]!;
  let o = out / bytes;
  for (let row = beginRows(dims); row > 0; row--, nextRow(dims)) {
    let c = condition + rowOffset(dims, stridesCondition);
    let i = a / bytes + rowOffset(dims, stridesA);
    let j = b / bytes + rowOffset(dims, stridesB);
    for (let k = 0; k < width; k++, c += sc, i += sa, j += sb) e[o++] = flags[c]! !== 0 ? e[i]! : e[j]!;
  }
}
