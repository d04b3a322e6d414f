/**
 * Whether the engine can run the WebAssembly kernels, and the memory they run in: everything that can go wrong before
 * the first of them runs, said in words.
 */
import { kernelsWasm } from './wasm/kernels.generated.ts';

export type BackendErrorCode =
  | 'no-webassembly'
  | 'no-simd'
  | 'no-relaxed-simd'
  | 'bad-fast-math'
  | 'no-shared-memory'
  | 'no-workers'
  | 'bad-threads'
  | 'thread-failed'
  | 'too-large'
  | 'allocation';

/** A backend that cannot be had. The first line says why, `hint` what to do. */
export class BackendError extends Error {
  readonly code: BackendErrorCode;
  readonly hint: string;
  constructor(code: BackendErrorCode, message: string, hint: string) {
    super(message);
    this.name = 'BackendError';
    this.code = code;
    this.hint = hint;
  }
}

/** A module of one function that makes a 128-bit constant: valid only where there is SIMD. */
const simdProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 11,
]);

/** Why the kernels cannot run in this engine; undefined where they can. */
export function wasmObstacle(): BackendError | undefined {
  if (typeof WebAssembly !== 'object')
    return new BackendError('no-webassembly', 'this engine has no WebAssembly', 'use the js backend');
  if (!WebAssembly.validate(simdProbe))
    return new BackendError('no-simd', 'this engine has no WebAssembly SIMD', 'use the js backend, or a newer engine');
  return undefined;
}

let compiled: WebAssembly.Module | undefined;

/** The module of the kernels, compiled once. Throws `BackendError`. */
export function compileWasm(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const obstacle = wasmObstacle();
  if (obstacle !== undefined) throw obstacle;
  compiled = new WebAssembly.Module(wasmBytes());
  return compiled;
}

/** The module of the kernels, as it was built. */
export function wasmBytes(): Uint8Array<ArrayBuffer> {
  const text = atob(kernelsWasm);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export const wasmPage = 65536;
/**
 * Bytes that a step may take, on either backend: an address, that of the end of the last operand too, has 32 bits in
 * WebAssembly, and a typed array of bytes is no longer than 4 GiB in engines of our time.
 */
export const mostBytes = 65535 * wasmPage;

/** Throws `BackendError` for a program that no backend can run, before anything is allocated. */
export function checkBytes(bytes: number): void {
  if (bytes <= mostBytes) return;
  throw new BackendError(
    'too-large',
    `the program needs ${bytes} bytes; kernels address ${mostBytes} (4 GiB less 64 KiB) on every backend`,
    'plan it within a budget, like --budget 3GiB, or make the batch smaller',
  );
}

/**
 * A memory of exactly the pages that hold `bytes`: the engine itself keeps the program from growing beyond its plan. Threads
 * need a shared one. Throws `BackendError` where that is more than kernels address or cannot be had.
 */
export function allocateWasmMemory(bytes: number, shared = false): WebAssembly.Memory {
  const obstacle = wasmObstacle();
  if (obstacle !== undefined) throw obstacle;
  checkBytes(bytes);
  const pages = Math.max(1, Math.ceil(bytes / wasmPage));
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (error) {
    throw new BackendError(
      'allocation',
      `the engine did not allocate ${pages * wasmPage} bytes: ${error instanceof Error ? error.message : String(error)}`,
      'lower the budget, or free memory on the machine',
    );
  }
}
