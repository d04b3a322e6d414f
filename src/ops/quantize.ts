/**
 * round_to_range: what quantizing does to a number divided by its scale. Its gradient is that of the straight-through
 * estimator (Bengio et al. 2013): rounding passes it on as if it were not there, saturation stops it.
 */
import {
  roundToRangeGrad as roundToRangeGradKernel,
  roundToRange as roundToRangeKernel,
} from '../../runtime/kernels/quantize.ts';
import type { Op } from '../ir/op.ts';
import { unaryGradOp, unaryOp } from './unary-op.ts';

type Range = { min: number; max: number };

const range = {
  min: { kind: 'float', doc: 'least integer' },
  max: { kind: 'float', doc: 'largest integer' },
} as const;

const roundToRangeGrad: Op<Range> = unaryGradOp({
  name: 'round_to_range_grad',
  doc: 'dy where x rounds to an integer of the range, else 0.',
  attributes: range,
  kernel: roundToRangeGradKernel,
  flops: 3,
  cases: [{ min: -1, max: 1 }],
});

export const roundToRange: Op<Range> = {
  ...unaryOp<Range>({
    name: 'round_to_range',
    doc: 'Nearest integer, halves to the even one, cut to [min, max]; its gradient passes straight through the rounding.',
    attributes: range,
    kernel: roundToRangeKernel,
    flops: 3,
    gradientReads: { operands: [0] },
    gradient: (g) => g.emit(roundToRangeGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
    cases: [{ min: -1, max: 1 }],
  }),
  straightThrough: true,
};

export const quantizeOps: readonly Op[] = [roundToRange, roundToRangeGrad];
