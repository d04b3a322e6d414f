/**
 * Values and gradients at points where a function or its derivative has none, or more than one: as PyTorch 1.13 has them,
 * by which they were made, each gradient of the sum of the values. Where ours differ, the last entry says from what.
 */
import type { Attributes } from '../../src/ir/graph.ts';

const inf = Infinity;
const nan = Number.NaN;

type Numbers = readonly number[];

/** Op, attributes, operands, value, gradients by operand, and what PyTorch gives where it is something else. */
export type SingularPoints = readonly [
  op: string,
  attributes: Attributes,
  operands: readonly Numbers[],
  value: Numbers,
  gradients: readonly Numbers[],
  pytorch?: string,
];

/** Element by element. */
export const elementPoints: readonly SingularPoints[] = [
  ['absolute', {}, [[0, -inf, inf]], [0, inf, inf], [[0, -1, 1]]],
  ['sign', {}, [[0, -3, inf]], [0, -1, 1], [[0, 0, 0]]],
  ['square', {}, [[0, -inf]], [0, inf], [[0, -inf]]],
  ['sqrt', {}, [[0, -1, inf]], [0, nan, inf], [[inf, nan, 0]]],
  ['reciprocal', {}, [[0, -0, inf]], [inf, -inf, 0], [[-inf, -inf, 0]]],
  ['exp', {}, [[-inf, inf, 0]], [0, inf, 1], [[0, inf, 1]]],
  ['log', {}, [[0, -1, inf]], [-inf, nan, inf], [[inf, -1, 0]]],
  ['tan', {}, [[0, inf]], [0, nan], [[1, nan]]],
  ['asin', {}, [[1, -1, 2]], [1.5707964, -1.5707964, nan], [[inf, inf, nan]]],
  ['acos', {}, [[1, -1, 2]], [0, Math.PI, nan], [[-inf, -inf, nan]]],
  ['atan', {}, [[inf, -inf, 0]], [1.5707964, -1.5707964, 0], [[0, 0, 1]]],
  ['asinh', {}, [[inf, -inf, 0]], [inf, -inf, 0], [[0, 0, 1]]],
  ['acosh', {}, [[1, 0.5, inf]], [0, nan, inf], [[inf, nan, 0]]],
  ['atanh', {}, [[1, -1, 2]], [inf, -inf, nan], [[inf, inf, -0.33333334]]],
  ['sinh', {}, [[inf, -inf, 0]], [inf, -inf, 0], [[inf, inf, 1]]],
  ['cosh', {}, [[inf, -inf, 0]], [inf, inf, 1], [[inf, -inf, 0]]],
  ['sin', {}, [[inf, 0]], [nan, 0], [[nan, 1]]],
  ['cos', {}, [[inf, 0]], [nan, 1], [[nan, 0]]],
  ['tanh', {}, [[inf, -inf, 0]], [1, -1, 0], [[0, 0, 1]]],
  ['erf', {}, [[inf, -inf, 0]], [1, -1, 0], [[0, 0, 1.1283792]]],
  ['floor', {}, [[1, -0.5, inf]], [1, -1, inf], [[0, 0, 0]]],
  ['round', {}, [[0.5, 1.5, -2.5]], [0, 2, -2], [[0, 0, 0]]],
  ['relu', {}, [[0, inf, -inf]], [0, inf, 0], [[0, 1, 0]]],
  ['sigmoid', {}, [[inf, -inf, 0]], [1, 0, 0.5], [[0, 0, 0.25]]],
  ['softplus', {}, [[inf, -inf, 0]], [inf, 0, Math.LN2], [[1, 0, 0.5]]],
  ['softsign', {}, [[0, inf, -inf]], [0, nan, nan], [[1, nan, nan]]],
  ['mish', {}, [[0, inf, -inf]], [0, inf, nan], [[0.6, nan, nan]]],
  [
    'hard_swish',
    {},
    [[0, 3, -3, inf, -inf]],
    [0, 3, 0, inf, nan],
    [[0.5, 1, 0, 1, 0]],
    'from 2.7 on, and as the formula has it; before, -0.5 at -3 and 1.5 at 3',
  ],
  ['hard_sigmoid', { alpha: 0.16666666666666666, beta: 0.5 }, [[3, -3, inf, -inf]], [1, 0, 1, 0], [[0, 0, 0, 0]]],
  ['leaky_relu', { alpha: 0.1 }, [[0, inf, -inf]], [0, inf, -inf], [[0.1, 1, 0.1]]],
  ['elu', { alpha: 1 }, [[0, inf, -inf]], [0, inf, -1], [[1, 1, 0]]],
  ['elu', { alpha: 0.5 }, [[0, -1, -inf]], [0, -0.31606027, -0.5], [[0.5, 0.18393973, 0]]],
  ['celu', { alpha: 2 }, [[0, inf, -inf]], [0, inf, -2], [[1, 1, 0]]],
  ['celu', { alpha: -2 }, [[0, -1, -3]], [0, -1.2974424, -6.963378], [[1, 1.6487212, 4.481689]]],
  [
    'selu',
    { alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
    [[0, inf, -inf]],
    [0, inf, -1.7580993],
    [[1.7580993, 1.050701, 0]],
  ],
  ['thresholded_relu', { alpha: 1 }, [[1, inf, -inf]], [0, inf, 0], [[0, 1, 0]]],
  ['shrink', { bias: 0.5, lambda: 0.5 }, [[0.5, -0.5, 0, inf]], [0, 0, 0, inf], [[0, 0, 0, 1]]],
  ['swish', { alpha: 1 }, [[0, inf, -inf]], [0, inf, nan], [[0.5, nan, nan]]],
  ['gelu', { approximate: 'none' }, [[0, inf, -inf]], [0, inf, nan], [[0.5, nan, nan]]],
  ['clip', { min: 0, max: 6 }, [[0, 6, inf, -inf]], [0, 6, 6, 0], [[0, 0, 0, 0]]],
  ['scale', { factor: 0 }, [[1, 0]], [0, 0], [[0, 0]]],
  [
    'power',
    {},
    [
      [0, 0, 0, 0, 0, -2, -2, 1],
      [0, 0.5, 1, 2, -1, 3, 0.5, inf],
    ],
    [1, 0, 0, 0, inf, -8, nan, nan],
    [
      [0, inf, 1, 0, -inf, 12, nan, nan],
      [0, 0, 0, 0, -inf, nan, nan, nan],
    ],
    "1 at (1, infinity), with gradients infinity and 0; ours is JavaScript's and IEEE 754-1985's",
  ],
  [
    'divide',
    {},
    [
      [0, 1, 1, 0],
      [0, 0, inf, inf],
    ],
    [nan, inf, 0, 0],
    [
      [inf, inf, 0, 0],
      [nan, -inf, 0, 0],
    ],
  ],
  [
    'multiply',
    {},
    [
      [0, 0],
      [inf, 0],
    ],
    [nan, 0],
    [
      [inf, 0],
      [0, 0],
    ],
  ],
  [
    'minimum',
    {},
    [
      [1, -0, inf],
      [1, 0, inf],
    ],
    [1, 0, inf],
    [
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ],
  ],
  [
    'maximum',
    {},
    [
      [1, -0, inf],
      [1, 0, inf],
    ],
    [1, 0, inf],
    [
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ],
  ],
  [
    'modulo',
    { fmod: true },
    [
      [0, 4],
      [2, 2],
    ],
    [0, 0],
    [
      [1, 1],
      [0, -2],
    ],
  ],
  [
    'prelu',
    {},
    [
      [0, inf, -1],
      [0.25, 0.25, 0.25],
    ],
    [0, inf, -0.25],
    [
      [0.25, 1, 0.25],
      [0, 0, -1],
    ],
    'NaN for the slope at infinity, where written by where',
  ],
  ['norm_root', { p: 2 }, [[0, 4]], [0, 2], [[0, 0.25]], 'as of a norm of zeros; infinity at 0 as a root'],
  ['norm_root', { p: 3 }, [[0, 8]], [0, 2], [[0, 1 / 12]], 'as of a norm of zeros; infinity at 0 as a root'],
];

/** Of the rows of a matrix: the operands are its rows, the gradient has its elements. */
export const rowPoints: readonly SingularPoints[] = [
  [
    'reduce_prod',
    { axes: [1], keep_dims: false },
    [
      [0, 2, 3],
      [0, 0, 3],
      [1, 2, 0],
    ],
    [0, 0, 0],
    [[6, 0, 0, 0, 0, 0, 0, 0, 2]],
  ],
  [
    'reduce_max',
    { axes: [1], keep_dims: false },
    [
      [2, 2, 1],
      [0, 0, 0],
      [-inf, -inf, -inf],
    ],
    [2, 0, -inf],
    [[0.5, 0.5, 0, 0.33333334, 0.33333334, 0.33333334, 0.33333334, 0.33333334, 0.33333334]],
  ],
  [
    'reduce_min',
    { axes: [1], keep_dims: false },
    [
      [2, 2, 1],
      [0, 0, 0],
      [inf, inf, inf],
    ],
    [1, 0, inf],
    [[0, 0, 1, 0.33333334, 0.33333334, 0.33333334, 0.33333334, 0.33333334, 0.33333334]],
  ],
  [
    'softmax',
    { axis: 1 },
    [
      [-inf, -inf],
      [inf, 0],
      [-inf, 0],
    ],
    [nan, nan, nan, nan, 0, 1],
    [[nan, nan, nan, nan, 0, 0]],
  ],
  [
    'log_softmax',
    { axis: 1 },
    [
      [-inf, -inf],
      [inf, 0],
      [-inf, 0],
    ],
    [nan, nan, nan, nan, -inf, 0],
    [[nan, nan, nan, nan, 1, -1]],
  ],
  [
    'masked_softmax',
    { axis: 1 },
    [
      [-inf, -inf],
      [-inf, 0],
    ],
    [0, 0, 0, 1],
    [[0, 0, 0, 0]],
    'zeros too: what its attention gives for a query that sees nothing',
  ],
];

/** ONNX operator, its attributes, rows [2 or 3, 1, 2] of a tensor, value and gradient. */
export type OnnxPoints = readonly [
  onnx: string,
  attributes: Readonly<Record<string, number | readonly number[]>>,
  rows: readonly Numbers[],
  value: Numbers,
  gradient: Numbers,
  pytorch?: string,
];

const zeroAnd34 = [
  [0, 0],
  [3, 4],
];
const infinite = [
  [-inf, -inf],
  [inf, 0],
  [-inf, 0],
];
const axes = [2];
const keepdims = 0;

export const onnxPoints: readonly OnnxPoints[] = [
  ['ReduceL1', { axes, keepdims }, zeroAnd34, [0, 7], [0, 0, 1, 1]],
  ['ReduceL2', { axes, keepdims }, zeroAnd34, [0, 5], [0, 0, 0.6, 0.8]],
  ['ReduceSumSquare', { axes, keepdims }, zeroAnd34, [0, 25], [0, 0, 6, 8]],
  ['ReduceLogSum', { axes, keepdims }, zeroAnd34, [-inf, 1.94591], [inf, inf, 1 / 7, 1 / 7]],
  [
    'ReduceLogSumExp',
    { axes, keepdims },
    infinite,
    [-inf, inf, 0],
    [0, 0, 0, 0, 0, 1],
    'NaN where the row is infinite',
  ],
  [
    'ReduceMax',
    { axes, keepdims },
    [
      [1, 1],
      [3, 4],
    ],
    [1, 4],
    [0.5, 0.5, 0, 1],
  ],
  [
    'ReduceProd',
    { axes, keepdims },
    [
      [0, 0],
      [0, 4],
    ],
    [0, 0],
    [0, 0, 4, 0],
  ],
  [
    'LpNormalization',
    { axis: 2, p: 1 },
    [
      [0, 0],
      [3, 1],
    ],
    [0, 0, 0.75, 0.25],
    [0, 0, 0, 0],
    'g / 1e-12 at 0',
  ],
  ['LpNormalization', { axis: 2, p: 2 }, zeroAnd34, [0, 0, 0.6, 0.8], [0, 0, 0.032, -0.024], 'g / 1e-12 at 0'],
  ['GlobalLpPool', { p: 1 }, zeroAnd34, [0, 7], [0, 0, 1, 1]],
  ['GlobalLpPool', { p: 2 }, zeroAnd34, [0, 5], [0, 0, 0.6, 0.8]],
  ['GlobalLpPool', { p: 3 }, zeroAnd34, [0, 4.497941], [0, 0, 0.4448513, 0.7908468]],
  ['LpPool', { p: 2, kernel_shape: [2] }, zeroAnd34, [0, 5], [0, 0, 0.6, 0.8]],
  [
    'MaxPool',
    { kernel_shape: [2] },
    [
      [1, 1],
      [3, 4],
    ],
    [1, 4],
    [1, 0, 0, 1],
  ],
  [
    'MeanVarianceNormalization',
    { axes },
    [
      [0, 0],
      [2, 2],
    ],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ],
  ['Softmax', { axis: 2 }, infinite, [nan, nan, nan, nan, 0, 1], [nan, nan, nan, nan, 0, 0]],
  ['LogSoftmax', { axis: 2 }, infinite, [nan, nan, nan, nan, -inf, 0], [nan, nan, nan, nan, 1, -1]],
];
