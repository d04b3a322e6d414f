/**
 * Optimizer updates. A kernel reads a parameter, its gradient and the optimizer's state, and writes the new parameter
 * and state over the old: result and operand offsets are equal, or at least do not overlap otherwise.
 *
 * `learningRate` is the offset of one f32. `apply` is the offset of one bool, or -1: where it holds 0, nothing changes
 * (a micro-batch that only adds to the gradient). Arithmetic is in double precision until a number is stored; what is
 * stored is read back, so that a step resumed from a file goes on with the same numbers.
 */
import type { Memory } from '../memory.ts';

/** Whether this step updates. */
export function applies(m: Memory, apply: number): boolean {
  return apply < 0 || m.u8[apply] !== 0;
}

/**
 * slope + weightDecay * w. Without decay w is not read: 0 times an infinite parameter (a mask, say) would be NaN.
 */
export function decayed(slope: number, weightDecay: number, w: number): number {
  return weightDecay === 0 ? slope : slope + weightDecay * w;
}

/** w - rate * (g + weightDecay * w) */
export function sgd(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  apply: number,
  newParameter: number,
  count: number,
  weightDecay: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const w = parameter / 4;
  const g = gradient / 4;
  const out = newParameter / 4;
  for (let k = 0; k < count; k++) f[out + k] = f[w + k]! - rate * decayed(f[g + k]!, weightDecay, f[w + k]!);
}

/** What of a gradient enters the velocity. */
export function gradientShare(m: Memory, steps: number, dampening: number): number {
  return steps < 0 || m.i32[steps / 4] === 0 ? 1 : 1 - dampening;
}

/**
 * velocity = decay * velocity + (1 - dampening) * (g + weightDecay * w), and w - rate * velocity; where `nesterov` is 1,
 * w - rate * (g + weightDecay * w + decay * velocity) with the new velocity. `steps` is the offset of an i32, the updates
 * made before this one, or -1: the first update is not dampened (as in PyTorch and ONNX), nor is any without a count.
 */
export function sgdMomentum(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  velocity: number,
  steps: number,
  apply: number,
  newParameter: number,
  newVelocity: number,
  count: number,
  decay: number,
  dampening: number,
  nesterov: number,
  weightDecay: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const w = parameter / 4;
  const g = gradient / 4;
  const v = velocity / 4;
  const out = newParameter / 4;
  const outVelocity = newVelocity / 4;
  const share = gradientShare(m, steps, dampening);
  for (let k = 0; k < count; k++) {
    const slope = decayed(f[g + k]!, weightDecay, f[w + k]!);
    f[outVelocity + k] = decay * f[v + k]! + share * slope;
    const moved = f[outVelocity + k]!;
    f[out + k] = f[w + k]! - rate * (nesterov === 1 ? slope + decay * moved : moved);
  }
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1): moments of the gradient and its square, both corrected for their start at
 * zero. `steps` is the offset of an i32: the updates made before this one. Weight decay is added to the gradient, or
 * where `decoupled` is 1 taken off the parameter (Loshchilov and Hutter 2019, algorithm 2).
 */
export function adam(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  firstMoment: number,
  secondMoment: number,
  steps: number,
  apply: number,
  newParameter: number,
  newFirst: number,
  newSecond: number,
  count: number,
  beta1: number,
  beta2: number,
  epsilon: number,
  weightDecay: number,
  decoupled: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const step = m.i32[steps / 4]! + 1;
  const stepSize = rate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const added = decoupled === 1 ? 0 : weightDecay;
  const kept = decoupled === 1 ? 1 - rate * weightDecay : 1;
  const w = parameter / 4;
  const g = gradient / 4;
  const first = firstMoment / 4;
  const second = secondMoment / 4;
  const out = newParameter / 4;
  const outFirst = newFirst / 4;
  const outSecond = newSecond / 4;
  for (let k = 0; k < count; k++) {
    const slope = decayed(f[g + k]!, added, f[w + k]!);
    f[outFirst + k] = beta1 * f[first + k]! + (1 - beta1) * slope;
    f[outSecond + k] = beta2 * f[second + k]! + (1 - beta2) * slope * slope;
    const scale = Math.sqrt(f[outSecond + k]!) * correction + epsilon;
    f[out + k] = kept * f[w + k]! - (stepSize * f[outFirst + k]!) / scale;
  }
}

/** Adagrad (Duchi et al. 2011): each element's rate falls with the sum of its squared gradients. */
export function adagrad(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  squares: number,
  apply: number,
  newParameter: number,
  newSquares: number,
  count: number,
  epsilon: number,
  weightDecay: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const w = parameter / 4;
  const g = gradient / 4;
  const s = squares / 4;
  const out = newParameter / 4;
  const outSquares = newSquares / 4;
  for (let k = 0; k < count; k++) {
    const slope = decayed(f[g + k]!, weightDecay, f[w + k]!);
    f[outSquares + k] = f[s + k]! + slope * slope;
    f[out + k] = f[w + k]! - (rate * slope) / (Math.sqrt(f[outSquares + k]!) + epsilon);
  }
}

/** RMSprop (Tieleman and Hinton 2012): as Adagrad, with a running mean of squares in place of their sum. */
export function rmsprop(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  meanSquare: number,
  apply: number,
  newParameter: number,
  newMeanSquare: number,
  count: number,
  decay: number,
  epsilon: number,
  weightDecay: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const w = parameter / 4;
  const g = gradient / 4;
  const s = meanSquare / 4;
  const out = newParameter / 4;
  const outSquare = newMeanSquare / 4;
  for (let k = 0; k < count; k++) {
    const slope = decayed(f[g + k]!, weightDecay, f[w + k]!);
    f[outSquare + k] = decay * f[s + k]! + (1 - decay) * slope * slope;
    f[out + k] = f[w + k]! - (rate * slope) / (Math.sqrt(f[outSquare + k]!) + epsilon);
  }
}

/** Lion (Chen et al. 2023, algorithm 2): a step of the learning rate in the direction of a sign; decoupled decay. */
export function lion(
  m: Memory,
  parameter: number,
  gradient: number,
  learningRate: number,
  moment: number,
  apply: number,
  newParameter: number,
  newMoment: number,
  count: number,
  beta1: number,
  beta2: number,
  weightDecay: number,
): void {
  if (!applies(m, apply)) return;
  const f = m.f32;
  const rate = f[learningRate / 4]!;
  const w = parameter / 4;
  const g = gradient / 4;
  const a = moment / 4;
  const out = newParameter / 4;
  const outMoment = newMoment / 4;
  for (let k = 0; k < count; k++) {
    const slope = f[g + k]!;
    const old = f[a + k]!;
    f[outMoment + k] = beta2 * old + (1 - beta2) * slope;
    const direction = Math.sign(beta1 * old + (1 - beta1) * slope);
    f[out + k] = f[w + k]! - rate * decayed(direction, weightDecay, f[w + k]!);
  }
}

/** sum = gradient / every in the first micro-batch of `every` (`phase`, an i32, is 0), sum + gradient / every later. */
export function accumulate(
  m: Memory,
  sum: number,
  gradient: number,
  phase: number,
  newSum: number,
  count: number,
  every: number,
): void {
  const f = m.f32;
  const kept = m.i32[phase / 4] === 0 ? 0 : 1;
  const s = sum / 4;
  const g = gradient / 4;
  const out = newSum / 4;
  if (kept === 0) for (let k = 0; k < count; k++) f[out + k] = f[g + k]! / every;
  else for (let k = 0; k < count; k++) f[out + k] = f[s + k]! + f[g + k]! / every;
}

/** counter + 1 (i32), from `modulus` back to 0 unless that is 0. */
export function increment(m: Memory, counter: number, apply: number, newCounter: number, modulus: number): void {
  if (!applies(m, apply)) return;
  const next = m.i32[counter / 4]! + 1;
  m.i32[newCounter / 4] = modulus > 0 ? next % modulus : next;
}
