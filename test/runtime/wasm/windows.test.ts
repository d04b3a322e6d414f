import { describe, expect, it } from 'vitest';
import {
  gridSample,
  gridSampleGradGrid,
  gridSampleGradInput,
  gridSampleScratch,
} from '../../../runtime/kernels/grid-sample.ts';
import { lrn, lrnGrad } from '../../../runtime/kernels/lrn.ts';
import { averagePool, averagePoolGrad, maxPool, maxPoolGrad } from '../../../runtime/kernels/pool.ts';
import { resizeAxis, resizeAxisGrad, resizeTaps } from '../../../runtime/kernels/resize.ts';
import { type Twins, twins, wasm, wasmKernels } from './twins.ts';

const ulp = 2 ** -23;
const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Now and then a NaN or an infinity. */
const special = (r: () => number, otherwise: () => number): number =>
  r() < 0.02 ? [Number.NaN, Infinity, -Infinity][Math.floor(r() * 3)]! : otherwise();

interface PoolCase {
  readonly geometry: readonly number[];
  /** Elements. */
  readonly input: number;
  readonly output: number;
}

/** Windows in one to three dimensions; pads after may let windows begin in them, as rounding extents up does. */
function drawPool(t: Twins, seed: number): PoolCase | undefined {
  const draw = (low: number, high: number, flat: number): number[] =>
    [0, 1, 2].map((axis) => (axis === 0 && seed % 3 ? flat : t.integer(low, high)));
  const input = draw(1, 17, 1);
  const window = draw(1, t.integer(0, 3) ? 4 : 9, 1);
  const strides = draw(1, 4, 1);
  const pads = window.map((extent) => t.integer(0, extent - 1));
  const dilations = draw(1, 2, 1);
  const up = t.integer(0, 1);
  const output = input.map((extent, i) => {
    const reach = (window[i]! - 1) * dilations[i]! + 1;
    return Math.floor((extent + 2 * pads[i]! - reach + up * (strides[i]! - 1)) / strides[i]!) + 1;
  });
  if (output.some((extent) => extent < 1)) return undefined;
  const planes = t.integer(0, 3);
  return {
    geometry: [[planes], input, window, output, strides, pads, dilations, pads].flat(),
    input: planes * product(input),
    output: planes * product(output),
  };
}

describe('pooling', () => {
  it('by maxima agrees with its twin at any geometry, and so does its gradient', () => {
    for (let seed = 0; seed < 300; seed++) {
      const t = twins(seed);
      const drawn = drawPool(t, seed);
      if (drawn === undefined) continue;
      // Few distinct values, so that maxima are often shared.
      const x = t.floats(drawn.input, (r) => special(r, () => Math.floor(r() * 20) / 4));
      const dy = t.floats(drawn.output);
      t.run(maxPool, [x, t.floats(drawn.output), drawn.geometry]);
      t.run(maxPoolGrad, [dy, x, t.floats(drawn.input), drawn.geometry], 4 * ulp);
    }
  });
  it('by means agrees with its twin, with pads counted and without', () => {
    for (let seed = 0; seed < 300; seed++) {
      const t = twins(seed);
      const drawn = drawPool(t, seed);
      if (drawn === undefined) continue;
      const value = seed % 2 ? undefined : (r: () => number) => special(r, () => r() * 4 - 2);
      const x = t.floats(drawn.input, value);
      const dy = t.floats(drawn.output, value);
      const [y, dx] = [t.floats(drawn.output), t.floats(drawn.input)];
      const windows = product(drawn.geometry.slice(4, 7));
      for (const includePad of [0, 1]) {
        t.run(averagePool, [x, y, includePad, drawn.geometry], (4 + windows) * ulp);
        t.run(averagePoolGrad, [dy, dx, includePad, drawn.geometry], (4 + windows) * ulp);
      }
    }
  });
});

describe('resizing', () => {
  /** mode, coordinates, rounding, scale, start, end, coefficient, excludeOutside, antialias, extrapolation */
  const drawHow = (t: Twins, scale: number): number[] => {
    const mode = t.integer(0, 2);
    const flags = [t.integer(0, 1), mode === 0 ? 0 : t.integer(0, 1)];
    return [mode, t.integer(0, 5), t.integer(0, 3), scale, -0.2, 1.3, -0.75, ...flags, 9];
  };
  it('agrees with its twin along any axis, and so does its gradient', () => {
    for (let seed = 0; seed < 300; seed++) {
      const t = twins(seed);
      const [outer, from, to, inner] = [t.integer(0, 3), t.integer(1, 12), t.integer(1, 20), t.integer(1, 9)];
      const how = drawHow(t, to / from);
      const value = seed % 4 ? undefined : (r: () => number) => special(r, () => r() * 4 - 2);
      const x = t.floats(outer * from * inner, value);
      const dy = t.floats(outer * to * inner, value);
      const [y, dx] = [t.floats(outer * to * inner), t.floats(outer * from * inner)];
      const table = t.floats(4 * to * resizeTaps(how));
      const sizes = [outer, from, to, inner];
      t.run(resizeAxis, [x, y, table, ...sizes, how], 16 * ulp);
      t.run(resizeAxisGrad, [dy, dx, table, ...sizes, how], 64 * ulp);
    }
  });
});

describe('sampling at the points of a grid', () => {
  it('agrees with its twin bit for bit, and so do its gradients', () => {
    for (let seed = 0; seed < 200; seed++) {
      const t = twins(seed);
      const rank = t.integer(1, 3);
      const spatial = [0, 1, 2].map((axis) => (axis < 3 - rank ? 1 : t.integer(1, 5)));
      const [batch, channels, points] = [t.integer(1, 3), t.integer(1, 3), t.integer(1, 70)];
      const geometry = [rank, ...spatial, t.integer(0, 2), t.integer(0, 2), t.integer(0, 1)];
      const value = seed % 4 ? undefined : (r: () => number) => special(r, () => r() * 4 - 2);
      const [pixels, samples] = [batch * channels * product(spatial), batch * channels * points];
      const x = t.floats(pixels, value);
      const grid = t.floats(batch * points * rank, value);
      const dy = t.floats(samples);
      const table = (slopes: boolean) => t.scratch(gridSampleScratch(points, geometry, slopes));
      const sizes = [batch, channels, points];
      t.run(gridSample, [x, grid, t.floats(samples), table(false), ...sizes, 0, points, geometry]);
      t.run(gridSampleGradInput, [dy, grid, t.floats(pixels), table(false), ...sizes, geometry]);
      const dgrid = t.floats(batch * points * rank);
      t.run(gridSampleGradGrid, [dy, x, grid, dgrid, table(true), ...sizes, 0, points, geometry]);
    }
  });
});

describe('local response normalisation', () => {
  it('agrees with its twin, and so does its gradient, in place too', () => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const [batch, channels, size] = [t.integer(0, 2), t.integer(1, 12), t.integer(1, 11)];
      const shape = [batch, channels, size];
      const numbers = [t.integer(1, 6), 0.1 + t.random(), [0.5, 0.75, 1.3][seed % 3]!, 1 + t.random()];
      const count = product(shape);
      const value = seed % 4 ? undefined : (r: () => number) => special(r, () => r() * 4 - 2);
      const [x, dy] = [t.floats(count, value), t.floats(count)];
      t.run(lrn, [x, t.floats(count), ...shape, ...numbers], 8 * ulp);
      if (batch === 0) continue;
      const dx = t.floats(count);
      t.run(lrnGrad, [dy, x, dx, t.scratch(32 * channels), ...shape, ...numbers], 32 * ulp);
      t.run(lrnGrad, [dy, x, dy, t.scratch(32 * channels), ...shape, ...numbers], 32 * ulp);
    }
  });
  it('is NaN where the divisor is a power of zero, as its twin is', () => {
    const t = twins(1);
    const x = t.floats(8, () => 0);
    const y = t.floats(8);
    t.run(lrn, [x, y, 1, 2, 4, 3, 1, 0.75, 0]);
    expect(wasmKernels.has('lrn')).toBe(true);
    expect(wasm.f32[y / 4]).toBeNaN();
  });
});
