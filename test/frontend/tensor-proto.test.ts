import { create, toBinary } from '@bufbuild/protobuf';
import { TensorProto_DataType as DataType, TensorProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { readTensorProto, writeTensorProto } from '../../src/frontend/tensor-proto.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { floats, integers } from './onnx-models.ts';

describe('TensorProto', () => {
  it.each<[string, Tensor]>([
    ['floats', floats([2, 2], 1, -2, 0.5, 1e30)],
    ['integers', integers(1, -(2 ** 40))],
    ['booleans', { type: { dtype: 'bool', shape: [2] }, data: [1, 0] }],
    ['nothing', floats([0])],
  ])('comes back as it was written: %s', (_, tensor) => {
    const back = readTensorProto(writeTensorProto('a/b:0', tensor));
    expect(back.name).toBe('a/b:0');
    expect(back.tensor.type).toEqual(tensor.type);
    expect([...back.tensor.data]).toEqual([...tensor.data]);
  });

  it.each([
    ['floats', { dataType: DataType.FLOAT, floatData: [1.5, 2] }, 'f32', [1.5, 2]],
    ['doubles', { dataType: DataType.DOUBLE, doubleData: [1.5, 2] }, 'f32', [1.5, 2]],
    ['long integers', { dataType: DataType.INT64, int64Data: [1n, -2n] }, 'i64', [1, -2]],
    ['integers', { dataType: DataType.INT32, int32Data: [1, -2] }, 'i32', [1, -2]],
    ['bytes', { dataType: DataType.UINT8, int32Data: [1, 255] }, 'u8', [1, 255]],
    ['booleans', { dataType: DataType.BOOL, int32Data: [0, 1] }, 'bool', [0, 1]],
    ['halves', { dataType: DataType.FLOAT16, int32Data: [0x3c00, 0xc000] }, 'f32', [1, -2]],
    ['bfloat16s', { dataType: DataType.BFLOAT16, int32Data: [0x3f80, 0xc000] }, 'f32', [1, -2]],
  ])('holds elements in the field of their type: %s', (_, fields, dtype, data) => {
    const { tensor } = readTensorProto(
      toBinary(TensorProtoSchema, create(TensorProtoSchema, { dims: [2n], ...fields })),
    );
    expect(tensor.type).toEqual({ dtype, shape: [2] });
    expect([...tensor.data]).toEqual(data);
  });

  it('is refused where its elements do not fill its shape', () => {
    const short = create(TensorProtoSchema, {
      name: 'w',
      dims: [3n],
      dataType: DataType.FLOAT,
      rawData: new Uint8Array(8),
    });
    expect(() => readTensorProto(toBinary(TensorProtoSchema, short))).toThrow(
      '"w" has 8 bytes of data, but 3 elements take 12',
    );
  });

  it('is refused where its type has no counterpart', () => {
    const text = create(TensorProtoSchema, { name: 's', dataType: DataType.STRING });
    expect(() => readTensorProto(toBinary(TensorProtoSchema, text))).toThrow('unsupported element type STRING');
  });

  it('is refused where the bytes are not a message', () => {
    expect(() => readTensorProto(new TextEncoder().encode('<html>'))).toThrow('not an ONNX TensorProto');
  });
});

/** What the bits of a float of 16 bits mean, by fields: `fraction` bits of it, the rest but one its exponent. */
function meaning(bits: number, fraction: number): number {
  const exponents = 15 - fraction;
  const bias = 2 ** (exponents - 1) - 1;
  const text = bits.toString(2).padStart(16, '0');
  const exponent = Number.parseInt(text.slice(1, 1 + exponents), 2);
  const rest = Number.parseInt(text.slice(1 + exponents), 2);
  const sign = text.startsWith('1') ? -1 : 1;
  if (exponent === 2 ** exponents - 1) return rest === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * rest * 2 ** (1 - bias - fraction)
    : sign * (2 ** fraction + rest) * 2 ** (exponent - bias - fraction);
}

describe('floats of 16 bits', () => {
  const patterns = Array.from({ length: 65536 }, (_, bits) => bits);
  it.each([
    ['FLOAT16', DataType.FLOAT16, 10],
    ['BFLOAT16', DataType.BFLOAT16, 7],
  ])('are read exactly, every one of them: %s', (_, dataType, fraction) => {
    const common = { dims: [65536n], dataType };
    const raw = { ...common, rawData: new Uint8Array(Uint16Array.from(patterns).buffer) };
    // Some writers extend the sign of what they store in the field of int32.
    const fields = [patterns, patterns.map((bits) => (bits << 16) >> 16)].map((int32Data) => ({
      ...common,
      int32Data,
    }));
    for (const proto of [raw, ...fields]) {
      const { data } = readTensorProto(toBinary(TensorProtoSchema, create(TensorProtoSchema, proto))).tensor;
      const wrong = patterns.filter((bits) => !Object.is(data[bits], meaning(bits, fraction)));
      expect(wrong).toEqual([]);
    }
  });

  it.each(['FLOAT8E4M3FN', 'FLOAT8E4M3FNUZ', 'FLOAT8E5M2', 'FLOAT8E5M2FNUZ', 'FLOAT4E2M1'] as const)(
    'of 8 bits and less are refused by name: %s',
    (name) => {
      const proto = create(TensorProtoSchema, { name: 'w', dims: [1n], dataType: DataType[name], int32Data: [0] });
      expect(() => readTensorProto(toBinary(TensorProtoSchema, proto))).toThrow(`unsupported element type ${name}`);
    },
  );
});

describe('doubles', () => {
  it('are rounded to the nearest float, ties to even, beyond the range to infinity', () => {
    const doubles = [1 + 2 ** -24, 1 + 3 * 2 ** -24, 0.1, -0, 2 ** -150, 1.5 * 2 ** -149, 3.5e38, Number.NaN];
    const common = { dims: [8n], dataType: DataType.DOUBLE };
    for (const proto of [{ doubleData: doubles }, { rawData: new Uint8Array(Float64Array.from(doubles).buffer) }]) {
      const bytes = toBinary(TensorProtoSchema, create(TensorProtoSchema, { ...common, ...proto }));
      expect(Array.from(readTensorProto(bytes).tensor.data)).toEqual([
        ...[1, 1 + 2 ** -22, Math.fround(0.1), -0, 0, 2 ** -148, Number.POSITIVE_INFINITY, Number.NaN],
      ]);
    }
  });
});
