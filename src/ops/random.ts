/**
 * Random tensors: a function of (seed, step, site, element) like dropout's mask, so that a clone draws what its original
 * drew. No gradient flows into what they are drawn by; mean and scale that are trained are applied outside.
 */
import {
  bernoulli as bernoulliKernel,
  randomNormal as randomNormalKernel,
  randomUniform as randomUniformKernel,
} from '../../runtime/kernels/random.ts';
import { call } from '../../runtime/program.ts';
import { elementCount } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { checkRng, drawFlops } from './dropout.ts';
import { f32, i32 } from './types.ts';

type Draw = {
  site: number;
  /** One number, which takes the place of the seed of the run; or none. */
  seed: readonly number[];
};
type Shaped = Draw & { shape: readonly number[] };

const draw: { readonly [K in keyof Draw]-?: AttributeSpec } = {
  site: { kind: 'int', doc: 'number of the draw within its graph' },
  seed: { kind: 'ints', doc: 'a seed of its own in place of that of the run, or none' },
};

function checkSeed(seed: readonly number[]): void {
  if (seed.length > 1) throw new ShapeError(`${seed.length} seeds are given, not one or none`);
}

const numbersOf = ({ site, seed }: Draw): readonly [number, number, number] => [site, seed.length, seed[0] ?? 0];

const normalFlops = 30;

export const randomUniform: Op<Shaped & { low: number; high: number }> = {
  name: 'random_uniform',
  doc: 'Uniform in [low, high); operand 0 is the seed and the step.',
  attributes: {
    shape: { kind: 'ints', doc: 'shape of the result' },
    low: { kind: 'float', doc: 'least value' },
    high: { kind: 'float', doc: 'bound, not reached' },
    ...draw,
  },
  effect: 'random',
  infer: ([rng], { shape, seed }) => {
    checkRng(rng);
    checkSeed(seed);
    return [f32(...shape)];
  },
  flops: ({ attributes }) => drawFlops * elementCount(attributes.shape),
  lower: ({ attributes }, at) => {
    const { shape, low, high } = attributes;
    const numbers = numbersOf(attributes);
    return [call(randomUniformKernel, at.operand(0), at.result(0), elementCount(shape), ...numbers, low, high)];
  },
  examples: [
    { operands: [i32(2)], attributes: { shape: [3, 4], low: -1, high: 2, site: 1, seed: [] }, ranges: { 0: [0, 100] } },
    { operands: [i32(2)], attributes: { shape: [5], low: 0, high: 1, site: 2, seed: [7] }, ranges: { 0: [0, 100] } },
  ],
};

export const randomNormal: Op<Shaped & { mean: number; scale: number }> = {
  name: 'random_normal',
  doc: 'Normal with the given mean and standard deviation; operand 0 is the seed and the step.',
  attributes: {
    shape: { kind: 'ints', doc: 'shape of the result' },
    mean: { kind: 'float', doc: 'mean' },
    scale: { kind: 'float', doc: 'standard deviation' },
    ...draw,
  },
  effect: 'random',
  infer: ([rng], { shape, seed }) => {
    checkRng(rng);
    checkSeed(seed);
    return [f32(...shape)];
  },
  flops: ({ attributes }) => (drawFlops + normalFlops) * elementCount(attributes.shape),
  lower: ({ attributes }, at) => {
    const { shape, mean, scale } = attributes;
    const numbers = numbersOf(attributes);
    return [call(randomNormalKernel, at.operand(0), at.result(0), elementCount(shape), ...numbers, mean, scale)];
  },
  examples: [
    {
      operands: [i32(2)],
      attributes: { shape: [3, 4], mean: 1, scale: 2, site: 1, seed: [] },
      ranges: { 0: [0, 100] },
    },
    { operands: [i32(2)], attributes: { shape: [], mean: 0, scale: 1, site: 2, seed: [-3] }, ranges: { 0: [0, 100] } },
  ],
};

export const bernoulli: Op<Draw> = {
  name: 'bernoulli',
  doc: '1 with the probability that the element of operand 0 says, else 0; operand 1 is the seed and the step.',
  attributes: draw,
  effect: 'random',
  inPlace: [[0]],
  infer: ([p, rng], { seed }) => {
    if (p === undefined || p.dtype !== 'f32') throw new ShapeError('takes a float tensor and rng');
    checkRng(rng);
    checkSeed(seed);
    return [p];
  },
  flops: ({ operands }) => drawFlops * elementCount(operands[0]!.type.shape),
  lower: ({ operands, attributes }, at) => {
    const count = elementCount(operands[0]!.type.shape);
    return [call(bernoulliKernel, at.operand(0), at.operand(1), at.result(0), count, ...numbersOf(attributes))];
  },
  examples: [
    { operands: [f32(4, 5), i32(2)], attributes: { site: 3, seed: [] }, range: [0, 1], ranges: { 1: [0, 100] } },
  ],
};

export const randomOps: readonly Op[] = [randomUniform, randomNormal, bernoulli];
