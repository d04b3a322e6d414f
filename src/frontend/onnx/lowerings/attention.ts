/** Scaled dot-product attention, with grouped heads, masks, soft capping, and keys and values of earlier calls. */
import type { Value } from '../../../ir/graph.ts';
import { add } from '../../../ops/binary.ts';
import { less, lessEqual } from '../../../ops/comparison.ts';
import { concat } from '../../../ops/concat.ts';
import { logicalAnd } from '../../../ops/logical.ts';
import { pad } from '../../../ops/pad.ts';
import { where } from '../../../ops/where.ts';
import { castTo, product, reshaped, scalarConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import {
  type Attended,
  attend,
  blocked,
  intoHeads,
  outOfHeads,
  type Window,
  windowSummand,
} from './scaled-dot-product.ts';

/** [batch, heads, sequence, size] from that, or from [batch, sequence, heads * size]. */
function headed(c: LoweringContext, x: Value, attribute: string): Value {
  const { shape } = x.type;
  if (shape.length === 4) return x;
  if (shape.length !== 3)
    return c.fail(`an operand has rank ${shape.length}`, 'queries, keys and values have rank 3 or 4');
  const heads = c.attributes.int(attribute) ?? c.fail(`its ${attribute} is left out`, 'operands of rank 3 need it');
  return intoHeads(c, x, heads);
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

/**
 * Keys from each sequence's own length on are padding, and the queries are the last before it: query i stands at place
 * length - queries + i, from which a window counts.
 */
function cacheSummand(
  c: LoweringContext,
  lengths: Value,
  queries: number,
  total: number,
  window: Window | undefined,
): Value {
  const count = (name: string, shape: readonly number[], first: number): Value =>
    c.sharedConstant(`${name} ${first}`, { dtype: 'i64', shape }, () =>
      Float64Array.from({ length: product(shape) }, (_, i) => first + i),
    );
  const keys = count('places', [total], 0);
  const ends = reshaped(c, castTo(c, lengths, 'i64'), [lengths.type.shape[0]!, 1, 1, 1]);
  const open = [c.emit(less, [keys, ends], {})];
  /** Where each query stands, `shift` places on. */
  const place = (shift: number): Value => c.emit(add, [ends, count('rows', [queries, 1], shift - queries)], {});
  const { left, right } = window ?? { left: Infinity, right: Infinity };
  if (left < Infinity) open.push(c.emit(lessEqual, [place(-left), keys], {}));
  if (right < Infinity) open.push(c.emit(lessEqual, [keys, place(right)], {}));
  return maskSummand(
    c,
    open.reduce((all, next) => c.emit(logicalAnd, [all, next], {})),
    total,
  );
}

/** What `is_causal` and the sizes of a sliding window (opset 25) leave of the keys; undefined where that is all. */
function windowOf(c: LoweringContext): Window | undefined {
  const size = (attribute: string): number => {
    const given = c.attributes.int(attribute, -1);
    if (given < -1) c.fail(`its ${attribute} is ${given}`, '-1 stands for no bound');
    return given === -1 ? Infinity : given;
  };
  const [left, right] = [size('left_window_size'), size('right_window_size')];
  if (c.attributes.int('is_causal', 0) !== 0) return { left, right: 0 };
  return left === Infinity && right === Infinity ? undefined : { left, right };
}

function lowerAttention(c: LoweringContext): readonly Value[] {
  const flat = c.operand(0).type.shape.length === 3;
  const q = headed(c, c.operand(0), 'q_num_heads');
  const keys = extended(c, c.operands[4], headed(c, c.operand(1), 'kv_num_heads'));
  const values = extended(c, c.operands[5], headed(c, c.operand(2), 'kv_num_heads'));
  const queries = q.type.shape[2]!;
  const total = keys.type.shape[2]!;
  const softcap = c.attributes.float('softcap', 0);
  const past = c.operands[4]?.type.shape[2] ?? 0;
  const window = windowOf(c);
  const masks = [
    ...(c.operands[3] === undefined ? [] : [maskSummand(c, c.operands[3], total)]),
    ...(window === undefined || c.operands[6] !== undefined ? [] : [windowSummand(c, queries, total, past, window)]),
    ...(c.operands[6] === undefined ? [] : [cacheSummand(c, c.operands[6], queries, total, window)]),
  ];
  const attended = attend(c, { q, keys, values }, { scale: c.attributes.float('scale', 0), softcap, masks });
  const result = flat ? outOfHeads(c, attended.y) : attended.y;
  return [result, keys, values, ...(c.usesOutput(3) ? [scoresOutput(c, softcap, attended)] : [])];
}

/** The scores as `qk_matmul_output_mode` asks for them. */
function scoresOutput(c: LoweringContext, softcap: number, stages: Attended): Value {
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
