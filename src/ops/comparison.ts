/** Comparisons with broadcasting: bool results, no gradient. */
import * as kernels from '../../runtime/kernels/comparison.ts';
import type { NoAttributes, Op } from '../ir/op.ts';
import { elementwiseFlops, inferBinary, lowerTypedBinary, type TypedBinaryKernel } from './binary-op.ts';
import { bool, f32, i64 } from './types.ts';

function comparison(name: string, doc: string, kernel: TypedBinaryKernel): Op<NoAttributes> {
  const whole = { 0: [-2, 2], 1: [-2, 2] } as const;
  return {
    name,
    doc,
    attributes: {},
    effect: 'pure',
    infer: (operands) => [{ dtype: 'bool', shape: inferBinary(operands)[0]!.shape }],
    flops: elementwiseFlops,
    lower: (application, at) => lowerTypedBinary(kernel, application, at),
    examples: [
      { operands: [f32(2, 3), f32(3)], attributes: {} },
      { operands: [f32(), f32()], attributes: {} },
      { operands: [f32(0, 3), f32(3)], attributes: {} },
      { operands: [i64(3, 1), i64(4)], attributes: {}, ranges: whole },
      { operands: [bool(5), bool(5)], attributes: {} },
    ],
  };
}

export const equal: Op<NoAttributes> = comparison('equal', 'Whether a = b.', kernels.equal);
export const less: Op<NoAttributes> = comparison('less', 'Whether a < b.', kernels.less);
export const lessEqual: Op<NoAttributes> = comparison('less_equal', 'Whether a <= b.', kernels.lessEqual);
export const greater: Op<NoAttributes> = comparison('greater', 'Whether a > b.', kernels.greater);
export const greaterEqual: Op<NoAttributes> = comparison('greater_equal', 'Whether a >= b.', kernels.greaterEqual);

export const comparisonOps: readonly Op[] = [equal, less, lessEqual, greater, greaterEqual];
