/**
 * The kernels built with relaxed SIMD: products and sums rounded once where the machine can, and so faster, and not the
 * same on every machine. On one machine and engine they stay what they were: an original and its clone agree.
 */
import { fastKernelsWasm } from './wasm/kernels-fast.generated.ts';
import { BackendError, wasmObstacle } from './wasm-support.ts';

/** A module of one function that makes a relaxed multiply-add of its parameter: valid only where there is relaxed SIMD. */
const relaxedProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133,
  2, 11,
]);

/** Why these kernels cannot run in this engine; undefined where they can. */
export function fastMathObstacle(): BackendError | undefined {
  const obstacle = wasmObstacle();
  if (obstacle !== undefined || WebAssembly.validate(relaxedProbe)) return obstacle;
  return new BackendError(
    'no-relaxed-simd',
    'fast math needs relaxed SIMD, and this engine has none',
    'take Node 21 or later (or Node 20 with --experimental-wasm-relaxed-simd), or leave fast math out',
  );
}

let compiled: WebAssembly.Module | undefined;

/** Compiled once. Throws `BackendError`. */
export function compileFastWasm(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const obstacle = fastMathObstacle();
  if (obstacle !== undefined) throw obstacle;
  compiled = new WebAssembly.Module(fastWasmBytes());
  return compiled;
}

/** The module, as it was built. */
export function fastWasmBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(fastKernelsWasm), (character) => character.charCodeAt(0));
}
