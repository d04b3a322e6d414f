/**
 * Products and quotients of a gradient: as `multiply` and `divide`, but 0 where the gradient is 0, also where the other
 * operand is infinite or NaN. What nobody reads has no gradient.
 */
import * as kernels from '../../runtime/kernels/multiply-grad.ts';
import type { NoAttributes, Op } from '../ir/op.ts';
import { binaryOp } from './binary-op.ts';

export const multiplyGrad: Op<NoAttributes> = binaryOp({
  name: 'multiply_grad',
  doc: 'dy * b, broadcast; 0 where dy is 0, whatever b is.',
  attributes: {},
  kernel: () => kernels.multiplyGrad,
  cases: [{}],
});

export const divideGrad: Op<NoAttributes> = binaryOp({
  name: 'divide_grad',
  doc: 'dy / b, broadcast; 0 where dy is 0, whatever b is.',
  attributes: {},
  kernel: () => kernels.divideGrad,
  cases: [{}],
  ranges: { 1: [0.5, 2] },
});
