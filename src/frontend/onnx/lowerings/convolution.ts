/** Convolution and transposed convolution in one to three dimensions. */
import type { Value } from '../../../ir/graph.ts';
import { conv } from '../../../ops/conv.ts';
import { convTranspose } from '../../../ops/conv-transpose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { halved, listOf, windowOf } from './window.ts';

/** Image, weights, and the bias if there is one. */
function operandsOf(c: LoweringContext): readonly Value[] {
  const bias = c.operands[2];
  return [c.operand(0), c.operand(1), ...(bias === undefined ? [] : [bias])];
}

export function lowerConv(c: LoweringContext): Value {
  const [x, w] = operandsOf(c);
  const { strides, dilations, pads } = windowOf(c, x!.type.shape.slice(2), w!.type.shape.slice(2));
  return c.emit(conv, operandsOf(c), { strides, pads, dilations, groups: c.attributes.int('group', 1) });
}

function lowerConvTranspose(c: LoweringContext): Value {
  const [x, w] = operandsOf(c);
  const spatial = x!.type.shape.slice(2);
  const rank = spatial.length;
  const kernel = w!.type.shape.slice(2);
  const strides = listOf(c, 'strides', rank, 1);
  const dilations = listOf(c, 'dilations', rank, 1);
  let output_padding = listOf(c, 'output_padding', rank, 0);
  const automatic = c.attributes.string('auto_pad', 'NOTSET');
  const wanted = c.attributes.ints('output_shape')?.slice(-rank);
  let pads = automatic === 'VALID' ? new Array<number>(2 * rank).fill(0) : listOf(c, 'pads', 2 * rank, 0);
  if (wanted !== undefined || automatic.startsWith('SAME')) {
    const target = wanted ?? spatial.map((extent, d) => extent * strides[d]!);
    const totals = target.map((extent, d) => {
      const reach = (kernel[d]! - 1) * dilations[d]! + 1;
      return (spatial[d]! - 1) * strides[d]! + output_padding[d]! + reach - extent;
    });
    // Where the operands make less than is asked for, the rest is rows that no window reaches.
    output_padding = output_padding.map((extra, d) => extra + Math.max(0, -totals[d]!));
    pads = halved(
      totals.map((total) => Math.max(0, total)),
      automatic !== 'SAME_UPPER',
    );
  }
  const groups = c.attributes.int('group', 1);
  return c.emit(convTranspose, operandsOf(c), { strides, pads, dilations, groups, output_padding });
}

export const convolutionLowerings: readonly OnnxLowering[] = [
  { onnx: 'Conv', since: 1, gradient: true, limits: '1 to 3 spatial dimensions', lower: (c) => [lowerConv(c)] },
  {
    onnx: 'ConvTranspose',
    since: 1,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: (c) => [lowerConvTranspose(c)],
  },
];
