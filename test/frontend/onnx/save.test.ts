import { readFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { TensorProto_DataType as DataType, ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/frontend/onnx/decode.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { saveOnnx } from '../../../src/frontend/onnx/save.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { tensor } from '../../tensors.ts';

/** y = x + w, with `w` stored as `dataType`. */
function adder(dataType: DataType, rawData: Uint8Array<ArrayBuffer>, count = 4): Uint8Array {
  const type = (elemType: DataType) => ({
    value: {
      case: 'tensorType' as const,
      value: { elemType, shape: { dim: [{ value: { case: 'dimValue' as const, value: BigInt(count) } }] } },
    },
  });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: 'a test',
      opsetImport: [{ domain: '', version: 17n }],
      metadataProps: [{ key: 'author', value: 'nobody' }],
      graph: {
        name: 'adder',
        node: [{ opType: 'Add', name: 'add', input: ['x', 'w'], output: ['y'] }],
        input: [{ name: 'x', type: type(DataType.FLOAT) }],
        output: [{ name: 'y', type: type(DataType.FLOAT) }],
        initializer: [{ name: 'w', dims: [BigInt(count)], dataType, rawData, docString: 'the weight' }],
      },
    }),
  );
}

const weights = (numbers: readonly number[]) => new Map([['w', tensor('f32', [numbers.length], numbers)]]);

describe('saveOnnx', () => {
  it.each([
    [DataType.FLOAT, new Uint8Array(16), [0.1, -2, 3e38, -0]],
    [DataType.DOUBLE, new Uint8Array(32), [0.1, -2, 3e38, -0]],
    [DataType.FLOAT16, new Uint8Array(8), [0.5, -2, 65504, 2 ** -24]],
    [DataType.BFLOAT16, new Uint8Array(8), [0.5, -2, 2 ** 127, 2 ** -126]],
  ])('keeps the type in which a weight is stored: %s', (dataType, raw, numbers) => {
    const bytes = adder(dataType, raw);
    const { bytes: saved, saved: names, left } = saveOnnx(bytes, weights(numbers));
    expect([names, left]).toEqual([['w'], []]);
    const read = importOnnx(saved).model.weights.get('w')!;
    expect(Array.from(read.data)).toEqual(numbers.map(Math.fround));
    const before = decodeModel(bytes).proto;
    const after = decodeModel(saved).proto;
    expect(after.graph!.initializer[0]!.dataType).toBe(dataType);
    // All else is as it was.
    expect(after.graph!.initializer[0]!.docString).toBe('the weight');
    after.graph!.initializer = before.graph!.initializer;
    expect(toBinary(ModelProtoSchema, after)).toEqual(bytes);
  });

  it('rounds to the nearest number of a narrower type, ties to even', () => {
    const stored = (dataType: DataType, numbers: readonly number[]) =>
      Array.from(
        importOnnx(saveOnnx(adder(dataType, new Uint8Array(8)), weights(numbers)).bytes).model.weights.get('w')!.data,
      );
    expect(stored(DataType.FLOAT16, [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, -(2 ** -25)])).toEqual([
      1,
      1 + 2 ** -9,
      Number.POSITIVE_INFINITY,
      -0,
    ]);
    expect(stored(DataType.BFLOAT16, [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, Number.NaN])).toEqual([
      1,
      1 + 2 ** -6,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });

  it('turns every half into itself', () => {
    const raw = new Uint8Array(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits).buffer);
    const model = adder(DataType.FLOAT16, raw, 0x7c00);
    const read = importOnnx(model).model.weights;
    expect(decodeModel(saveOnnx(model, read).bytes).graph.initializer[0]!.rawData).toEqual(raw);
  });

  it('refuses a weight of another shape', () => {
    expect(() => saveOnnx(adder(DataType.FLOAT, new Uint8Array(16)), weights([1, 2]))).toThrow(
      /the weight "w" is f32\[2\], but FLOAT\[4\] in the file/,
    );
  });

  it('leaves what has no place in the file', () => {
    const { left } = saveOnnx(
      adder(DataType.FLOAT, new Uint8Array(16)),
      new Map([['w.first_moment', tensor('f32', [4], [1, 2, 3, 4])]]),
    );
    expect(left).toEqual(['w.first_moment']);
  });

  it('makes initializers of weights of which the file said only the shape', () => {
    const type = { value: { case: 'tensorType' as const, value: { elemType: DataType.FLOAT } } };
    for (const irVersion of [3n, 8n]) {
      const bytes = toBinary(
        ModelProtoSchema,
        create(ModelProtoSchema, {
          irVersion,
          opsetImport: [{ domain: '', version: 9n }],
          graph: {
            name: 'slimmed',
            node: [
              { opType: 'ConstantOfShape', input: ['shape'], output: ['w'] },
              { opType: 'Exp', input: ['w'], output: ['y'] },
            ],
            output: [{ name: 'y', type }],
            initializer: [
              {
                name: 'shape',
                dims: [1n],
                dataType: DataType.INT64,
                rawData: new Uint8Array([4, 0, 0, 0, 0, 0, 0, 0]),
              },
            ],
          },
        }),
      );
      const { bytes: saved } = saveOnnx(bytes, weights([1, 2, 3, 4]));
      const { graph } = decodeModel(saved);
      expect(graph.node.map((node) => node.opType)).toEqual(['Exp']);
      expect(graph.input.map((input) => input.name)).toEqual(irVersion === 3n ? ['w'] : []);
      expect(Array.from(importOnnx(saved).model.weights.get('w')!.data)).toEqual([1, 2, 3, 4]);
    }
  });

  it('makes initializers of inputs that were taken as weights', () => {
    const bytes = readFileSync('examples/models/vae.onnx');
    const input = importOnnx(bytes).model.graph.inputs.find((value) => value.type.dtype === 'f32')!;
    const count = input.type.shape.reduce((product, extent) => product * extent, 1);
    const trained: Tensor = { type: input.type, data: new Float32Array(count).fill(0.5) };
    const again = importOnnx(saveOnnx(bytes, new Map([[input.name, trained]])).bytes).model;
    expect(again.graph.inputs.some(({ name }) => name === input.name)).toBe(false);
    expect(again.weights.get(input.name)!.data[0]).toBe(0.5);
  });
});
