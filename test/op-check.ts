/**
 * Checks of one op on one example, shared by the tests of ops: operands drawn from the example's ranges, the gradient as
 * a small graph evaluated node by node, and central differences.
 */

import { elementCount, type Node, type Tensor, type TensorType, type Value } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import type { GradientContext, Op, OpExample } from '../src/ir/op.ts';
import { evaluate, type MemoryFactory } from '../src/ops/evaluate.ts';
import { opNamed } from '../src/ops/table.ts';
import { doubleMemory } from './double-memory.ts';

/** A generator of numbers in [0, 1), the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Elements of `type`: floats (float32 values) in `range`, integers in it inclusively, bools. */
export function drawTensor(type: TensorType, next: () => number, range?: readonly [number, number]): Tensor {
  const [low, high] = range ?? (type.dtype === 'f32' ? [-2, 2] : [0, 1]);
  const draw = (): number => {
    if (type.dtype === 'f32') return Math.fround(low + (high - low) * next());
    if (type.dtype === 'bool') return next() < 0.5 ? 0 : 1;
    return low + Math.floor((high - low + 1) * next());
  };
  return { type, data: Array.from({ length: elementCount(type.shape) }, draw) };
}

export function drawOperands(example: OpExample, seed: number): readonly Tensor[] {
  const next = numbers(seed);
  return example.operands.map((type, i) =>
    drawTensor(type, next, example.ranges?.[i] ?? (type.dtype === 'f32' ? example.range : undefined)),
  );
}

/** What an op's gradient rule made of one application. */
export interface GradientGraph {
  readonly operands: readonly Value[];
  readonly results: readonly Value[];
  readonly cotangents: readonly (Value | undefined)[];
  /** The nodes the rule emitted. */
  readonly nodes: readonly Node[];
  /** Gradients by operand. */
  readonly gradients: readonly (Value | undefined)[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** Which cotangent is given and which gradient wanted; absent: all of floats. */
export interface Only {
  readonly result?: number;
  readonly operand?: number;
}

/** Applies the gradient rule. */
export function deriveGradient(op: Op, example: OpExample, only: Only = {}): GradientGraph {
  const builder = new GraphBuilder('gradient');
  const operands = example.operands.map((type, i) => builder.resident('input', `x${i}`, type));
  const results = builder.emitAll(op, operands, example.attributes, 'y');
  const cotangents = results.map((result, i) =>
    result.type.dtype === 'f32' && i === (only.result ?? i)
      ? builder.resident('input', `dy${i}`, result.type)
      : undefined,
  );
  const before = builder.nodes.length;
  const context: GradientContext = {
    operands,
    results,
    attributes: example.attributes,
    cotangents,
    wants: (i) => operands[i]?.type.dtype === 'f32' && i === (only.operand ?? i),
    emit: (...args) => builder.emit(...args),
    emitAll: (...args) => builder.emitAll(...args),
    constant: (...args) => builder.constant(...args),
  };
  const gradients = op.gradient!(context);
  return {
    operands,
    results,
    cotangents,
    nodes: builder.nodes.slice(before),
    gradients,
    constants: builder.weights,
  };
}

/** Evaluates the nodes in order; `values` holds operands, results, cotangents and constants by name, and is added to. */
export function evaluateNodes(nodes: readonly Node[], values: Map<string, Tensor>, memory: MemoryFactory): void {
  for (const node of nodes) {
    const operands = node.operands.map((operand) => values.get(operand.name)!);
    const results = evaluate(opNamed(node.op), operands, node.attributes, memory);
    node.results.forEach((result, i) => {
      values.set(result.name, results[i]!);
    });
  }
}

/** d (sum_i <result i, cotangent i>) / d operand `which`, by central differences. */
export function centralDifferences(
  op: Op,
  example: OpExample,
  operands: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  which: number,
  memory: MemoryFactory,
): number[] {
  const data = Array.from(operands[which]!.data);
  const moved = operands.map((operand, i) => (i === which ? { type: operand.type, data } : operand));
  const results = (): readonly Tensor[] => evaluate(op, moved, example.attributes, memory);
  return data.map((value, k) => {
    const step = 1e-5 * Math.max(1, Math.abs(value));
    data[k] = value + step;
    const above = results();
    data[k] = value - step;
    const below = results();
    data[k] = value;
    // Differences are summed, not sums subtracted: what does not move cancels exactly.
    let sum = 0;
    cotangents.forEach((cotangent, i) => {
      if (cotangent === undefined) return;
      const [high, low] = [above[i]!.data, below[i]!.data];
      for (let n = 0; n < cotangent.data.length; n++) sum += (high[n]! - low[n]!) * cotangent.data[n]!;
    });
    return sum / (2 * step);
  });
}

/** Gradients and cotangents of one application, in double precision. */
export function gradientsOf(
  op: Op,
  example: OpExample,
  operands: readonly Tensor[],
  seed: number,
  only: Only = {},
): { gradients: readonly (Tensor | undefined)[]; cotangents: readonly (Tensor | undefined)[] } {
  const graph = deriveGradient(op, example, only);
  const values = new Map(graph.constants);
  graph.operands.forEach((value, i) => {
    values.set(value.name, operands[i]!);
  });
  const results = evaluate(op, operands, example.attributes, doubleMemory);
  graph.results.forEach((value, i) => {
    values.set(value.name, results[i]!);
  });
  const next = numbers(seed + 7);
  const cotangents = graph.results.map((value, i) => {
    const tensor = drawTensor(value.type, next, [-1, 1]);
    const cotangent = graph.cotangents[i];
    if (cotangent === undefined) return undefined;
    values.set(cotangent.name, tensor);
    return tensor;
  });
  evaluateNodes(graph.nodes, values, doubleMemory);
  return {
    gradients: graph.gradients.map((value, i) =>
      value === undefined || i !== (only.operand ?? i) || example.operands[i]!.dtype !== 'f32'
        ? undefined
        : values.get(value.name),
    ),
    cotangents,
  };
}

/** Largest difference between a gradient and central differences, relative to the largest of these (at least 0.01). */
export function gradientError(
  op: Op,
  example: OpExample,
  operands: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  which: number,
  gradient: Tensor,
): number {
  const numeric = centralDifferences(op, example, operands, cotangents, which, doubleMemory);
  const size = Math.max(1e-2, ...numeric.map(Math.abs));
  return Math.max(0, ...numeric.map((value, k) => Math.abs(value - gradient.data[k]!))) / size;
}
