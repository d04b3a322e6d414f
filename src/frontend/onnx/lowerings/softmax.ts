/** Softmax and the losses built on it. */
import type { Value } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import { nllLoss, softmaxCrossEntropy } from '../../../ops/cross-entropy.ts';
import { logSoftmax, softmax } from '../../../ops/softmax.ts';
import { castTo, frontAxis, product, reshaped } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/**
 * From opset 13 on over one axis, the last by default. Before, the operand is seen as a matrix, cut at `axis` (1 by
 * default), and every row is normalized.
 */
function normalizedRows(c: LoweringContext, op: Op<{ axis: number }>): Value {
  const x = c.operand(0);
  const { shape } = x.type;
  const rank = shape.length;
  const axis = frontAxis(c, c.attributes.int('axis', c.opset < 13 ? 1 : -1), rank, c.opset < 13 ? 1 : 0);
  if (c.opset >= 13 || axis === rank - 1) return c.emit(op, [x], { axis });
  const matrix = reshaped(c, x, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
  return reshaped(c, c.emit(op, [matrix], { axis: 1 }), shape);
}

type LossReduction = 'mean' | 'sum' | 'none';

type LossAttributes = {
  readonly has_ignore: boolean;
  readonly ignore_index: number;
  readonly reduction: LossReduction;
};

function lossAttributes(c: LoweringContext): LossAttributes {
  const reduction = c.attributes.string('reduction', 'mean');
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none')
    return c.fail(`unknown reduction ${JSON.stringify(reduction)}`, 'the reductions are mean, sum and none');
  const ignore_index = c.attributes.int('ignore_index');
  return { has_ignore: ignore_index !== undefined, ignore_index: ignore_index ?? 0, reduction };
}

/** Scores, labels (i32 or i64), and the weights of the classes where they are given. */
function lossOperands(c: LoweringContext): readonly Value[] {
  const labels = c.operand(1);
  const weights = c.operands[2];
  const integers = labels.type.dtype === 'i32' ? labels : castTo(c, labels, 'i64');
  return [c.operand(0), integers, ...(weights === undefined ? [] : [weights])];
}

function lowerCrossEntropy(c: LoweringContext): readonly Value[] {
  const attributes = lossAttributes(c);
  if (!c.usesOutput(1)) return [c.emit(softmaxCrossEntropy, lossOperands(c), { ...attributes, with_log_prob: false })];
  return c.emitAll(softmaxCrossEntropy, lossOperands(c), { ...attributes, with_log_prob: true });
}

export const softmaxLowerings: readonly OnnxLowering[] = [
  { onnx: 'Softmax', since: 1, gradient: true, lower: (c) => [normalizedRows(c, softmax)] },
  { onnx: 'LogSoftmax', since: 1, gradient: true, lower: (c) => [normalizedRows(c, logSoftmax)] },
  { onnx: 'SoftmaxCrossEntropyLoss', since: 12, gradient: true, lower: lowerCrossEntropy },
  {
    onnx: 'NegativeLogLikelihoodLoss',
    since: 12,
    gradient: true,
    lower: (c) => [c.emit(nllLoss, lossOperands(c), lossAttributes(c))],
  },
];
