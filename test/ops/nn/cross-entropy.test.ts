import { describe, expect, it } from 'vitest';
import { elementCount } from '../../../src/ir/graph.ts';
import { nllLoss, softmaxCrossEntropy } from '../../../src/ops/cross-entropy.ts';
import { evaluate } from '../../../src/ops/evaluate.ts';
import { logSoftmax, softmax } from '../../../src/ops/softmax.ts';
import { checkGradient, integers, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

describe('softmax and log_softmax', () => {
  const random = seeded(41);

  it('normalise exponentials over one axis', () => {
    for (let round = 0; round < 20; round++) {
      const shape = Array.from({ length: randomInt(random, 1, 4) }, () => randomInt(random, 1, 4));
      const axis = randomInt(random, 0, shape.length - 1);
      const x = uniform(random, shape, -3, 3);
      const inner = elementCount(shape.slice(axis + 1));
      const rowOf = (i: number) => Math.floor(i / (inner * shape[axis]!)) * inner + (i % inner);
      const sums: number[] = [];
      for (let i = 0; i < x.data.length; i++) sums[rowOf(i)] = (sums[rowOf(i)] ?? 0) + Math.exp(x.data[i]!);
      const expected = Array.from(x.data, (v, i) => Math.exp(v) / sums[rowOf(i)]!);
      expect(relativeError(run(softmax, [x], { axis })[0]!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(run(logSoftmax, [x], { axis })[0]!.data, expected.map(Math.log))).toBeLessThan(1e-12);
      checkGradient(softmax, [x], { axis }, { tolerance: 1e-7 });
      checkGradient(logSoftmax, [x], { axis }, { tolerance: 1e-7 });
    }
  });

  it('neither overflow nor underflow', () => {
    const x = tensor([2, 3], [1000, 1001, 999, -1000, -1001, -5000]);
    for (const value of evaluate(softmax, [x], { axis: 1 })[0]!.data) expect(value).toBeGreaterThanOrEqual(0);
    for (const value of evaluate(logSoftmax, [x], { axis: 1 })[0]!.data) expect(Number.isFinite(value)).toBe(true);
  });
});

describe('softmax_cross_entropy and nll_loss', () => {
  const random = seeded(42);
  const cases = Array.from({ length: 30 }, (_, round) => {
    const classes = randomInt(random, 2, 5);
    const inner = [[], [3], [2, 2]][round % 3]!;
    const batch = randomInt(random, 1, 4);
    const weights = round % 2 === 0 ? [uniform(random, [classes], 0.5, 2)] : [];
    return {
      scores: uniform(random, [batch, classes, ...inner], -3, 3),
      // Never the ignored class alone, which has no mean.
      labels: { ...integers(random, [batch, ...inner], 0, classes - 1) },
      weights,
      attributes: {
        reduction: ['mean', 'sum', 'none'][Math.floor(round / 3) % 3]!,
        has_ignore: round % 4 === 0,
        ignore_index: 1,
      },
    };
  });

  it('are the weighted mean, sum or list of the negative log-likelihoods', () => {
    for (const { scores, labels, weights, attributes } of cases) {
      const [, classes, ...inner] = scores.type.shape;
      const size = elementCount(inner);
      const logProb = run(logSoftmax, [scores], { axis: 1 })[0]!;
      let total = 0;
      const terms = Array.from(labels.data, (label, r) => {
        if (attributes.has_ignore && label === 1) return 0;
        const weight = weights[0]?.data[label] ?? 1;
        total += weight;
        return -weight * logProb.data[(Math.floor(r / size) * classes! + label) * size + (r % size)]!;
      });
      const sum = terms.reduce((a, b) => a + b, 0);
      const expected = { none: terms, sum: [sum], mean: [sum / total] }[attributes.reduction]!;
      const loss = run(softmaxCrossEntropy, [scores, labels, ...weights], { ...attributes, with_log_prob: false });
      expect(loss).toHaveLength(1);
      const both = run(softmaxCrossEntropy, [scores, labels, ...weights], { ...attributes, with_log_prob: true });
      const nll = run(nllLoss, [logProb, labels, ...weights], attributes)[0]!;
      if (attributes.reduction === 'mean' && total === 0) {
        for (const result of [loss[0]!, both[0]!, nll]) expect(result.data).toEqual([Number.NaN]);
        continue;
      }
      expect(relativeError(loss[0]!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(both[0]!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(nll.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(both[1]!.data, logProb.data)).toBeLessThan(1e-12);
    }
  });

  it('have the gradients of central differences in scores and weights', () => {
    for (const { scores, labels, weights, attributes } of cases.slice(0, 18)) {
      if (attributes.has_ignore && Array.from(labels.data).every((label) => label === 1)) continue;
      const operands = [scores, labels, ...weights];
      const wrt = weights.length > 0 ? [0, 2] : [0];
      checkGradient(softmaxCrossEntropy, operands, { ...attributes, with_log_prob: false }, { wrt });
      checkGradient(softmaxCrossEntropy, operands, { ...attributes, with_log_prob: true }, { wrt });
      checkGradient(
        softmaxCrossEntropy,
        operands,
        { ...attributes, with_log_prob: true },
        { wrt: [0], cotangents: [1] },
      );
      checkGradient(nllLoss, operands, attributes, { wrt });
    }
  });

  it('refuse a label that is no class, and leave an ignored one alone wherever it points', () => {
    const scores = uniform(random, [2, 3]);
    const labels = (values: number[]) => ({ ...integers(random, [2], 0, 2), data: Float64Array.from(values) });
    const attributes = { reduction: 'sum', has_ignore: true, ignore_index: -100, with_log_prob: false };
    expect(() => run(softmaxCrossEntropy, [scores, labels([0, 3])], attributes)).toThrow(
      new RangeError('label 3 at index 1 is not one of 3 classes'),
    );
    expect(run(softmaxCrossEntropy, [scores, labels([-100, -100])], attributes)[0]!.data).toEqual([0]);
  });
});
