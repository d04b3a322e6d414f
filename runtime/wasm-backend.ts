/**
 * The WebAssembly SIMD kernels, behind the same interface as the plain ones: a table by name, whose functions take what
 * their plain twins take. Lists go to the module through setters of its globals, so the module needs no memory beside the
 * program's own. What has no twin here, or more dimensions than the setters take, runs in plain TypeScript; that, too,
 * depends on the op and its shapes alone.
 */
import type { KernelTable } from './interpreter.ts';
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import { listKernels } from './wasm-lists.ts';
import { gatherKernels, lossKernels } from './wasm-losses.ts';
import { updateKernels } from './wasm-optimizers.ts';
import { productKernels } from './wasm-products.ts';
import { compileWasm } from './wasm-support.ts';

/** A function of the module. */
export type WasmFunction = (...args: number[]) => number;
/** Finds one by name. */
export type PickKernel = (name: string) => WasmFunction;

/** Kernels whose arguments are all numbers, passed on as they are. */
const numeric: readonly string[] = [
  'negate absolute square reciprocal exp log sqrt tanh erf floor ceil round sign scale addScalar clip relu sigmoid',
  'softplus softsign mish hardSwish hardSigmoid swish geluErf geluTanh leakyRelu elu celu selu thresholdedRelu shrink',
  'absoluteGrad squareGrad reciprocalGrad sqrtGrad tanhGrad erfGrad clipGrad reluGrad sigmoidGrad softplusGrad',
  'softsignGrad hardSwishGrad hardSigmoidGrad leakyReluGrad eluGrad celuGrad seluGrad thresholdedReluGrad shrinkGrad',
  'mishGrad swishGrad geluErfGrad geluTanhGrad softmax softmaxGrad logSoftmax logSoftmaxGrad batchNorm batchNormGrad',
  'batchNormInference groupNorm groupNormGrad layerNorm layerNormGrad rmsNorm rmsNormGrad addChannelBias dropout',
].flatMap((line) => line.split(' '));

/**
 * The kernels, running in `memory`, which must be what the program runs in. Throws `BackendError` where the engine has no
 * WebAssembly or no SIMD.
 */
export function createWasmKernels(memory: WebAssembly.Memory): KernelTable {
  const { exports } = new WebAssembly.Instance(compileWasm(), { env: { memory } });
  const pick: PickKernel = (name) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new Error(`the WebAssembly module has no kernel ${name}`);
    return found as WasmFunction;
  };
  const table = new Map<string, Kernel>();
  for (const name of numeric) table.set(name, passNumbers(pick(name)));
  for (const group of [listKernels, productKernels, lossKernels, gatherKernels, updateKernels])
    for (const [name, kernel] of group(pick)) table.set(name, kernel);
  return table;
}

/** No kernel of numbers alone takes more than 13; a function given too many ignores the rest. */
function passNumbers(f: WasmFunction): Kernel {
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
  ) => {
    f(a, b, c, d, e, g, h, i, j, k, l, m, n);
  };
}
