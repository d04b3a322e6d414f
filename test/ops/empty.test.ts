/**
 * Every op on tensors without elements: each extent of each example becomes 0, wherever it stands among the operands. What
 * the op's shape rule still takes must run, and its gradients must be those of central differences.
 */
import { describe, expect, it } from 'vitest';
import { elementCount } from '../../src/ir/graph.ts';
import { type OpExample, ShapeError } from '../../src/ir/op.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { ops } from '../../src/ops/table.ts';
import { drawOperands, gradientError, gradientsOf } from '../op-check.ts';

/** The example with every extent `from` of its operands 0. */
function emptied(example: OpExample, from: number): OpExample {
  const operands = example.operands.map((type) => ({
    ...type,
    shape: type.shape.map((extent) => (extent === from ? 0 : extent)),
  }));
  return { ...example, operands };
}

/** Whether `run` found an index or a label that is none of the nothing there is: an error in the data. */
function pointsNowhere(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof RangeError && /(extent of 0|one of 0 classes)$/.test(error.message)) return true;
    throw error;
  }
}

function isTaken(infer: () => unknown): boolean {
  try {
    infer();
    return true;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

const cases = [...ops.values()].flatMap((op) => {
  const examples = op.examples.flatMap((example) => {
    const extents = new Set(example.operands.flatMap(({ shape }) => shape));
    return [...extents].map((extent) => emptied(example, extent));
  });
  const taken = examples.filter(({ operands, attributes }) => isTaken(() => op.infer(operands, attributes)));
  return taken.length === 0 ? [] : [{ op, examples: taken }];
});

const show = ({ operands, attributes }: OpExample): string =>
  `${operands.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(' ')} ${JSON.stringify(attributes)}`;

describe('on empty tensors', () => {
  it('most ops have a meaning', () => {
    expect(cases.length / ops.size).toBeGreaterThan(0.8);
  });

  it.each(cases)('$op.name', ({ op, examples }) => {
    examples.forEach((example, seed) => {
      const operands = drawOperands(example, seed);
      const types = op.infer(example.operands, example.attributes);
      if (pointsNowhere(() => evaluate(op, operands, example.attributes))) return;
      const results = evaluate(op, operands, example.attributes);
      results.forEach((result, i) => {
        expect(result.type, show(example)).toEqual(types[i]);
        expect(result.data.length, show(example)).toBe(elementCount(types[i]!.shape));
      });
      const differentiable = op.gradient !== undefined && example.operands.some(({ dtype }) => dtype === 'f32');
      if (!differentiable || !types.some(({ dtype }) => dtype === 'f32')) return;
      const { gradients, cotangents } = gradientsOf(op, example, operands, seed);
      gradients.forEach((gradient, i) => {
        if (gradient === undefined) return;
        expect(gradient.type, `${show(example)} operand ${i}`).toEqual(example.operands[i]);
        // A mean over nothing is no number, and neither is what it is differentiated to.
        if (results.some(({ data }) => Array.from(data).some(Number.isNaN))) return;
        const error = gradientError(op, example, operands, cotangents, i, gradient);
        expect(error, `${show(example)} operand ${i}`).toBeLessThan(1e-6);
      });
    });
  });
});
