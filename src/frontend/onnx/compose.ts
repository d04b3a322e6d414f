/** Small steps that many lowerings share. Each gives back its operand where there is nothing to do. */
import { type DType, sameShape, type Value } from '../../ir/graph.ts';
import type { Emitter } from '../../ir/op.ts';
import { broadcastTo } from '../../ops/broadcast-to.ts';
import { cast } from '../../ops/cast.ts';
import { reshape } from '../../ops/reshape.ts';
import { addScalar, scale } from '../../ops/scalar.ts';
import { transpose } from '../../ops/transpose.ts';
import type { LoweringContext } from './lowering.ts';

/** Elements of a weight that a file only names the shape of: what a typed array of 8 bytes each can hold. */
export const largestCount = 2 ** 28;

export function reshaped(c: Emitter, x: Value, shape: readonly number[]): Value {
  return sameShape(x.type.shape, shape) ? x : c.emit(reshape, [x], { shape });
}

export function expanded(c: Emitter, x: Value, shape: readonly number[]): Value {
  return sameShape(x.type.shape, shape) ? x : c.emit(broadcastTo, [x], { shape });
}

export function castTo(c: Emitter, x: Value, to: DType): Value {
  return x.type.dtype === to ? x : c.emit(cast, [x], { to });
}

/** x * factor */
export function scaled(c: Emitter, x: Value, factor: number): Value {
  return factor === 1 ? x : c.emit(scale, [x], { factor });
}

/** x + value */
export function shifted(c: Emitter, x: Value, value: number): Value {
  return value === 0 ? x : c.emit(addScalar, [x], { value });
}

/** A transposition; a reshape (which costs nothing) where only extents of 1 change places. */
export function permuted(c: Emitter, x: Value, permutation: readonly number[]): Value {
  const { shape } = x.type;
  if (permutation.every((from, to) => from === to)) return x;
  const moved = permutation.filter((d) => shape[d] !== 1);
  const inOrder = moved.every((d, i) => i === 0 || d > moved[i - 1]!);
  if (inOrder)
    return reshaped(
      c,
      x,
      permutation.map((d) => shape[d]!),
    );
  return c.emit(transpose, [x], { permutation });
}

/** A constant of rank 0. */
export function scalarConstant(c: Emitter, dtype: DType, value: number): Value {
  return c.constant({ dtype, shape: [] }, [value]);
}

/** Equal elements: a constant, or where that would be large, stretched in the step. */
export function filledConstant(c: Emitter, dtype: DType, shape: readonly number[], value: number): Value {
  return expanded(c, scalarConstant(c, dtype, value), shape);
}

/** `axis` counted from the front. `extra` is 1 where `rank` itself is a valid axis (Flatten). */
export function frontAxis(c: LoweringContext, axis: number, rank: number, extra = 0): number {
  const front = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(front) || front < 0 || front >= rank + extra)
    c.fail(`axis ${axis} is out of range for an operand of rank ${rank}`);
  return front;
}

/**
 * Axes that came as an attribute before opset `asOperandSince` and as operand 1 from then on: counted from the front and
 * sorted; undefined where they are left out.
 */
export function axesFrom(c: LoweringContext, rank: number, asOperandSince: number): readonly number[] | undefined {
  const given = c.opset >= asOperandSince ? c.numbers(1) : c.attributes.ints('axes');
  if (given === undefined) return undefined;
  const axes = given.map((axis) => frontAxis(c, axis, rank)).sort((a, b) => a - b);
  if (axes.some((axis, i) => axis === axes[i - 1])) c.fail(`axes [${given.join(',')}] name a dimension twice`);
  return axes;
}

/** Of no extents: 1. */
export function product(extents: readonly number[]): number {
  return extents.reduce((all, extent) => all * extent, 1);
}
