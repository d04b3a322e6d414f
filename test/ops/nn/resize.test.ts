import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { resizeCubic, resizeLinear, resizeNearest } from '../../../src/ops/resize.ts';
import { checkGradient, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

const random = seeded(101);
const modes = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const;
type Coordinates = (typeof modes)[number];
type Taps = readonly (readonly [element: number, weight: number])[];

/** The coordinate as ONNX's table has it. */
function coordinate(mode: Coordinates, i: number, from: number, to: number, scale: number): number {
  switch (mode) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric':
      return (from / 2) * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case 'asymmetric':
      return i / scale;
  }
}

const roundings = {
  round_prefer_floor: (x: number) => (x % 1 === 0.5 ? Math.floor(x) : Math.round(x)),
  round_prefer_ceil: (x: number) => Math.round(x),
  floor: Math.floor,
  ceil: Math.ceil,
};

function linear(x: number): Taps {
  const r = x - Math.floor(x);
  return [
    [Math.floor(x), 1 - r],
    [Math.floor(x) + 1, r],
  ];
}

/** The four weights of ONNX's cubic interpolation, coefficient a. */
function cubic(x: number, a: number): Taps {
  const r = x - Math.floor(x);
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  return [far(1 + r), near(r), near(1 - r), far(2 - r)].map((weight, k) => [Math.floor(x) - 1 + k, weight]);
}

/** Sums over the taps of every axis at once; elements outside are those at the border, or left out. */
function direct(
  x: Tensor,
  sizes: readonly number[],
  tapsOf: (axis: number, i: number) => Taps,
  exclude: boolean,
): number[] {
  const { shape } = x.type;
  const unravel = (index: number) =>
    sizes.map((extent, d) => Math.floor(index / elementCount(sizes.slice(d + 1))) % extent);
  return Array.from({ length: elementCount(sizes) }, (_, index) => {
    let partial: [number, number][] = [[0, 1]];
    unravel(index).forEach((i, d) => {
      let taps = tapsOf(d, i);
      if (exclude) {
        const inside = taps.filter(([element]) => element >= 0 && element < shape[d]!);
        const total = inside.reduce((sum, [, weight]) => sum + weight, 0);
        taps = inside.map(([element, weight]) => [element, weight / total]);
      }
      partial = partial.flatMap(([offset, weight]) =>
        taps.map(([element, own]): [number, number] => [
          offset * shape[d]! + Math.min(shape[d]! - 1, Math.max(0, element)),
          weight * own,
        ]),
      );
    });
    return partial.reduce((sum, [offset, weight]) => sum + weight * x.data[offset]!, 0);
  });
}

function draw() {
  const shape = Array.from({ length: randomInt(random, 1, 3) }, () => randomInt(random, 1, 5));
  const sizes = shape.map((extent) => (random() < 0.3 ? extent : randomInt(random, 1, 8)));
  const exact = random() < 0.5;
  // Scales as given by the user need not be exactly the ratio of the extents.
  const scales = shape.map((extent, d) =>
    exact || sizes[d] === extent ? sizes[d]! / extent : (sizes[d]! + 0.37) / extent,
  );
  const coordinates = modes[randomInt(random, 0, modes.length - 1)]!;
  return { x: uniform(random, shape), shape, sizes, scales, coordinates };
}

describe('resize', () => {
  it('takes the nearest element', () => {
    for (let round = 0; round < 60; round++) {
      const { x, shape, sizes, scales, coordinates } = draw();
      for (const [rounding, nearest] of Object.entries(roundings)) {
        const attributes = { sizes, scales, coordinates, rounding, region: [], extrapolation: 0 };
        const taps = (d: number, i: number): Taps => [
          [nearest(coordinate(coordinates, i, shape[d]!, sizes[d]!, scales[d]!)), 1],
        ];
        expect(run(resizeNearest, [x], attributes)[0]!.data).toEqual(direct(x, sizes, taps, false));
        if (round < 4) checkGradient(resizeNearest, [x], attributes, { tolerance: 1e-8 });
      }
    }
  });

  it('interpolates linearly and cubically, with the border repeated or left out', () => {
    for (let round = 0; round < 60; round++) {
      const { x, shape, sizes, scales, coordinates } = draw();
      const exclude_outside = round % 2 === 1;
      const at = (d: number, i: number) => coordinate(coordinates, i, shape[d]!, sizes[d]!, scales[d]!);
      const attributes = {
        sizes,
        scales,
        coordinates,
        region: [],
        extrapolation: 0,
        antialias: false,
        exclude_outside,
      };
      // With the border left out, a position wholly outside has no weights to normalise.
      const outside = sizes.some((size, d) =>
        Array.from({ length: size }, (_, i) => at(d, i)).some((p) => p <= -1 || p >= shape[d]!),
      );
      if (exclude_outside && outside) continue;
      const y = run(resizeLinear, [x], attributes)[0]!;
      expect(
        relativeError(
          y.data,
          direct(x, sizes, (d, i) => linear(at(d, i)), exclude_outside),
        ),
      ).toBeLessThan(1e-12);
      const z = run(resizeCubic, [x], { ...attributes, coefficient: -0.75 })[0]!;
      const cubicTaps = (d: number, i: number) => cubic(at(d, i), -0.75);
      expect(relativeError(z.data, direct(x, sizes, cubicTaps, exclude_outside))).toBeLessThan(1e-11);
      if (round >= 8) continue;
      checkGradient(resizeLinear, [x], attributes, { tolerance: 1e-7 });
      checkGradient(resizeCubic, [x], { ...attributes, coefficient: -0.5 }, { tolerance: 1e-7 });
    }
  });

  it('averages when it shrinks with antialiasing', () => {
    const x = tensor([8], [1, 2, 3, 4, 5, 6, 7, 8]);
    const attributes = {
      sizes: [4],
      scales: [0.5],
      coordinates: 'half_pixel',
      region: [],
      extrapolation: 0,
      antialias: true,
      exclude_outside: false,
    };
    const y = run(resizeLinear, [x], attributes)[0]!.data;
    // The triangle of half-width 2 at 2.5 weighs 1, 2, 3, 4 with 1, 3, 3, 1 eighths.
    expect(y[1]).toBeCloseTo((2 * 1 + 3 * 3 + 4 * 3 + 5) / 8, 12);
    checkGradient(resizeLinear, [x], attributes, { tolerance: 1e-8 });
    checkGradient(resizeCubic, [x], { ...attributes, coefficient: -0.5 }, { tolerance: 1e-8 });
  });

  it('crops a region, with a value outside', () => {
    const x = tensor([1, 4], [1, 2, 3, 4]);
    const attributes = {
      sizes: [1, 4],
      scales: [1, 1],
      coordinates: 'tf_crop_and_resize',
      region: [0, 0.5, 1, 1.5],
      extrapolation: -7,
      antialias: false,
      exclude_outside: false,
    };
    expect(run(resizeLinear, [x], attributes)[0]!.data).toEqual([2.5, 3.5, -7, -7]);
    checkGradient(resizeLinear, [x], attributes, { tolerance: 1e-8 });
  });

  it('copies where nothing changes, a scalar too', () => {
    const same = { coordinates: 'half_pixel', region: [], extrapolation: 0, rounding: 'floor' };
    expect(
      run(resizeNearest, [tensor([2, 2], [1, 2, 3, 4])], { ...same, sizes: [2, 2], scales: [1, 1] })[0]!.data,
    ).toEqual([1, 2, 3, 4]);
    expect(run(resizeNearest, [tensor([], [5])], { ...same, sizes: [], scales: [] })[0]!.data).toEqual([5]);
  });

  it('names what does not fit', () => {
    const attributes = {
      sizes: [2],
      scales: [1],
      coordinates: 'half',
      region: [],
      extrapolation: 0,
      rounding: 'floor',
    };
    expect(() => run(resizeNearest, [tensor([2], [1, 2])], attributes)).toThrow('unknown coordinates "half"');
    expect(() => run(resizeNearest, [tensor([], [1])], attributes)).toThrow(
      'f32[] needs 0 sizes and scales, not 1 and 1',
    );
  });
});
