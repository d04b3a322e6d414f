/**
 * Elementwise kernels of one float operand: y[k] = f(x[k]) for `count` elements. Right in place (x and y equal).
 * Activations have a file of their own.
 */
import type { Memory } from '../memory.ts';
import { erfValue } from './erf.ts';

export function negate(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = -f[i + k]!;
}

export function absolute(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.abs(f[i + k]!);
}

export function square(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v * v;
  }
}

export function reciprocal(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = 1 / f[i + k]!;
}

export function exp(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.exp(f[i + k]!);
}

export function log(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.log(f[i + k]!);
}

export function sqrt(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.sqrt(f[i + k]!);
}

export function sin(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.sin(f[i + k]!);
}

export function cos(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.cos(f[i + k]!);
}

export function tan(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.tan(f[i + k]!);
}

export function asin(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.asin(f[i + k]!);
}

export function acos(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.acos(f[i + k]!);
}

export function atan(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.atan(f[i + k]!);
}

export function sinh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.sinh(f[i + k]!);
}

export function cosh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.cosh(f[i + k]!);
}

export function asinh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.asinh(f[i + k]!);
}

export function acosh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.acosh(f[i + k]!);
}

export function atanh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.atanh(f[i + k]!);
}

export function tanh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.tanh(f[i + k]!);
}

export function erf(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = erfValue(f[i + k]!);
}

export function floor(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.floor(f[i + k]!);
}

export function ceil(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.ceil(f[i + k]!);
}

export function round(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = roundHalfEven(f[i + k]!);
}

export function sign(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.sign(f[i + k]!);
}

export function scale(m: Memory, x: number, y: number, count: number, factor: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[i + k]! * factor;
}

export function addScalar(m: Memory, x: number, y: number, count: number, value: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[i + k]! + value;
}

export function clip(m: Memory, x: number, y: number, count: number, min: number, max: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.min(Math.max(f[i + k]!, min), max);
}

/** To the nearest integer, halves to the even one. */
export function roundHalfEven(v: number): number {
  const up = Math.round(v);
  return up - v === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** The p-th root of a sum of p-th powers. */
export function normRoot(m: Memory, x: number, y: number, count: number, p: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = p === 2 ? Math.sqrt(f[i + k]!) : f[i + k]! ** (1 / p);
}
