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
