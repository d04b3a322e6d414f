/**
 * Cross entropy of scores [batch, classes, inner] and labels [batch, inner], and negative log-likelihood where the
 * scores are logarithms of probabilities already (`normalized`). Gradients recompute the softmax from the scores, so
 * nothing of their size is kept. Rows whose loss has gradient 0, or whose label has weight 0, have gradient 0.
 *
 * `reduction` is 0 for none, 1 for sum, 2 for the mean weighted by the labels' class weights; `weights` is -1 where
 * there are none; labels equal to `ignoreIndex` count for nothing where `hasIgnore` is 1. A label that is no class
 * throws a RangeError.
 */
import type { FloatArray, Memory, NumberArray } from '../memory.ts';
import { elementBytes, elementsOf } from './elements.ts';

/** The label at `index`; -1 where it is ignored. */
function labelAt(
  labels: NumberArray,
  base: number,
  index: number,
  classes: number,
  hasIgnore: number,
  ignoreIndex: number,
): number {
  const label = labels[base + index]!;
  if (hasIgnore === 1 && label === ignoreIndex) return -1;
  if (label >= 0 && label < classes) return label;
  throw new RangeError(`label ${label} at index ${index} is not one of ${classes} classes`);
}

/** log of the sum of exponentials of the scores at `start`; 0 where they are normalized. */
function logSum(f: FloatArray, start: number, classes: number, inner: number, normalized: number): number {
  if (normalized === 1) return 0;
  const end = start + classes * inner;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = start; i < end; i += inner) max = Math.max(max, f[i]!);
  let sum = 0;
  for (let i = start; i < end; i += inner) sum += Math.exp(f[i]! - max);
  return max + Math.log(sum);
}

/** What the weighted sum is divided by. */
function divisor(
  f: FloatArray,
  labels: NumberArray,
  base: number,
  weights: number,
  count: number,
  classes: number,
  reduction: number,
  hasIgnore: number,
  ignoreIndex: number,
): number {
  if (reduction !== 2) return 1;
  let total = 0;
  for (let r = 0; r < count; r++) {
    const label = labelAt(labels, base, r, classes, hasIgnore, ignoreIndex);
    if (label >= 0) total += weights < 0 ? 1 : f[weights / 4 + label]!;
  }
  return total;
}

/** The loss: one number, or [batch, inner] without reduction. */
export function crossEntropy(
  m: Memory,
  scores: number,
  labels: number,
  labelType: number,
  weights: number,
  loss: number,
  batch: number,
  classes: number,
  inner: number,
  reduction: number,
  hasIgnore: number,
  ignoreIndex: number,
  normalized: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, labelType);
  const base = labels / elementBytes(labelType);
  let sum = 0;
  let total = 0;
  for (let r = 0; r < batch * inner; r++) {
    const label = labelAt(given, base, r, classes, hasIgnore, ignoreIndex);
    let term = 0;
    if (label >= 0) {
      const start = scores / 4 + Math.floor(r / inner) * classes * inner + (r % inner);
      const weight = weights < 0 ? 1 : f[weights / 4 + label]!;
      term = weight * (logSum(f, start, classes, inner, normalized) - f[start + label * inner]!);
      total += weight;
    }
    if (reduction === 0) f[loss / 4 + r] = term;
    else sum += term;
  }
  if (reduction !== 0) f[loss / 4] = reduction === 2 ? sum / total : sum;
}

/** Gradient of `crossEntropy` in the scores; may run in place on them. */
export function crossEntropyGrad(
  m: Memory,
  dloss: number,
  scores: number,
  labels: number,
  labelType: number,
  weights: number,
  dscores: number,
  batch: number,
  classes: number,
  inner: number,
  reduction: number,
  hasIgnore: number,
  ignoreIndex: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, labelType);
  const base = labels / elementBytes(labelType);
  const count = batch * inner;
  const total = divisor(f, given, base, weights, count, classes, reduction, hasIgnore, ignoreIndex);
  const end = classes * inner;
  for (let r = 0; r < count; r++) {
    const start = Math.floor(r / inner) * classes * inner + (r % inner);
    const i = scores / 4 + start;
    const o = dscores / 4 + start;
    const label = labelAt(given, base, r, classes, hasIgnore, ignoreIndex);
    const gradient = f[dloss / 4 + (reduction === 0 ? r : 0)]!;
    const weight = label < 0 ? 0 : weights < 0 ? 1 : f[weights / 4 + label]!;
    if (gradient === 0 || weight === 0) {
      for (let k = 0; k < end; k += inner) f[o + k] = 0;
      continue;
    }
    const factor = (gradient * weight) / total;
    const shift = logSum(f, i, classes, inner, 0);
    for (let k = 0; k < end; k += inner) f[o + k] = factor * Math.exp(f[i + k]! - shift);
    f[o + label * inner] = f[o + label * inner]! - factor;
  }
}

/** Gradient in the logarithms of probabilities: it does not depend on them. */
export function logLikelihoodGrad(
  m: Memory,
  dloss: number,
  labels: number,
  labelType: number,
  weights: number,
  dscores: number,
  batch: number,
  classes: number,
  inner: number,
  reduction: number,
  hasIgnore: number,
  ignoreIndex: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, labelType);
  const base = labels / elementBytes(labelType);
  const count = batch * inner;
  const total = divisor(f, given, base, weights, count, classes, reduction, hasIgnore, ignoreIndex);
  f.fill(0, dscores / 4, dscores / 4 + count * classes);
  for (let r = 0; r < count; r++) {
    const label = labelAt(given, base, r, classes, hasIgnore, ignoreIndex);
    const gradient = f[dloss / 4 + (reduction === 0 ? r : 0)]!;
    if (label < 0 || gradient === 0) continue;
    const weight = weights < 0 ? 1 : f[weights / 4 + label]!;
    const o = dscores / 4 + Math.floor(r / inner) * classes * inner + (r % inner) + label * inner;
    f[o] = (-gradient * weight) / total;
  }
}

/** Gradient of `crossEntropy` in the class weights. */
export function crossEntropyGradWeights(
  m: Memory,
  dloss: number,
  scores: number,
  labels: number,
  labelType: number,
  weights: number,
  dweights: number,
  batch: number,
  classes: number,
  inner: number,
  reduction: number,
  hasIgnore: number,
  ignoreIndex: number,
  normalized: number,
): void {
  const f = m.f32;
  const given = elementsOf(m, labelType);
  const base = labels / elementBytes(labelType);
  const count = batch * inner;
  const total = divisor(f, given, base, weights, count, classes, reduction, hasIgnore, ignoreIndex);
  const out = dweights / 4;
  f.fill(0, out, out + classes);
  // The mean is (sum of w l) / (sum of w): each weight pulls its own loss up and the mean down.
  let mean = 0;
  for (let pass = reduction === 2 ? 0 : 1; pass < 2; pass++) {
    for (let r = 0; r < count; r++) {
      const label = labelAt(given, base, r, classes, hasIgnore, ignoreIndex);
      const gradient = f[dloss / 4 + (reduction === 0 ? r : 0)]!;
      if (label < 0 || gradient === 0) continue;
      const start = scores / 4 + Math.floor(r / inner) * classes * inner + (r % inner);
      const term = logSum(f, start, classes, inner, normalized) - f[start + label * inner]!;
      if (pass === 0) mean += (term * f[weights / 4 + label]!) / total;
      else f[out + label] = f[out + label]! + (gradient * (term - mean)) / total;
    }
  }
}
