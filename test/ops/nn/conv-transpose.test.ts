import { describe, expect, it } from 'vitest';
import { elementCount } from '../../../src/ir/graph.ts';
import { convTranspose } from '../../../src/ops/conv-transpose.ts';
import { checkGradient, f32, randomInt, relativeError, run, seeded, uniform } from './harness.ts';

const random = seeded(61);

function draw(spatial: number) {
  const list = (low: number, high: number, count = spatial) =>
    Array.from({ length: count }, () => randomInt(random, low, high));
  const groups = randomInt(random, 1, 3);
  const perGroup = randomInt(random, 1, 3);
  const channels = groups * randomInt(random, 1, 2);
  const kernel = list(1, 3);
  const strides = list(1, 3);
  const dilations = list(1, 2);
  // ONNX: smaller than the stride or the dilation.
  const output_padding = strides.map((s, d) => randomInt(random, 0, Math.max(s, dilations[d]!) - 1));
  const pads = list(0, 1, 2 * spatial);
  const x = uniform(random, [randomInt(random, 1, 2), channels, ...list(2, 4)]);
  const w = uniform(random, [channels, perGroup, ...kernel]);
  return {
    x,
    w,
    bias: uniform(random, [groups * perGroup]),
    attributes: { strides, pads, dilations, groups, output_padding },
  };
}

describe('conv_transpose', () => {
  it('spreads every element of the image over a filter', () => {
    for (let round = 0; round < 60; round++) {
      const { x, w, bias, attributes } = draw(1 + (round % 3));
      const { strides, pads, dilations, groups, output_padding } = attributes;
      const [batch, channels, ...spatial] = x.type.shape;
      const [, perGroup, ...kernel] = w.type.shape;
      const extents = spatial.map(
        (e, d) =>
          strides[d]! * (e - 1) +
          output_padding[d]! +
          (kernel[d]! - 1) * dilations[d]! +
          1 -
          pads[d]! -
          pads[spatial.length + d]!,
      );
      if (extents.some((e) => e < 1)) continue;
      const shape = [batch!, perGroup! * groups, ...extents];
      const unravel = (index: number, of: readonly number[]) =>
        of.map((extent, d) => Math.floor(index / elementCount(of.slice(d + 1))) % extent);
      const expected = Array.from({ length: elementCount(shape) }, (_, i) => bias.data[unravel(i, shape)[1]!]!);
      for (let i = 0; i < x.data.length; i++) {
        const [n, c, ...p] = unravel(i, x.type.shape);
        const group = Math.floor(c! / (channels! / groups));
        for (let t = 0; t < elementCount(w.type.shape.slice(1)); t++) {
          const [filter, ...k] = unravel(t, w.type.shape.slice(1));
          const at = p.map((q, d) => q * strides[d]! + k[d]! * dilations[d]! - pads[d]!);
          if (at.some((q, d) => q < 0 || q >= extents[d]!)) continue;
          const o = at.reduce((sum, q, d) => sum * extents[d]! + q, n! * shape[1]! + group * perGroup! + filter!);
          expected[o]! += x.data[i]! * w.data[c! * elementCount(w.type.shape.slice(1)) + t]!;
        }
      }
      const y = run(convTranspose, [x, w, bias], attributes)[0]!;
      expect(y.type).toEqual(f32(...shape));
      expect(relativeError(y.data, expected), JSON.stringify({ x: x.type, w: w.type, attributes })).toBeLessThan(1e-12);
      if (round < 18)
        checkGradient(convTranspose, round % 2 === 0 ? [x, w] : [x, w, bias], attributes, { tolerance: 1e-8 });
    }
  });

  it('names what does not fit', () => {
    const attributes = { strides: [1], pads: [0, 0], dilations: [1], groups: 1, output_padding: [0] };
    expect(() => convTranspose.infer([f32(1, 3, 4), f32(4, 2, 3)], attributes)).toThrow(
      'filters f32[4,2,3] in 1 groups do not take the channels of f32[1,3,4]',
    );
  });
});
