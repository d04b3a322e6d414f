/** What all operators of attention share: heads, masks as summands, and the mixture of values by scores. */
import type { TensorType, Value } from '../../../ir/graph.ts';
import { add } from '../../../ops/binary.ts';
import { matmul } from '../../../ops/matmul.ts';
import { maskedSoftmax, softmax } from '../../../ops/softmax.ts';
import { tanh } from '../../../ops/unary.ts';
import { permuted, reshaped, scaled } from '../compose.ts';
import type { LoweringContext } from '../lowering.ts';

/** The summand that closes a key to a query for good. */
export const blocked = Number.NEGATIVE_INFINITY;

/** [batch, sequence, heads * size] as [batch, heads, sequence, size]. */
export function intoHeads(c: LoweringContext, x: Value, heads: number): Value {
  const [batch, sequence, width] = x.type.shape;
  if (!(heads > 0) || width! % heads !== 0) c.fail(`a width of ${width} is not divisible among ${heads} heads`);
  return permuted(c, reshaped(c, x, [batch!, sequence!, heads, width! / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, sequence, size] as [batch, sequence, heads * size]. */
export function outOfHeads(c: LoweringContext, x: Value): Value {
  const [batch, heads, sequence, size] = x.type.shape;
  return reshaped(c, permuted(c, x, [0, 2, 1, 3]), [batch!, sequence!, heads! * size!]);
}

/** Keys that the queries of the new part may look at, by how far they are from their own place; Infinity: any. */
export interface Window {
  readonly left: number;
  readonly right: number;
}

/** Query i of the new part stands behind `past` keys. */
export function windowSummand(c: LoweringContext, queries: number, total: number, past: number, window: Window): Value {
  const { left, right } = window;
  const type: TensorType = { dtype: 'f32', shape: [queries, total] };
  return c.sharedConstant(`window ${left} ${right} ${past}`, type, () => {
    const data = new Float32Array(queries * total).fill(blocked);
    for (let i = 0; i < queries; i++) {
      const row = i * total;
      const first = Math.min(total, Math.max(0, past + i - left));
      const end = Math.max(first, Math.min(total, past + i + right + 1));
      data.fill(0, row + first, row + end);
    }
    return data;
  });
}

export interface Heads {
  /** [batch, heads, queries, size] */
  readonly q: Value;
  /** [batch, groups, keys, size] and [batch, groups, keys, width]; heads are a multiple of groups. */
  readonly keys: Value;
  readonly values: Value;
}

export interface AttentionRule {
  /** Of the products of queries and keys; 0: one over the root of their size. */
  readonly scale: number;
  /** Scores are held within it by tanh; 0: they are not. */
  readonly softcap: number;
  /** Added to the scores, with broadcasting. */
  readonly masks: readonly Value[];
}

export interface Attended {
  /** [batch, heads, queries, width] */
  readonly y: Value;
  /** [batch, heads, queries, keys]: products, with masks, after the softmax. */
  readonly raw: Value;
  readonly scores: Value;
  readonly shares: Value;
}

export function attend(
  c: LoweringContext,
  { q, keys, values }: Heads,
  { scale, softcap, masks }: AttentionRule,
): Attended {
  const [batch, heads, queries, size] = q.type.shape;
  const [, groups, total] = keys.type.shape;
  if (heads! % groups! !== 0) c.fail(`${heads} query heads are not divisible among ${groups} key heads`);
  // Query heads of one group share its keys and values by broadcasting; nothing is repeated.
  const members = heads! / groups!;
  const grouped = (x: Value): Value => {
    const [, own, rows, columns] = x.type.shape;
    return members === 1 ? x : reshaped(c, x, [batch!, groups!, own! / groups!, rows!, columns!]);
  };
  const scaledQueries = scaled(c, q, scale === 0 ? 1 / Math.sqrt(size!) : scale);
  const products = c.emit(matmul, [grouped(scaledQueries), grouped(keys)], { transpose_a: false, transpose_b: true });
  const raw = reshaped(c, products, [batch!, heads!, queries!, total!]);
  const capped = softcap === 0 ? raw : scaled(c, c.emit(tanh, [scaled(c, raw, 1 / softcap)], {}), softcap);
  // Masks first among themselves: they are small.
  const mask = masks.reduce<Value | undefined>((sum, next) => (sum ? c.emit(add, [sum, next], {}) : next), undefined);
  const scores = mask === undefined ? capped : c.emit(add, [capped, mask], {});
  // A query that may look nowhere gets zeros, as from onnxruntime and PyTorch.
  const shares = c.emit(mask === undefined ? softmax : maskedSoftmax, [scores], { axis: 3 });
  const mixed = c.emit(matmul, [grouped(shares), grouped(values)], { transpose_a: false, transpose_b: false });
  return { y: reshaped(c, mixed, [batch!, heads!, queries!, values.type.shape[3]!]), raw, scores, shares };
}
