/** Which kernels a program runs on, on how many threads, and the buffer it runs in. */
import { compileFastWasm } from './fast-math.ts';
import type { KernelTable, MachineOptions } from './interpreter.ts';
import { compileSharedWasm } from './threads/shared-module.ts';
import { availableCores, threadObstacle } from './threads/spawn-worker.ts';
import { createThreadedRunner } from './threads/threaded-runner.ts';
import { createWasmKernels } from './wasm-backend.ts';
import { allocateWasmMemory, BackendError, checkBytes } from './wasm-support.ts';

export type Backend = 'wasm' | 'js';
/** `auto` takes WebAssembly where it can be had and falls back with a notice. */
export type BackendChoice = 'auto' | Backend;

export interface BackendOptions {
  /** Threads that share the work of a step, the caller's included; default 1. */
  readonly threads?: number;
  /** Kernels of relaxed SIMD: faster where the machine fuses products and sums, and not the same on every machine. */
  readonly fastMath?: boolean;
}

/** The first three are options of `createMachine`. */
export interface SelectedBackend {
  /** At least the bytes asked for; whole pages under WebAssembly. Shared where there are several threads. */
  readonly buffer: ArrayBufferLike;
  /** Empty for `js`. */
  readonly kernels: KernelTable;
  /** Of several threads. */
  readonly runner?: NonNullable<MachineOptions['runner']>;
  readonly backend: Backend;
  readonly threads: number;
  /** Why `auto` did not take WebAssembly or the threads asked for, or that these are more than there are cores. */
  readonly notice?: string;
}

/** More are refused: each takes memory, and no machine at hand has as many cores. */
export const mostThreads = 64;

/**
 * Allocates `bytes` bytes (arena, residents, and `threadBytes` where there are several threads) and picks the kernels.
 * Throws `BackendError` where what was asked for cannot be had: no WebAssembly or no SIMD in the engine, no relaxed SIMD or `js` for fast math, no shared memory or no
 * workers for threads, threads for `js`, more bytes than kernels address, no memory.
 */
export function selectBackend(choice: BackendChoice, bytes: number, options: BackendOptions = {}): SelectedBackend {
  const { threads = 1, fastMath = false } = options;
  checkThreads(choice, threads);
  checkFastMath(choice, fastMath);
  checkBytes(bytes);
  if (choice === 'js') return plain(bytes);
  const obstacle = threads > 1 ? threadObstacle() : undefined;
  if (obstacle !== undefined && choice === 'wasm') throw obstacle;
  try {
    if (threads === 1) return onOneThread(bytes, fastMath);
    if (obstacle === undefined) return onThreads(bytes, threads, fastMath);
    return { ...onOneThread(bytes, fastMath), notice: `running on one thread: ${obstacle.message}` };
  } catch (error) {
    if (choice === 'wasm' || fastMath || !(error instanceof BackendError)) throw error;
    const alone = threads > 1 ? ', on one thread' : '';
    return { ...plain(bytes), notice: `running on plain JavaScript kernels${alone}: ${error.message}` };
  }
}

/** Throws `BackendError` for a number of threads that no machine has, and for threads without WebAssembly. */
export function checkThreads(choice: BackendChoice, threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads)
    throw new BackendError(
      'bad-threads',
      `threads must be a whole number from 1 to ${mostThreads}, not ${threads}`,
      'as many as the machine has cores are enough',
    );
  if (choice === 'js' && threads > 1)
    throw new BackendError(
      'bad-threads',
      'the js backend runs on one thread: only WebAssembly kernels share memory',
      'take the wasm backend, or one thread',
    );
}

/** Throws `BackendError` for fast math without WebAssembly. */
export function checkFastMath(choice: BackendChoice, fastMath: boolean): void {
  if (choice === 'js' && fastMath)
    throw new BackendError(
      'bad-fast-math',
      'the js backend has no fast math: it is made of WebAssembly instructions',
      'take the wasm backend, or leave fast math out',
    );
}

function onOneThread(bytes: number, fastMath: boolean): SelectedBackend {
  const memory = allocateWasmMemory(bytes);
  const kernels = createWasmKernels(memory, fastMath ? compileFastWasm() : undefined);
  return { backend: 'wasm', threads: 1, buffer: memory.buffer, kernels };
}

function onThreads(bytes: number, threads: number, fastMath: boolean): SelectedBackend {
  const memory = allocateWasmMemory(bytes, true);
  const module = compileSharedWasm(fastMath);
  const kernels = createWasmKernels(memory, module);
  const cores = availableCores();
  return {
    backend: 'wasm',
    threads,
    buffer: memory.buffer,
    kernels,
    runner: (program, views) => createThreadedRunner(program, views, { threads, memory, module, kernels }),
    ...(cores !== undefined &&
      threads > cores && { notice: `running ${threads} threads on ${cores} ${cores === 1 ? 'core' : 'cores'}` }),
  };
}

function plain(bytes: number): SelectedBackend {
  const length = Math.max(64, Math.ceil(bytes / 8) * 8);
  try {
    return { backend: 'js', threads: 1, buffer: new ArrayBuffer(length), kernels: new Map() };
  } catch (error) {
    throw new BackendError(
      'allocation',
      `the engine did not allocate ${length} bytes: ${error instanceof Error ? error.message : String(error)}`,
      'lower the budget, or free memory on the machine',
    );
  }
}
