/**
 * The runtime as a package entry (`sublinear/runtime`): what modules emitted with `--runtime import` take from it. Every
 * kernel is exported under its own name, which is unique; what makes its WebAssembly kernel has `Wasm` after that name.
 */
export { createMachine, type Machine, type MachineOptions } from './interpreter.ts';
export * from './kernels/activation.ts';
export * from './kernels/activation-grad.ts';
export * from './kernels/arg-reduce.ts';
export * from './kernels/batch-norm.ts';
export * from './kernels/binary.ts';
export * from './kernels/binary-grad.ts';
export * from './kernels/binary-integer.ts';
export * from './kernels/broadcast.ts';
export * from './kernels/cast.ts';
export * from './kernels/comparison.ts';
export * from './kernels/conv.ts';
export * from './kernels/conv-depthwise.ts';
export * from './kernels/conv-geometry.ts';
export * from './kernels/conv-patches.ts';
export * from './kernels/conv-phases.ts';
export * from './kernels/conv-transpose.ts';
export * from './kernels/copy.ts';
export * from './kernels/cross-entropy.ts';
export * from './kernels/dropout.ts';
export * from './kernels/elements.ts';
export * from './kernels/erf.ts';
export * from './kernels/gather.ts';
export * from './kernels/gemm.ts';
export * from './kernels/grid-sample.ts';
export * from './kernels/group-norm.ts';
export * from './kernels/layer-norm.ts';
export * from './kernels/logical.ts';
export * from './kernels/lrn.ts';
export * from './kernels/matmul.ts';
export * from './kernels/multiply-grad.ts';
export * from './kernels/one-hot.ts';
export * from './kernels/optimizers.ts';
export * from './kernels/pad.ts';
export * from './kernels/pool.ts';
export * from './kernels/quantize.ts';
export * from './kernels/random.ts';
export * from './kernels/reduce.ts';
export * from './kernels/reduce-grad.ts';
export * from './kernels/reduce-integer.ts';
export * from './kernels/resize.ts';
export * from './kernels/rms-norm.ts';
export * from './kernels/scan.ts';
export * from './kernels/scatter.ts';
export * from './kernels/softmax.ts';
export * from './kernels/sum-of-products.ts';
export * from './kernels/top-k.ts';
export * from './kernels/unary.ts';
export * from './kernels/unary-grad.ts';
export * from './kernels/unary-integer.ts';
export * from './kernels/where.ts';
export * from './kernels/window.ts';
export * from './kernels/zero-row.ts';
export {
  allocateArray,
  bytesPerElement,
  type DType,
  type FloatArray,
  type Memory,
  type NumberArray,
  viewMemory,
  viewOf,
} from './memory.ts';
export type { Kernel, KernelArgument, KernelCall, Program, ProgramStep, Slot } from './program.ts';
export { loadSafetensors } from './safetensors.ts';
export {
  checkElements,
  checkLoaded,
  checkNames,
  copyElements,
  type Integers,
  loadTensors,
  type Numbers,
  type Step,
  type StepMemory,
  type StepOptions,
  stepMemory,
  type Tensors,
  type WasmStepOptions,
} from './step.ts';
export { instantiateWasm, type PickKernel, passNumbers } from './wasm-instance.ts';
export * from './wasm-lists.ts';
export * from './wasm-losses.ts';
export * from './wasm-optimizers.ts';
export * from './wasm-products.ts';
export { allocateWasmMemory, BackendError } from './wasm-support.ts';
export * from './wasm-windows.ts';
