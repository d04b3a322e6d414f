/**
 * Gradients of the elementwise kernels in unary.ts: dx[k] = dy[k] * f'(x[k]), from x or from y = f(x), whichever the
 * parameter's name says. Right in place on either operand.
 *
 * Where dy is 0, dx is 0, also where f' is infinite or NaN: nobody reads that element of y, so nothing it is made of
 * can matter. All gradient kernels hold to this, those of rows for whole rows. Only matrix products and convolutions do
 * not, whose sums would have to ask every term.
 */
import type { Memory } from '../memory.ts';

export function absoluteGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : g * Math.sign(f[i + k]!);
  }
}

export function squareGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : 2 * g * f[i + k]!;
  }
}

export function reciprocalGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const r = f[i + k]!;
    f[o + k] = g === 0 ? 0 : -g * r * r;
  }
}

export function sqrtGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : g / (2 * f[i + k]!);
  }
}

export function sinGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : g * Math.cos(f[i + k]!);
  }
}

export function cosGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : -g * Math.sin(f[i + k]!);
  }
}

export function tanGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const r = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g * (1 + r * r);
  }
}

export function asinGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g / Math.sqrt(1 - v * v);
  }
}

export function acosGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : -g / Math.sqrt(1 - v * v);
  }
}

export function atanGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g / (1 + v * v);
  }
}

export function sinhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : g * Math.cosh(f[i + k]!);
  }
}

export function coshGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = g === 0 ? 0 : g * Math.sinh(f[i + k]!);
  }
}

export function asinhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g / Math.sqrt(v * v + 1);
  }
}

export function acoshGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g / Math.sqrt(v * v - 1);
  }
}

export function atanhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g / (1 - v * v);
  }
}

export function tanhGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const r = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g * (1 - r * r);
  }
}

export function erfGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const v = f[i + k]!;
    f[o + k] = g === 0 ? 0 : g * 1.1283791670955126 * Math.exp(-v * v);
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

/** Of a root of a sum of powers, which is a norm: 0 where it is 0, as of the norm of a vector of zeros. */
export function normRootGrad(m: Memory, dy: number, y: number, dx: number, count: number, p: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    const r = f[i + k]!;
    f[o + k] = g === 0 || r === 0 ? 0 : p === 2 ? g / (2 * r) : (g * r ** (1 - p)) / p;
  }
}
