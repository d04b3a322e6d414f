/**
 * NumPy's `.npy` files: a magic string, a header that is a Python literal (dtype, order, shape), then the elements. Only
 * what can stand in such a header is read, so nothing is evaluated.
 */
import { SublinearError } from '../ir/diagnostic.ts';
import { elementCount, type Tensor } from '../ir/graph.ts';
import { decodeRaw, dtypeOfFormat, type RawFormat, rawBytesPerElement } from './raw-elements.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** By kind and size, without the byte order. Unsigned integers beyond a byte are read by their own rule. */
const formats: ReadonlyMap<string, RawFormat> = new Map<string, RawFormat>([
  ['f2', 'f16'],
  ['f4', 'f32'],
  ['f8', 'f64'],
  ['i1', 'i8'],
  ['i2', 'i16'],
  ['i4', 'i32'],
  ['i8', 'i64'],
  ['u1', 'u8'],
  ['b1', 'bool'],
]);

/** f16 and f64 become f32. Throws `SublinearError` for what is damaged, in Fortran order, big-endian or of another type. */
export function readNpy(bytes: Uint8Array): Tensor {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw malformed('it does not begin like one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] ?? 0;
  const wide = version >= 2;
  const start = wide ? 12 : 10;
  if (bytes.length < start) throw malformed(`it has ${bytes.length} bytes, less than its head`);
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw malformed(`its header runs past the end, at ${bytes.length} bytes`);
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([<>|=])?(\w+)'/.exec(header);
  const shapeText = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  if (shapeText === null || order === null) throw malformed('its header has no shape or no order');
  if (descr === null)
    throw unsupported('its elements are records or of no plain type', 'save arrays of numbers, one a file');
  const shape = shapeText[1]!
    .split(',')
    .map((extent) => extent.trim())
    .filter((extent) => extent !== '')
    .map(Number);
  const format = formats.get(descr[2]!);
  if (format === undefined)
    throw unsupported(`its element type is ${descr[2]}`, `supported are ${[...formats.keys()].join(', ')}: use astype`);
  if (descr[1] === '>' && rawBytesPerElement(format) > 1)
    throw unsupported('its elements are big-endian', 'save it with array.astype(array.dtype.newbyteorder("<"))');
  if (order[1] === 'True' && shape.filter((extent) => extent > 1).length > 1)
    throw unsupported('its elements are in Fortran order', 'save it with numpy.ascontiguousarray(array)');
  const expected = elementCount(shape) * rawBytesPerElement(format);
  if (bytes.length - end !== expected)
    throw malformed(`it has ${bytes.length - end} bytes of elements, but [${shape.join(', ')}] takes ${expected}`);
  return { type: { dtype: dtypeOfFormat(format), shape }, data: decodeRaw(format, bytes.subarray(end)) };
}

function malformed(what: string): SublinearError {
  return new SublinearError({
    code: 'malformed-npy',
    message: `not a valid .npy file: ${what}`,
    hint: 'the file is damaged, was cut short, or is of another format',
  });
}

function unsupported(what: string, hint: string): SublinearError {
  return new SublinearError({ code: 'unsupported-npy', message: `the .npy file cannot be read: ${what}`, hint });
}
