/** Attention of onnxruntime: with its projection in one node, or of queries, keys and values that are given. */
import type { Value } from '../../../ir/graph.ts';
import { greater, greaterEqual, less } from '../../../ops/comparison.ts';
import { logicalAnd } from '../../../ops/logical.ts';
import { slice } from '../../../ops/slice.ts';
import { split } from '../../../ops/split.ts';
import { where } from '../../../ops/where.ts';
import { castTo, reshaped, scalarConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { contribDomain, plus, refuseOperands } from './contrib.ts';
import { multiplied } from './matmul.ts';
import { attend, type Heads, intoHeads, outOfHeads, windowSummand } from './scaled-dot-product.ts';

interface Extents {
  readonly batch: number;
  readonly queries: number;
  readonly total: number;
}

/**
 * Which keys are open, broadcast over [batch, heads, queries, keys]. A mask has 1 where they are, by key, by query and
 * key, or [batch, 1, longest, longest]; of rank 1 it has the end of each sequence, or ends and then starts.
 */
function openKeys(c: LoweringContext, mask: Value, { batch, queries, total }: Extents): Value {
  const { dtype, shape } = mask.type;
  const positive = (x: Value): Value => (dtype === 'bool' ? x : c.emit(greater, [x, scalarConstant(c, dtype, 0)], {}));
  const refuse = (): never =>
    c.fail(
      `a mask of [${shape.join(',')}] is not supported for ${batch} sequences of ${queries} queries and ${total} keys`,
    );
  switch (shape.length) {
    case 1: {
      if (shape[0] !== batch && shape[0] !== 2 * batch) return refuse();
      const places = c.sharedConstant('places', { dtype: 'i64', shape: [total] }, () =>
        Float64Array.from({ length: total }, (_, i) => i),
      );
      const column = (x: Value): Value => reshaped(c, castTo(c, x, 'i64'), [batch, 1, 1, 1]);
      if (shape[0] === batch) return c.emit(less, [places, column(mask)], {});
      const [ends, starts] = c.emitAll(split, [mask], { axis: 0, sizes: [batch, batch] });
      const before = c.emit(less, [places, column(ends!)], {});
      return c.emit(logicalAnd, [before, c.emit(greaterEqual, [places, column(starts!)], {})], {});
    }
    case 2:
      return shape[0] === batch && shape[1] === total ? reshaped(c, positive(mask), [batch, 1, 1, total]) : refuse();
    case 3:
      if (shape[0] !== batch || shape[1] !== queries || shape[2] !== total) return refuse();
      return reshaped(c, positive(mask), [batch, 1, queries, total]);
    case 4: {
      if (shape[0] !== batch || shape[1] !== 1 || shape[2]! < queries || shape[3]! < total) return refuse();
      const bounds = { axes: [2, 3], starts: [0, 0], ends: [queries, total], steps: [1, 1] };
      return positive(c.emit(slice, [mask], bounds));
    }
    default:
      return refuse();
  }
}

/** The mask's summand, what else is added to the scores, and the triangle of causal attention. */
function masksOf(
  c: LoweringContext,
  extents: Extents,
  mask: Value | undefined,
  bias: Value | undefined,
): readonly Value[] {
  const filter = c.attributes.float('mask_filter_value', -10000);
  const summand = (given: Value): Value =>
    c.emit(where, [openKeys(c, given, extents), scalarConstant(c, 'f32', 0), scalarConstant(c, 'f32', filter)], {});
  return [
    ...(mask === undefined ? [] : [summand(mask)]),
    ...(bias === undefined ? [] : [bias]),
    ...(c.attributes.int('unidirectional', 0) === 0
      ? []
      : [windowSummand(c, extents.queries, extents.total, 0, { left: Infinity, right: 0 })]),
  ];
}

/** Outputs the mixture, and keys and values as they are for the next call. */
function attended(
  c: LoweringContext,
  heads: Heads,
  mask: Value | undefined,
  bias: Value | undefined,
): readonly Value[] {
  const extents = {
    batch: heads.q.type.shape[0]!,
    queries: heads.q.type.shape[2]!,
    total: heads.keys.type.shape[2]!,
  };
  const masks = masksOf(c, extents, mask, bias);
  const { y } = attend(c, heads, { scale: c.attributes.float('scale', 0), softcap: 0, masks });
  return [outOfHeads(c, y), heads.keys, heads.values];
}

const headCount = (c: LoweringContext): number => c.attributes.int('num_heads') ?? c.fail('its num_heads is left out');

/** Operands x, weights, bias, mask; [queries | keys | values] side by side in the weights. */
function lowerContribAttention(c: LoweringContext): readonly Value[] {
  refuseOperands(c, { past: 4, past_sequence_length: 6 });
  if (c.attributes.int('do_rotary', 0) !== 0) c.fail('do_rotary is not supported');
  if (c.attributes.int('past_present_share_buffer', 0) !== 0) c.fail('past_present_share_buffer is not supported');
  if (c.usesOutput(1)) c.fail('output 1 (present) is not supported');
  const heads = headCount(c);
  const bias = c.operands[2];
  const projected = multiplied(c, c.operand(0), c.operand(1), bias === undefined ? {} : { bias });
  const width = projected.type.shape[2] ?? 0;
  const sizes = c.attributes.ints('qkv_hidden_sizes') ?? [width / 3, width / 3, width / 3];
  const whole =
    sizes.length === 3 && sizes[0] === sizes[1] && sizes.every((size) => Number.isInteger(size) && size > 0);
  if (!whole || sizes.reduce((sum, size) => sum + size, 0) !== width)
    c.fail(`widths [${sizes.join(',')}] of queries, keys and values do not make up its weights' ${width}`);
  const [q, keys, values] = c.emitAll(split, [projected], { axis: 2, sizes }).map((x) => intoHeads(c, x, heads));
  const [y] = attended(c, { q: q!, keys: keys!, values: values! }, c.operands[3], c.operands[5]);
  return [y!];
}

/** The parts of x [batch, sequence, heads, count, size], each [batch, sequence, heads * size]. */
function unpacked(c: LoweringContext, x: Value, count: number): readonly Value[] {
  const [batch, sequence, heads, packed, size] = x.type.shape;
  if (x.type.shape.length !== 5 || packed !== count)
    c.fail(`a packed operand of [${x.type.shape.join(',')}] is not supported`);
  const sizes = new Array<number>(count).fill(1);
  return c
    .emitAll(split, [x], { axis: 3, sizes })
    .map((part) => reshaped(c, part, [batch!, sequence!, heads! * size!]));
}

/** Queries, keys and values of rank 3; keys and values of rank 4 are heads already. */
function givenParts(c: LoweringContext): readonly [Value, Value, Value] {
  const query = c.operand(0);
  const [key, value] = [c.operands[1], c.operands[2]];
  if (key === undefined) {
    const [q, k, v] = unpacked(c, query, 3);
    return [q!, k!, v!];
  }
  if (value === undefined) {
    const [k, v] = unpacked(c, key, 2);
    return [query, k!, v!];
  }
  return [query, key, value];
}

/** Operands queries, keys, values, bias, mask of keys, bias of scores. */
function lowerMultiHeadAttention(c: LoweringContext): readonly Value[] {
  refuseOperands(c, { past_key: 6, past_value: 7, past_sequence_length: 8, cache_indirection: 9 });
  const heads = headCount(c);
  const parts = givenParts(c);
  const bias = c.operands[3];
  const widths = parts.map(({ type: { shape } }) => (shape.length === 3 ? shape[2]! : shape[1]! * shape[3]!));
  const biases = bias === undefined ? [] : c.emitAll(split, [bias], { axis: 0, sizes: widths });
  const [q, keys, values] = parts.map((x, i) => {
    if (x.type.shape.length === 3) return intoHeads(c, plus(c, x, biases[i]), heads);
    if (bias === undefined && x.type.shape.length === 4 && x.type.shape[1] === heads) return x;
    return c.fail(
      `an operand of [${x.type.shape.join(',')}] is not supported${bias === undefined ? '' : ' with a bias'}`,
    );
  });
  return attended(c, { q: q!, keys: keys!, values: values! }, c.operands[4], c.operands[5]);
}

export const contribAttentionLowerings: readonly OnnxLowering[] = [
  {
    onnx: `${contribDomain}.Attention`,
    since: 1,
    gradient: true,
    limits: 'no keys and values of earlier calls, no rotary embedding, no packed mask',
    lower: lowerContribAttention,
  },
  {
    onnx: `${contribDomain}.MultiHeadAttention`,
    since: 1,
    gradient: true,
    limits: 'no keys and values of earlier calls, no packed mask',
    lower: lowerMultiHeadAttention,
  },
];
