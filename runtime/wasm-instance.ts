/** One instance of the WebAssembly module, in the memory of one program: what the kernels around it are made from. */
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import { compileWasm } from './wasm-support.ts';

/** An argument of a kernel that is a list: extents, strides, a geometry. */
export type NumberList = readonly number[];
/** A function of the module. */
export type WasmFunction = (...args: number[]) => number;
/** Finds one by name. */
export type PickKernel = (name: string) => WasmFunction;

/**
 * Instantiates the module in `memory`, which must be what the program runs in. A shared memory needs a `module` that takes
 * one. Throws `BackendError` where the engine has no WebAssembly or no SIMD.
 */
export function instantiateWasm(memory: WebAssembly.Memory, module = compileWasm()): PickKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (name) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new Error(`the WebAssembly module has no kernel ${name}`);
    return found as WasmFunction;
  };
}

/** A kernel of numbers alone, passed on as they are: none takes more than 14, and a function ignores what is too many. */
export function passNumbers(f: WasmFunction): Kernel {
  return (
    _: Memory,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    g: number,
    h: number,
    i: number,
    j: number,
    k: number,
    l: number,
    m: number,
    n: number,
    o: number,
  ) => {
    f(a, b, c, d, e, g, h, i, j, k, l, m, n, o);
  };
}
