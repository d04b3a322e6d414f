/** Optimizer updates: the scalars of a step are read and worked out here, in double precision as the plain kernels do. */
import { applies, gradientShare } from './kernels/optimizers.ts';
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import type { PickKernel } from './wasm-instance.ts';

export function sgdWasm(pick: PickKernel): Kernel {
  const f = pick('sgd');
  return (
    m: Memory,
    w: number,
    g: number,
    rate: number,
    apply: number,
    out: number,
    count: number,
    decay: number,
  ): void => {
    if (applies(m, apply)) f(w, g, out, count, m.f32[rate / 4]!, decay);
  };
}

export function sgdMomentumWasm(pick: PickKernel): Kernel {
  const f = pick('sgdMomentum');
  return (
    m: Memory,
    w: number,
    g: number,
    rate: number,
    velocity: number,
    steps: number,
    apply: number,
    out: number,
    outVelocity: number,
    count: number,
    decay: number,
    dampening: number,
    nesterov: number,
    weightDecay: number,
  ): void => {
    if (!applies(m, apply)) return;
    const step = m.f32[rate / 4]!;
    const share = gradientShare(m, steps, dampening);
    f(w, g, velocity, out, outVelocity, count, step, decay, share, nesterov, weightDecay);
  };
}

export function adamWasm(pick: PickKernel): Kernel {
  const f = pick('adam');
  return (
    m: Memory,
    w: number,
    g: number,
    learningRate: number,
    first: number,
    second: number,
    steps: number,
    apply: number,
    out: number,
    outFirst: number,
    outSecond: number,
    count: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    weightDecay: number,
    decoupled: number,
  ): void => {
    if (!applies(m, apply)) return;
    const rate = m.f32[learningRate / 4]!;
    const step = m.i32[steps / 4]! + 1;
    const stepSize = rate / (1 - beta1 ** step);
    const correction = 1 / Math.sqrt(1 - beta2 ** step);
    const added = decoupled === 1 ? 0 : weightDecay;
    const kept = decoupled === 1 ? 1 - rate * weightDecay : 1;
    const share1 = 1 - beta1;
    const share2 = 1 - beta2;
    // biome-ignore format: one line a group of arguments
    f(
      w, g, first, second, out, outFirst, outSecond, count,
      stepSize, correction, beta1, share1, beta2, share2, epsilon, added, kept,
    );
  };
}

export function adagradWasm(pick: PickKernel): Kernel {
  const f = pick('squaresUpdate');
  return (
    m: Memory,
    w: number,
    g: number,
    rate: number,
    sums: number,
    apply: number,
    out: number,
    outSums: number,
    count: number,
    epsilon: number,
    weightDecay: number,
  ): void => {
    if (applies(m, apply)) f(w, g, sums, out, outSums, count, m.f32[rate / 4]!, 1, 1, epsilon, weightDecay);
  };
}

export function rmspropWasm(pick: PickKernel): Kernel {
  const f = pick('squaresUpdate');
  return (
    m: Memory,
    w: number,
    g: number,
    rate: number,
    means: number,
    apply: number,
    out: number,
    outMeans: number,
    count: number,
    decay: number,
    epsilon: number,
    weightDecay: number,
  ): void => {
    if (!applies(m, apply)) return;
    f(w, g, means, out, outMeans, count, m.f32[rate / 4]!, decay, 1 - decay, epsilon, weightDecay);
  };
}

export function lionWasm(pick: PickKernel): Kernel {
  const f = pick('lion');
  return (
    m: Memory,
    w: number,
    g: number,
    rate: number,
    moment: number,
    apply: number,
    out: number,
    outMoment: number,
    count: number,
    beta1: number,
    beta2: number,
    weightDecay: number,
  ): void => {
    if (!applies(m, apply)) return;
    const share1 = 1 - beta1;
    const share2 = 1 - beta2;
    f(w, g, moment, out, outMoment, count, m.f32[rate / 4]!, beta1, share1, beta2, share2, weightDecay);
  };
}

export function accumulateWasm(pick: PickKernel): Kernel {
  const f = pick('accumulate');
  return (m: Memory, sum: number, g: number, phase: number, out: number, count: number, every: number): void => {
    f(sum, g, out, count, every, m.i32[phase / 4] === 0 ? 0 : 1);
  };
}
