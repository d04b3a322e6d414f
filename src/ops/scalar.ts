/** Elementwise arithmetic with numbers known at compile time. */
import { addScalar as addScalarKernel, clip as clipKernel, scale as scaleKernel } from '../../runtime/kernels/unary.ts';
import { clipGrad as clipGradKernel } from '../../runtime/kernels/unary-grad.ts';
import type { Op } from '../ir/op.ts';
import { unaryGradOp, unaryOp } from './unary-op.ts';

export const scale: Op<{ factor: number }> = unaryOp({
  name: 'scale',
  doc: 'x * factor.',
  attributes: { factor: { kind: 'float', doc: 'the number to multiply by' } },
  kernel: scaleKernel,
  flops: 1,
  gradient: (g) => g.emit(scale, [g.cotangents[0]!], { factor: g.attributes.factor }),
  cases: [{ factor: 0.3 }, { factor: -2 }],
});

export const addScalar: Op<{ value: number }> = unaryOp({
  name: 'add_scalar',
  doc: 'x + value.',
  attributes: { value: { kind: 'float', doc: 'the number to add' } },
  kernel: addScalarKernel,
  flops: 1,
  gradient: (g) => g.cotangents[0]!,
  cases: [{ value: 1.5 }],
});

type Bounds = { min: number; max: number };

const bounds = {
  min: { kind: 'float', doc: 'lower bound; may be -Infinity' },
  max: { kind: 'float', doc: 'upper bound, which wins over the lower; may be Infinity' },
} as const;

const clipGrad: Op<Bounds> = unaryGradOp({
  name: 'clip_grad',
  doc: 'dy where y = clip(x) lies strictly between the bounds, else 0.',
  attributes: bounds,
  kernel: clipGradKernel,
  flops: 1,
  cases: [{ min: -1, max: 0.5 }],
});

export const clip: Op<Bounds> = unaryOp({
  name: 'clip',
  doc: 'min(max(x, min), max).',
  attributes: bounds,
  kernel: clipKernel,
  flops: 1,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(clipGrad, [g.cotangents[0]!, g.results[0]!], g.attributes),
  cases: [
    { min: -1, max: 0.5 },
    { min: 0, max: Number.POSITIVE_INFINITY },
    { min: Number.NEGATIVE_INFINITY, max: 1 },
  ],
});

export const scalarOps: readonly Op[] = [scale, addScalar, clip, clipGrad];
