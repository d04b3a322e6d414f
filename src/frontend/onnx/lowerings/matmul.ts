/**
 * Matrix products. A transposition that only swaps the last two dimensions becomes a flag of the product, so the weight
 * transposes of exported linear layers cost nothing.
 */
import type { Value } from '../../../ir/graph.ts';
import { add } from '../../../ops/binary.ts';
import { matmul } from '../../../ops/matmul.ts';
import { transpose } from '../../../ops/transpose.ts';
import { reshaped, scaled } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

interface Factor {
  readonly value: Value;
  readonly transposed: boolean;
}

/** `value` before the transposition of its last two dimensions, if such a node makes it. */
function factor(c: LoweringContext, value: Value, transposed = false): Factor {
  const node = c.producer(value);
  if (node === undefined || node.op !== transpose.name) return { value, transposed };
  const { permutation } = node.attributes;
  const rank = value.type.shape.length;
  if (!Array.isArray(permutation) || rank < 2) return { value, transposed };
  const swapped = Array.from({ length: rank }, (_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
  if (swapped.some((from, to) => permutation[to] !== from)) return { value, transposed };
  return { value: node.operands[0]!, transposed: !transposed };
}

/** The product of two matrices (or batches of them), with whatever transpositions can be folded into it. */
export function multiplied(
  c: LoweringContext,
  a: Value,
  b: Value,
  options: { transposeA?: boolean; transposeB?: boolean; bias?: Value } = {},
): Value {
  const left = factor(c, a, options.transposeA);
  const right = factor(c, b, options.transposeB);
  const operands = [left.value, right.value, ...(options.bias === undefined ? [] : [options.bias])];
  return c.emit(matmul, operands, { transpose_a: left.transposed, transpose_b: right.transposed });
}

/** As MatMul has it, with vectors; these are not transposed. */
export function matrixProduct(
  c: LoweringContext,
  a: Value,
  b: Value,
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Value {
  const [aRank, bRank] = [a.type.shape.length, b.type.shape.length];
  if (aRank === 0 || bRank === 0) c.fail('a factor is a scalar');
  if (aRank > 1 && bRank > 1) return multiplied(c, a, b, options);
  // A vector is a row on the left and a column on the right; the extent of 1 goes again.
  const row = aRank === 1 ? reshaped(c, a, [1, ...a.type.shape]) : a;
  const column = bRank === 1 ? reshaped(c, b, [...b.type.shape, 1]) : b;
  const value = multiplied(c, row, column, {
    transposeA: aRank > 1 && options.transposeA === true,
    transposeB: bRank > 1 && options.transposeB === true,
  });
  const { shape } = value.type;
  const kept = shape.filter(
    (_, d) => !(aRank === 1 && d === shape.length - 2) && !(bRank === 1 && d === shape.length - 1),
  );
  return reshaped(c, value, kept);
}

export function lowerGemm(c: LoweringContext): Value {
  const alpha = c.attributes.float('alpha', 1);
  const beta = c.attributes.float('beta', 1);
  const transposeA = c.attributes.int('transA', 0) !== 0;
  const transposeB = c.attributes.int('transB', 0) !== 0;
  const a = c.operand(0);
  const b = c.operand(1);
  if (a.type.shape.length !== 2 || b.type.shape.length !== 2) c.fail('a factor is not a matrix');
  const summand = c.operands[2];
  const bias = summand === undefined || beta === 0 ? undefined : scaled(c, summand, beta);
  if (alpha === 1 || bias === undefined)
    return scaled(c, multiplied(c, a, b, { transposeA, transposeB, ...(bias !== undefined && { bias }) }), alpha);
  return c.emit(add, [scaled(c, multiplied(c, a, b, { transposeA, transposeB }), alpha), bias], {});
}

export const matmulLowerings: readonly OnnxLowering[] = [
  { onnx: 'MatMul', since: 1, gradient: true, lower: (c) => [matrixProduct(c, c.operand(0), c.operand(1))] },
  { onnx: 'Gemm', since: 1, gradient: true, lower: (c) => [lowerGemm(c)] },
];
