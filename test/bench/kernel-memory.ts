/** The WebAssembly kernels by name and the one memory they run in, which every timed row lays out anew. */
import { convGradInputScratch, convGradWeightScratch, convScratch } from '../../runtime/kernels/conv.ts';
import { viewMemory } from '../../runtime/memory.ts';
import type { KernelArgument } from '../../runtime/program.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import { allocateWasmMemory } from '../../runtime/wasm-support.ts';

const memory = allocateWasmMemory(192 * 2 ** 20);
const kernels = createWasmKernels(memory);
const m = viewMemory(memory.buffer);

/** All of the memory. */
export const floats = m.f32;

/** Fresh numbers in [-1, 1): what repeated runs leave would be infinite or subnormal, which is slow. */
export function refill(count = floats.length): void {
  for (let i = 0; i < count; i++) floats[i] = ((Math.imul(i, 2654435761) >>> 8) / 2 ** 24) * 2 - 1;
}

/** Places tensors of so many elements one after another; returns their byte offsets. */
export function place(...counts: readonly number[]): number[] {
  let offset = 0;
  return counts.map((count) => {
    const start = offset;
    offset += Math.ceil(count / 16) * 64;
    return start;
  });
}

/** One run of a kernel. */
export function kernelRun(name: string, args: readonly KernelArgument[]): () => void {
  const kernel = kernels.get(name);
  if (kernel === undefined) throw new Error(`there is no kernel ${name}`);
  return () => kernel(m, ...args);
}

/** batch, channels, filters, groups, extent, kernel, stride, pad of a square convolution. */
export type SquareConv = readonly [number, number, number, number, number, number, number, number];

export interface ConvRuns {
  readonly forward: () => void;
  readonly gradInput: () => void;
  readonly gradWeight: () => void;
  /** Of each of the three. */
  readonly flops: number;
  /** Floats of image, filter and result, which lie in front of the scratch. */
  readonly tensorFloats: number;
  /** Height and width of the result. */
  readonly outputExtent: number;
}

export function convRuns([n, c, f, groups, e, k, s, p]: SquareConv): ConvRuns {
  const o = Math.floor((e + 2 * p - k) / s) + 1;
  const g = [n, c, f, groups, 1, e, e, 1, k, k, 1, o, o, 1, s, s, 0, p, p, 1, 1, 1];
  const sizes = [n * c * e * e, (f * c * k * k) / groups, n * f * o * o] as const;
  const scratch = Math.max(convScratch(g), convGradInputScratch(g), convGradWeightScratch(g));
  const [x, w, y, at] = place(...sizes, scratch / 4) as [number, number, number, number];
  return {
    forward: kernelRun('conv', [x, w, -1, y, at, g]),
    gradInput: kernelRun('convGradInput', [y, w, x, at, g]),
    gradWeight: kernelRun('convGradWeight', [x, y, w, at, g]),
    flops: (2 * sizes[2] * sizes[1]) / f,
    tensorFloats: at / 4,
    outputExtent: o,
  };
}
