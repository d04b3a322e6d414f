/** Walks the op table: what every op promises, held on each of its examples. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { viewMemory } from '../../runtime/memory.ts';
import type { Kernel } from '../../runtime/program.ts';
import { bytesMoved, nodeCost } from '../../src/analysis/cost-model.ts';
import { alignUp, byteLength, type Tensor, type TensorType } from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import type { Op, OpExample } from '../../src/ir/op.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import { evaluate, readTensor, writeTensor } from '../../src/ops/evaluate.ts';
import { opNamed, ops } from '../../src/ops/table.ts';
import { doubleMemory } from '../double-memory.ts';
import { deriveGradient, drawOperands, type GradientGraph, gradientError, gradientsOf } from '../op-check.ts';

const floatMemory = (bytes: number) => viewMemory(new ArrayBuffer(bytes));

function exampleNode(op: Op, example: OpExample) {
  const builder = new GraphBuilder('example');
  const operands = example.operands.map((type, i) => builder.resident('input', `x${i}`, type));
  builder.emitAll(op, operands, example.attributes, 'y');
  return builder.nodes[0]!;
}

function kernelsOf(op: Op): Kernel[] {
  const at = { operand: () => 0, result: () => 0, scratch: 0 };
  return op.examples.flatMap((example) => op.lower(exampleNode(op, example), at).map(({ kernel }) => kernel));
}

describe('the op table', () => {
  it('names every op once, in snake_case', () => {
    for (const [name, op] of ops) {
      expect(op.name).toBe(name);
      expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    }
  });

  it('names the nearest op for one it does not know', () => {
    expect(() => opNamed('tanhh')).toThrow(/unknown op "tanhh"\n {2}hint: did you mean "tanh"\?/);
  });

  it('finds every kernel exported under its own name, which no other kernel has', async () => {
    const folder = new URL('../../runtime/kernels/', import.meta.url);
    const exported = new Map<string, unknown>();
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const module: Record<string, unknown> = await import(new URL(file, folder).href);
      for (const [name, value] of Object.entries(module)) {
        expect(exported.has(name), `${name} of ${file} is exported by another file too`).toBe(false);
        exported.set(name, value);
      }
    }
    for (const op of ops.values())
      for (const kernel of kernelsOf(op)) expect(exported.get(kernel.name), `${op.name}: ${kernel.name}`).toBe(kernel);
  });
});

describe.each([...ops])('%s', (_, op) => {
  const examples = op.examples.map((example, i) => ({ example, seed: 1000 + i }));
  const differentiable = examples.filter(({ example }) => isDifferentiable(op, example));

  it('has a doc line, documented attributes, and an example', () => {
    expect(op.doc).toMatch(/^\S.*\.$/);
    expect(examples.length).toBeGreaterThan(0);
    for (const [name, spec] of Object.entries(op.attributes)) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(spec.doc.length).toBeGreaterThan(0);
    }
    for (const { example } of examples) {
      expect(Object.keys(example.attributes).sort()).toEqual(Object.keys(op.attributes).sort());
      for (const [name, value] of Object.entries(example.attributes))
        expect(attributeFits(op.attributes[name]!.kind, value), `${name} = ${JSON.stringify(value)}`).toBe(true);
    }
  });

  it('prints, and parses back to what it was', () => {
    for (const { example } of examples) {
      const builder = new GraphBuilder('example');
      const operands = example.operands.map((type, i) => builder.resident('input', `x${i}`, type));
      for (const result of builder.emitAll(op, operands, example.attributes, 'y')) builder.output(result);
      const graph = builder.finish();
      expect(parseGraph(printGraph(graph), 'example.ir')).toEqual(graph);
    }
  });

  it('costs a finite number of operations and bytes', () => {
    for (const { example } of examples) {
      const node = exampleNode(op, example);
      for (const figure of [op.flops(node), bytesMoved(op, node), op.scratch?.(node) ?? 0])
        expect(Number.isFinite(figure) && figure >= 0, String(figure)).toBe(true);
      expect(Number.isInteger(nodeCost('roofline', op, node))).toBe(true);
    }
  });

  it('runs: finite results of the inferred types, in float32 as in double precision', () => {
    for (const { example, seed } of examples) {
      const operands = drawOperands(example, seed);
      const types = op.infer(example.operands, example.attributes);
      const single = evaluate(op, operands, example.attributes);
      const double = evaluate(op, operands, example.attributes, doubleMemory);
      expect(single.map((tensor) => tensor.type)).toEqual(types);
      single.forEach((tensor, i) => {
        expect(tensor.data.length).toBe(types[i]!.shape.reduce((count, extent) => count * extent, 1));
        const [a, b] = [Array.from(tensor.data), Array.from(double[i]!.data)];
        expect(a.every(Number.isFinite), `${show(example)} result ${i}: ${a}`).toBe(true);
        const size = Math.max(1, ...b.map(Math.abs));
        const error = Math.max(0, ...a.map((value, k) => Math.abs(value - b[k]!))) / size;
        expect(error, `${show(example)} result ${i}`).toBeLessThan(1e-5);
      });
    }
  });

  if (op.inPlace !== undefined)
    it('gives the same bits in place', () => {
      for (const { example, seed } of examples) {
        const operands = drawOperands(example, seed);
        const apart = evaluate(op, operands, example.attributes);
        const types = op.infer(example.operands, example.attributes);
        op.inPlace!.forEach((candidates, result) => {
          for (const operand of candidates) {
            const donor = operands[operand];
            if (donor === undefined || byteLength(donor.type) !== byteLength(types[result]!)) continue;
            const placed = runInPlace(op, example, operands, result, operand);
            placed.forEach((tensor, i) => {
              expect(Array.from(tensor.data), `${show(example)} result ${result} on operand ${operand}`).toEqual(
                Array.from(apart[i]!.data),
              );
            });
          }
        });
      }
    });

  if (op.gradient !== undefined && op.straightThrough === undefined)
    it('has the gradient that central differences have', () => {
      for (const { example, seed } of differentiable) {
        const operands = drawOperands(example, seed);
        const outcome = gradientsOf(op, example, operands, seed);
        outcome.gradients.forEach((gradient, i) => {
          if (gradient === undefined) return;
          expect(gradient.type, `${show(example)} operand ${i}`).toEqual(example.operands[i]);
          const error = gradientError(op, example, operands, outcome.cotangents, i, gradient);
          expect(error, `${show(example)} operand ${i}`).toBeLessThan(1e-6);
        });
      }
    });

  if (op.gradient !== undefined)
    it('has the same gradient when one alone is wanted or given', () => {
      for (const { example, seed } of differentiable) {
        const operands = drawOperands(example, seed);
        const whole = gradientsOf(op, example, operands, seed);
        whole.gradients.forEach((gradient, i) => {
          if (gradient === undefined || operands.length === 1) return;
          const alone = gradientsOf(op, example, operands, seed, { operand: i });
          expect(Array.from(alone.gradients[i]!.data), `${show(example)} operand ${i}`).toEqual(
            Array.from(gradient.data),
          );
        });
        if (whole.cotangents.filter((cotangent) => cotangent !== undefined).length < 2) continue;
        whole.cotangents.forEach((cotangent, result) => {
          if (cotangent === undefined) return;
          const one = gradientsOf(op, example, operands, seed, { result });
          one.gradients.forEach((gradient, i) => {
            if (gradient === undefined) return;
            const error = gradientError(op, example, operands, one.cotangents, i, gradient);
            expect(error, `${show(example)} from result ${result} to operand ${i}`).toBeLessThan(1e-6);
          });
        });
      }
    });

  if (op.gradient !== undefined)
    it('reads in its gradient what it declares, and no more', () => {
      const read = { operands: new Set<number>(), results: new Set<number>() };
      for (const { example } of differentiable) {
        const graph = deriveGradient(op, example);
        for (const name of namesRead(graph)) {
          const operand = graph.operands.findIndex((value) => value.name === name);
          const result = graph.results.findIndex((value) => value.name === name);
          if (operand >= 0) read.operands.add(operand);
          if (result >= 0) read.results.add(result);
        }
      }
      const sorted = (indices: Iterable<number>): number[] => [...indices].sort((a, b) => a - b);
      expect({ operands: sorted(read.operands), results: sorted(read.results) }).toEqual({
        operands: sorted(op.gradientReads?.operands ?? []),
        results: sorted(op.gradientReads?.results ?? []),
      });
    });
});

function attributeFits(kind: string, value: unknown): boolean {
  switch (kind) {
    case 'int':
      return Number.isInteger(value);
    case 'ints':
      return Array.isArray(value) && value.every(Number.isInteger);
    case 'float':
      return typeof value === 'number';
    case 'floats':
      return Array.isArray(value) && value.every((entry) => typeof entry === 'number');
    case 'bool':
      return typeof value === 'boolean';
    default:
      return typeof value === 'string';
  }
}

/** Whether a gradient may be asked for: floats go in and come out. */
function isDifferentiable(op: Op, example: OpExample): boolean {
  const isFloat = (type: TensorType): boolean => type.dtype === 'f32';
  return example.operands.some(isFloat) && op.infer(example.operands, example.attributes).some(isFloat);
}

const show = (example: OpExample): string =>
  `${example.operands.map((type) => `${type.dtype}[${type.shape}]`).join(' ')} ${JSON.stringify(example.attributes)}`;

/** Runs `op` with `result` at the offset of `operand`, everything else apart. */
function runInPlace(
  op: Op,
  example: OpExample,
  operands: readonly Tensor[],
  result: number,
  operand: number,
): readonly Tensor[] {
  const node = exampleNode(op, example);
  let bytes = 0;
  const place = (size: number): number => {
    const offset = bytes;
    bytes += alignUp(size);
    return offset;
  };
  const from = operands.map((tensor) => place(byteLength(tensor.type)));
  const to = node.results.map((value, i) => (i === result ? from[operand]! : place(byteLength(value.type))));
  const scratch = place(op.scratch?.(node) ?? 0);
  const memory = floatMemory(Math.max(64, bytes));
  operands.forEach((tensor, i) => {
    writeTensor(memory, tensor.type, from[i]!, tensor.data);
  });
  const at = { operand: (i: number) => from[i]!, result: (i: number) => to[i]!, scratch };
  for (const { kernel, args } of op.lower(node, at)) kernel(memory, ...args);
  return node.results.map((value, i) => ({ type: value.type, data: readTensor(memory, value.type, to[i]!) }));
}

/** Names of operands and results that the gradient's nodes read. */
function namesRead(graph: GradientGraph): Set<string> {
  const names = new Set(graph.nodes.flatMap((node) => node.operands.map((operand) => operand.name)));
  for (const gradient of graph.gradients) if (gradient !== undefined) names.add(gradient.name);
  return names;
}
