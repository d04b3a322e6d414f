/**
 * Gradients of the activation kernels: dx[k] = dy[k] * f'(x[k]), from x or from y = f(x), whichever the parameter's name
 * says (s: either). Right in place on either operand. Where dy is 0, dx is 0, whatever x and y are.
 */
import type { Memory } from '../memory.ts';
import { erfValue } from './erf.ts';

export function reluGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[i + k]! > 0 ? f[j + k]! : 0;
}

export function sigmoidGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * r * (1 - r);
  }
}

export function softplusGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[j + k] === 0 ? 0 : -f[j + k]! * Math.expm1(-f[i + k]!);
}

export function softsignGrad(m: Memory, dy: number, y: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * (1 - Math.abs(r)) * (1 - Math.abs(r));
  }
}

export function hardSwishGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const g = f[j + k]!;
    f[o + k] = v <= -3 || g === 0 ? 0 : v >= 3 ? g : g * (v / 3 + 0.5);
  }
}

export function hardSigmoidGrad(m: Memory, dy: number, y: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = y / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const r = f[i + k]!;
    f[o + k] = r > 0 && r < 1 ? f[j + k]! * alpha : 0;
  }
}

export function leakyReluGrad(m: Memory, dy: number, s: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = s / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const g = f[j + k]!;
    f[o + k] = f[i + k]! > 0 ? g : g * alpha;
  }
}

export function eluGrad(m: Memory, dy: number, x: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const g = f[j + k]!;
    f[o + k] = v > 0 || g === 0 ? g : g * alpha * Math.exp(v);
  }
}

export function celuGrad(m: Memory, dy: number, x: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const g = f[j + k]!;
    f[o + k] = v > 0 || g === 0 ? g : g * Math.exp(v / alpha);
  }
}

export function seluGrad(
  m: Memory,
  dy: number,
  x: number,
  dx: number,
  count: number,
  alpha: number,
  gamma: number,
): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const g = f[j + k]! * gamma;
    f[o + k] = v > 0 || g === 0 ? g : g * alpha * Math.exp(v);
  }
}

export function thresholdedReluGrad(m: Memory, dy: number, x: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) f[o + k] = f[i + k]! > alpha ? f[j + k]! : 0;
}

export function shrinkGrad(m: Memory, dy: number, x: number, dx: number, count: number, lambda: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v < -lambda || v > lambda ? f[j + k]! : 0;
  }
}

export function mishGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const t = Math.tanh(Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))));
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * (t + (v * (1 - t * t)) / (1 + Math.exp(-v)));
  }
}

export function swishGrad(m: Memory, dy: number, x: number, dx: number, count: number, alpha: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = alpha * f[i + k]!;
    const s = 1 / (1 + Math.exp(-v));
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * s * (1 + v * (1 - s));
  }
}

/** Phi(x) + x phi(x), where phi is the density of the normal distribution and Phi its integral. */
export function geluErfGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const density = 0.3989422804014327 * Math.exp(-0.5 * v * v);
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * (0.5 * (1 + erfValue(v * Math.SQRT1_2)) + v * density);
  }
}

export function geluTanhGrad(m: Memory, dy: number, x: number, dx: number, count: number): void {
  const f = m.f32;
  const j = dy / 4;
  const i = x / 4;
  const o = dx / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    const t = Math.tanh(0.7978845608028654 * (v + 0.044715 * v * v * v));
    const slope = 0.7978845608028654 * (1 + 3 * 0.044715 * v * v);
    f[o + k] = f[j + k] === 0 ? 0 : f[j + k]! * 0.5 * (1 + t + v * (1 - t * t) * slope);
  }
}
