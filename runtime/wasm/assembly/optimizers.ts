/**
 * Optimizer updates, elementwise over `count` floats. What the plain kernels derive from rates and step counts comes as
 * numbers; formulas are theirs.
 */
import { loadLanes, signs, splat, storeLanes } from './vector';

/** slope + weightDecay * w, lanewise; without decay w is not read (0 times infinity is NaN). */
// @ts-ignore: decorator
@inline
function decayed(slope: v128, weightDecay: f32, w: v128): v128 {
  return weightDecay == 0 ? slope : f32x4.add(slope, f32x4.mul(splat(weightDecay), w));
}

export function sgd(w: usize, g: usize, out: usize, count: i32, rate: f32, decay: f32): void {
  const r = splat(rate);
  for (; count > 0; count -= 4, w += 16, g += 16, out += 16) {
    const x = loadLanes(w, count);
    const slope = decayed(loadLanes(g, count), decay, x);
    storeLanes(out, count, f32x4.sub(x, f32x4.mul(r, slope)));
  }
}

export function sgdMomentum(
  w: usize,
  g: usize,
  v: usize,
  out: usize,
  outVelocity: usize,
  count: i32,
  rate: f32,
  decay: f32,
  share: f32,
  nesterov: i32,
  weightDecay: f32,
): void {
  const r = splat(rate);
  const k = splat(decay);
  const s = splat(share);
  for (; count > 0; count -= 4, w += 16, g += 16, v += 16, out += 16, outVelocity += 16) {
    const x = loadLanes(w, count);
    const slope = decayed(loadLanes(g, count), weightDecay, x);
    const moved = f32x4.add(f32x4.mul(k, loadLanes(v, count)), f32x4.mul(s, slope));
    storeLanes(outVelocity, count, moved);
    const direction = nesterov == 1 ? f32x4.add(slope, f32x4.mul(k, moved)) : moved;
    storeLanes(out, count, f32x4.sub(x, f32x4.mul(r, direction)));
  }
}

export function adam(
  w: usize,
  g: usize,
  first: usize,
  second: usize,
  out: usize,
  outFirst: usize,
  outSecond: usize,
  count: i32,
  stepSize: f32,
  correction: f32,
  beta1: f32,
  share1: f32,
  beta2: f32,
  share2: f32,
  epsilon: f32,
  added: f32,
  kept: f32,
): void {
  const step = splat(stepSize);
  const c = splat(correction);
  const b1 = splat(beta1);
  const s1 = splat(share1);
  const b2 = splat(beta2);
  const s2 = splat(share2);
  const e = splat(epsilon);
  const k = splat(kept);
  for (let i: usize = 0; count > 0; count -= 4, i += 16) {
    const x = loadLanes(w + i, count);
    const slope = decayed(loadLanes(g + i, count), added, x);
    const m = f32x4.add(f32x4.mul(b1, loadLanes(first + i, count)), f32x4.mul(s1, slope));
    const v = f32x4.add(f32x4.mul(b2, loadLanes(second + i, count)), f32x4.mul(s2, f32x4.mul(slope, slope)));
    storeLanes(outFirst + i, count, m);
    storeLanes(outSecond + i, count, v);
    const scale = f32x4.add(f32x4.mul(f32x4.sqrt(v), c), e);
    storeLanes(out + i, count, f32x4.sub(f32x4.mul(k, x), f32x4.div(f32x4.mul(step, m), scale)));
  }
}

/** Adagrad where `keep` and `share` are 1, RMSprop where they add up to 1. */
export function squaresUpdate(
  w: usize,
  g: usize,
  squares: usize,
  out: usize,
  outSquares: usize,
  count: i32,
  rate: f32,
  keep: f32,
  share: f32,
  epsilon: f32,
  weightDecay: f32,
): void {
  const r = splat(rate);
  const k = splat(keep);
  const s = splat(share);
  const e = splat(epsilon);
  for (; count > 0; count -= 4, w += 16, g += 16, squares += 16, out += 16, outSquares += 16) {
    const x = loadLanes(w, count);
    const slope = decayed(loadLanes(g, count), weightDecay, x);
    const sum = f32x4.add(f32x4.mul(k, loadLanes(squares, count)), f32x4.mul(s, f32x4.mul(slope, slope)));
    storeLanes(outSquares, count, sum);
    storeLanes(out, count, f32x4.sub(x, f32x4.div(f32x4.mul(r, slope), f32x4.add(f32x4.sqrt(sum), e))));
  }
}

/** out = g / divisor, plus s where `keep` is 1. */
export function accumulate(s: usize, g: usize, out: usize, count: i32, divisor: f32, keep: i32): void {
  const d = splat(divisor);
  for (; count > 0; count -= 4, s += 16, g += 16, out += 16) {
    let x = f32x4.div(loadLanes(g, count), d);
    if (keep) x = f32x4.add(loadLanes(s, count), x);
    storeLanes(out, count, x);
  }
}

/** `share1` and `share2` are what `beta1` and `beta2` leave to the gradient. */
export function lion(
  w: usize,
  g: usize,
  moment: usize,
  out: usize,
  outMoment: usize,
  count: i32,
  rate: f32,
  beta1: f32,
  share1: f32,
  beta2: f32,
  share2: f32,
  weightDecay: f32,
): void {
  const r = splat(rate);
  const b1 = splat(beta1);
  const s1 = splat(share1);
  const b2 = splat(beta2);
  const s2 = splat(share2);
  for (; count > 0; count -= 4, w += 16, g += 16, moment += 16, out += 16, outMoment += 16) {
    const x = loadLanes(w, count);
    const slope = loadLanes(g, count);
    const old = loadLanes(moment, count);
    storeLanes(outMoment, count, f32x4.add(f32x4.mul(b2, old), f32x4.mul(s2, slope)));
    const direction = signs(f32x4.add(f32x4.mul(b1, old), f32x4.mul(s1, slope)));
    storeLanes(out, count, f32x4.sub(x, f32x4.mul(r, decayed(direction, weightDecay, x))));
  }
}
