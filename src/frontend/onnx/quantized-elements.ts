/** Elements of the integer types that only quantized weights have: 16 bits without sign, and 4 bits, two in a byte. */
import { TensorProto_DataType as DataType, type TensorProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';
import { elementCount, type Tensor } from '../../ir/graph.ts';

/** Whether `quantizedElements` reads the type. */
export function isQuantizedType(elementType: number): boolean {
  return elementType === DataType.UINT16 || elementType === DataType.INT4 || elementType === DataType.UINT4;
}

/** The numbers as i32; `external` stands in for the raw bytes where they lie in another file. Throws `SublinearError`. */
export function quantizedElements(proto: TensorProto, external?: Uint8Array): Tensor {
  const shape = proto.dims.map(Number);
  const count = elementCount(shape);
  const wide = proto.dataType === DataType.UINT16;
  const raw = external ?? (proto.rawData.length > 0 ? proto.rawData : undefined);
  const stored = wide ? count : Math.ceil(count / 2);
  const units = raw === undefined ? proto.int32Data : wide ? pairs(raw) : raw;
  if (
    shape.some((extent) => extent < 0) ||
    units.length !== stored ||
    (raw !== undefined && wide && raw.length !== 2 * count)
  )
    throw new SublinearError({
      code: 'malformed-tensor',
      message: `tensor ${JSON.stringify(proto.name)} has ${units.length} units of data, but ${DataType[proto.dataType]}[${shape.join(',')}] takes ${stored}`,
      hint: 'the file is damaged or was cut short',
    });
  const data = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    if (wide) data[i] = units[i]! & 0xffff;
    else {
      const nibble = (units[i >> 1]! >> (4 * (i & 1))) & 15;
      data[i] = proto.dataType === DataType.INT4 && nibble > 7 ? nibble - 16 : nibble;
    }
  }
  return { type: { dtype: 'i32', shape }, data };
}

function pairs(bytes: Uint8Array): Int32Array {
  return Int32Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => bytes[2 * i]! + 256 * bytes[2 * i + 1]!);
}
