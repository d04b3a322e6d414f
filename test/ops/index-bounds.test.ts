/**
 * Ops that index say what their indices are below: inputs are drawn by it, so that `run` needs no data to try a model.
 */
import { describe, expect, it } from 'vitest';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import type { Tensor, Value } from '../../src/ir/graph.ts';
import type { Op, OpExample } from '../../src/ir/op.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { ops } from '../../src/ops/table.ts';
import { drawOperands } from '../op-check.ts';

/** Integer operands that the op refuses numbers of. */
function refusing(op: Op, example: OpExample): readonly number[] {
  const drawn = drawOperands(example, 1);
  return drawn.flatMap(({ type, data }, i) => {
    const isIndex = (type.dtype === 'i32' || type.dtype === 'i64') && data.length > 0;
    return isIndex && throws(op, example, filled(drawn, i, 1e6)) ? [i] : [];
  });
}

function filled(operands: readonly Tensor[], at: number, value: number): readonly Tensor[] {
  return operands.map(({ type, data }, i) => ({ type, data: i === at ? Array.from(data, () => value) : data }));
}

function throws(op: Op, { attributes }: OpExample, operands: readonly Tensor[]): boolean {
  try {
    evaluate(op, operands, attributes);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return true;
  }
}

const cases = [...ops.values()].flatMap((op) =>
  op.examples.flatMap((example) => refusing(op, example).map((operand) => [op.name, operand, op, example] as const)),
);

describe('an op that refuses indices', () => {
  it('is one of these', () => {
    const names = new Set(cases.map(([name]) => name));
    for (const name of ['gather', 'gather_nd', 'gather_elements', 'scatter_nd', 'scatter_elements', 'nll_loss'])
      expect(names).toContain(name);
  });

  it.each(cases)('%s says what operand %d is below', (_, operand, op, example) => {
    const drawn = drawOperands(example, 1);
    const application = {
      operands: drawn.map(({ type }, i): Value => ({ name: `x${i}`, type })),
      results: op.infer(example.operands, example.attributes).map((type, i): Value => ({ name: `y${i}`, type })),
      attributes: example.attributes,
    };
    const bound = op.indexBound?.(application, operand);
    expect(bound).toBeGreaterThan(0);
    expect(throws(op, example, filled(drawn, operand, bound! - 1))).toBe(false);
    expect(throws(op, example, filled(drawn, operand, 0))).toBe(false);
  });
});

describe('drawn inputs', () => {
  type Write = (m: ModelBuilder, indices: Value) => Value;
  const table = (m: ModelBuilder) => m.parameter('table', [3, 4]);
  const gather = (m: ModelBuilder, indices: Value) => m.apply('gather', [table(m), indices], { axis: 0 })[0]!;
  const written: readonly (readonly [string, Write])[] = [
    ['gather_nd', (m, i) => m.apply('gather_nd', [table(m), m.reshape(i, [4, 2])], { batch_dims: 0 })[0]!],
    [
      'scatter_nd',
      (m, i) =>
        m.apply('scatter_nd', [table(m), m.reshape(i, [8, 1]), m.parameter('u', [8, 4])], { reduction: 'add' })[0]!,
    ],
    ['gather_elements', (m, i) => m.apply('gather_elements', [table(m), m.reshape(i, [2, 4])], { axis: 0 })[0]!],
    ['a gather behind a cast', (m, i) => gather(m, m.apply('cast', [i], { to: 'i32' })[0]!)],
    [
      'a gather behind a transpose and a slice',
      (m, i) => gather(m, m.slice(m.transpose(m.reshape(i, [2, 4]), [1, 0]), 0, 1, 3)),
    ],
    ['a gather behind a concatenation', (m, i) => gather(m, m.concat([i, i], 0))],
    [
      'a gather of what another gather picks',
      (m, i) => gather(m, m.apply('gather', [i, m.constant([2], [7, 0], 'i64')], { axis: 0 })[0]!),
    ],
    ['labels of a loss', (m, i) => m.crossEntropy(m.parameter('scores', [8, 3]), i)],
  ];
  it.each(written)('are within what %s takes', (_, write) => {
    const m = new ModelBuilder('drawn');
    m.loss(m.sum(write(m, m.input('indices', [8], 'i64'))));
    const model = m.finish();
    const compiled = compile(model, { losses: model.losses });
    for (let seed = 0; seed < 5; seed++) {
      const { tensors } = stepInputs(model.graph, new Map(), seed);
      const execution = createExecution(compiled);
      execution.setInputs(tensors);
      execution.machine.run();
      expect(new Set(tensors.get('indices')!.data).size).toBeGreaterThan(1);
    }
  });
});
