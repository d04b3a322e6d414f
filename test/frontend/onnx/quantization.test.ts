import { create } from '@bufbuild/protobuf';
import { TensorProto_DataType as DataType, type NodeProto, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/compile.ts';
import { createExecution } from '../../../src/execution.ts';
import { attachLoss } from '../../../src/frontend/loss.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import type { DType, Tensor } from '../../../src/ir/graph.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import { floats, initializer, input, modelBytes, node, ramp } from '../onnx-models.ts';

const tensor = (dtype: DType, shape: readonly number[], ...data: readonly number[]): Tensor => ({
  type: { dtype, shape },
  data,
});

function imported(
  nodes: readonly NodeProto[],
  initializers: readonly TensorProto[],
  shape: readonly number[],
  opset = 21,
) {
  return importOnnx(modelBytes({ nodes, inputs: [input('x', shape)], outputs: ['y'], initializers, opset }));
}

/** The node's output `y` of `x`. */
function run(x: Tensor, nodes: readonly NodeProto[], initializers: readonly TensorProto[]): readonly number[] {
  const { model } = imported(nodes, initializers, x.type.shape);
  return Array.from(evaluateGraph(model, new Map([['x', x]])).get('y')!.data);
}

/** y and the gradient of its sum by x. */
function fakeQuantized(x: Tensor, initializers: readonly TensorProto[], attributes = {}) {
  const nodes = [
    node('QuantizeLinear', ['x', 's', 'z'], 'q', attributes),
    node('DequantizeLinear', ['q', 's', 'z'], 'y', attributes),
  ];
  const { model, loss } = attachLoss(imported(nodes, initializers, x.type.shape).model, { kind: 'sum' });
  const execution = createExecution(compile(model, { losses: [loss], wrt: 'inputs', strategy: 'none' }), {});
  execution.setInputs(new Map([['x', x]]));
  execution.machine.run();
  const outputs = execution.outputs();
  return { y: Array.from(outputs.get('y')!.data), dx: Array.from(outputs.get('d_x')!.data) };
}

describe('QuantizeLinear', () => {
  // The examples of the ONNX standard.
  it('rounds, moves and saturates', () => {
    const initializers = [initializer('s', floats([], 2)), initializer('z', tensor('u8', [], 128))];
    const x = floats([6], 0, 2, 3, 1000, -254, -1000);
    expect(run(x, [node('QuantizeLinear', ['x', 's', 'z'], 'y')], initializers)).toEqual([128, 129, 130, 255, 1, 0]);
  });

  it('has a scale and a zero point for each place of an axis', () => {
    const x = floats(
      [1, 3, 3, 2],
      -162,
      10,
      -100,
      232,
      -20,
      -50,
      -76,
      0,
      0,
      252,
      32,
      -44,
      245,
      -485,
      -960,
      -270,
      -375,
      -470,
    );
    const initializers = [initializer('s', floats([3], 2, 4, 5)), initializer('z', tensor('u8', [3], 84, 24, 196))];
    expect(run(x, [node('QuantizeLinear', ['x', 's', 'z'], 'y')], initializers)).toEqual([
      3, 89, 34, 200, 74, 59, 5, 24, 24, 87, 32, 13, 245, 99, 4, 142, 121, 102,
    ]);
  });

  it('rounds halves to even, before the zero point is added', () => {
    const x = floats([6], 0.5, 1.5, 2.5, -0.5, -1.5, -2.5);
    const initializers = [initializer('s', floats([], 1)), initializer('z', tensor('i8', [], 1))];
    expect(run(x, [node('QuantizeLinear', ['x', 's', 'z'], 'y')], initializers)).toEqual([1, 3, 3, 1, -1, -1]);
  });

  it.each([
    [{}, undefined, 'u8'],
    [{ output_dtype: DataType.INT8 }, undefined, 'i8'],
    [{}, 'i16', 'i16'],
  ] as const)('has the type it is asked for: %j, zero point %s', (attributes, zero, dtype) => {
    const initializers = [initializer('s', floats([], 1)), ...(zero ? [initializer('z', tensor(zero, [], 0))] : [])];
    const names = ['x', 's', ...(zero ? ['z'] : [])];
    const { model } = imported([node('QuantizeLinear', names, 'y', attributes)], initializers, [2]);
    expect(model.graph.nodes.at(-1)!.results[0]!.type.dtype).toBe(dtype);
  });

  it('is refused for types that hold other numbers, and for scales that do not fit', () => {
    const scale = initializer('s', floats([2], 1, 1));
    const quantize = (attributes: object) => [node('QuantizeLinear', ['x', 's'], 'y', { ...attributes })];
    expect(() => imported(quantize({ output_dtype: DataType.INT4 }), [scale], [2])).toThrow('it quantizes to INT4');
    expect(() => imported(quantize({}), [scale], [2, 3])).toThrow(
      'its scales have the shape [2]; for an operand of [2,3] it must be [3]',
    );
    expect(() => imported(quantize({ axis: 2 }), [scale], [2, 3])).toThrow('axis 2 is out of range');
  });
});

describe('quantizing and back', () => {
  const x = floats([10], -3, -1.29, -0.33, 0, 0.04, 0.149, 0.72, 12.7, 12.76, 25);
  const close = (actual: readonly number[], expected: readonly number[]) =>
    actual.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected[i]!)));
    });

  // torch.fake_quantize_per_tensor_affine and per_channel_affine, and their gradients.
  it('gives the numbers and the straight-through gradient of fake quantization', () => {
    const signed = fakeQuantized(x, [initializer('s', floats([], 0.1)), initializer('z', tensor('i8', [], 0))]);
    close(signed.y, [-3, -1.3, -0.3, 0, 0, 0.1, 0.7, 12.7, 12.7, 12.7]);
    expect(signed.dx.map(Math.round)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    const unsigned = fakeQuantized(x, [initializer('s', floats([], 0.1)), initializer('z', tensor('u8', [], 3))]);
    close(unsigned.y, [-0.3, -0.3, -0.3, 0, 0, 0.1, 0.7, 12.7, 12.8, 25]);
    expect(unsigned.dx.map(Math.round)).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('does so by channel, with zero points that differ', () => {
    const w = floats([2, 3], 0.3, -0.7, 1.1, 2.4, -5, 0.05);
    const initializers = [initializer('s', floats([2], 0.01, 0.02)), initializer('z', tensor('i8', [2], 0, 10))];
    const { y, dx } = fakeQuantized(w, initializers, { axis: 0 });
    close(y, [0.3, -0.7, 1.1, 2.34, -2.76, 0.04]);
    expect(dx.map(Math.round)).toEqual([1, 1, 1, 0, 0, 1]);
  });

  it('does not train the scales, and says how gradients pass', () => {
    const nodes = [
      node('QuantizeLinear', ['w', 's'], 'q', { axis: 0 }),
      node('DequantizeLinear', ['q', 's'], 'd', { axis: 0 }),
      node('MatMul', ['x', 'd'], 'y'),
    ];
    const model = imported(nodes, [initializer('w', ramp(3, 2)), initializer('s', floats([3], 0.1, 0.2, 0.3))], [4, 3]);
    expect(model.parameterNames).toEqual(['w']);
    expect(model.notes.map(({ message }) => message)).toEqual([
      '"q": rounded on the way forward; gradients pass straight through, but where a number saturates',
    ]);
  });
});

describe('DequantizeLinear of stored weights', () => {
  const dequantized = (
    shape: readonly number[],
    stored: TensorProto,
    more: readonly TensorProto[],
    attributes = {},
  ) => {
    const names = ['w', 's', ...(more.some(({ name }) => name === 'z') ? ['z'] : [])];
    const nodes = [node('DequantizeLinear', names, 'd', attributes), node('Add', ['x', 'd'], 'y')];
    const result = imported(nodes, [stored, ...more], shape);
    return { ...result, numbers: Array.from(result.model.weights.get('d')!.data) };
  };

  it('gives parameters of floats, and says so', () => {
    const w = initializer('w', tensor('i8', [2, 2], -128, 0, 1, 127));
    const { numbers, parameterNames, notes, model } = dequantized([2, 2], w, [
      initializer('s', floats([], 0.5)),
      initializer('z', tensor('i8', [], 1)),
    ]);
    expect(numbers).toEqual([-64.5, -0.5, 0, 63]);
    expect(parameterNames).toEqual(['d']);
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['add']);
    expect(notes[0]!.message).toContain('"d": stored as integers in the file');
  });

  it('has scales by axis and by block', () => {
    const w = initializer('w', tensor('i8', [2, 3], 1, 2, 3, 4, 5, 6));
    const byAxis = (axis: number, ...scales: readonly number[]) =>
      dequantized([2, 3], w, [initializer('s', floats([scales.length], ...scales))], { axis }).numbers;
    expect(byAxis(0, 1, 10)).toEqual([1, 2, 3, 40, 50, 60]);
    expect(byAxis(-1, 1, 10, 100)).toEqual([1, 20, 300, 4, 50, 600]);
    const blocked = [
      initializer('s', floats([2, 2], 1, 10, 100, 1000)),
      initializer('z', tensor('i8', [2, 2], 0, 1, 2, 3)),
    ];
    const { numbers } = dequantized([2, 3], w, blocked, { axis: 1, block_size: 2 });
    expect(numbers).toEqual([1, 2, 20, 200, 300, 3000]);
  });

  it('gives by the path of activations what it gives of stored weights', () => {
    const x = tensor('i8', [2, 3], 1, 2, 3, 4, 5, 6);
    const blocked = [
      initializer('s', floats([2, 2], 1, 10, 100, 1000)),
      initializer('z', tensor('i8', [2, 2], 0, 1, 2, 3)),
    ];
    const bytes = modelBytes({
      nodes: [node('DequantizeLinear', ['x', 's', 'z'], 'y', { axis: 1, block_size: 2 })],
      inputs: [input('x', [2, 3], DataType.INT8)],
      outputs: ['y'],
      initializers: blocked,
      opset: 21,
    });
    const { model } = importOnnx(bytes);
    expect(Array.from(evaluateGraph(model, new Map([['x', x]])).get('y')!.data)).toEqual([1, 2, 20, 200, 300, 3000]);
  });

  const proto = (name: string, dataType: number, dims: readonly number[], more: object): TensorProto =>
    create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), ...more });

  it.each([
    ['INT4', [-8, -1, 7], { rawData: Uint8Array.of(0xf8, 0x07) }],
    ['INT4', [-8, -1, 7], { int32Data: [0xf8, 0x07] }],
    ['UINT4', [8, 15, 7], { rawData: Uint8Array.of(0xf8, 0x07) }],
    ['UINT16', [0, 65535, 258], { rawData: Uint8Array.of(0, 0, 255, 255, 2, 1) }],
    ['UINT16', [0, 65535, 258], { int32Data: [0, 65535, 258] }],
    ['INT32', [-70000, 0, 70000], { int32Data: [-70000, 0, 70000] }],
    ['INT16', [-32768, 0, 5], { int32Data: [-32768, 0, 5] }],
  ] as const)('are read from %s: %j', (name, expected, data) => {
    const { numbers } = dequantized([3], proto('w', DataType[name], [3], data), [initializer('s', floats([], 2))]);
    expect(numbers).toEqual(expected.map((number) => 2 * number));
  });

  it('have zero points of those types, too', () => {
    const w = proto('w', DataType.UINT4, [2], { rawData: Uint8Array.of(0xf0) });
    const z = proto('z', DataType.UINT4, [], { int32Data: [8] });
    expect(dequantized([2], w, [initializer('s', floats([], 1)), z]).numbers).toEqual([-8, 7]);
  });

  it('are refused by name where the type is another, the file is damaged, or scales and zero points differ', () => {
    const s = initializer('s', floats([], 1));
    const float8 = proto('w', DataType.FLOAT8E4M3FN, [2], { int32Data: [1, 2] });
    expect(() => dequantized([2], float8, [s])).toThrow('unsupported element type FLOAT8E4M3FN');
    const short = proto('w', DataType.INT4, [5], { rawData: Uint8Array.of(1) });
    expect(() => dequantized([5], short, [s])).toThrow('tensor "w" has 1 units of data, but INT4[5] takes 3');
    const w = initializer('w', tensor('i8', [2], 1, 2));
    const zeros = [initializer('s', floats([2], 1, 1)), initializer('z', tensor('i8', [], 0))];
    expect(() => dequantized([2], w, zeros, { axis: 0 })).toThrow('it has 2 scales and 1 zero points');
    // Read by anything else, such a weight is what it was.
    const elsewhere = proto('w', DataType.INT4, [2], { rawData: Uint8Array.of(1) });
    expect(() => imported([node('Add', ['x', 'w'], 'y')], [elsewhere], [2])).toThrow('unsupported element type INT4');
  });
});
