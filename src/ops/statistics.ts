/**
 * The gradient that reaches an operand through the statistics a normalisation returns. Rare (they are seldom used but
 * for running averages), so it is composed of elementwise ops.
 */
import { elementCount, type Value } from '../ir/graph.ts';
import type { Emitter } from '../ir/op.ts';
import { add, multiply, subtract } from './binary.ts';
import { broadcastTo } from './broadcast-to.ts';
import { multiplyGrad } from './multiply-grad.ts';
import { scale } from './scalar.ts';

export interface Statistics {
  /** The operand; the others broadcast to it. */
  readonly x: Value;
  /** Absent where squares are not centred. */
  readonly mean?: Value;
  /** 1 / sqrt(mean of squares + epsilon) */
  readonly inverse: Value;
  readonly dMean?: Value | undefined;
  readonly dInverse?: Value | undefined;
}

/**
 * d loss / dx of shape `x`, or undefined where no statistic has a cotangent. With n elements a statistic:
 * d mean / dx = 1/n, d inverse / dx = -inverse^3 (x - mean) / n.
 */
export function statisticsGradient(
  emitter: Emitter,
  { x, mean, inverse, dMean, dInverse }: Statistics,
): Value | undefined {
  const { shape } = x.type;
  const count = elementCount(shape) / Math.max(1, elementCount(inverse.type.shape));
  const throughMean = dMean && emitter.emit(scale, [dMean], { factor: 1 / count });
  if (dInverse === undefined) return throughMean && emitter.emit(broadcastTo, [throughMean], { shape });
  const times = (a: Value, b: Value) => emitter.emit(multiply, [a, b], {});
  const cube = times(times(inverse, inverse), inverse);
  const slope = emitter.emit(scale, [emitter.emit(multiplyGrad, [dInverse, cube], {})], { factor: -1 / count });
  const centred = mean === undefined ? x : emitter.emit(subtract, [x, mean], {});
  const throughInverse = emitter.emit(multiplyGrad, [slope, centred], {});
  return throughMean === undefined ? throughInverse : emitter.emit(add, [throughInverse, throughMean], {});
}

/** The sum of those that are defined. */
export function addDefined(emitter: Emitter, a: Value | undefined, b: Value | undefined): Value | undefined {
  return a === undefined || b === undefined ? (a ?? b) : emitter.emit(add, [a, b], {});
}

/** `gradients` without those of operands whose gradient is not asked for. */
export function wanted(
  context: { wants(index: number): boolean },
  gradients: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  return gradients.map((gradient, i) => (context.wants(i) ? gradient : undefined));
}
