/** Splits of kernels that walk contiguous elements: a part is a range of them. */

import * as activations from '../kernels/activation.ts';
import * as grads from '../kernels/activation-grad.ts';
import * as optimizers from '../kernels/optimizers.ts';
import * as unary from '../kernels/unary.ts';
import * as unaryGrads from '../kernels/unary-grad.ts';
import { eachRange, type Part, type Split, splitOf } from './split.ts';

/** Elements of a cache line, so that no two threads write to one. */
export const lineElements = 16;

const element = 4;

/** Parts of `count` elements; `args` are those of the elements from `bytes` on, `length` of them. */
function parted(
  parts: number,
  count: number,
  args: (bytes: number, length: number) => readonly number[],
): readonly Part[] {
  return eachRange(count, parts, lineElements, (start, length) => [args(element * start, length)]);
}

type Unary = (memory: never, x: number, y: number, count: number, ...rest: number[]) => void;
type Binary = (memory: never, a: number, b: number, out: number, count: number, ...rest: number[]) => void;

/** An optimizer with one number a parameter. */
type Update = (
  memory: never,
  w: number,
  g: number,
  rate: number,
  state: number,
  apply: number,
  out: number,
  outState: number,
  count: number,
  ...rest: number[]
) => void;

function mapping(kernel: Unary, nanoseconds: number): readonly [string, Split] {
  return splitOf(kernel, {
    cost: (_x, _y, count) => nanoseconds * count,
    cut: (parts, x, y, count, ...rest) =>
      parted(parts, count, (bytes, length) => [x + bytes, y + bytes, length, ...rest]),
  });
}

function mappingOfTwo(kernel: Binary, nanoseconds: number): readonly [string, Split] {
  return splitOf(kernel, {
    cost: (_a, _b, _out, count) => nanoseconds * count,
    cut: (parts, a, b, out, count, ...rest) =>
      parted(parts, count, (bytes, length) => [a + bytes, b + bytes, out + bytes, length, ...rest]),
  });
}

const plain: readonly Unary[] = [
  ...[unary.negate, unary.absolute, unary.square, unary.reciprocal, unary.sqrt, unary.floor, unary.ceil, unary.round],
  ...[unary.sign, unary.scale, unary.addScalar, unary.clip, activations.relu, activations.softsign],
  ...[activations.hardSwish, activations.hardSigmoid, activations.leakyRelu, activations.thresholdedRelu],
  ...[activations.shrink, unary.normRoot],
];

/** Those that compute an exponential or the like. */
const transcendental: readonly Unary[] = [
  ...[unary.exp, unary.log, unary.tanh, unary.erf, activations.sigmoid, activations.softplus, activations.mish],
  ...[activations.swish, activations.geluErf, activations.geluTanh, activations.elu, activations.celu],
  activations.selu,
];

const plainGrads: readonly Binary[] = [
  ...[unaryGrads.absoluteGrad, unaryGrads.squareGrad, unaryGrads.reciprocalGrad, unaryGrads.sqrtGrad],
  ...[unaryGrads.tanhGrad, unaryGrads.clipGrad, grads.reluGrad, grads.sigmoidGrad, grads.softsignGrad],
  ...[grads.hardSwishGrad, grads.hardSigmoidGrad, grads.leakyReluGrad, unaryGrads.normRootGrad],
  ...[grads.thresholdedReluGrad, grads.shrinkGrad],
];

const transcendentalGrads: readonly Binary[] = [
  ...[unaryGrads.erfGrad, grads.softplusGrad, grads.mishGrad, grads.swishGrad, grads.geluErfGrad],
  ...[grads.geluTanhGrad, grads.eluGrad, grads.celuGrad, grads.seluGrad],
];

/** Rates and step counts are read from the memory by the code around the module. */
const updates: readonly (readonly [string, Split])[] = [
  splitOf(optimizers.sgd, {
    readsMemory: true,
    cost: (_w, _g, _rate, _apply, _out, count) => 0.4 * count,
    cut: (parts, w, g, rate, apply, out, count, ...rest) =>
      parted(parts, count, (bytes, length) => [w + bytes, g + bytes, rate, apply, out + bytes, length, ...rest]),
  }),
  splitOf(optimizers.adam, {
    readsMemory: true,
    cost: (_w, _g, _rate, _first, _second, _steps, _apply, _out, _outFirst, _outSecond, count) => count,
    cut: (parts, w, g, rate, first, second, steps, apply, out, outFirst, outSecond, count, ...rest) =>
      parted(parts, count, (bytes, length) => [
        ...[w + bytes, g + bytes, rate, first + bytes, second + bytes, steps, apply],
        ...[out + bytes, outFirst + bytes, outSecond + bytes, length, ...rest],
      ]),
  }),
  splitOf(optimizers.sgdMomentum, {
    readsMemory: true,
    cost: (_w, _g, _rate, _velocity, _steps, _apply, _out, _outVelocity, count) => 0.6 * count,
    cut: (parts, w, g, rate, velocity, steps, apply, out, outVelocity, count, ...rest) =>
      parted(parts, count, (bytes, length) => [
        ...[w + bytes, g + bytes, rate, velocity + bytes, steps, apply, out + bytes, outVelocity + bytes, length],
        ...rest,
      ]),
  }),
  ...[optimizers.adagrad, optimizers.rmsprop, optimizers.lion].map((kernel: Update) =>
    splitOf(kernel, {
      readsMemory: true,
      cost: (_w, _g, _rate, _state, _apply, _out, _outState, count) => 0.6 * count,
      cut: (parts, w, g, rate, state, apply, out, outState, count, ...rest) =>
        parted(parts, count, (bytes, length) => [
          ...[w + bytes, g + bytes, rate, state + bytes, apply, out + bytes, outState + bytes, length],
          ...rest,
        ]),
    }),
  ),
  splitOf(optimizers.accumulate, {
    readsMemory: true,
    cost: (_sum, _g, _phase, _out, count) => 0.4 * count,
    cut: (parts, sum, g, phase, out, count, ...rest) =>
      parted(parts, count, (bytes, length) => [sum + bytes, g + bytes, phase, out + bytes, length, ...rest]),
  }),
];

export const elementSplits: readonly (readonly [string, Split])[] = [
  ...plain.map((kernel) => mapping(kernel, 0.2)),
  ...transcendental.map((kernel) => mapping(kernel, 2)),
  ...plainGrads.map((kernel) => mappingOfTwo(kernel, 0.3)),
  ...transcendentalGrads.map((kernel) => mappingOfTwo(kernel, 3)),
  ...updates,
];
