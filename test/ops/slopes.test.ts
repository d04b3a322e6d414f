/**
 * Slopes of activations over [-100, 100] against double precision, on both backends: in relative terms where the kernels
 * give every digit, in absolute terms where the slope is read off the result (sigmoid, tanh, softsign) or is a sum that
 * crosses 0.
 */
import { describe, expect, it } from 'vitest';
import type { Attributes, Tensor } from '../../src/ir/graph.ts';
import { opNamed } from '../../src/ops/table.ts';
import { tensor } from '../tensors.ts';
import { backends, gradientsOn } from './backends.ts';

const { abs, atan, cosh, exp, fround, log1p, max, PI, sqrt, tanh } = Math;

const sigmoid = (x: number): number => (x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)));
const softplus = (x: number): number => max(x, 0) + log1p(exp(-abs(x)));
const gaussian = (x: number): number => exp(-x * x);

type Slope = readonly [op: string, attributes: Attributes, slope: (x: number) => number];

/** The exponential unit whose attributes, as all are, are floats. */
const unit = (scale: number, alpha: number, width = 1) => {
  const [s, a, w] = [fround(scale), fround(alpha), fround(width)];
  return (x: number): number => (x > 0 ? s : s * a * exp(x / w));
};

const relative: readonly Slope[] = [
  ...[1, 0.3, 2.5, -0.5].map((alpha): Slope => ['elu', { alpha }, unit(1, alpha)]),
  ...[1, 0.3, 7, -7].map((alpha): Slope => ['celu', { alpha }, unit(1, 1, alpha)]),
  ['selu', { alpha: 1.6732631921768188, gamma: 1.0507010221481323 }, unit(1.0507010221481323, 1.6732631921768188)],
  ['selu', { alpha: -0.5, gamma: -2 }, unit(-2, -0.5)],
  ['softplus', {}, sigmoid],
  ['exp', {}, exp],
  ['atan', {}, (x) => 1 / (1 + x * x)],
  ['asinh', {}, (x) => 1 / sqrt(1 + x * x)],
];

const absolute: readonly Slope[] = [
  ['sigmoid', {}, (x) => sigmoid(x) * sigmoid(-x)],
  ['tanh', {}, (x) => 1 / cosh(x) ** 2],
  ['softsign', {}, (x) => 1 / (1 + abs(x)) ** 2],
  ['erf', {}, (x) => (2 / sqrt(PI)) * gaussian(x)],
  ['swish', { alpha: 1 }, (x) => sigmoid(x) + x * sigmoid(x) * sigmoid(-x)],
  ['mish', {}, (x) => tanh(softplus(x)) + (x * sigmoid(x)) / cosh(softplus(x)) ** 2],
  [
    'gelu',
    { approximate: 'tanh' },
    (x) => {
      const z = sqrt(2 / PI) * (x + 0.044715 * x ** 3);
      return 0.5 * (1 + tanh(z)) + ((0.5 * x) / cosh(z) ** 2) * sqrt(2 / PI) * (1 + 0.134145 * x * x);
    },
  ],
];

const points = Array.from({ length: 1601 }, (_, i) => fround(-100 + i / 8 + atan(i) / 100));
const smallestNormal = 2 ** -126;
const ones = ({ type, data }: Tensor): Tensor => ({ type, data: Array.from(data, () => 1) });

/** The largest error, in units of `size` of the slope. */
function worst(got: ArrayLike<number>, slope: (x: number) => number, size: (value: number) => number): string {
  let [error, where] = [0, ''];
  points.forEach((x, i) => {
    const wanted = slope(x);
    // Sums beyond a float's range or below its normal numbers have fewer digits.
    if (abs(wanted) > 3.4e38 || (abs(wanted) < smallestNormal && abs(got[i]!) < 2 * smallestNormal)) return;
    const own = abs(got[i]! - wanted) / size(wanted);
    if (!(own <= error)) [error, where] = [own, `${got[i]} at ${x}, not ${wanted}`];
  });
  return error <= 1e-6 ? '' : where;
}

describe.each(backends)('on the $name backend', (backend) => {
  const slopes = (op: string, attributes: Attributes): ArrayLike<number> =>
    gradientsOn(backend, opNamed(op), [tensor('f32', [points.length], points)], attributes, ones)[0]!.data;

  it.each(relative)('the slope of %s %j has every digit', (op, attributes, slope) => {
    expect(worst(slopes(op, attributes), slope, abs)).toBe('');
  });

  it.each(absolute)('the slope of %s %j is right in absolute terms', (op, attributes, slope) => {
    expect(worst(slopes(op, attributes), slope, (value) => max(1, abs(value)))).toBe('');
  });
});
