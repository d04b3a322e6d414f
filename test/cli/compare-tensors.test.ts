import { describe, expect, it } from 'vitest';
import { forwardDifference, gradientError, gradientTolerance } from '../../src/cli/compare-tensors.ts';
import type { Tensor } from '../../src/ir/graph.ts';

function tensor(data: readonly number[], shape: readonly number[] = [data.length]): Tensor {
  return { type: { dtype: 'f32', shape }, data: Float32Array.from(data) };
}

describe('the distance of results from stored ones', () => {
  it('is within 1e-5 + 1e-3 |b|, element by element', () => {
    expect(forwardDifference(tensor([1, 100]), tensor([1.0009, 100.09]))).toBeUndefined();
    expect(forwardDifference(tensor([1, 100]), tensor([1, 100.2]))).toContain('element 1 is 100');
    expect(forwardDifference(tensor([2e-5]), tensor([0]))).toContain('element 0');
  });

  it('takes NaN for NaN, and for nothing else', () => {
    expect(forwardDifference(tensor([Number.NaN]), tensor([Number.NaN]))).toBeUndefined();
    expect(forwardDifference(tensor([Number.NaN]), tensor([1]))).toContain('is NaN, expected 1');
    expect(forwardDifference(tensor([1]), tensor([Number.NaN]))).toContain('expected NaN');
    expect(gradientError(tensor([Number.NaN, 1]), tensor([1, 1]))).toBeNaN();
  });

  it('is measured for equal shapes, and single numbers of any', () => {
    expect(forwardDifference(tensor([1, 2, 3, 4], [2, 2]), tensor([1, 2, 3, 4], [4]))).toContain('f32[2,2]');
    expect(gradientError(tensor([1, 2, 3, 4], [2, 2]), tensor([1, 2, 3, 4], [4]))).toBeNaN();
    expect(gradientError(tensor([1, 2]), tensor([1, 2, 3]))).toBeNaN();
    expect(gradientError(tensor([3], []), tensor([3], [1]))).toBe(0);
  });

  it('of gradients is the largest error over the largest magnitude, or over that of all where it is noise', () => {
    expect(gradientError(tensor([1, 4]), tensor([2, 4]))).toBe(0.25);
    expect(gradientError(tensor([1e-3]), tensor([1e-14]), 2)).toBeCloseTo(5e-4, 8);
    expect(gradientError(tensor([0.5]), tensor([0]))).toBe(0.5);
    expect([gradientTolerance(0), gradientTolerance(1e-5)]).toEqual([1e-4, 2e-4]);
  });
});
