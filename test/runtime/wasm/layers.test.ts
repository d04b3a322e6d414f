import { describe, expect, it } from 'vitest';
import * as batchNorm from '../../../runtime/kernels/batch-norm.ts';
import { addChannelBias } from '../../../runtime/kernels/conv-transpose.ts';
import { crossEntropy, crossEntropyGrad } from '../../../runtime/kernels/cross-entropy.ts';
import { typeCode } from '../../../runtime/kernels/elements.ts';
import { gatherGrad } from '../../../runtime/kernels/gather.ts';
import { groupNorm, groupNormGrad } from '../../../runtime/kernels/group-norm.ts';
import { layerNorm, layerNormGrad } from '../../../runtime/kernels/layer-norm.ts';
import * as optimizers from '../../../runtime/kernels/optimizers.ts';
import { reduceMax, reduceMin, reduceSum } from '../../../runtime/kernels/reduce.ts';
import { rmsNorm, rmsNormGrad } from '../../../runtime/kernels/rms-norm.ts';
import { logSoftmax, logSoftmaxGrad, maskedSoftmax, softmax, softmaxGrad } from '../../../runtime/kernels/softmax.ts';
import { twins, wasm, wasmKernels } from './twins.ts';

const ulp = 2 ** -23;
const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const positive = (r: () => number): number => 0.5 + r();

describe('normalisations', () => {
  it('batchNorm and its gradient agree with their twins, in place too', () => {
    for (let seed = 0; seed < 40; seed++) {
      const t = twins(seed);
      const [batch, channels, size] = [t.integer(1, 4), t.integer(1, 5), t.integer(1, 40)];
      // Of one or two values per channel the variance may be next to nothing.
      if (batch * size < 4) continue;
      const count = batch * channels * size;
      const [x, dy, y, dx] = [t.floats(count), t.floats(count), t.floats(count), t.floats(count)];
      const scale = t.floats(channels, positive);
      const [bias, mean, invStd] = [t.floats(channels), t.floats(channels), t.floats(channels)];
      const [dscale, dbias] = [t.floats(channels), t.floats(channels)];
      const shape = [batch, channels, size];
      t.run(batchNorm.batchNorm, [x, scale, bias, y, mean, invStd, ...shape, 1e-5], 64 * ulp);
      t.run(batchNorm.batchNormGrad, [dy, x, scale, mean, invStd, dx, dscale, dbias, ...shape], 512 * ulp);
      t.run(batchNorm.batchNormGrad, [dy, x, scale, mean, invStd, dy, dscale, dbias, ...shape], 512 * ulp);
      t.run(batchNorm.batchNorm, [x, scale, bias, x, mean, invStd, ...shape, 1e-5], 64 * ulp);
      const variance = t.floats(channels, positive);
      t.run(batchNorm.batchNormInference, [x, scale, bias, mean, variance, y, ...shape, 1e-3], 64 * ulp);
      const statistics = [scale, mean, variance];
      const results = [dscale, dbias, t.floats(channels), t.floats(channels)];
      t.run(batchNorm.batchNormInferenceGrad, [dy, x, ...statistics, dx, ...results, ...shape, 1e-3], 64 * ulp);
      t.run(batchNorm.batchNormInferenceGrad, [dy, x, ...statistics, dy, ...results, ...shape, 1e-3], 64 * ulp);
    }
  });
  it('groupNorm and its gradient agree with their twins', () => {
    for (let seed = 0; seed < 40; seed++) {
      const t = twins(seed);
      const [batch, groups, per, size] = [t.integer(1, 3), t.integer(1, 3), t.integer(1, 3), t.integer(4, 20)];
      const channels = groups * per;
      const count = batch * channels * size;
      const [x, dy, y, dx] = [t.floats(count), t.floats(count), t.floats(count), t.floats(count)];
      const [scale, bias] = [t.floats(channels, positive), t.floats(channels)];
      const [mean, invStd] = [t.floats(batch * groups), t.floats(batch * groups)];
      const [dscale, dbias] = [t.floats(channels), t.floats(channels)];
      const shape = [batch, channels, size, groups];
      t.run(groupNorm, [x, scale, bias, y, mean, invStd, ...shape, 1e-5], 64 * ulp);
      t.run(groupNormGrad, [dy, x, scale, mean, invStd, dx, dscale, dbias, ...shape], 512 * ulp);
    }
  });
  it('layerNorm and rmsNorm agree with their twins, with a bias and without', () => {
    for (let seed = 0; seed < 40; seed++) {
      const t = twins(seed);
      const [rows, width] = [t.integer(0, 9), t.integer(4, 70)];
      const count = rows * width;
      const [x, dy, y, dx] = [t.floats(count), t.floats(count), t.floats(count), t.floats(count)];
      const [scale, mean, invStd] = [t.floats(width, positive), t.floats(rows), t.floats(rows)];
      const [dscale, dbias] = [t.floats(width), seed % 2 ? t.floats(width) : -1];
      const bias = seed % 2 ? t.floats(width) : -1;
      t.run(layerNorm, [x, scale, bias, y, mean, invStd, rows, width, 1e-5], 64 * ulp);
      t.run(layerNormGrad, [dy, x, scale, mean, invStd, dx, dscale, dbias, rows, width], 512 * ulp);
      t.run(layerNormGrad, [dy, x, scale, mean, invStd, dy, dscale, dbias, rows, width], 512 * ulp);
      t.run(rmsNorm, [x, scale, y, invStd, rows, width, 1e-5], 64 * ulp);
      t.run(rmsNormGrad, [dy, x, scale, invStd, dx, dscale, rows, width], 512 * ulp);
    }
  });
  it('addChannelBias agrees with its twin', () => {
    for (let seed = 0; seed < 10; seed++) {
      const t = twins(seed);
      const [batch, channels, size] = [t.integer(1, 3), t.integer(1, 3), t.integer(0, 20)];
      t.run(addChannelBias, [t.floats(channels), t.floats(batch * channels * size), batch, channels, size]);
    }
  });
});

describe('softmax', () => {
  it.each([
    ['short rows', 1, 9],
    ['long rows', 100, 300],
  ])('and its kin agree with their twins: %s', (_, low, high) => {
    for (let seed = 0; seed < 30; seed++) {
      const t = twins(seed);
      const extent = t.integer(low, high);
      const [outer, inner] = [t.integer(0, 4), seed % 2 ? 1 : t.integer(1, 9)];
      const shape = [outer, extent, inner];
      const count = product(shape);
      const wide = (r: () => number): number => r() * 60 - 30;
      const [x, dy, y, dx] = [t.floats(count, wide), t.floats(count), t.floats(count), t.floats(count)];
      t.run(softmax, [x, y, ...shape], 32 * ulp);
      t.run(softmaxGrad, [dy, y, dx, ...shape], 32 * ulp);
      t.run(logSoftmax, [x, y, ...shape], 32 * ulp);
      t.run(logSoftmaxGrad, [dy, y, dx, ...shape], 64 * ulp);
      t.run(softmaxGrad, [dy, x, dy, ...shape], 512 * ulp);
      t.run(softmax, [x, x, ...shape], 32 * ulp);
    }
  });
  it('takes NaN and infinities as its twin does, wherever they stand in a row', () => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const [extent, inner] = [t.integer(1, 50), seed % 3 ? 1 : 3];
      const kinds = [[-Infinity], [-Infinity, Number.NaN], [-Infinity, Infinity]][t.integer(0, 2)]!;
      const value = (r: () => number): number => (r() < 0.1 ? kinds[Math.floor(r() * kinds.length)]! : r() * 200 - 100);
      const x = t.floats(4 * extent * inner, value);
      t.run(softmax, [x, t.floats(4 * extent * inner), 4, extent, inner], 32 * ulp);
      t.run(maskedSoftmax, [x, t.floats(4 * extent * inner), 4, extent, inner], 32 * ulp);
    }
  });
  it('gives zeros for masked rows, and takes none for what nobody reads, as its twin does', () => {
    for (let seed = 0; seed < 40; seed++) {
      const t = twins(seed);
      const shape = [5, t.integer(1, 20), seed % 2 ? 1 : t.integer(2, 6)] as const;
      const count = product(shape);
      const masked = t.floats(count, (r) => (r() < 0.8 ? -Infinity : r()));
      t.run(maskedSoftmax, [masked, t.floats(count), ...shape], 32 * ulp);
      const zeros = t.floats(count, (r) => (r() < 0.9 ? 0 : r()));
      const y = t.floats(count, (r) => (r() < 0.5 ? Number.NaN : r()));
      t.run(softmaxGrad, [zeros, y, t.floats(count), ...shape], 32 * ulp);
      t.run(logSoftmaxGrad, [zeros, y, t.floats(count), ...shape], 64 * ulp);
    }
  });
  it('is NaN for a row of minus infinities, as its twin is', () => {
    const t = twins(1);
    t.run(softmax, [t.floats(10, () => -Infinity), t.floats(10), 2, 5, 1]);
  });
});

describe('cross entropy', () => {
  const cases = [0, 1, 2].flatMap((reduction) => [0, 1].map((ignores) => [reduction, ignores] as const));
  it.each(cases)('agrees with its twin: reduction %i, ignored labels %i', (reduction, ignores) => {
    for (let seed = 0; seed < 24; seed++) {
      const t = twins(seed);
      const [batch, classes, inner] = [t.integer(1, 5), t.integer(1, 30), seed % 2 ? 1 : t.integer(1, 9)];
      const count = batch * inner;
      const scores = t.floats(count * classes, (r) => r() * 20 - 10);
      const ignored = ignores === 1 ? 0 : -1;
      const type = seed % 3 ? 'i32' : 'i64';
      const labels = seed % 3 ? t.integers(count, 0, classes - 1) : t.longs(count, 0, classes - 1);
      const weights = seed % 4 ? -1 : t.floats(classes, positive);
      const dloss = t.floats(count);
      const args = [labels, typeCode(type), weights] as const;
      const rest = [batch, classes, inner, reduction, ignores, ignored] as const;
      t.run(crossEntropy, [scores, ...args, t.floats(count), ...rest, 0], 64 * ulp);
      t.run(crossEntropy, [scores, ...args, t.floats(count), ...rest, 1], 64 * ulp);
      t.run(crossEntropyGrad, [dloss, scores, ...args, t.floats(count * classes), ...rest], 64 * ulp);
      t.run(crossEntropyGrad, [dloss, scores, ...args, scores, ...rest], 64 * ulp);
    }
  });
  it('names a label that is no class', () => {
    const t = twins(1);
    const labels = t.integers(2, 7, 7);
    const args = [t.floats(10), labels, typeCode('i32'), -1, t.floats(1), 2, 5, 1, 1, 0, 0, 0];
    expect(() => wasmKernels.get('crossEntropy')!(wasm, ...args)).toThrow('label 7 at index 0 is not one of 5 classes');
  });
});

describe('reductions', () => {
  it('agree with their twins whichever dimensions are reduced', () => {
    for (let seed = 0; seed < 150; seed++) {
      const t = twins(seed);
      const dims = Array.from({ length: t.integer(1, 6) }, () => t.integer(1, t.integer(0, 3) ? 6 : 40));
      const count = product(dims);
      if (count > 100000) continue;
      if (seed % 10 === 0) dims[0] = 0;
      const strides = dims.map((_, d) => product(dims.slice(d + 1)));
      const reducedAt = dims.map(() => t.integer(0, 1) === 1);
      const part = (list: readonly number[], reduced: boolean, empty: number): number[] => {
        const chosen = list.filter((_, d) => reducedAt[d] === reduced);
        return chosen.length === 0 ? [empty] : chosen;
      };
      const kept = part(dims, false, 1);
      const lists = [kept, part(strides, false, 0), part(dims, true, 1), part(strides, true, 0)];
      const value = seed % 3 ? undefined : (r: () => number): number => (r() < 0.02 ? Number.NaN : r() * 4 - 2);
      const x = t.floats(count, value);
      const out = t.floats(product(kept));
      t.run(reduceSum, [x, out, ...lists, 1], 4 * ulp);
      t.run(reduceSum, [x, out, ...lists, 7], 4 * ulp);
      t.run(reduceMax, [x, out, ...lists]);
      t.run(reduceMin, [x, out, ...lists]);
    }
  });
});

describe('gatherGrad', () => {
  it('agrees with its twin, also for indices from the end and repeated ones', () => {
    for (let seed = 0; seed < 30; seed++) {
      const t = twins(seed);
      const [outer, extent, inner, count] = [t.integer(1, 3), t.integer(1, 9), t.integer(1, 40), t.integer(0, 20)];
      const dy = t.floats(outer * count * inner);
      const indices = t.longs(count, -extent, extent - 1);
      const dx = t.floats(outer * extent * inner);
      t.run(gatherGrad, [dy, typeCode('i64'), indices, dx, outer, extent, inner, count]);
    }
  });
  it('names an index out of range', () => {
    const t = twins(1);
    const indices = t.integers(1, 9, 9);
    const args = [t.floats(40), typeCode('i32'), indices, t.floats(80), 1, 2, 40, 1];
    expect(() => wasmKernels.get('gatherGrad')!(wasm, ...args)).toThrow('index 9');
  });
});

describe('optimizers', () => {
  it('move parameters and state as their twins do, in place', () => {
    for (let seed = 0; seed < 24; seed++) {
      const t = twins(seed);
      const count = t.integer(0, 60);
      const [w, g, a, b] = [t.floats(count), t.floats(count), t.floats(count), t.floats(count, positive)];
      const rate = t.floats(1, () => 0.01);
      // -1: every step updates; else a flag says.
      const apply = seed % 3 ? -1 : t.flags(1);
      const decay = seed % 2 ? 0 : 0.05;
      const tolerance = 8 * ulp;
      t.run(optimizers.sgd, [w, g, rate, apply, w, count, decay], tolerance);
      // -1: nothing counts updates; else 0 is the first.
      const updates = seed % 4 === 0 ? -1 : t.integers(1, 0, 1);
      const momentum = [w, g, rate, a, updates, apply, w, a, count, 0.9, 0.1, seed % 2, decay];
      t.run(optimizers.sgdMomentum, momentum, tolerance);
      const moments = [a, b, t.integers(1, 0, 5)];
      const betas = [0.9, 0.999, 1e-8, decay, t.integer(0, 1)];
      t.run(optimizers.adam, [w, g, rate, ...moments, apply, w, a, b, count, ...betas], tolerance);
      t.run(optimizers.adagrad, [w, g, rate, b, apply, w, b, count, 1e-8, decay], tolerance);
      t.run(optimizers.rmsprop, [w, g, rate, b, apply, w, b, count, 0.9, 1e-8, decay], tolerance);
      t.run(optimizers.lion, [w, g, rate, a, apply, w, a, count, 0.9, 0.99, decay], tolerance);
      t.run(optimizers.accumulate, [a, g, t.integers(1, 0, 2), a, count, 3], tolerance);
    }
  });

  it('leave infinite parameters alone where gradients and decay are 0', () => {
    for (let seed = 0; seed < 8; seed++) {
      const t = twins(seed);
      const count = t.integer(1, 20);
      const sizes = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1];
      const w = t.floats(count, (random) => sizes[Math.floor(3 * random())]!);
      const before = Array.from({ length: count }, (_, i) => wasm.f32[w / 4 + i]!);
      const [g, a, b] = [t.floats(count, () => 0), t.floats(count, () => 0), t.floats(count, () => 0)];
      const rate = t.floats(1, () => 0.01);
      t.run(optimizers.sgd, [w, g, rate, -1, w, count, 0]);
      t.run(optimizers.sgdMomentum, [w, g, rate, a, -1, -1, w, a, count, 0.9, 0, seed % 2, 0]);
      t.run(optimizers.adam, [
        w,
        g,
        rate,
        a,
        b,
        t.integers(1, 0, 5),
        -1,
        w,
        a,
        b,
        count,
        0.9,
        0.999,
        1e-8,
        0,
        seed % 2,
      ]);
      t.run(optimizers.adagrad, [w, g, rate, b, -1, w, b, count, 1e-8, 0]);
      t.run(optimizers.rmsprop, [w, g, rate, b, -1, w, b, count, 0.9, 1e-8, 0]);
      t.run(optimizers.lion, [w, g, rate, a, -1, w, a, count, 0.9, 0.99, 0]);
      expect(Array.from({ length: count }, (_, i) => wasm.f32[w / 4 + i]!)).toEqual(before);
    }
  });
});
