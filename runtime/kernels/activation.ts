/**
 * Activation kernels: y[k] = f(x[k]) for `count` floats, right in place (x and y equal). Formulas are the ones that
 * neither overflow nor cancel: softplus is max(x, 0) + log1p(exp(-|x|)), elu uses expm1. A NaN passes through.
 */
import type { Memory } from '../memory.ts';
import { erfValue } from './erf.ts';

export function relu(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v <= 0 ? 0 : v;
  }
}

export function sigmoid(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = 1 / (1 + Math.exp(-f[i + k]!));
}

export function softplus(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  }
}

export function softsign(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v / (1 + Math.abs(v));
  }
}

export function mish(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v * Math.tanh(Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))));
  }
}

export function hardSwish(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v * Math.max(0, Math.min(1, v / 6 + 0.5));
  }
}

export function hardSigmoid(m: Memory, x: number, y: number, count: number, alpha: number, beta: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) f[o + k] = Math.max(0, Math.min(1, alpha * f[i + k]! + beta));
}

export function swish(m: Memory, x: number, y: number, count: number, alpha: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v / (1 + Math.exp(-alpha * v));
  }
}

export function geluErf(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = 0.5 * v * (1 + erfValue(v * Math.SQRT1_2));
  }
}

export function geluTanh(m: Memory, x: number, y: number, count: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = 0.5 * v * (1 + Math.tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
  }
}

export function leakyRelu(m: Memory, x: number, y: number, count: number, alpha: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v < 0 ? alpha * v : v;
  }
}

export function elu(m: Memory, x: number, y: number, count: number, alpha: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v < 0 ? alpha * Math.expm1(v) : v;
  }
}

export function celu(m: Memory, x: number, y: number, count: number, alpha: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v < 0 ? alpha * Math.expm1(v / alpha) : v;
  }
}

export function selu(m: Memory, x: number, y: number, count: number, alpha: number, gamma: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = gamma * (v < 0 ? alpha * Math.expm1(v) : v);
  }
}

export function thresholdedRelu(m: Memory, x: number, y: number, count: number, alpha: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v <= alpha ? 0 : v;
  }
}

export function shrink(m: Memory, x: number, y: number, count: number, bias: number, lambda: number): void {
  const f = m.f32;
  const i = x / 4;
  const o = y / 4;
  for (let k = 0; k < count; k++) {
    const v = f[i + k]!;
    f[o + k] = v < -lambda ? v + bias : v > lambda ? v - bias : 0;
  }
}
