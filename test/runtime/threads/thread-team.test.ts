import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMachine } from '../../../runtime/interpreter.ts';
import { relu } from '../../../runtime/kernels/activation.ts';
import { crossEntropy } from '../../../runtime/kernels/cross-entropy.ts';
import { call, type KernelCall, type Program } from '../../../runtime/program.ts';
import { type BackendChoice, selectBackend } from '../../../runtime/select-backend.ts';
import { compileSharedWasm, shareMemoryImport } from '../../../runtime/threads/shared-module.ts';
import { ThreadTeam } from '../../../runtime/threads/thread-team.ts';
import { threadSource } from '../../../runtime/threads/thread-worker.ts';
import { allocateWasmMemory, BackendError, wasmPage } from '../../../runtime/wasm-support.ts';
import { temporaryFolder } from '../../cli/harness.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function programOf(arenaBytes: number, ...calls: readonly KernelCall[]): Program {
  const steps = calls.map(
    (own, i) =>
      ({ name: `n${i}`, op: 'x', region: 'forward', calls: [own], comment: '', liveBytes: 0, frees: [] }) as const,
  );
  return {
    ...{ name: 'p', arenaBytes, residentBytes: 0, steps },
    ...{ inputs: [], parameters: [], state: [], constants: [], outputs: [] },
  };
}

/** The error that something ends in. */
function failure(act: () => unknown): BackendError {
  try {
    act();
  } catch (error) {
    if (error instanceof BackendError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe('the shared module', () => {
  it('differs from the other in the limits of its memory alone', () => {
    const memory = allocateWasmMemory(100, true);
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.buffer.byteLength).toBe(wasmPage);
    expect(() => new WebAssembly.Instance(compileSharedWasm(), { env: { memory } })).not.toThrow();
    expect(() => new WebAssembly.Instance(compileSharedWasm(), { env: { memory: allocateWasmMemory(100) } })).toThrow(
      WebAssembly.LinkError,
    );
  });

  it('cannot be made of a module that imports no memory', () => {
    expect(() => shareMemoryImport(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 1, 0]))).toThrow('imports nothing');
  });
});

describe('what a thread runs', () => {
  it('is text that stands by itself: no helper of a compiler, and no function within another', () => {
    const text = threadSource('setup');
    expect(text).not.toMatch(/__\w+|=>|import/);
    expect(text.match(/\bfunction \w+\(/g)).toHaveLength(3);
    expect(text.match(/\bfunction\b(?!['"])/g)).toHaveLength(3);
  });
});

describe('choosing threads', () => {
  const refused = (choice: BackendChoice, threads: number) => failure(() => selectBackend(choice, 64, { threads }));

  it('takes one by default, in memory that is not shared', () => {
    const { threads, buffer, runner } = selectBackend('wasm', 64);
    expect([threads, buffer instanceof SharedArrayBuffer, runner]).toEqual([1, false, undefined]);
  });

  it('refuses numbers that are none of threads', () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 65]) {
      expect(refused('auto', threads).code).toBe('bad-threads');
      expect(refused('auto', threads).message).toBe(`threads must be a whole number from 1 to 64, not ${threads}`);
    }
  });

  it('refuses them for plain kernels', () => {
    expect(refused('js', 2)).toMatchObject({
      code: 'bad-threads',
      message: 'the js backend runs on one thread: only WebAssembly kernels share memory',
    });
  });

  it('says what a page lacks that is not cross-origin isolated; `auto` goes on with one thread', () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const error = refused('wasm', 2);
    expect(error.code).toBe('no-shared-memory');
    expect(error.message).toBe('threads need shared memory, and this page has none: it is not cross-origin isolated');
    expect(error.hint).toContain('Cross-Origin-Opener-Policy: same-origin');
    const { backend, threads, notice, runner } = selectBackend('auto', 64, { threads: 2 });
    expect({ backend, threads, runner }).toEqual({ backend: 'wasm', threads: 1, runner: undefined });
    expect(notice).toBe(`running on one thread: ${error.message}`);
  });

  it('says so where there is no shared memory at all', () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    expect(refused('wasm', 2).code).toBe('no-shared-memory');
  });

  it('says so where there are no workers', () => {
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
    vi.stubGlobal('Worker', undefined);
    expect(refused('wasm', 2).code).toBe('no-workers');
  });

  it('falls back to plain kernels on one thread', () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(selectBackend('auto', 64, { threads: 2 })).toMatchObject({
      backend: 'js',
      threads: 1,
      notice: 'running on plain JavaScript kernels, on one thread: this engine has no WebAssembly SIMD',
    });
  });

  it('notes that there are more than cores', () => {
    const { threads, notice } = selectBackend('wasm', 64, { threads: 64 });
    expect(threads).toBe(64);
    expect(notice).toMatch(/^running 64 threads on \d+ cores$/);
  });
});

describe('a machine of several threads', () => {
  const count = 100_000;
  const bytes = Math.ceil((8 * count) / wasmPage) * wasmPage;
  const machineOf = (program: Program) => createMachine(program, selectBackend('wasm', bytes, { threads: 2 }));

  it('refuses a buffer without room for their scratch', () => {
    const selected = selectBackend('wasm', 64, { threads: 2 });
    expect(() => createMachine(programOf(wasmPage + 64), selected)).toThrow(RangeError);
  });

  it('goes on alone once it is closed', () => {
    const machine = machineOf(programOf(8 * count, call(relu, 0, 4 * count, count)));
    machine.memory.f32.fill(3, 0, count);
    machine.close();
    machine.close();
    machine.run();
    expect(machine.memory.f32.subarray(count, 2 * count).every((x) => x === 3)).toBe(true);
  });

  it('passes on what a kernel throws, and runs on', () => {
    const scores = 0;
    const labels = 64;
    const wrong = call(crossEntropy, scores, labels, 1, -1, 128, 1, 4, 1, 1, 0, 0, 0);
    const machine = machineOf(programOf(8 * count, call(relu, 0, 4 * count, count), wrong));
    machine.memory.i32[labels / 4] = 9;
    expect(() => machine.run()).toThrow(RangeError);
    expect(() => machine.run()).toThrow(RangeError);
    machine.memory.i32[labels / 4] = 1;
    machine.run();
    machine.close();
  });

  it('ends in an error where a part traps, whoever runs it', () => {
    const outside = call(relu, 0, bytes - 4 * (count / 2) - 64, count);
    for (let round = 0; round < 5; round++) {
      const machine = machineOf(programOf(8 * count, call(relu, 0, 4 * count, count), outside));
      expect(() => {
        for (let i = 0; i < 200; i++) machine.runStep(0);
        machine.run();
      }).toThrow(/out of bounds/);
      machine.close();
    }
  });
});

describe('a team', () => {
  const teamOf = (names: readonly string[], patience?: number) =>
    new ThreadTeam({
      threads: 2,
      module: compileSharedWasm(),
      memory: allocateWasmMemory(64, true),
      names,
      code: new Float64Array(new SharedArrayBuffer(64)),
      ...(patience !== undefined && { patience }),
    });

  it('tells of a thread that could not start', async () => {
    const team = teamOf(['nothing']);
    await vi.waitFor(() => {
      const error = failure(() => {
        team.open(0, 2);
        team.take(1);
      });
      expect(error.code).toBe('thread-failed');
      expect(error.message).toBe('thread 2 failed: Error: the WebAssembly module has no kernel nothing');
    }, 10_000);
    team.close();
  });

  it('does not wait for ever for a thread that was killed', () => {
    const team = teamOf([], 50);
    team.open(0, 2);
    // What the other took, as it were, before it went.
    expect(team.take(1)).toBe(true);
    expect(failure(() => team.waitFor(1, performance.now())).message).toBe('a thread failed: it does not answer');
    expect(failure(() => team.open(0, 2)).message).toBe('a thread failed: it does not answer');
    team.close();
  });
});

describe('a process', () => {
  it('ends by itself, with threads that nobody closed', () => {
    const root = join(import.meta.dirname, '../../..');
    const script = join(temporaryFolder(), 'step.mts');
    writeFileSync(
      script,
      `import { checkpoint, ModelBuilder } from ${JSON.stringify(join(root, 'src/index.ts'))};
const m = new ModelBuilder('mlp');
const x = m.input('x', [128, 128]);
m.loss(m.crossEntropy(m.linear(m.relu(m.linear(x, 128)), 128), m.input('labels', [128], 'i64')));
const step = checkpoint(m.finish(), { threads: 2, optimizer: { kind: 'sgd' } });
for (let i = 0; i < 3; i++) step.run({ x: new Float32Array(128 * 128).fill(0.1), labels: new Int32Array(128), learningRate: 0.1 });
process.stdout.write(String(step.loss > 0));
`,
    );
    const printed = execFileSync(process.execPath, ['--import', 'tsx', script], {
      ...{ cwd: root, encoding: 'utf8', timeout: 60_000 },
    });
    expect(printed).toBe('true');
  });
});
