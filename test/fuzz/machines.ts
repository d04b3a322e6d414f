/** Runs compiled steps on every backend in memories that all of them share, so that a step costs no new memory. */

import { compileFastWasm } from '../../runtime/fast-math.ts';
import type { KernelTable, Machine, StepRunner } from '../../runtime/interpreter.ts';
import { createMachine } from '../../runtime/interpreter.ts';
import { type Memory, viewMemory } from '../../runtime/memory.ts';
import type { KernelCall, Program, Slot } from '../../runtime/program.ts';
import { compileSharedWasm } from '../../runtime/threads/shared-module.ts';
import { shareCall, splits } from '../../runtime/threads/split-table.ts';
import { threadBytes } from '../../runtime/threads/thread-bytes.ts';
import { createThreadedRunner } from '../../runtime/threads/threaded-runner.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import { allocateWasmMemory } from '../../runtime/wasm-support.ts';
import type { Compiled } from '../../src/compile.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import type { Inputs } from '../differential-checks.ts';

/** `parts`: WebAssembly, every call in the parts that two threads would take, the last first. */
export type FuzzBackend = 'js' | 'wasm' | 'fast' | 'parts';
export type How = 'clean' | 'nan' | 'large';

/** Tensors by name and step, as in `loss after step 0`. */
export type Trace = ReadonlyMap<string, Tensor>;

export const stepCount = 3;

interface Pool {
  readonly buffer: ArrayBufferLike;
  readonly kernels: KernelTable;
}

function makePool(backend: FuzzBackend, bytes: number): Pool {
  const memory = allocateWasmMemory(Math.max(bytes, 2 ** 22));
  if (backend === 'js') return { buffer: memory.buffer, kernels: new Map() };
  return {
    buffer: memory.buffer,
    kernels: createWasmKernels(memory, backend === 'fast' ? compileFastWasm() : undefined),
  };
}

const pools = new Map<FuzzBackend, Pool>();

function poolOf(backend: FuzzBackend, bytes: number): Pool {
  const known = pools.get(backend);
  if (known !== undefined && known.buffer.byteLength >= bytes) return known;
  const pool = makePool(backend, bytes);
  pools.set(backend, pool);
  return pool;
}

/** Makes each call in two parts, where it can be cut, the second one first. */
function partsRunner(program: Program, memory: Memory, kernels: KernelTable): StepRunner {
  const run = ({ kernel, args }: KernelCall): void => {
    const twin = kernels.get(kernel.name);
    const parts = twin === undefined ? undefined : splits.get(kernel.name)?.cut(2, ...args);
    if (twin === undefined || parts === undefined) (twin ?? kernel)(memory, ...args);
    else for (const part of parts.toReversed()) for (const own of part) twin(memory, ...own);
  };
  return {
    threads: 1,
    extraBytes: 0,
    runStep: (index) => program.steps[index]!.calls.forEach(run),
    close() {},
  };
}

/** `wrong`: kernels that take the place of the right ones, for the tests of the harness itself. */
export function machineFor({ program }: Compiled, backend: FuzzBackend, wrong?: KernelTable): Machine {
  const { buffer, kernels: right } = poolOf(backend, program.arenaBytes + program.residentBytes);
  const kernels = wrong === undefined ? right : new Map([...right, ...wrong]);
  if (backend !== 'parts') return createMachine(program, { buffer, kernels });
  return createMachine(program, { buffer, runner: (own, memory) => partsRunner(own, memory, kernels) });
}

function load(machine: Machine, { weights }: Compiled, inputs: Inputs): void {
  const { program } = machine;
  for (const slot of [...program.parameters, ...program.state, ...program.constants])
    machine.write(slot, weights.get(slot.name)!.data);
  for (const slot of program.inputs) if (slot !== program.random) machine.write(slot, inputs.get(slot.name)!.data);
}

/** Three steps from the initial weights; every output after every step, and what the steps have written over. */
export function traceOf(machine: Machine, compiled: Compiled, inputs: Inputs, how: How = 'clean'): Trace {
  const { program } = machine;
  const trace = new Map<string, Tensor>();
  const note = (slot: Slot, step: number): void => {
    const type = { dtype: slot.dtype, shape: slot.shape };
    trace.set(`${slot.name} after step ${step}`, { type, data: machine.view(slot).slice() });
  };
  load(machine, compiled, inputs);
  for (let step = 0; step < stepCount; step++) {
    if (program.random !== undefined) machine.write(program.random, [3, step]);
    if (how === 'clean') machine.run();
    else machine.runPoisoned(how);
    for (const slot of program.outputs) note(slot, step);
  }
  for (const slot of [...program.parameters, ...program.state]) note(slot, stepCount);
  return trace;
}

/** The arena that a step touches, from the initial weights. */
export function measuredArena(compiled: Compiled, inputs: Inputs): number {
  const machine = machineFor(compiled, 'js');
  load(machine, compiled, inputs);
  if (machine.program.random !== undefined) machine.write(machine.program.random, [3, 0]);
  return machine.measureArena();
}

function sharedCalls(program: Program, threads: number): number {
  const calls = program.steps.flatMap((step) => step.calls);
  return calls.filter((call) => shareCall(call, threads) !== undefined).length;
}

/** What each program leaves on two threads, which one team of threads and one memory serve. */
export function tracesOnThreads(steps: readonly { compiled: Compiled; inputs: Inputs }[]): {
  readonly traces: readonly Trace[];
  /** Calls that were shared. */
  readonly shared: number;
} {
  const threads = 2;
  const programs = steps.map(({ compiled }) => compiled.program);
  const most = (of: (program: Program) => number): number => Math.max(64, ...programs.map(of));
  const together: Program = {
    ...programs[0]!,
    arenaBytes: most((program) => program.arenaBytes + program.residentBytes),
    residentBytes: 0,
    steps: programs.flatMap((program) => program.steps),
  };
  const memory = allocateWasmMemory(together.arenaBytes + threadBytes(together, threads), true);
  const module = compileSharedWasm(false);
  const kernels = createWasmKernels(memory, module);
  const team = createThreadedRunner(together, viewMemory(memory.buffer), { threads, memory, module, kernels });
  let first = 0;
  try {
    const traces = steps.map(({ compiled, inputs }) => {
      const start = first;
      first += compiled.program.steps.length;
      const runner = { ...team, runStep: (index: number) => team.runStep(start + index) };
      const machine = createMachine(compiled.program, { buffer: memory.buffer, runner: () => runner });
      return traceOf(machine, compiled, inputs);
    });
    return { traces, shared: sharedCalls(together, threads) };
  } finally {
    team.close();
  }
}
