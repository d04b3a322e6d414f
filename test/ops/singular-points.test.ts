import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import type { Attributes, Tensor } from '../../src/ir/graph.ts';
import { opNamed } from '../../src/ops/table.ts';
import { input, modelBytes, node } from '../frontend/onnx-models.ts';
import { tensor } from '../tensors.ts';
import { backends, gradientsOn } from './backends.ts';
import { elementPoints, onnxPoints, rowPoints, type SingularPoints } from './singular-points.ts';

const ones = ({ type, data }: Tensor): Tensor => ({ type, data: Array.from(data, () => 1) });

const named = ([op, attributes, operands, value, gradients]: SingularPoints) => ({
  op,
  attributes,
  operands,
  value,
  gradients,
});

function expectNumbers(got: ArrayLike<number>, wanted: readonly number[], what: string): void {
  const same = (a: number, b: number): boolean =>
    Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));
  const numbers = Array.from(got);
  const fits = numbers.length === wanted.length && numbers.every((value, i) => same(value, wanted[i]!));
  expect(fits, `${what}: [${numbers.join(', ')}], not [${wanted.join(', ')}]`).toBe(true);
}

describe.each(backends)('at its singular points, on the $name backend', (backend) => {
  const check = (
    name: string,
    attributes: Attributes,
    operands: readonly Tensor[],
    value: readonly number[],
    gradients: SingularPoints[4],
  ): void => {
    const op = opNamed(name);
    expectNumbers(backend.run(op, operands, attributes)[0]!.data, value, 'value');
    if (op.gradient === undefined) return;
    // A derivative that is 0 wherever it exists is none.
    gradientsOn(backend, op, operands, attributes, ones).forEach((gradient, i) => {
      expectNumbers(gradient?.data ?? gradients[i]!.map(() => 0), gradients[i]!, `gradient ${i}`);
    });
  };

  it.each(elementPoints.map(named))(
    '$op $attributes of $operands',
    ({ op, attributes, operands, value, gradients }) => {
      const tensors = operands.map((data) => tensor('f32', [data.length], data));
      check(op, attributes, tensors, value, gradients);
    },
  );

  it.each(rowPoints.map(named))('$op $attributes of the rows $operands', ({ op, attributes, ...given }) => {
    const { operands: rows, value, gradients } = given;
    check(op, attributes, [tensor('f32', [rows.length, rows[0]!.length], rows.flat())], value, gradients);
  });
});

describe.each(['js', 'wasm'] as const)('ONNX operators at their singular points, on %s', (backend) => {
  const points = onnxPoints.map(([onnx, attributes, rows, value, gradient]) => ({
    onnx,
    attributes,
    rows,
    value,
    gradient,
  }));
  it.each(points)('$onnx $attributes of $rows', ({ onnx, attributes, rows, value, gradient }) => {
    const shape = [rows.length, 1, rows[0]!.length];
    const bytes = modelBytes({
      nodes: [node(onnx, ['x'], 'y', attributes), node('ReduceSum', ['y'], 'loss', { keepdims: 0 })],
      inputs: [input('x', shape)],
      outputs: ['loss', 'y'],
    });
    const compiled = compile(importOnnx(bytes).model, { losses: ['loss'], wrtValues: ['x'], strategy: 'none' });
    const execution = createExecution(compiled, { backend });
    execution.setInputs(new Map([['x', tensor('f32', shape, rows.flat())]]));
    execution.machine.run();
    expectNumbers(execution.outputs().get('y')!.data, value, 'value');
    expectNumbers(execution.outputs().get('d_x')!.data, gradient, 'gradient');
  });
});
