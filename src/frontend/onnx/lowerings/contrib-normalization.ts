/** Normalizations of onnxruntime: behind a residual connection, and behind the embeddings of a BERT. */
import type { Value } from '../../../ir/graph.ts';
import { add } from '../../../ops/binary.ts';
import { equal } from '../../../ops/comparison.ts';
import { gather } from '../../../ops/gather.ts';
import { layerNorm } from '../../../ops/layer-norm.ts';
import { reduceSum } from '../../../ops/reduce.ts';
import { rmsNorm } from '../../../ops/rms-norm.ts';
import { castTo, filledConstant, scalarConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { contribDomain, plus } from './contrib.ts';
import { lowerRmsNorm } from './normalization.ts';

/** Scale, and bias if there is one, over the last dimension of x. */
function normalized(c: LoweringContext, x: Value, factor: Value, bias: Value | undefined): readonly Value[] {
  const axis = x.type.shape.length - 1;
  const epsilon = c.attributes.float('epsilon', 1e-12);
  return c.emitAll(layerNorm, [x, factor, ...(bias === undefined ? [] : [bias])], { axis, epsilon });
}

/** Operands x, skip, scale, bias of the scale, bias of the sum; outputs y, mean, inverse deviation, sum. */
function lowerSkipLayerNorm(c: LoweringContext): readonly Value[] {
  const sum = plus(c, c.emit(add, [c.operand(0), c.operand(1)], {}), c.operands[4]);
  return [...normalized(c, sum, c.operand(2), c.operands[3]), sum];
}

/** Operands x, skip, scale, bias of the sum; the mean, output 1, is not computed. */
function lowerSkipRmsNorm(c: LoweringContext): readonly Value[] {
  const sum = plus(c, c.emit(add, [c.operand(0), c.operand(1)], {}), c.operands[3]);
  const attributes = { axis: sum.type.shape.length - 1, epsilon: c.attributes.float('epsilon', 1e-12) };
  const [y, inverse] = c.emitAll(rmsNorm, [sum, c.operand(2)], attributes);
  if (c.usesOutput(1)) c.fail('output 1 (mean) is not supported');
  return [y!, inverse!, inverse!, sum];
}

/** How many places of each row a mask of 0 and 1 leaves; without a mask 0, as onnxruntime has it. */
function maskIndex(c: LoweringContext, mask: Value | undefined, batch: number): Value {
  if (mask === undefined) return filledConstant(c, 'i32', [batch], 0);
  const open = c.emit(equal, [mask, scalarConstant(c, mask.type.dtype, 1)], {});
  return c.emit(reduceSum, [castTo(c, open, 'i32')], { axes: [1], keep_dims: false });
}

/**
 * Operands: words, segments, tables of words, positions and segments, scale, bias, mask, positions. Outputs: the
 * normalized sum, the mask's index, the sum.
 */
function lowerEmbedLayerNorm(c: LoweringContext): readonly Value[] {
  const ids = c.operand(0);
  if (ids.type.shape.length !== 2) c.fail(`its words have rank ${ids.type.shape.length}, and need rank 2`);
  const [batch, length] = ids.type.shape;
  const look = (table: Value, index: Value): Value =>
    c.emit(gather, [table, index.type.dtype === 'i32' ? index : castTo(c, index, 'i64')], { axis: 0 });
  const places = (): Value =>
    c.constant(
      { dtype: 'i64', shape: [1, length!] },
      Array.from({ length: length! }, (_, i) => i),
    );
  const [segments, segmentTable] = [c.operands[1], c.operands[4]];
  if ((segments === undefined) !== (segmentTable === undefined))
    c.fail(`${segments === undefined ? 'segment_ids' : 'segment_embedding'} is left out`, 'give both or neither');
  const located = plus(c, look(c.operand(2), ids), look(c.operand(3), c.operands[8] ?? places()));
  const sum = segments === undefined ? located : plus(c, located, look(segmentTable!, segments));
  const [y] = normalized(c, sum, c.operand(5), c.operand(6));
  return [y!, maskIndex(c, c.operands[7], batch!), sum];
}

export const contribNormalizationLowerings: readonly OnnxLowering[] = [
  // onnxruntime writes it into the standard's domain.
  { onnx: 'SimplifiedLayerNormalization', since: 6, gradient: true, lower: lowerRmsNorm },
  { onnx: `${contribDomain}.SimplifiedLayerNormalization`, since: 1, gradient: true, lower: lowerRmsNorm },
  { onnx: `${contribDomain}.SkipLayerNormalization`, since: 1, gradient: true, lower: lowerSkipLayerNorm },
  {
    onnx: `${contribDomain}.SkipSimplifiedLayerNormalization`,
    since: 1,
    gradient: true,
    limits: 'the mean is no output',
    lower: lowerSkipRmsNorm,
  },
  { onnx: `${contribDomain}.EmbedLayerNormalization`, since: 1, gradient: true, lower: lowerEmbedLayerNorm },
];
