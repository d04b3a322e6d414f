/**
 * The interpreter: runs a Program in one buffer that it allocates once. A step allocates nothing.
 *
 * Beside running it can trace, measure how much of the arena a step touches, and run with freed bytes poisoned.
 */
import { bytesPerElement, type Memory, type NumberArray, viewMemory, viewOf } from './memory.ts';
import type { Program, ProgramStep, Slot } from './program.ts';

export interface TraceEvent {
  readonly step: ProgramStep;
  /** Position in the program. */
  readonly index: number;
  /** Milliseconds of the process clock. */
  readonly start: number;
  readonly end: number;
}

export interface Machine {
  readonly program: Program;
  readonly memory: Memory;
  readonly buffer: ArrayBufferLike;
  /** Runs every step once. */
  run(): void;
  /** Runs step `index` of the program alone, for callers that look between steps. */
  runStep(index: number): void;
  /** Runs every step once and reports each as it ends. `onStep` may look, and throws if it runs the machine again. */
  trace(onStep: (event: TraceEvent) => void): void;
  /** Runs with the arena, and every range as it dies, filled with `pattern`. */
  runPoisoned(pattern: PoisonPattern): void;
  /** Runs and returns the highest arena byte touched, rounded up to 64. */
  measureArena(): number;
  /** A live view of a slot's elements. */
  view(slot: Slot): NumberArray;
  /** Copies numbers into a slot. Throws `RangeError` where the count differs. */
  write(slot: Slot, data: ArrayLike<number>): void;
  /** Threads that share the work of a step, the caller's included. */
  readonly threads: number;
  /** Bytes behind `[arena | resident]` that threads beyond the first need. */
  readonly threadBytes: number;
  /** Ends the other threads, which a process does not wait for; what runs afterwards runs on one. */
  close(): void;
}

/** Four bytes, repeated. `nan` reads as a quiet NaN in f32. */
export type PoisonPattern = 'nan' | 'large';

const patterns: Readonly<Record<PoisonPattern, number>> = { nan: 0x7fc0dead, large: 0x5a5a5a5a };
const sentinel = 0xa5;

/** Kernels by name that stand in for the plain ones. */
export type KernelTable = ReadonlyMap<string, Program['steps'][number]['calls'][number]['kernel']>;

/** Runs the steps of one program in its memory. */
export interface StepRunner {
  readonly threads: number;
  /** Bytes it needs behind those of the program. */
  readonly extraBytes: number;
  runStep(index: number): void;
  /** Ends what was started to run them. */
  close(): void;
}

export interface MachineOptions {
  /** At least `program.arenaBytes + program.residentBytes`, a multiple of 8. */
  readonly buffer?: ArrayBufferLike;
  /** Kernels of another backend; those it lacks run in plain TypeScript. */
  readonly kernels?: KernelTable;
  /** Runs steps in another way than one call after another. */
  readonly runner?: (program: Program, memory: Memory) => StepRunner;
}

/** Calls every kernel in order. */
function sequentialRunner(program: Program, memory: Memory, kernels: KernelTable | undefined): StepRunner {
  const bound = program.steps.map((step) =>
    step.calls.map(({ kernel, args }) => ({ kernel: kernels?.get(kernel.name) ?? kernel, args })),
  );
  return {
    threads: 1,
    extraBytes: 0,
    runStep(index) {
      for (const { kernel, args } of bound[index]!) kernel(memory, ...args);
    },
    close() {},
  };
}

export function createMachine(program: Program, options: MachineOptions = {}): Machine {
  if (!Array.isArray(program?.steps)) throw new TypeError('createMachine takes a program: `compile(...).program`');
  if (typeof options !== 'object' || options === null) throw new TypeError('createMachine takes an object of options');
  const bytes = program.arenaBytes + program.residentBytes;
  const buffer = options.buffer ?? new ArrayBuffer(Math.max(bytes, 64));
  if (buffer.byteLength < bytes)
    throw new RangeError(`the buffer has ${buffer.byteLength} bytes; the program needs ${bytes}`);
  const memory = viewMemory(buffer);
  const arena = new Uint8Array(buffer, 0, program.arenaBytes);
  const arenaWords = new Uint32Array(buffer, 0, program.arenaBytes / 4);
  const runner = options.runner?.(program, memory) ?? sequentialRunner(program, memory, options.kernels);
  let running = false;
  const refuseWithin = (): void => {
    if (running) throw new Error('the step is running: what it calls while it runs may not run it again');
  };
  /** For callers; one that is called back while steps run would write over what they read. */
  const exclusively = (work: () => void): void => {
    refuseWithin();
    running = true;
    try {
      work();
    } finally {
      running = false;
    }
  };
  const view = (slot: Slot): NumberArray => {
    const first = slot.offset / bytesPerElement[slot.dtype];
    return viewOf(memory, slot.dtype).subarray(first, first + slot.bytes / bytesPerElement[slot.dtype]);
  };
  const runAll = (): void => {
    for (let index = 0; index < program.steps.length; index++) runner.runStep(index);
  };
  return {
    program,
    memory,
    buffer,
    run: () => exclusively(runAll),
    runStep(index) {
      refuseWithin();
      runner.runStep(index);
    },
    trace(onStep) {
      exclusively(() =>
        program.steps.forEach((step, index) => {
          const start = performance.now();
          runner.runStep(index);
          onStep({ step, index, start, end: performance.now() });
        }),
      );
    },
    runPoisoned(pattern) {
      const word = patterns[pattern];
      exclusively(() => {
        arenaWords.fill(word);
        program.steps.forEach((step, index) => {
          runner.runStep(index);
          for (const range of step.frees) arenaWords.fill(word, range.start / 4, range.end / 4);
        });
      });
    },
    measureArena() {
      // One thread: a thread's part of a call packs into less scratch than the call as a whole.
      const alone = runner.threads === 1 ? runner : sequentialRunner(program, memory, options.kernels);
      exclusively(() => {
        arena.fill(sentinel);
        for (let index = 0; index < program.steps.length; index++) alone.runStep(index);
      });
      let highest = arena.length;
      while (highest > 0 && arena[highest - 1] === sentinel) highest--;
      return Math.ceil(highest / 64) * 64;
    },
    view,
    write(slot, data) {
      const target = view(slot);
      if (data.length !== target.length)
        throw new RangeError(`${slot.name} holds ${target.length} elements and was given ${data.length}`);
      target.set(data);
    },
    threads: runner.threads,
    threadBytes: runner.extraBytes,
    close: () => runner.close(),
  };
}
