/** Scaled dot-product attention, with grouped heads, masks, soft capping, and keys and values of earlier calls. */
import type { TensorType, Value } from '../../../ir/graph.ts';
import { add } from '../../../ops/binary.ts';
import { less } from '../../../ops/comparison.ts';
import { concat } from '../../../ops/concat.ts';
import { matmul } from '../../../ops/matmul.ts';
import { pad } from '../../../ops/pad.ts';
import { softmax } from '../../../ops/softmax.ts';
import { tanh } from '../../../ops/unary.ts';
import { where } from '../../../ops/where.ts';
import { castTo, permuted, reshaped, scalarConstant, scaled } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

const blocked = Number.NEGATIVE_INFINITY;

/** [batch, heads, sequence, size] from that, or from [batch, sequence, heads * size]. */
function headed(c: LoweringContext, x: Value, attribute: string): Value {
  const { shape } = x.type;
  if (shape.length === 4) return x;
  if (shape.length !== 3)
    return c.fail(`an operand has rank ${shape.length}`, 'queries, keys and values have rank 3 or 4');
  const heads = c.attributes.int(attribute) ?? c.fail(`its ${attribute} is left out`, 'operands of rank 3 need it');
  const [batch, sequence, width] = shape;
  return permuted(c, reshaped(c, x, [batch!, sequence!, heads, width! / heads]), [0, 2, 1, 3]);
}

/** What was computed before, then what is new, along the sequence. */
function extended(c: LoweringContext, past: Value | undefined, fresh: Value): Value {
  return past === undefined ? fresh : c.emit(concat, [past, fresh], { axis: 2 });
}

/** The mask as a summand: 0 where a query may look, -Infinity where not; filled up to `total` keys. */
function maskSummand(c: LoweringContext, mask: Value, total: number): Value {
  const float =
    mask.type.dtype === 'bool'
      ? c.emit(where, [mask, scalarConstant(c, 'f32', 0), scalarConstant(c, 'f32', blocked)], {})
      : mask;
  const rank = float.type.shape.length;
  const missing = total - float.type.shape[rank - 1]!;
  if (missing <= 0 || float.type.shape[rank - 1] === 1) return float;
  const before = new Array<number>(rank).fill(0);
  return c.emit(pad, [float], { before, after: before.with(rank - 1, missing), mode: 'constant', value: blocked });
}

/** Query i of the new part sees the keys up to its own place. */
function causalSummand(c: LoweringContext, queries: number, total: number, past: number): Value {
  const type: TensorType = { dtype: 'f32', shape: [queries, total] };
  return c.sharedConstant(`causal ${past}`, type, () => {
    const data = new Float32Array(queries * total);
    for (let i = 0; i < queries; i++)
      data.fill(blocked, Math.min((i + 1) * total, i * total + past + i + 1), (i + 1) * total);
    return data;
  });
}

/** Keys from each sequence's own length on are padding. */
function paddingSummand(c: LoweringContext, lengths: Value, total: number): Value {
  const places = c.sharedConstant('places', { dtype: 'i64', shape: [total] }, () =>
    Float64Array.from({ length: total }, (_, i) => i),
  );
  const column = reshaped(c, castTo(c, lengths, 'i64'), [lengths.type.shape[0]!, 1, 1, 1]);
  return maskSummand(c, c.emit(less, [places, column], {}), total);
}

function lowerAttention(c: LoweringContext): readonly Value[] {
  const flat = c.operand(0).type.shape.length === 3;
  const q = headed(c, c.operand(0), 'q_num_heads');
  const keys = extended(c, c.operands[4], headed(c, c.operand(1), 'kv_num_heads'));
  const values = extended(c, c.operands[5], headed(c, c.operand(2), 'kv_num_heads'));
  const [batch, heads, queries, size] = q.type.shape;
  const [, groups, total] = keys.type.shape;
  if (heads! % groups! !== 0) c.fail(`${heads} query heads are not divisible among ${groups} key heads`);
  const factor = c.attributes.float('scale', 0);
  const softcap = c.attributes.float('softcap', 0);

  // Query heads of one group share its keys and values by broadcasting; nothing is repeated.
  const members = heads! / groups!;
  const grouped = (x: Value): Value => {
    const [, own, rows, columns] = x.type.shape;
    return members === 1 ? x : reshaped(c, x, [batch!, groups!, own! / groups!, rows!, columns!]);
  };
  const scaledQueries = scaled(c, q, factor === 0 ? 1 / Math.sqrt(size!) : factor);
  const products = c.emit(matmul, [grouped(scaledQueries), grouped(keys)], {
    transpose_a: false,
    transpose_b: true,
  });
  const raw = reshaped(c, products, [batch!, heads!, queries!, total!]);
  const capped = softcap === 0 ? raw : scaled(c, c.emit(tanh, [scaled(c, raw, 1 / softcap)], {}), softcap);
  const past = c.operands[4]?.type.shape[2] ?? 0;
  const summands = [
    ...(c.operands[3] === undefined ? [] : [maskSummand(c, c.operands[3], total!)]),
    ...(c.attributes.int('is_causal', 0) === 0 ? [] : [causalSummand(c, queries!, total!, past)]),
    ...(c.operands[6] === undefined ? [] : [paddingSummand(c, c.operands[6], total!)]),
  ];
  // Masks first among themselves: they are small.
  const mask = summands.reduce<Value | undefined>(
    (sum, next) => (sum ? c.emit(add, [sum, next], {}) : next),
    undefined,
  );
  const scores = mask === undefined ? capped : c.emit(add, [capped, mask], {});
  const shares = c.emit(softmax, [scores], { axis: 3 });

  const mixed = c.emit(matmul, [grouped(shares), grouped(values)], { transpose_a: false, transpose_b: false });
  const width = values.type.shape[3]!;
  const y = reshaped(c, mixed, [batch!, heads!, queries!, width]);
  const result = flat ? reshaped(c, permuted(c, y, [0, 2, 1, 3]), [batch!, queries!, heads! * width]) : y;
  return [result, keys, values, ...(c.usesOutput(3) ? [scoresOutput(c, softcap, { raw, scores, shares })] : [])];
}

/** The scores as `qk_matmul_output_mode` asks for them. */
function scoresOutput(
  c: LoweringContext,
  softcap: number,
  stages: { readonly raw: Value; readonly scores: Value; readonly shares: Value },
): Value {
  const mode = c.attributes.int('qk_matmul_output_mode', 0);
  if (mode === 0) return stages.raw;
  if (mode === 3) return stages.shares;
  // Versions of the operator differ in whether capping comes before or after the mask.
  if (softcap !== 0) c.fail(`output 3 in mode ${mode} with softcap is not supported`);
  return stages.scores;
}

export const attentionLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'Attention',
    since: 23,
    gradient: true,
    limits: 'the scores as an output: before or after everything where softcap is used',
    lower: lowerAttention,
  },
];
