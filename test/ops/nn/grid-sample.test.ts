/** Samples and gradients as PyTorch has them, stored: every mode with every padding, points at the very corners included. */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/ops/evaluate.ts';
import { gridSample, gridSampleGradGrid, gridSampleGradInput } from '../../../src/ops/grid-sample.ts';
import reference from './grid-sample-reference.json' with { type: 'json' };
import { relativeError, run, tensor } from './harness.ts';

/** PyTorch's names of the modes. */
const modes: Readonly<Record<string, string>> = { nearest: 'nearest', bilinear: 'linear', bicubic: 'cubic' };

describe.each(reference.cases)('grid_sample of an image $image at a grid $grid', (given) => {
  const [x, grid] = [tensor(given.image, given.x), tensor(given.grid, given.g)];
  const dy = tensor([given.image[0]!, given.image[1]!, ...given.grid.slice(1, -1)], given.dy);
  it.each(Object.entries(given.expected))('%s', (name, [y, dx, dgrid]) => {
    const [mode, padding, align] = name.split(' ');
    const attributes = { mode: modes[mode!]!, padding: padding!, align_corners: align === '1' };
    expect(relativeError(run(gridSample, [x, grid], attributes)[0]!.data, y!)).toBeLessThan(1e-7);
    const shaped = { ...attributes, shape: given.image };
    expect(relativeError(run(gridSampleGradInput, [dy, grid], shaped)[0]!.data, dx!)).toBeLessThan(1e-7);
    if (mode === 'nearest') expect(Math.max(...dgrid!.map(Math.abs))).toBe(0);
    else expect(relativeError(run(gridSampleGradGrid, [dy, x, grid], attributes)[0]!.data, dgrid!)).toBeLessThan(1e-7);
  });
});

describe('grid_sample', () => {
  const x = tensor([1, 1, 1, 3], [1, 2, 4]);
  const at = (...grid: number[]) =>
    Array.from(
      evaluate(gridSample, [x, tensor([1, 1, grid.length / 2, 2], grid)], {
        mode: 'linear',
        padding: 'zeros',
        align_corners: true,
      })[0]!.data,
    );
  it('reads nothing far outside, and takes NaN for -1', () => {
    expect(at(1e30, 0, -Infinity, 0, -2.1, 0, Number.NaN, 0)).toEqual([0, 0, 0, 1]);
  });
  it('goes on at the borders, or back from them, however far a point is', () => {
    for (const mode of ['nearest', 'linear', 'cubic'])
      for (const padding of ['border', 'reflection'])
        for (const align_corners of [false, true]) {
          const grid = tensor([1, 1, 4, 2], [1e9, 0, -1e9, 1e30, Infinity, 0, -Infinity, 0]);
          const [y] = run(gridSample, [x, grid], { mode, padding, align_corners });
          expect(y!.data.every((value) => value >= -1 && value <= 5)).toBe(true);
          if (padding === 'border') expect(y!.data).toEqual([4, 1, 4, 1]);
        }
  });
  it('refuses what does not fit', () => {
    const attributes = { mode: 'linear', padding: 'zeros', align_corners: false };
    const grid = tensor([1, 2, 2, 2], new Array(8).fill(0));
    expect(() => gridSample.infer([x.type, tensor([1, 2, 2, 3], new Array(12).fill(0)).type], attributes)).toThrow(
      'does not fit the image',
    );
    expect(() => gridSample.infer([x.type, grid.type], { ...attributes, mode: 'bilinear' })).toThrow('unknown mode');
    expect(() => gridSample.infer([x.type, grid.type], { ...attributes, padding: 'none' })).toThrow('unknown padding');
  });
});
