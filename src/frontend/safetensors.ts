/**
 * Weights in the safetensors format: the length of a JSON header (8 bytes, little-endian), the header, then the
 * elements of every tensor. Files come from anywhere, so every length and offset is checked before it is used.
 */
import { z } from 'zod';
import { SublinearError } from '../ir/diagnostic.ts';
import { type DType, elementCount, type Tensor } from '../ir/graph.ts';
import { decodeRaw, dtypeOfFormat, encodeRaw, type RawFormat, rawBytesPerElement } from './raw-elements.ts';

const lengthBytes = 8;

const names: Readonly<Record<DType, string>> = {
  f32: 'F32',
  i64: 'I64',
  i32: 'I32',
  i16: 'I16',
  i8: 'I8',
  u8: 'U8',
  bool: 'BOOL',
};

const formats: ReadonlyMap<string, RawFormat> = new Map<string, RawFormat>([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['F64', 'f64'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
]);

const whole = z.number().int().nonnegative();
const entrySchema = z.object({ dtype: z.string(), shape: z.array(whole), data_offsets: z.tuple([whole, whole]) });

/** Tensors by name, in the order of the header. F16, BF16 and F64 become f32. Throws `SublinearError`. */
export function readSafetensors(bytes: Uint8Array): ReadonlyMap<string, Tensor> {
  const { header, start } = readHeader(bytes);
  const tensors = new Map<string, Tensor>();
  const data = bytes.subarray(start);
  let end = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    tensors.set(name, readEntry(name, entry, data));
    end = Math.max(end, dataEnd(entry));
  }
  if (end < data.length) throw malformed(`it has ${data.length - end} bytes after its last tensor`);
  return tensors;
}

/** The texts a file carries beside its tensors. Throws `SublinearError`. */
export function readSafetensorsMetadata(bytes: Uint8Array): ReadonlyMap<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(readHeader(bytes).header.__metadata__ ?? {});
  if (!parsed.success) throw malformed('its metadata are not texts');
  return new Map(Object.entries(parsed.data));
}

function readHeader(bytes: Uint8Array): { readonly header: Record<string, unknown>; readonly start: number } {
  if (bytes.length < lengthBytes) throw malformed(`it has ${bytes.length} bytes, and its header's length takes 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const start = lengthBytes + headerLength;
  if (start > bytes.length)
    throw malformed(`its header of ${headerLength} bytes runs past the end, at ${bytes.length} bytes`);
  return { header: parseHeader(bytes.subarray(lengthBytes, start)), start };
}

/** The bytes of a file with `tensors`, sorted by name: the same tensors and texts give the same bytes. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  let end = 0;
  const entries = sorted.map(([name, { type }]) => {
    const begin = end;
    end += elementCount(type.shape) * rawBytesPerElement(type.dtype);
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: names[type.dtype], shape: type.shape, data_offsets: [begin, end] })}`;
  });
  if (metadata.size > 0) entries.unshift(`"__metadata__":${JSON.stringify(Object.fromEntries(metadata))}`);
  const text = new TextEncoder().encode(`{${entries.join(',')}}`);
  // Spaces after the header keep the elements aligned to 8 bytes.
  const headerLength = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(lengthBytes + headerLength + end).fill(0x20, 0, lengthBytes + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(text, lengthBytes);
  let at = lengthBytes + headerLength;
  for (const [, { type, data }] of sorted) {
    const raw = encodeRaw(type.dtype, data);
    bytes.set(raw, at);
    at += raw.length;
  }
  return bytes;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed('its header is not JSON');
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(header);
  if (!parsed.success) throw malformed('its header is not an object');
  return parsed.data;
}

function readEntry(name: string, entry: unknown, data: Uint8Array): Tensor {
  const label = `tensor ${JSON.stringify(name)}`;
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw malformed(`${label} lacks a valid dtype, shape or data_offsets`);
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const format = formats.get(dtype);
  if (format === undefined)
    throw new SublinearError({
      code: 'unsupported-dtype',
      message: `${label} of the safetensors file has the unsupported type ${dtype}`,
      hint: `supported are ${[...formats.keys()].join(', ')}`,
    });
  const [begin, end] = offsets;
  const expected = elementCount(shape) * rawBytesPerElement(format);
  if (end > data.length) throw malformed(`${label} ends at byte ${end} of the data, which has ${data.length}`);
  if (end - begin !== expected)
    throw malformed(`${label} has ${end - begin} bytes, but ${dtype}[${shape.join(',')}] takes ${expected}`);
  return { type: { dtype: dtypeOfFormat(format), shape }, data: decodeRaw(format, data.subarray(begin, end)) };
}

/** Where the bytes of a valid entry end. */
function dataEnd(entry: unknown): number {
  return entrySchema.parse(entry).data_offsets[1];
}

function malformed(what: string): SublinearError {
  return new SublinearError({
    code: 'malformed-safetensors',
    message: `not a valid safetensors file: ${what}`,
    hint: 'the file is damaged, was cut short, or is of another format',
  });
}
