/** Normalizations: over the batch, over trailing dimensions, over channels, over a neighbourhood. */
import type { Value } from '../../../ir/graph.ts';
import { batchNorm, batchNormInference, batchNormUpdate } from '../../../ops/batch-norm.ts';
import { add, divide, subtract } from '../../../ops/binary.ts';
import { equal } from '../../../ops/comparison.ts';
import { groupNorm } from '../../../ops/group-norm.ts';
import { layerNorm } from '../../../ops/layer-norm.ts';
import { lrn } from '../../../ops/lrn.ts';
import { reduceMean } from '../../../ops/reduce.ts';
import { rmsNorm } from '../../../ops/rms-norm.ts';
import { sqrt, square } from '../../../ops/unary.ts';
import { where } from '../../../ops/where.ts';
import { expanded, frontAxis, product, reshaped, scalarConstant, scaled, shifted } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { norm } from './pooling.ts';

/** Every axis but the channels. */
function batchAxes(x: Value): readonly number[] {
  return x.type.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
}

/** running * momentum + batch * (1 - momentum) */
function moved(c: LoweringContext, running: Value, batch: Value, momentum: number): Value {
  return c.emit(add, [scaled(c, running, momentum), scaled(c, batch, 1 - momentum)], {});
}

/**
 * Training: the statistics are those of the batch. Running statistics that are weights of the file become state and are
 * updated at the end of the step; others are inputs, and their new values are computed like anything else.
 */
function lowerTrainingBatchNorm(c: LoweringContext, epsilon: number): readonly Value[] {
  const [x, factor, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => c.operand(i));
  const momentum = c.attributes.float('momentum', 0.9);
  const [y, batchMean, invStd] = c.emitAll(batchNorm, [x!, factor!, bias!], { epsilon });
  if (c.moveToState([mean!, variance!])) {
    const operands = [mean!, variance!, batchMean!, invStd!];
    return [y!, ...c.emitUpdate(batchNormUpdate, operands, { momentum, epsilon })];
  }
  if (!c.usesOutput(1) && !c.usesOutput(2)) return [y!];
  const axes = batchAxes(x!);
  const exactMean = c.emit(reduceMean, [x!], { axes, keep_dims: true });
  const deviation = c.emit(square, [c.emit(subtract, [x!, exactMean], {})], {});
  const exactVariance = c.emit(reduceMean, [deviation], { axes, keep_dims: false });
  const flatMean = reshaped(c, exactMean, mean!.type.shape);
  return [y!, moved(c, mean!, flatMean, momentum), moved(c, variance!, exactVariance, momentum)];
}

function lowerBatchNorm(c: LoweringContext): readonly Value[] {
  const epsilon = c.attributes.float('epsilon', 1e-5);
  if (c.opset < 9 && c.attributes.int('spatial', 1) === 0)
    c.fail('statistics of each element (spatial = 0) are not supported');
  const training = c.training ?? (c.opset >= 14 && c.attributes.int('training_mode', 0) !== 0);
  if (training) return lowerTrainingBatchNorm(c, epsilon);
  return [
    c.emit(
      batchNormInference,
      [0, 1, 2, 3, 4].map((i) => c.operand(i)),
      { epsilon },
    ),
  ];
}

/** `value` with exactly the extents of the normalized dimensions; undefined where it varies over others too. */
function normalizedShape(c: LoweringContext, value: Value, shape: readonly number[]): Value | undefined {
  const count = product(value.type.shape);
  const trailing = value.type.shape.slice(-shape.length);
  if (count !== product(trailing)) return undefined;
  return expanded(c, reshaped(c, value, trailing), shape);
}

function lowerLayerNorm(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const { shape } = x.type;
  const axis = frontAxis(c, c.attributes.int('axis', -1), shape.length);
  const epsilon = c.attributes.float('epsilon', 1e-5);
  const inner = shape.slice(axis);
  const factor = normalizedShape(c, c.operand(1), inner) ?? c.fail('its scale varies over dimensions before the axis');
  const given = c.operands[2];
  const bias = given === undefined ? undefined : normalizedShape(c, given, inner);
  if (given !== undefined && bias === undefined) c.fail('its bias varies over dimensions before the axis');
  return c.emitAll(layerNorm, [x, factor, ...(bias === undefined ? [] : [bias])], { axis, epsilon });
}

/** Outputs y and the inverse root of the mean square. */
export function lowerRmsNorm(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const axis = frontAxis(c, c.attributes.int('axis', -1), x.type.shape.length);
  const epsilon = c.attributes.float('epsilon', 1e-5);
  const factor =
    normalizedShape(c, c.operand(1), x.type.shape.slice(axis)) ??
    c.fail('its scale varies over dimensions before the axis');
  return c.emitAll(rmsNorm, [x, factor], { axis, epsilon });
}

/** Before opset 21 scale and bias are given for each group. */
function lowerGroupNorm(c: LoweringContext): Value {
  const x = c.operand(0);
  const groups = c.attributes.int('num_groups') ?? c.fail('its num_groups is left out');
  const channels = x.type.shape[1]!;
  const epsilon = c.attributes.float('epsilon', 1e-5);
  const perChannel = (value: Value): Value => {
    if (value.type.shape[0] === channels) return value;
    return reshaped(c, expanded(c, reshaped(c, value, [groups, 1]), [groups, channels / groups]), [channels]);
  };
  return c.emit(groupNorm, [x, perChannel(c.operand(1)), perChannel(c.operand(2))], { groups, epsilon });
}

function lowerInstanceNorm(c: LoweringContext): Value {
  const x = c.operand(0);
  const epsilon = c.attributes.float('epsilon', 1e-5);
  return c.emit(groupNorm, [x, c.operand(1), c.operand(2)], { groups: x.type.shape[1]!, epsilon });
}

/** (x - mean) / (deviation + 1e-9), the constant as the operator's definition has it. */
function lowerMeanVariance(c: LoweringContext): Value {
  const x = c.operand(0);
  const axes = (c.attributes.ints('axes') ?? [0, 2, 3])
    .map((axis) => frontAxis(c, axis, x.type.shape.length))
    .sort((a, b) => a - b);
  const mean = c.emit(reduceMean, [x], { axes, keep_dims: true });
  const centred = c.emit(subtract, [x, mean], {});
  const variance = c.emit(reduceMean, [c.emit(square, [centred], {})], { axes, keep_dims: true });
  return c.emit(divide, [centred, shifted(c, c.emit(sqrt, [variance], {}), 1e-9)], {});
}

function lowerLpNorm(c: LoweringContext): Value {
  const x = c.operand(0);
  const axes = [frontAxis(c, c.attributes.int('axis', -1), x.type.shape.length)];
  const p = c.attributes.int('p', 2);
  if (p !== 1 && p !== 2) c.fail(`p is ${p}`, 'p is 1 or 2');
  const size = norm(c, x, axes, p, true);
  // A vector of zeros stays one, with gradient 0: divided by infinity.
  const isZero = c.emit(equal, [size, scalarConstant(c, 'f32', 0)], {});
  const divisor = c.emit(where, [isZero, scalarConstant(c, 'f32', Number.POSITIVE_INFINITY), size], {});
  return c.emit(divide, [x, divisor], {});
}

export const normalizationLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'BatchNormalization',
    since: 1,
    gradient: true,
    limits: 'in training mode only from opset 14',
    lower: lowerBatchNorm,
  },
  {
    onnx: 'LayerNormalization',
    // Before opset 17 it is onnxruntime's, in the standard's domain.
    since: 6,
    gradient: true,
    limits: 'scale and bias over the normalized dimensions only',
    lower: lowerLayerNorm,
  },
  {
    onnx: 'RMSNormalization',
    since: 23,
    gradient: true,
    limits: 'scale over the normalized dimensions only',
    lower: (c) => lowerRmsNorm(c).slice(0, 1),
  },
  { onnx: 'GroupNormalization', since: 18, gradient: true, lower: (c) => [lowerGroupNorm(c)] },
  { onnx: 'InstanceNormalization', since: 1, gradient: true, lower: (c) => [lowerInstanceNorm(c)] },
  { onnx: 'MeanVarianceNormalization', since: 9, gradient: true, lower: (c) => [lowerMeanVariance(c)] },
  { onnx: 'LpNormalization', since: 1, gradient: true, lower: (c) => [lowerLpNorm(c)] },
  {
    onnx: 'LRN',
    since: 1,
    gradient: true,
    lower: (c) => [
      c.emit(lrn, [c.operand(0)], {
        size: c.attributes.int('size') ?? c.fail('its size is left out'),
        alpha: c.attributes.float('alpha', 1e-4),
        beta: c.attributes.float('beta', 0.75),
        bias: c.attributes.float('bias', 1),
      }),
    ],
  },
];
