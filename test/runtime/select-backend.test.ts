import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMachine } from '../../runtime/interpreter.ts';
import { add } from '../../runtime/kernels/binary.ts';
import { call, type Program } from '../../runtime/program.ts';
import { type BackendChoice, selectBackend } from '../../runtime/select-backend.ts';
import { BackendError, checkBytes, mostBytes, wasmPage } from '../../runtime/wasm-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The error that a choice of backend ends in. */
function failure(choice: BackendChoice, bytes: number): BackendError {
  try {
    selectBackend(choice, bytes);
  } catch (error) {
    if (error instanceof BackendError) return error;
    throw error;
  }
  throw new Error('the backend was had');
}

describe('selectBackend', () => {
  it('takes WebAssembly where it can be had: whole pages and not one more', () => {
    const { backend, buffer, kernels, notice } = selectBackend('auto', wasmPage + 1);
    expect(backend).toBe('wasm');
    expect(buffer.byteLength).toBe(2 * wasmPage);
    expect(kernels.has('matmul')).toBe(true);
    expect(notice).toBeUndefined();
  });

  it('gives the plain kernels on request', () => {
    const { backend, buffer, kernels } = selectBackend('js', 1000);
    expect([backend, buffer.byteLength, kernels.size]).toEqual(['js', 1000, 0]);
  });

  it('runs a program on what it picked', () => {
    const slot = (name: string, offset: number) => ({ name, dtype: 'f32', shape: [4], offset, bytes: 16 }) as const;
    const program: Program = {
      name: 'sum',
      arenaBytes: 64,
      residentBytes: 128,
      steps: [
        {
          name: 'y',
          op: 'add',
          region: 'forward',
          calls: [call(add, 64, 128, 0, [4], [1], [1])],
          comment: '',
          liveBytes: 64,
          frees: [],
        },
      ],
      inputs: [slot('a', 64), slot('b', 128)],
      parameters: [],
      state: [],
      constants: [],
      outputs: [slot('y', 0)],
    };
    for (const choice of ['wasm', 'js'] as const) {
      const machine = createMachine(program, selectBackend(choice, 192));
      machine.write(program.inputs[0]!, [1, 2, 3, 4]);
      machine.write(program.inputs[1]!, [10, 20, 30, 40]);
      machine.run();
      expect([...machine.view(program.outputs[0]!)]).toEqual([11, 22, 33, 44]);
      expect(machine.measureArena()).toBe(64);
    }
  });

  it('refuses more than kernels address before anything is allocated, on every backend', () => {
    const allocated = vi.spyOn(WebAssembly, 'Memory');
    const buffer = vi.spyOn(globalThis, 'ArrayBuffer');
    for (const choice of ['auto', 'wasm', 'js'] as const)
      for (const bytes of [mostBytes + 1, 2 ** 32, 5 * 2 ** 30, 2 ** 60]) {
        const error = failure(choice, bytes);
        expect(error.code).toBe('too-large');
        expect(error.message).toContain(`the program needs ${bytes} bytes; kernels address 4294901760 `);
        expect(error.hint).toContain('--budget');
      }
    expect(allocated).not.toHaveBeenCalled();
    expect(buffer).not.toHaveBeenCalled();
  });

  it('takes as many bytes as kernels address, each with an address of 32 bits', () => {
    expect(mostBytes).toBeLessThan(2 ** 32);
    expect(() => checkBytes(mostBytes)).not.toThrow();
  });

  it('says so where the engine lacks SIMD, and `auto` goes on without it', () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(failure('wasm', 64).code).toBe('no-simd');
    const { backend, notice } = selectBackend('auto', 64);
    expect(backend).toBe('js');
    expect(notice).toBe('running on plain JavaScript kernels: this engine has no WebAssembly SIMD');
  });

  it('says so where memory cannot be had', () => {
    const Memory = WebAssembly.Memory;
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(
      class extends Memory {
        constructor() {
          super({ initial: 65537 });
        }
      },
    );
    const error = failure('wasm', 64);
    expect(error.code).toBe('allocation');
    expect(error.message).toContain('the engine did not allocate 65536 bytes: WebAssembly.Memory()');
    expect(selectBackend('auto', 64).backend).toBe('js');
  });

  it('does not hide that nothing at all can be allocated', () => {
    vi.spyOn(globalThis, 'ArrayBuffer').mockImplementation(
      class extends ArrayBuffer {
        constructor() {
          super(Number.MAX_SAFE_INTEGER);
        }
      },
    );
    expect(failure('js', 64).code).toBe('allocation');
    expect(failure('js', 64).message).toMatch(/did not allocate 64 bytes: ./);
  });
});
