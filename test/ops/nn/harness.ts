/**
 * What the tests of neural-network ops share: seeded tensors, a memory in double precision, and the check of an op's
 * gradient against central differences. The gradient rule emits into an emitter that evaluates at once.
 */
import { expect } from 'vitest';
import type { Memory } from '../../../runtime/memory.ts';
import { type Attributes, elementCount, type Tensor, type TensorType, type Value } from '../../../src/ir/graph.ts';
import type { GradientContext, Op } from '../../../src/ir/op.ts';
import { evaluate } from '../../../src/ops/evaluate.ts';

export const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });
export const i64 = (...shape: number[]): TensorType => ({ dtype: 'i64', shape });

/** Numbers in [0, 1), the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

export function randomInt(random: () => number, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

export function uniform(random: () => number, shape: readonly number[], low = -1, high = 1): Tensor {
  const data = Float64Array.from({ length: elementCount(shape) }, () => Math.fround(low + (high - low) * random()));
  return { type: f32(...shape), data };
}

export function integers(random: () => number, shape: readonly number[], low: number, high: number): Tensor {
  return {
    type: i64(...shape),
    data: Float64Array.from({ length: elementCount(shape) }, () => randomInt(random, low, high)),
  };
}

export const tensor = (shape: readonly number[], data: readonly number[]): Tensor => ({
  type: f32(...shape),
  data: Float64Array.from(data),
});

/** A memory whose floats are doubles; element indices are those of the ordinary one. */
export function doubleMemory(bytes: number): Memory {
  const size = Math.ceil(bytes / 8) * 8;
  return {
    f32: new Float64Array(size / 4).fill(Number.NaN),
    i32: new Int32Array(size / 4),
    f64: new Float64Array(size / 8),
    u8: new Uint8Array(size),
    i8: new Int8Array(size),
    i16: new Int16Array(size / 2),
  };
}

/** Results in double precision. */
export const run = <A extends Attributes>(op: Op<A>, operands: readonly Tensor[], attributes: A) =>
  evaluate(op, operands, attributes, doubleMemory).map((result) => ({ ...result, data: Array.from(result.data) }));

/** Largest difference relative to the largest magnitude. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let scale = 1e-30;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return worst / Math.max(scale, 1e-3);
}

export interface GradientCase {
  /** Results that get a cotangent; default: every float result. */
  readonly cotangents?: readonly number[];
  /** Operands differentiated; default: every float operand. */
  readonly wrt?: readonly number[];
  readonly tolerance?: number;
  readonly step?: number;
}

/** Gradients by operand as the op's rule gives them, for the given cotangents. */
export function gradients<A extends Attributes>(
  op: Op<A>,
  operands: readonly Tensor[],
  attributes: A,
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly number[],
): readonly (Tensor | undefined)[] {
  const tensors = new Map<string, Tensor>();
  const bind = (tensor: Tensor): Value => {
    const value = { name: `v${tensors.size}`, type: tensor.type };
    tensors.set(value.name, tensor);
    return value;
  };
  const emitAll = <B extends Attributes>(other: Op<B>, values: readonly Value[], own: B) =>
    evaluate(
      other,
      values.map((value) => tensors.get(value.name)!),
      own,
      doubleMemory,
    ).map(bind);
  const context: GradientContext<A> = {
    operands: operands.map(bind),
    results: evaluate(op, operands, attributes, doubleMemory).map(bind),
    attributes,
    cotangents: cotangents.map((cotangent) => cotangent && bind(cotangent)),
    wants: (index) => wrt.includes(index),
    emitAll,
    emit: (other, values, own) => emitAll(other, values, own)[0]!,
    constant: (type, data) => bind({ type, data }),
  };
  const result = op.gradient!(context);
  return operands.map((_, i) => {
    const value = result[i];
    return value && tensors.get(value.name);
  });
}

/** Compares the gradient of sum(cotangent * result) with central differences. */
export function checkGradient<A extends Attributes>(
  op: Op<A>,
  operands: readonly Tensor[],
  attributes: A,
  options: GradientCase = {},
): void {
  const random = seeded(77);
  const results = run(op, operands, attributes);
  const weighted = options.cotangents ?? results.flatMap((result, i) => (result.type.dtype === 'f32' ? [i] : []));
  const cotangents = results.map((result, i) =>
    weighted.includes(i) ? uniform(random, result.type.shape) : undefined,
  );
  const loss = (given: readonly Tensor[]): number => {
    let sum = 0;
    run(op, given, attributes).forEach((result, i) => {
      const weights = cotangents[i]?.data;
      if (weights !== undefined) for (let k = 0; k < weights.length; k++) sum += weights[k]! * result.data[k]!;
    });
    return sum;
  };
  const wrt = options.wrt ?? operands.flatMap((operand, i) => (operand.type.dtype === 'f32' ? [i] : []));
  const analytic = gradients(op, operands, attributes, cotangents, wrt);
  const step = options.step ?? 1e-5;
  for (const index of wrt) {
    const numeric = Array.from(operands[index]!.data, (x, k) => {
      const moved = (delta: number) =>
        loss(
          operands.map((operand, i) =>
            i === index ? { ...operand, data: Float64Array.from(operand.data).fill(x + delta, k, k + 1) } : operand,
          ),
        );
      return (moved(step) - moved(-step)) / (2 * step);
    });
    const gradient = analytic[index];
    expect(gradient?.type, `gradient of operand ${index}`).toEqual(operands[index]!.type);
    expect(relativeError(gradient!.data, numeric), `${op.name}: gradient of operand ${index}`).toBeLessThan(
      options.tolerance ?? 1e-6,
    );
  }
  for (let i = 0; i < operands.length; i++) if (!wrt.includes(i)) expect(analytic[i]).toBeUndefined();
}
