/** Which kernels a program runs on, and the buffer it runs in. */
import type { KernelTable } from './interpreter.ts';
import { createWasmKernels } from './wasm-backend.ts';
import { allocateWasmMemory, BackendError } from './wasm-support.ts';

export type Backend = 'wasm' | 'js';
/** `auto` takes WebAssembly where it can be had and falls back with a notice. */
export type BackendChoice = 'auto' | Backend;

/** The first two are options of `createMachine`. */
export interface SelectedBackend {
  /** At least the bytes asked for; whole pages under WebAssembly. */
  readonly buffer: ArrayBufferLike;
  /** Empty for `js`. */
  readonly kernels: KernelTable;
  readonly backend: Backend;
  /** Why `auto` did not take WebAssembly. */
  readonly notice?: string;
}

/**
 * Allocates `bytes` bytes (arena and residents) and picks the kernels. Throws `BackendError` where the backend asked for
 * cannot be had: no WebAssembly or no SIMD in the engine, more than 4 GiB for `wasm`, no memory.
 */
export function selectBackend(choice: BackendChoice, bytes: number): SelectedBackend {
  if (choice === 'js') return plain(bytes);
  try {
    const memory = allocateWasmMemory(bytes);
    return { backend: 'wasm', buffer: memory.buffer, kernels: createWasmKernels(memory) };
  } catch (error) {
    if (choice === 'wasm' || !(error instanceof BackendError)) throw error;
    return { ...plain(bytes), notice: `running on plain JavaScript kernels: ${error.message}` };
  }
}

function plain(bytes: number): SelectedBackend {
  const length = Math.max(64, Math.ceil(bytes / 8) * 8);
  try {
    return { backend: 'js', buffer: new ArrayBuffer(length), kernels: new Map() };
  } catch (error) {
    throw new BackendError(
      'allocation',
      `the engine did not allocate ${length} bytes: ${error instanceof Error ? error.message : String(error)}`,
      'lower the budget, or free memory on the machine',
    );
  }
}
