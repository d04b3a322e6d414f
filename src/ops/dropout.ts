/** dropout and its mask. The mask is a function of (seed, step, site, element): nothing is kept for the backward pass. */
import { dropout as dropoutKernel } from '../../runtime/kernels/dropout.ts';
import { dropoutMask as dropoutMaskKernel } from '../../runtime/kernels/random.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { bool, f32, i32 } from './types.ts';

type DropoutAttributes = { ratio: number; site: number };

const specs: { readonly [K in keyof DropoutAttributes]-?: AttributeSpec } = {
  ratio: { kind: 'float', doc: 'share of the elements dropped' },
  site: { kind: 'int', doc: 'number of the dropout within its graph; the gradient has that of its forward node' },
};

/** Nominal integer operations of one random number. */
export const drawFlops = 12;

/** Throws `ShapeError` for what is no seed and step. */
export function checkRng(rng: TensorType | undefined): void {
  if (rng === undefined || rng.dtype !== 'i32' || !sameShape(rng.shape, [2]))
    throw new ShapeError(`rng must be i32[2] (seed and step)${rng === undefined ? '' : `, not ${formatType(rng)}`}`);
}

function checkDraw(rng: TensorType | undefined, ratio: number): void {
  checkRng(rng);
  if (!(ratio >= 0 && ratio <= 1)) throw new ShapeError(`ratio ${ratio} is not between 0 and 1`);
}

export const dropout: Op<DropoutAttributes> = {
  name: 'dropout',
  doc: 'Drops elements at random and scales the others by 1 / (1 - ratio); operand 1 is the seed and the step.',
  attributes: specs,
  effect: 'random',
  inPlace: [[0]],
  infer: ([x, rng], { ratio }) => {
    if (x === undefined || x.dtype !== 'f32') throw new ShapeError('takes a float tensor and rng');
    checkDraw(rng, ratio);
    return [x];
  },
  flops: ({ operands }) => drawFlops * elementCount(operands[0]!.type.shape),
  gradientReads: { operands: [1] },
  gradient: (g) => [g.emit(dropout, [g.cotangents[0]!, g.operands[1]!], g.attributes), undefined],
  lower: ({ operands, attributes }, at) => [
    call(
      dropoutKernel,
      at.operand(0),
      at.operand(1),
      at.result(0),
      elementCount(operands[0]!.type.shape),
      attributes.site,
      attributes.ratio,
    ),
  ],
  examples: [{ operands: [f32(4, 5), i32(2)], attributes: { ratio: 0.25, site: 3 }, ranges: { 1: [0, 100] } }],
};

export const dropoutMask: Op<DropoutAttributes & { shape: readonly number[] }> = {
  name: 'dropout_mask',
  doc: 'Which elements dropout of the same rng, site and ratio keeps.',
  attributes: { ...specs, shape: { kind: 'ints', doc: 'shape of the mask' } },
  effect: 'random',
  infer: ([rng], { ratio, shape }) => {
    checkDraw(rng, ratio);
    return [bool(...shape)];
  },
  flops: ({ attributes }) => drawFlops * elementCount(attributes.shape),
  lower: ({ attributes }, at) => [
    call(
      dropoutMaskKernel,
      at.operand(0),
      at.result(0),
      elementCount(attributes.shape),
      attributes.site,
      attributes.ratio,
    ),
  ],
  examples: [{ operands: [i32(2)], attributes: { ratio: 0.5, site: 1, shape: [3, 4] }, ranges: { 0: [0, 100] } }],
};
