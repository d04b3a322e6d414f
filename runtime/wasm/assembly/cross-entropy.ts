/**
 * Cross entropy of scores [batch, classes, inner] and labels [batch, inner]; parameters as in the plain kernel, except
 * that labels are i32 or i64 and have been checked by the caller.
 */
import { absent } from './gemm';
import { exp, log } from './math';
import { topRow } from './rows';
import { sumExpLanes, sumExpRow, topLanes } from './softmax';
import { floats, loadLanes, splat, storeLanes } from './vector';

/** The code of i32 in runtime/kernels/elements.ts; any other code is i64, held as doubles. */
const typeI32: i32 = 1;

const reductionNone: i32 = 0;
const reductionMean: i32 = 2;

let labels: usize = 0;
let labelType: i32 = 0;
let hasIgnore: i32 = 0;
let ignoreIndex: i32 = 0;
let weights: usize = 0;

/** The label at `index`; -1 where it is ignored. */
function labelAt(index: i32): i32 {
  const label =
    labelType == typeI32 ? load<i32>(labels + ((<usize>index) << 2)) : <i32>load<f64>(labels + ((<usize>index) << 3));
  return hasIgnore && label == ignoreIndex ? -1 : label;
}

function weightOf(label: i32): f64 {
  return weights == absent ? 1 : <f64>load<f32>(weights + ((<usize>label) << 2));
}

// @ts-ignore: decorator
@inline
function logOf(x: f64): f64 {
  return <f64>f32x4.extract_lane(log(splat(<f32>x)), 0);
}

/** Log of the sum of exponentials down the column at `p`. */
function logSum(p: usize, classes: i32, inner: i32): f64 {
  if (inner == 1) {
    const top = topRow(p, classes);
    return <f64>top + logOf(sumExpRow(p, classes, top));
  }
  const step = (<usize>inner) << 2;
  const top = topLanes(p, classes, step, 1);
  const sum = sumExpLanes(p, classes, step, 1, top);
  return <f64>f32x4.extract_lane(top, 0) + <f64>f32x4.extract_lane(log(sum), 0);
}

export function crossEntropy(
  scores: usize,
  labels_: usize,
  labelType_: i32,
  weights_: usize,
  loss: usize,
  batch: i32,
  classes: i32,
  inner: i32,
  reduction: i32,
  hasIgnore_: i32,
  ignoreIndex_: i32,
  normalized: i32,
): void {
  labels = labels_;
  labelType = labelType_;
  weights = weights_;
  hasIgnore = hasIgnore_;
  ignoreIndex = ignoreIndex_;
  let sum: f64 = 0;
  let total: f64 = 0;
  let r = 0;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < inner; c++, r++) {
      const label = labelAt(r);
      let term: f64 = 0;
      if (label >= 0) {
        const p = scores + ((<usize>(n * classes * inner + c)) << 2);
        const weight = weightOf(label);
        const all = normalized ? 0 : logSum(p, classes, inner);
        term = weight * (all - <f64>load<f32>(p + ((<usize>(label * inner)) << 2)));
        total += weight;
      }
      if (reduction == reductionNone) store<f32>(loss + ((<usize>r) << 2), <f32>term);
      else sum += term;
    }
  if (reduction != reductionNone) store<f32>(loss, <f32>(reduction == reductionMean ? sum / total : sum));
}

/** d loss / d (the r-th term); 0 for an ignored label, or one of weight 0. */
function factorOf(dloss: usize, r: i32, reduction: i32, total: f64): f64 {
  const label = labelAt(r);
  if (label < 0) return 0;
  const gradient = <f64>load<f32>(dloss + (reduction == reductionNone ? (<usize>r) << 2 : 0));
  const weight = weightOf(label);
  return gradient == 0 || weight == 0 ? 0 : (gradient * weight) / total;
}

export function crossEntropyGrad(
  dloss: usize,
  scores: usize,
  labels_: usize,
  labelType_: i32,
  weights_: usize,
  dscores: usize,
  batch: i32,
  classes: i32,
  inner: i32,
  reduction: i32,
  hasIgnore_: i32,
  ignoreIndex_: i32,
): void {
  labels = labels_;
  labelType = labelType_;
  weights = weights_;
  hasIgnore = hasIgnore_;
  ignoreIndex = ignoreIndex_;
  let total: f64 = 1;
  if (reduction == reductionMean) {
    total = 0;
    for (let r = 0; r < batch * inner; r++) {
      const label = labelAt(r);
      if (label >= 0) total += weightOf(label);
    }
  }
  const step = (<usize>inner) << 2;
  const block = <usize>classes * step;
  for (let n = 0; n < batch; n++, scores += block, dscores += block) {
    if (inner == 1) {
      const label = labelAt(n);
      const factor = factorOf(dloss, n, reduction, total);
      if (factor == 0) {
        memory.fill(dscores, 0, block);
        continue;
      }
      const top = topRow(scores, classes);
      const m = splat(top);
      const scale = splat(<f32>(factor / sumExpRow(scores, classes, top)));
      for (let k = 0; k < classes; k += 4) {
        const at = (<usize>k) << 2;
        const count = classes - k;
        storeLanes(dscores + at, count, f32x4.mul(exp(f32x4.sub(loadLanes(scores + at, count), m)), scale));
      }
      const p = dscores + ((<usize>label) << 2);
      store<f32>(p, <f32>(<f64>load<f32>(p) - factor));
    } else
      for (let c = 0; c < inner; c += 4) {
        const r = n * inner + c;
        const count = inner - c;
        const from = scores + ((<usize>c) << 2);
        const to = dscores + ((<usize>c) << 2);
        const m = topLanes(from, classes, step, count);
        const low = f64x2(
          factorOf(dloss, r, reduction, total),
          count > 1 ? factorOf(dloss, r + 1, reduction, total) : 0,
        );
        const high = f64x2(
          count > 2 ? factorOf(dloss, r + 2, reduction, total) : 0,
          count > 3 ? factorOf(dloss, r + 3, reduction, total) : 0,
        );
        const factors = floats(low, high);
        const taken = f32x4.ne(factors, splat(0));
        const scale = f32x4.div(factors, sumExpLanes(from, classes, step, count, m));
        for (let k = 0; k < classes; k++) {
          const at = <usize>k * step;
          const y = f32x4.mul(exp(f32x4.sub(loadLanes(from + at, count), m)), scale);
          storeLanes(to + at, count, v128.and(taken, y));
        }
        for (let lane = 0; lane < min(count, 4); lane++) {
          const label = labelAt(r + lane);
          if (label < 0) continue;
          const p = to + ((<usize>lane) << 2) + <usize>label * step;
          store<f32>(p, <f32>(<f64>load<f32>(p) - factorOf(dloss, r + lane, reduction, total)));
        }
      }
  }
}
