/**
 * Runs a WebAssembly kernel and its plain twin on equal memories and compares every byte that either may have touched:
 * results within a tolerance, everything else (neighbours, guards, operands) exactly.
 */
import { expect } from 'vitest';
import { type Memory, viewMemory } from '../../../runtime/memory.ts';
import type { Kernel, KernelArgument } from '../../../runtime/program.ts';
import { createWasmKernels } from '../../../runtime/wasm-backend.ts';

const pages = 160;
const wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages });
export const wasm: Memory = viewMemory(wasmMemory.buffer);
export const plain: Memory = viewMemory(new ArrayBuffer(pages * 65536));
export const wasmKernels = createWasmKernels(wasmMemory);

/** A repeatable stream of numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export interface Twins {
  readonly random: () => number;
  /** Integer in [low, high]. */
  integer(low: number, high: number): number;
  /** `count` floats at a fresh place; in [-2, 2] unless said otherwise. Returns the byte offset. */
  floats(count: number, value?: (random: () => number) => number): number;
  /** `count` int32. */
  integers(count: number, low: number, high: number): number;
  /** `count` int64, held as doubles. */
  longs(count: number, low: number, high: number): number;
  flags(count: number): number;
  /**
   * Room for `bytes` bytes of scratch, which is not compared. But the kernel has to reach the last 64 of them: what a plan
   * counts is what is touched.
   */
  scratch(bytes: number): number;
  /** Runs both kernels and compares. Elements differ by at most `relative` * max(1, |value|). */
  run(kernel: Kernel & { readonly name: string }, args: readonly KernelArgument[], relative?: number): void;
}

/** A fresh pair of memories, drawn from `seed`. */
export function twins(seed: number): Twins {
  const next = random(seed);
  wasm.u8.fill(0x7f, 0, 64);
  plain.u8.fill(0x7f, 0, 64);
  let used = 64;
  const scratches: [number, number][] = [];
  const place = (bytes: number): number => {
    // Any element boundary: operands of views need not be aligned to more.
    const start = used;
    const offset = used + 8 * Math.floor(next() * 8);
    used = Math.ceil((offset + bytes) / 8) * 8 + 64;
    if (used > wasm.u8.length) throw new RangeError('the case does not fit in the memory of the test');
    wasm.u8.fill(0x7f, start, used);
    plain.u8.fill(0x7f, start, used);
    return offset;
  };
  const self: Twins = {
    random: next,
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    floats(count, value = (r) => r() * 4 - 2) {
      const offset = place(4 * count);
      for (let i = 0; i < count; i++) plain.f32[offset / 4 + i] = value(next);
      wasm.f32.set(plain.f32.subarray(offset / 4, offset / 4 + count), offset / 4);
      return offset;
    },
    integers(count, low, high) {
      const offset = place(4 * count);
      for (let i = offset / 4; i < offset / 4 + count; i++) wasm.i32[i] = plain.i32[i] = self.integer(low, high);
      return offset;
    },
    longs(count, low, high) {
      const offset = place(8 * count);
      for (let i = offset / 8; i < offset / 8 + count; i++) wasm.f64[i] = plain.f64[i] = self.integer(low, high);
      return offset;
    },
    flags(count) {
      const offset = place(count);
      for (let i = offset; i < offset + count; i++) wasm.u8[i] = plain.u8[i] = self.integer(0, 1);
      return offset;
    },
    scratch(bytes) {
      const offset = Math.ceil(place(bytes + 64) / 64) * 64;
      if (bytes > 0) scratches.push([offset, offset + bytes]);
      wasm.f32.fill(Number.NaN, offset / 4, (offset + bytes) / 4);
      plain.f32.fill(Number.NaN, offset / 4, (offset + bytes) / 4);
      return offset;
    },
    run(kernel, args, relative = 0) {
      const twin = wasmKernels.get(kernel.name);
      if (twin === undefined) throw new Error(`there is no WebAssembly kernel ${kernel.name}`);
      const before = wasm.u8.slice(0, used);
      twin(wasm, ...args);
      const first = wasm.u8.slice(0, used);
      wasm.u8.set(before);
      twin(wasm, ...args);
      expect(Buffer.compare(first, wasm.u8.subarray(0, used)), `${kernel.name}: bitwise repeatable`).toBe(0);
      kernel(plain, ...args);
      for (const [start, end] of scratches.splice(0)) {
        const last = first.subarray(Math.max(start, end - 64), end);
        expect(
          Buffer.compare(last, before.subarray(Math.max(start, end - 64), end)),
          `${kernel.name}: scratch`,
        ).not.toBe(0);
        wasm.u8.fill(0, start, end);
        plain.u8.fill(0, start, end);
      }
      for (let i = 0; i < used / 4; i++) {
        if (wasm.i32[i] === plain.i32[i]) continue;
        const got = wasm.f32[i]!;
        const wanted = plain.f32[i]!;
        if (Number.isNaN(got) && Number.isNaN(wanted)) continue;
        if (Math.abs(got - wanted) <= relative * Math.max(1, Math.abs(wanted))) continue;
        if (got === wanted) continue;
        expect.fail(
          `${kernel.name}: element at byte ${4 * i} is ${got}, not ${wanted}; arguments ${JSON.stringify(args)}`,
        );
      }
      // Results within the tolerance are operands of the next run, and must be the same there.
      wasm.u8.set(plain.u8.subarray(0, used));
    },
  };
  return self;
}
