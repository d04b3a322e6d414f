/** Elementwise kernels of one integer operand, for every integer type (see elements.ts). Right in place. */
import type { Memory } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

export function negateIntegers(m: Memory, type: number, x: number, y: number, count: number): void {
  const e = elementsOf(m, type);
  const i = x / elementBytes(type);
  const o = y / elementBytes(type);
  // 0 - v, because an int64 is stored as a double and must not become -0.
  for (let k = 0; k < count; k++) e[o + k] = 0 - e[i + k]!;
}

export function absoluteIntegers(m: Memory, type: number, x: number, y: number, count: number): void {
  const e = elementsOf(m, type);
  const i = x / elementBytes(type);
  const o = y / elementBytes(type);
  for (let k = 0; k < count; k++) e[o + k] = Math.abs(e[i + k]!);
}

export function signIntegers(m: Memory, type: number, x: number, y: number, count: number): void {
  const e = elementsOf(m, type);
  const i = x / elementBytes(type);
  const o = y / elementBytes(type);
  for (let k = 0; k < count; k++) e[o + k] = Math.sign(e[i + k]!);
}
