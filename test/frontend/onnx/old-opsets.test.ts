/** Opsets 1 to 5: what later versions say of these operators holds, but for what is tested here. */
import { TensorProto_DataType as DataType, type NodeProto, type TensorProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import { floats, initializer, input, integer, integers, modelBytes, node, ramp } from '../onnx-models.ts';

function run(opset: number, nodes: readonly NodeProto[], initializers: readonly TensorProto[] = []) {
  const bytes = modelBytes({ nodes, inputs: [input('x', [2, 3])], outputs: ['y'], initializers, opset });
  const { model } = importOnnx(bytes);
  const tensor = evaluateGraph(model, new Map([['x', floats([2, 3], 1, -2, 3, -4, 5, -6)]])).get('y')!;
  return [tensor.type.shape, Array.from(tensor.data)];
}

describe('operators of opsets 1 to 5', () => {
  it.each([1, 2, 3, 4, 5])('ignore consumed_inputs: opset %i', (opset) => {
    const nodes = [
      node('Relu', ['x'], 'r', { consumed_inputs: [0] }),
      node('MatMul', ['r', 'w'], 'm'),
      node('Add', ['m', 'b'], 'a', { broadcast: 1, axis: 1, consumed_inputs: [0, 0] }),
      node('Neg', ['a'], 'y', { consumed_inputs: [0] }),
    ];
    const initializers = [initializer('w', floats([3, 2], 1, 0, 0, 1, 1, 1)), initializer('b', floats([2], 10, 20))];
    expect(run(opset, nodes, initializers)).toEqual([
      [2, 2],
      [-14, -23, -10, -25],
    ]);
  });

  it('align the second operand at an axis', () => {
    const b = initializer('b', floats([2], 10, 20));
    expect(run(3, [node('Sub', ['x', 'b'], 'y', { broadcast: 1, axis: 0 })], [b])[1]).toEqual([
      -9, -12, -7, -24, -15, -26,
    ]);
  });

  it('take attributes that became operands', () => {
    expect(run(1, [node('Reshape', ['x'], 'y', { shape: [3, -1] })])[0]).toEqual([3, 2]);
    expect(run(5, [node('Reshape', ['x', 's'], 'y')], [initializer('s', integers(6))])[0]).toEqual([6]);
    expect(run(1, [node('Pad', ['x'], 'y', { paddings: [0, 1, 0, 0] })])[0]).toEqual([2, 4]);
    expect(run(2, [node('Pad', ['x'], 'y', { pads: [0, 1, 0, 0] })])[0]).toEqual([2, 4]);
    expect(run(1, [node('Slice', ['x'], 'y', { starts: [1], ends: [3], axes: [1] })])[1]).toEqual([-2, 3, 5, -6]);
    expect(run(4, [node('Split', ['x'], ['y', 'z'], { axis: 1, split: [1, 2] })])[1]).toEqual([1, -4]);
  });

  it('take operands that became attributes', () => {
    const sizes = initializer('sizes', integers(2, 1));
    expect(run(1, [node('Split', ['x', 'sizes'], ['z', 'y'], { axis: 1 })], [sizes])[1]).toEqual([3, -6]);
    const tiles = [initializer('tiles', integer(2)), initializer('axis', integer(1))];
    expect(run(1, [node('Tile', ['x', 'tiles', 'axis'], 'y')], tiles)[1]).toEqual([
      1, -2, 3, 1, -2, 3, -4, 5, -6, -4, 5, -6,
    ]);
  });

  it('have the defaults of their time', () => {
    expect(run(3, [node('Concat', ['x', 'x'], 'y')])[0]).toEqual([2, 6]);
    expect(() => run(4, [node('Concat', ['x', 'x'], 'y')])).toThrow('its axis is left out');
    const [, selu] = run(5, [node('Selu', ['x'], 'y')]);
    expect(selu![0]).toBe(Math.fround(1.0507));
  });

  it('name the type of a Cast', () => {
    expect(run(5, [node('Cast', ['x'], 'y', { to: 'INT32' })])[1]).toEqual([1, -2, 3, -4, 5, -6]);
    expect(() => run(5, [node('Cast', ['x'], 'y', { to: 'NUMBER' })])).toThrow('unknown type "NUMBER"');
    expect(() => run(6, [node('Cast', ['x'], 'y', { to: DataType.UINT64 })])).toThrow('UINT64');
  });

  it('are refused by name where they meant something else', () => {
    expect(() => run(1, [node('LpPool', ['x'], 'y')])).toThrow('operator LpPool is supported from opset 2');
    expect(() => run(5, [node('LSTM', ['x', 'x', 'x'], 'y')])).toThrow('operator LSTM is supported from opset 7');
    expect(() =>
      run(5, [node('BatchNormalization', ['x', 'm', 'm', 'm', 'm'], 'y', { spatial: 0 })], [initializer('m', ramp(3))]),
    ).toThrow('spatial');
  });
});
