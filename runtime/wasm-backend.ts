/**
 * The WebAssembly SIMD kernels, behind the same interface as the plain ones: a table by name, whose functions take what
 * their plain twins take. Lists go to the module through setters of its globals, so the module needs no memory beside the
 * program's own. What has no twin here, or more dimensions than the setters take, runs in plain TypeScript; that, too,
 * depends on the op and its shapes alone.
 */
import type { KernelTable } from './interpreter.ts';
import type { Kernel } from './program.ts';
import { instantiateWasm, type PickKernel, passNumbers } from './wasm-instance.ts';
import * as lists from './wasm-lists.ts';
import * as losses from './wasm-losses.ts';
import * as optimizers from './wasm-optimizers.ts';
import * as products from './wasm-products.ts';
import * as windows from './wasm-windows.ts';

/** Kernels whose arguments are all numbers, passed on as they are. */
export const numericKernels: readonly string[] = [
  'negate absolute square reciprocal exp log sqrt tanh erf floor ceil round sign scale addScalar clip relu sigmoid',
  'softplus softsign mish hardSwish hardSigmoid swish geluErf geluTanh leakyRelu elu celu selu thresholdedRelu shrink',
  'normRoot normRootGrad maskedSoftmax',
  'absoluteGrad squareGrad reciprocalGrad sqrtGrad tanhGrad erfGrad clipGrad reluGrad sigmoidGrad softplusGrad',
  'softsignGrad hardSwishGrad hardSigmoidGrad leakyReluGrad eluGrad celuGrad seluGrad thresholdedReluGrad shrinkGrad',
  'mishGrad swishGrad geluErfGrad geluTanhGrad softmax softmaxGrad logSoftmax logSoftmaxGrad batchNorm batchNormGrad',
  'batchNormInference batchNormInferenceGrad groupNorm groupNormGrad layerNorm layerNormGrad rmsNorm rmsNormGrad',
  'addChannelBias dropout lrn lrnGrad',
].flatMap((line) => line.split(' '));

const suffix = 'Wasm';

/** Makes of the module's functions what takes a plain kernel's arguments. */
export type WrapKernel = (pick: PickKernel) => Kernel;

/** The others, by name of the kernel: `matmul` is made by `matmulWasm`. */
export const wrappedKernels: ReadonlyMap<string, WrapKernel> = new Map(
  [lists, losses, optimizers, products, windows].flatMap((file) =>
    Object.entries<WrapKernel>({ ...file }).map(([name, wrap]) => [name.slice(0, -suffix.length), wrap] as const),
  ),
);

/** Name of the function that wraps a kernel; emitted modules carry it over by that name. */
export function wrapperName(kernel: string): string {
  return kernel + suffix;
}

/**
 * The kernels, running in `memory`, which must be what the program runs in. A shared memory needs a `module` that takes
 * one. Throws `BackendError` where the engine has no WebAssembly or no SIMD.
 */
export function createWasmKernels(memory: WebAssembly.Memory, module?: WebAssembly.Module): KernelTable {
  return wrapKernels(instantiateWasm(memory, module));
}

/** The kernels around the functions that `pick` finds. */
export function wrapKernels(pick: PickKernel): KernelTable {
  const table = new Map<string, Kernel>();
  for (const name of numericKernels) table.set(name, passNumbers(pick(name)));
  for (const [name, wrap] of wrappedKernels) table.set(name, wrap(pick));
  return table;
}
