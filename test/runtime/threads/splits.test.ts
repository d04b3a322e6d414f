import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../runtime/interpreter.ts';
import { viewMemory } from '../../../runtime/memory.ts';
import type { KernelArgument, Program } from '../../../runtime/program.ts';
import { selectBackend } from '../../../runtime/select-backend.ts';
import { shareCall, splits } from '../../../runtime/threads/split-table.ts';
import { threadBytes } from '../../../runtime/threads/thread-bytes.ts';
import { createWasmKernels } from '../../../runtime/wasm-backend.ts';
import { random } from '../wasm/twins.ts';
import { type Draw, drawArguments, sharedKernels } from './split-cases.ts';

/** Operands in a memory of `bytes` bytes; what is scratch is noted. */
function drawIn(buffer: ArrayBufferLike, seed: number) {
  const memory = viewMemory(buffer);
  const next = random(seed);
  const scratches: [start: number, end: number][] = [];
  let used = 64;
  const place = (bytes: number): number => {
    const at = used;
    used = Math.ceil((at + bytes) / 64) * 64;
    if (used > buffer.byteLength) throw new RangeError('the case does not fit in the memory of the test');
    return at;
  };
  const draw: Draw = {
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    floats(count) {
      const at = place(4 * count);
      for (let i = at / 4; i < at / 4 + count; i++) memory.f32[i] = next() * 4 - 2;
      return at;
    },
    flags(count) {
      const at = place(count);
      for (let i = at; i < at + count; i++) memory.u8[i] = Math.floor(next() * 2);
      return at;
    },
    word(value) {
      const at = place(4);
      memory.i32[at / 4] = value;
      return at;
    },
    scratch(bytes) {
      const at = place(bytes);
      scratches.push([at, at + bytes]);
      return at;
    },
  };
  return { draw, memory, used: () => used, scratches };
}

const kernelNames = sharedKernels(
  new Set(createWasmKernels(new WebAssembly.Memory({ initial: 1, maximum: 1 })).keys()),
);

describe('parts of a kernel call', () => {
  const wasmMemory = new WebAssembly.Memory({ initial: 64, maximum: 64 });
  const kernels = createWasmKernels(wasmMemory);

  it('are known of the kernels that matter', () => {
    expect(kernelNames.length).toBeGreaterThan(80);
    expect(kernelNames).toEqual(expect.arrayContaining(['matmul', 'conv', 'add', 'adam', 'softmax']));
  });

  it.each(kernelNames)('of %s leave what the whole call leaves, in any order', (name) => {
    const split = splits.get(name)!;
    const kernel = kernels.get(name)!;
    let cut = 0;
    for (let seed = 0; seed < 30; seed++)
      for (const parts of [2, 3]) {
        const { draw, memory, used, scratches } = drawIn(wasmMemory.buffer, seed);
        const args = drawArguments(name, draw, false);
        const before = memory.u8.slice(0, used());
        const leaves = (lists: readonly (readonly KernelArgument[])[]): Buffer => {
          memory.u8.set(before);
          for (const list of lists) kernel(memory, ...list);
          for (const [start, end] of scratches) memory.u8.fill(0, start, end);
          return Buffer.from(memory.u8.slice(0, used()));
        };
        const shared = split.cut(parts, ...args);
        if (shared === undefined) continue;
        expect(shared.length).toBe(parts);
        cut++;
        const whole = leaves([args]);
        const context = `${parts} parts of ${name}(${JSON.stringify(args)})`;
        expect(Buffer.compare(leaves(shared.flat()), whole), context).toBe(0);
        expect(Buffer.compare(leaves(shared.toReversed().flat()), whole), context).toBe(0);
      }
    expect(cut).toBeGreaterThan(10);
  });
});

describe('a program on several threads', () => {
  /** One call of every kernel, of sizes that are shared. */
  const program = (seed: number): { program: Program; contents: Uint8Array; scratches: [number, number][] } => {
    const buffer = new ArrayBuffer(96 * 2 ** 20);
    const { draw, memory, used, scratches } = drawIn(buffer, seed);
    const steps = kernelNames.map((name) => {
      const named = Object.defineProperty(() => undefined, 'name', { value: name });
      const call = { kernel: named, args: drawArguments(name, draw, true) };
      return { name, op: name, region: 'forward', calls: [call], comment: '', liveBytes: 0, frees: [] } as const;
    });
    const none = { inputs: [], parameters: [], state: [], constants: [], outputs: [] };
    const own: Program = { name: 'all', arenaBytes: used(), residentBytes: 0, steps, ...none };
    return { program: own, contents: memory.u8.slice(0, used()), scratches };
  };

  it.each([2, 3])('leaves what one thread leaves: %i threads', (threads) => {
    const sharing = new Set<string>();
    for (let seed = 0; seed < 2; seed++) {
      const { program: all, contents, scratches } = program(seed);
      for (const { name, calls } of all.steps) if (shareCall(calls[0]!, threads) !== undefined) sharing.add(name);
      const run = (count: number): Buffer => {
        const bytes = all.arenaBytes + threadBytes(all, count);
        const machine = createMachine(all, selectBackend('wasm', bytes, { threads: count }));
        for (let round = 0; round < (count === 1 ? 1 : 2); round++) {
          machine.memory.u8.set(contents);
          machine.run();
        }
        for (const [start, end] of scratches) machine.memory.u8.fill(0, start, end);
        machine.close();
        return Buffer.from(machine.memory.u8.slice(0, all.arenaBytes));
      };
      const [alone, together] = [run(1), run(threads)];
      const differs = all.steps.find(({ calls }, i) => {
        const start = Number(calls[0]!.args[0]);
        const next = all.steps[i + 1];
        const end = next === undefined ? all.arenaBytes : Number(next.calls[0]!.args[0]);
        return start < end && Buffer.compare(alone.subarray(start, end), together.subarray(start, end)) !== 0;
      });
      expect(differs?.name).toBeUndefined();
      expect(Buffer.compare(alone, together)).toBe(0);
    }
    expect(kernelNames.filter((name) => !sharing.has(name))).toEqual([]);
  });
});
