/**
 * softmax_cross_entropy and nll_loss. The gradient of the first recomputes the softmax from the logits, so that between
 * forward and backward nothing is kept but what was there before.
 */
import {
  crossEntropyGrad as crossEntropyGradKernel,
  crossEntropyGradWeights as crossEntropyGradWeightsKernel,
  crossEntropy as crossEntropyKernel,
  logLikelihoodGrad as logLikelihoodGradKernel,
} from '../../runtime/kernels/cross-entropy.ts';
import { typeCode } from '../../runtime/kernels/elements.ts';
import { logSoftmax as logSoftmaxKernel } from '../../runtime/kernels/softmax.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import {
  type Application,
  type AttributeSpec,
  type GradientContext,
  type Op,
  type OpExample,
  ShapeError,
} from '../ir/op.ts';
import { logSoftmax, logSoftmaxGrad } from './softmax.ts';
import { addDefined } from './statistics.ts';
import { f32, i32, i64 } from './types.ts';

export type LossAttributes = {
  reduction: string;
  has_ignore: boolean;
  ignore_index: number;
};

type Specs<A> = { readonly [K in keyof A]-?: AttributeSpec };

const lossSpecs: Specs<LossAttributes> = {
  reduction: { kind: 'string', doc: "'mean' (weighted by the labels' class weights), 'sum' or 'none'" },
  has_ignore: { kind: 'bool', doc: 'labels equal to ignore_index count for nothing' },
  ignore_index: { kind: 'int', doc: 'the label ignored' },
};

const reductions = ['none', 'sum', 'mean'];

/** Checks scores [N, C, d...], labels [N, d...] and weights [C]; returns the type of the loss. */
function inferLoss(
  scores: TensorType | undefined,
  labels: TensorType | undefined,
  weights: TensorType | undefined,
  attributes: LossAttributes,
): TensorType {
  if (scores === undefined || labels === undefined) throw new ShapeError('takes scores and labels');
  if (!reductions.includes(attributes.reduction))
    throw new ShapeError(`unknown reduction ${JSON.stringify(attributes.reduction)}`, "take 'mean', 'sum' or 'none'");
  if (scores.dtype !== 'f32' || scores.shape.length < 2)
    throw new ShapeError(`scores ${formatType(scores)} must be f32[N,C,...]`);
  const wanted = scores.shape.filter((_, d) => d !== 1);
  if ((labels.dtype !== 'i32' && labels.dtype !== 'i64') || !sameShape(labels.shape, wanted))
    throw new ShapeError(
      `labels ${formatType(labels)} must be i64[${wanted.join(',')}] for scores ${formatType(scores)}`,
    );
  if (weights !== undefined && (weights.dtype !== 'f32' || !sameShape(weights.shape, [scores.shape[1]!])))
    throw new ShapeError(`weights ${formatType(weights)} must be f32[${scores.shape[1]}]`);
  return f32(...(attributes.reduction === 'none' ? wanted : []));
}

/** The kernels' numbers: batch, classes, inner, reduction, hasIgnore, ignoreIndex. */
function numbers(
  scores: readonly number[],
  attributes: LossAttributes,
): readonly [number, number, number, number, number, number] {
  return [
    scores[0]!,
    scores[1]!,
    elementCount(scores.slice(2)),
    reductions.indexOf(attributes.reduction),
    attributes.has_ignore ? 1 : 0,
    attributes.ignore_index,
  ];
}

const lossOf = ({ reduction, has_ignore, ignore_index }: LossAttributes): LossAttributes => ({
  reduction,
  has_ignore,
  ignore_index,
});

/** Gradient in the class weights, where it is wanted. */
function weightGradient(g: GradientContext<LossAttributes>, normalized: boolean): Value | undefined {
  const dloss = g.cotangents[0];
  const weights = g.operands[2];
  if (dloss === undefined || weights === undefined || !g.wants(2)) return undefined;
  return g.emit(crossEntropyGradWeights, [dloss, g.operands[0]!, g.operands[1]!, weights], {
    ...lossOf(g.attributes),
    normalized,
  });
}

const plain = { has_ignore: false, ignore_index: 0 };
const ignoring = { has_ignore: true, ignore_index: 1 };

function lossExamples<A extends LossAttributes>(complete: (attributes: LossAttributes) => A): OpExample<A>[] {
  return [
    { operands: [f32(4, 3), i64(4)], attributes: complete({ reduction: 'mean', ...plain }), ranges: { 1: [0, 2] } },
    {
      operands: [f32(2, 3, 4), i32(2, 4), f32(3)],
      attributes: complete({ reduction: 'mean', ...ignoring }),
      ranges: { 1: [0, 2], 2: [0.5, 2] },
    },
    {
      operands: [f32(2, 3, 2, 2), i64(2, 2, 2), f32(3)],
      attributes: complete({ reduction: 'none', ...plain }),
      ranges: { 1: [0, 2], 2: [0.5, 2] },
    },
    {
      operands: [f32(5, 4), i64(5)],
      attributes: complete({ reduction: 'sum', ...ignoring }),
      ranges: { 1: [0, 3] },
    },
  ];
}

/** Labels are below the number of classes. */
function classCount({ operands }: Application, operand: number): number | undefined {
  return operand === 1 ? operands[0]!.type.shape[1] : undefined;
}

export const softmaxCrossEntropy: Op<LossAttributes & { with_log_prob: boolean }> = {
  name: 'softmax_cross_entropy',
  doc: 'Cross entropy of logits [N, C, d...] and labels [N, d...], classes weighted by an optional third operand [C].',
  attributes: {
    ...lossSpecs,
    with_log_prob: { kind: 'bool', doc: 'return the logarithms of the probabilities too' },
  },
  effect: 'pure',
  infer: (operands, attributes) => {
    const loss = inferLoss(operands[0], operands[1], operands[2], attributes);
    return attributes.with_log_prob ? [loss, operands[0]!] : [loss];
  },
  flops: ({ operands, attributes }) => (attributes.with_log_prob ? 24 : 12) * elementCount(operands[0]!.type.shape),
  indexBound: classCount,
  gradientReads: { operands: [0, 1, 2] },
  gradient: (g) => {
    const [dloss, dLogProb] = g.cotangents;
    const [logits, labels, weights] = g.operands;
    const read = weights === undefined ? [labels!] : [labels!, weights];
    const dLogits = dloss && g.emit(softmaxCrossEntropyGrad, [dloss, logits!, ...read], lossOf(g.attributes));
    // Computed again, so that the result is not kept for the gradient where only the loss has one.
    const through =
      dLogProb && g.emit(logSoftmaxGrad, [dLogProb, g.emit(logSoftmax, [logits!], { axis: 1 })], { axis: 1 });
    return [g.wants(0) ? addDefined(g, dLogits, through) : undefined, undefined, weightGradient(g, false)];
  },
  lower: ({ operands: [logits, labels, weights], attributes }, at) => {
    const { shape } = logits!.type;
    const loss = call(
      crossEntropyKernel,
      at.operand(0),
      at.operand(1),
      typeCode(labels!.type.dtype),
      weights === undefined ? -1 : at.operand(2),
      at.result(0),
      ...numbers(shape, attributes),
      0,
    );
    if (!attributes.with_log_prob) return [loss];
    const inner = elementCount(shape.slice(2));
    return [loss, call(logSoftmaxKernel, at.operand(0), at.result(1), shape[0]!, shape[1]!, inner)];
  },
  examples: [
    ...lossExamples((attributes) => ({ ...attributes, with_log_prob: false })),
    {
      operands: [f32(3, 4), i64(3)],
      attributes: { reduction: 'mean', ...plain, with_log_prob: true },
      ranges: { 1: [0, 3] },
    },
  ],
};

export const softmaxCrossEntropyGrad: Op<LossAttributes> = {
  name: 'softmax_cross_entropy_grad',
  doc: 'Gradient of softmax_cross_entropy in its logits; recomputes the softmax.',
  attributes: lossSpecs,
  effect: 'pure',
  inPlace: [[1]],
  infer: ([dloss, logits, labels, weights], attributes) => {
    checkLossGradient(dloss, inferLoss(logits, labels, weights, attributes));
    return [logits!];
  },
  indexBound: ({ operands }, operand) => (operand === 2 ? operands[1]!.type.shape[1] : undefined),
  flops: ({ operands }) => 22 * elementCount(operands[1]!.type.shape),
  lower: ({ operands: [, logits, labels, weights], attributes }, at) => [
    call(
      crossEntropyGradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      typeCode(labels!.type.dtype),
      weights === undefined ? -1 : at.operand(3),
      at.result(0),
      ...numbers(logits!.type.shape, attributes),
    ),
  ],
  examples: [
    {
      operands: [f32(), f32(2, 3, 4), i64(2, 4), f32(3)],
      attributes: { reduction: 'mean', ...ignoring },
      ranges: { 2: [0, 2], 3: [0.5, 2] },
    },
    { operands: [f32(4), f32(4, 3), i32(4)], attributes: { reduction: 'none', ...plain }, ranges: { 2: [0, 2] } },
  ],
};

export const nllLoss: Op<LossAttributes> = {
  name: 'nll_loss',
  doc: 'Negative log-likelihood of labels [N, d...] under logarithms of probabilities [N, C, d...], weighted as cross entropy.',
  attributes: lossSpecs,
  effect: 'pure',
  infer: (operands, attributes) => [inferLoss(operands[0], operands[1], operands[2], attributes)],
  flops: ({ operands }) => 3 * elementCount(operands[1]!.type.shape),
  bytesMoved: ({ operands }) => 16 * elementCount(operands[1]!.type.shape),
  indexBound: classCount,
  // The scores are read for the gradient of the weights alone.
  gradientReads: { operands: [0, 1, 2] },
  gradient: (g) => {
    const [scores, labels, weights] = g.operands;
    const read = weights === undefined ? [labels!] : [labels!, weights];
    const attributes = { ...lossOf(g.attributes), shape: scores!.type.shape };
    return [
      g.wants(0) ? g.emit(nllLossGrad, [g.cotangents[0]!, ...read], attributes) : undefined,
      undefined,
      weightGradient(g, true),
    ];
  },
  lower: ({ operands: [scores, labels, weights], attributes }, at) => [
    call(
      crossEntropyKernel,
      at.operand(0),
      at.operand(1),
      typeCode(labels!.type.dtype),
      weights === undefined ? -1 : at.operand(2),
      at.result(0),
      ...numbers(scores!.type.shape, attributes),
      1,
    ),
  ],
  examples: lossExamples((attributes) => attributes),
};

export const nllLossGrad: Op<LossAttributes & { shape: readonly number[] }> = {
  name: 'nll_loss_grad',
  doc: 'Gradient of nll_loss in its scores, which it does not read.',
  attributes: { ...lossSpecs, shape: { kind: 'ints', doc: 'shape of the scores' } },
  effect: 'pure',
  infer: ([dloss, labels, weights], { shape, ...attributes }) => {
    checkLossGradient(dloss, inferLoss(f32(...shape), labels, weights, attributes));
    return [f32(...shape)];
  },
  indexBound: ({ attributes }, operand) => (operand === 1 ? attributes.shape[1] : undefined),
  flops: ({ operands }) => 3 * elementCount(operands[1]!.type.shape),
  lower: ({ operands: [, labels, weights], attributes }, at) => [
    call(
      logLikelihoodGradKernel,
      at.operand(0),
      at.operand(1),
      typeCode(labels!.type.dtype),
      weights === undefined ? -1 : at.operand(2),
      at.result(0),
      ...numbers(attributes.shape, attributes),
    ),
  ],
  examples: [
    {
      operands: [f32(), i64(2, 4), f32(3)],
      attributes: { reduction: 'mean', ...ignoring, shape: [2, 3, 4] },
      ranges: { 1: [0, 2], 2: [0.5, 2] },
    },
  ],
};

export const crossEntropyGradWeights: Op<LossAttributes & { normalized: boolean }> = {
  name: 'cross_entropy_grad_weights',
  doc: 'Gradient of softmax_cross_entropy and nll_loss in the class weights.',
  attributes: { ...lossSpecs, normalized: { kind: 'bool', doc: 'the scores are logarithms of probabilities' } },
  effect: 'pure',
  infer: ([dloss, scores, labels, weights], attributes) => {
    if (weights === undefined) throw new ShapeError('takes four operands');
    checkLossGradient(dloss, inferLoss(scores, labels, weights, attributes));
    return [weights];
  },
  indexBound: ({ operands }, operand) => (operand === 2 ? operands[1]!.type.shape[1] : undefined),
  flops: ({ operands }) => 24 * elementCount(operands[1]!.type.shape),
  lower: ({ operands: [, scores, labels], attributes }, at) => [
    call(
      crossEntropyGradWeightsKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      typeCode(labels!.type.dtype),
      at.operand(3),
      at.result(0),
      ...numbers(scores!.type.shape, attributes),
      attributes.normalized ? 1 : 0,
    ),
  ],
  examples: [
    {
      operands: [f32(), f32(2, 3, 4), i64(2, 4), f32(3)],
      attributes: { reduction: 'mean', ...ignoring, normalized: false },
      ranges: { 2: [0, 2], 3: [0.5, 2] },
    },
  ],
};

function checkLossGradient(dloss: TensorType | undefined, loss: TensorType): void {
  if (dloss === undefined || !sameShape(dloss.shape, loss.shape))
    throw new ShapeError(`the gradient of the loss must be ${formatType(loss)}`);
}
