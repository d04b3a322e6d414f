/**
 * Gradients of the elementwise kernels in unary.ts: dx[k] = dy[k] * f'(x[k]), from x or from y = f(x), whichever the
 * parameter's name says. Right in place on either operand.
 */
import type { Memory } from '../memory.ts';

export function absoluteGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k]! * Math.sign(f[i + k]!);
}

export function squareGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = 2 * f[j + k]! * f[i + k]!;
}

export function reciprocalGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = -f[j + k]! * r * r;
  }
}

export function sqrtGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k]! / (2 * f[i + k]!);
}

export function sinGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k]! * Math.cos(f[i + k]!);
}

export function cosGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = -f[j + k]! * Math.sin(f[i + k]!);
}

export function tanGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = f[j + k]! * (1 + r * r);
  }
}

export function asinGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! / Math.sqrt(1 - v * v);
  }
}

export function acosGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = -f[j + k]! / Math.sqrt(1 - v * v);
  }
}

export function atanGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! / (1 + v * v);
  }
}

export function sinhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k]! * Math.cosh(f[i + k]!);
}

export function coshGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k]! * Math.sinh(f[i + k]!);
}

export function asinhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! / Math.sqrt(v * v + 1);
  }
}

export function acoshGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! / Math.sqrt(v * v - 1);
  }
}

export function atanhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! / (1 - v * v);
  }
}

export function tanhGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = f[j + k]! * (1 - r * r);
  }
}

export function erfGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = f[j + k]! * 1.1283791670955126 * Math.exp(-v * v);
  }
}

export function clipGrad(m: Memory, dy: number, y: number, dx: number, count: number, min: number, max: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = r > min && r < max ? f[j + k]! : 0;
  }
}
