import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { type ConvAttributes, conv, convGradInput, convGradWeight } from '../../../src/ops/conv.ts';
import { checkGradient, f32, randomInt, relativeError, run, seeded, uniform } from './harness.ts';

/** Calls `visit` for every product of the definition: element indices of y, x and w. */
function eachProduct(
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
  { strides, pads, dilations, groups }: ConvAttributes,
  visit: (y: number, x: number, w: number) => void,
): void {
  const spatial = x.length - 2;
  const perGroup = w[0]! / groups;
  const unravel = (index: number, shape: readonly number[]) => {
    const position = new Array<number>(shape.length);
    for (let d = shape.length - 1, rest = index; d >= 0; rest = Math.floor(rest / shape[d--]!))
      position[d] = rest % shape[d]!;
    return position;
  };
  const volume = elementCount(w.slice(1));
  const taps = Array.from({ length: volume }, (_, t) => unravel(t, w.slice(1)));
  for (let i = 0; i < elementCount(y); i++) {
    const [n, c, ...o] = unravel(i, y);
    taps.forEach(([channel, ...k], t) => {
      let at = n! * x[1]! + Math.floor(c! / perGroup) * w[1]! + channel!;
      for (let d = 0; d < spatial; d++) {
        const p = o[d]! * strides[d]! - pads[d]! + k[d]! * dilations[d]!;
        if (p < 0 || p >= x[2 + d]!) return;
        at = at * x[2 + d]! + p;
      }
      visit(i, at, c! * volume + t);
    });
  }
}

interface Case {
  x: Tensor;
  w: Tensor;
  attributes: ConvAttributes;
}

function draw(random: () => number, spatial: number, small = false): Case {
  const list = (low: number, high: number, count = spatial) =>
    Array.from({ length: count }, () => randomInt(random, low, high));
  const depthwise = random() < 0.25;
  const groups = depthwise ? randomInt(random, 2, 5) : randomInt(random, 1, 3);
  const channels = depthwise ? 1 : randomInt(random, 1, small ? 2 : 5);
  const filters = groups * randomInt(random, 1, small ? 2 : 6);
  const kernel = list(1, 3);
  const dilations = list(1, 2);
  // Negative pads crop.
  const pads = list(-1, 2, 2 * spatial);
  const extents = kernel.map((k, d) =>
    Math.max(1, dilations[d]! * (k - 1) + 1 - pads[d]! - pads[spatial + d]! + randomInt(random, 0, small ? 2 : 7)),
  );
  return {
    x: uniform(random, [randomInt(random, 1, small ? 2 : 3), groups * channels, ...extents]),
    w: uniform(random, [filters, channels, ...kernel]),
    attributes: { strides: list(1, 3), pads, dilations, groups },
  };
}

describe('conv', () => {
  it('and its gradients are the sums by definition for any stride, pad, dilation and group', () => {
    const random = seeded(11);
    for (let round = 0; round < 150; round++) {
      const { x, w, attributes } = draw(random, 1 + (round % 3));
      const y = run(conv, [x, w], attributes)[0]!;
      const dy = uniform(random, y.type.shape);
      const dx = run(convGradInput, [dy, w], { ...attributes, shape: x.type.shape })[0]!;
      const dw = run(convGradWeight, [x, dy], { ...attributes, shape: w.type.shape })[0]!;
      const expected = { y: y.data.map(() => 0), dx: dx.data.map(() => 0), dw: dw.data.map(() => 0) };
      eachProduct(x.type.shape, w.type.shape, y.type.shape, attributes, (i, j, k) => {
        expected.y[i]! += x.data[j]! * w.data[k]!;
        expected.dx[j]! += dy.data[i]! * w.data[k]!;
        expected.dw[k]! += dy.data[i]! * x.data[j]!;
      });
      const drawn = JSON.stringify({ x: x.type.shape, w: w.type.shape, attributes });
      expect(relativeError(y.data, expected.y), `forward ${drawn}`).toBeLessThan(1e-12);
      expect(relativeError(dx.data, expected.dx), `gradient of the image ${drawn}`).toBeLessThan(1e-12);
      expect(relativeError(dw.data, expected.dw), `gradient of the filters ${drawn}`).toBeLessThan(1e-12);
    }
  });

  it('crosses the borders of its blocks in positions, channels and filters', () => {
    const random = seeded(12);
    for (const [xShape, wShape, stride] of [
      [[2, 30, 24, 23], [3, 30, 3, 3], 1],
      [[3, 2, 40, 41], [98, 2, 2, 3], 2],
      [[5, 130, 3, 3], [7, 130, 3, 3], 1],
    ] as const) {
      const x = uniform(random, xShape);
      const w = uniform(random, wShape);
      const attributes = { strides: [stride, stride], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
      const y = run(conv, [x, w], attributes)[0]!;
      const dy = uniform(random, y.type.shape);
      const dx = run(convGradInput, [dy, w], { ...attributes, shape: x.type.shape })[0]!;
      const dw = run(convGradWeight, [x, dy], { ...attributes, shape: w.type.shape })[0]!;
      // <y, dy> = <x, dx> = <w, dw>: the three are one trilinear form.
      const form = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a, (v, i) => v * b[i]!).reduce((s, v) => s + v, 0);
      const total = form(y.data, dy.data);
      expect(Math.abs(form(x.data, dx.data) - total)).toBeLessThan(1e-9 * Math.abs(total));
      expect(Math.abs(form(w.data, dw.data) - total)).toBeLessThan(1e-9 * Math.abs(total));
      const expected = y.data.map(() => 0);
      eachProduct(xShape, wShape, y.type.shape, attributes, (i, j, k) => {
        expected[i]! += x.data[j]! * w.data[k]!;
      });
      expect(relativeError(y.data, expected)).toBeLessThan(1e-12);
    }
  });

  it('adds its bias to every position of a channel', () => {
    const random = seeded(13);
    for (let round = 0; round < 12; round++) {
      const { x, w, attributes } = draw(random, 1 + (round % 3));
      const bias = uniform(random, [w.type.shape[0]!]);
      const plain = run(conv, [x, w], attributes)[0]!;
      const size = elementCount(plain.type.shape.slice(2));
      const biased = run(conv, [x, w, bias], attributes)[0]!;
      const expected = plain.data.map((value, i) => value + bias.data[Math.floor(i / size) % bias.data.length]!);
      expect(relativeError(biased.data, expected)).toBeLessThan(1e-12);
    }
  });

  it('has the gradient of central differences', () => {
    const random = seeded(14);
    for (let round = 0; round < 20; round++) {
      const { x, w, attributes } = draw(random, 1 + (round % 3), true);
      const bias = uniform(random, [w.type.shape[0]!]);
      checkGradient(conv, round % 2 === 0 ? [x, w, bias] : [x, w], attributes, { tolerance: 1e-8 });
    }
  });

  it('keeps its scratch below 1.5 MB, and needs none where it is depthwise', () => {
    const attributes = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
    const scratch = (x: readonly number[], w: readonly number[], own: ConvAttributes) => {
      const operands = [f32(...x), f32(...w)].map((type) => ({ name: '', type }));
      const results = conv.infer([f32(...x), f32(...w)], own).map((type) => ({ name: '', type }));
      return conv.scratch!({ operands, results, attributes: own });
    };
    expect(scratch([8, 512, 56, 56], [512, 512, 3, 3], attributes)).toBe(4 * (1024 * 256 + 96 * 256));
    expect(scratch([1, 2, 3, 3], [4, 2, 3, 3], attributes)).toBe(4 * (16 * 18 + 4 * 18));
    expect(scratch([1, 4, 3, 3], [4, 1, 3, 3], { ...attributes, groups: 4 })).toBe(0);
  });

  it('names what does not fit', () => {
    const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
    expect(() => conv.infer([f32(1, 3, 8, 8), f32(4, 2, 3, 3)], attributes)).toThrow('wants 2 channels');
    expect(() => conv.infer([f32(1, 3, 2, 8), f32(4, 3, 3, 3)], attributes)).toThrow('larger than the padded image');
    expect(() => conv.infer([f32(1, 3, 8), f32(4, 3, 3)], attributes)).toThrow('1 spatial dimensions need 1 strides');
    expect(() => conv.infer([f32(1, 3, 8, 8), f32(4, 3, 3, 3), f32(5)], attributes)).toThrow(
      'bias f32[5] must be f32[4]',
    );
  });
});
