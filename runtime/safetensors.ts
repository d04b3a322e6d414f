/** A small reader of safetensors files, for programs that run a step without the compiler. */
import type { Integers, Tensors } from './step.ts';

const formats: Readonly<Record<string, (buffer: ArrayBuffer) => Integers>> = {
  F32: (buffer) => new Float32Array(buffer),
  F64: (buffer) => new Float64Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  I16: (buffer) => new Int16Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  BOOL: (buffer) => new Uint8Array(buffer),
};

interface HeaderEntry {
  readonly dtype: string;
  readonly data_offsets: readonly [number, number];
}

/** Tensors by name, as a step's `load` takes them. Throws where the file is damaged or of an unsupported type. */
export function loadSafetensors(bytes: Uint8Array): Tensors {
  if (bytes.length < 8) throw new RangeError(`a safetensors file has at least 8 bytes; this one has ${bytes.length}`);
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (start > bytes.length) throw new RangeError('the safetensors file is cut short');
  const header: Record<string, HeaderEntry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = Object.entries(header).flatMap(([name, entry]): [string, Integers][] => {
    if (name === '__metadata__') return [];
    const view = formats[entry.dtype];
    if (view === undefined) throw new TypeError(`tensor ${name} has the unsupported type ${entry.dtype}`);
    const [begin, end] = entry.data_offsets;
    if (start + end > bytes.length) throw new RangeError(`the safetensors file is cut short at tensor ${name}`);
    // The copy starts at a multiple of any element's size, which the bytes in the file need not.
    return [[name, view(new Uint8Array(bytes.subarray(start + begin, start + end)).buffer)]];
  });
  return Object.fromEntries(tensors);
}
