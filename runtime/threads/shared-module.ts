/**
 * The module of the kernels over shared memory. It is the same module but for the limits of the memory it imports: plain
 * loads and stores mean the same on a shared memory.
 */
import { compileFastWasm, fastWasmBytes } from '../fast-math.ts';
import { compileWasm, wasmBytes } from '../wasm-support.ts';

const importSection = 2;
const memoryImport = 2;
/** Shared, and a maximum that every memory of 32 bits keeps to: 65536 pages. */
const sharedLimits = [3, 0, 0x80, 0x80, 4];

let shared: WebAssembly.Module | undefined;
let fastShared: WebAssembly.Module | undefined;

/** Compiled once; with `fastMath` that of relaxed SIMD. Throws `BackendError` where the engine cannot run the kernels. */
export function compileSharedWasm(fastMath = false): WebAssembly.Module {
  if (fastMath) {
    compileFastWasm();
    fastShared ??= new WebAssembly.Module(shareMemoryImport(fastWasmBytes()));
    return fastShared;
  }
  if (shared === undefined) {
    compileWasm();
    shared = new WebAssembly.Module(shareMemoryImport(wasmBytes()));
  }
  return shared;
}

/**
 * `bytes` with the limits of its one import, a memory, exchanged for shared ones (WebAssembly core specification 5.5.5
 * and its threads proposal). Throws for a module that imports anything else.
 */
export function shareMemoryImport(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 8;
  const unsigned = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  /** The bytes from here on, as many as are said. */
  const take = (count: number): Uint8Array => bytes.subarray(at, (at += count));
  for (;;) {
    const start = at;
    const id = bytes[at++];
    const size = unsigned();
    if (id !== importSection) {
      at += size;
      if (at >= bytes.length) throw new Error('the module imports nothing');
      continue;
    }
    const end = at + size;
    const first = at;
    const imports = unsigned();
    take(unsigned());
    take(unsigned());
    if (imports !== 1 || bytes[at++] !== memoryImport) throw new Error('the module imports more than a memory');
    const body = [...bytes.subarray(first, at), ...sharedLimits];
    return Uint8Array.from([
      ...bytes.subarray(0, start),
      ...[importSection, body.length],
      ...body,
      ...bytes.subarray(end),
    ]);
  }
}
