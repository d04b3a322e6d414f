/**
 * Execution: a compiled step in memory, with its weights loaded, ready to be given inputs and run. The differential
 * checks (bitwise comparison, poison, measured arena) are made on it.
 */
import { createMachine, type Machine } from '../runtime/interpreter.ts';
import type { NumberArray } from '../runtime/memory.ts';
import type { OutputSlot, Slot } from '../runtime/program.ts';
import {
  type Backend,
  type BackendChoice,
  checkFastMath,
  checkThreads,
  type SelectedBackend,
  selectBackend,
} from '../runtime/select-backend.ts';
import { copyElements } from '../runtime/step.ts';
import { threadBytes } from '../runtime/threads/thread-bytes.ts';
import { BackendError } from '../runtime/wasm-support.ts';
import type { Compiled } from './compile.ts';
import { describeGiven, isGraph, isRecord, requireOptions, requireTensors, wrongArgument } from './ir/arguments.ts';
import { type Diagnostic, nameSuggester, SublinearError } from './ir/diagnostic.ts';
import { formatType, type Tensor } from './ir/graph.ts';
import { elementsOf, inputFault } from './ir/input-fault.ts';

export interface ExecutionOptions {
  /** Which kernels run; default `auto`: WebAssembly where the engine has it. Bitwise promises hold within one. */
  readonly backend?: BackendChoice;
  /** Threads that share the work of a step, of WebAssembly kernels alone; default 1. Results are the same bit for bit. */
  readonly threads?: number;
  /** Kernels of relaxed SIMD: faster, and not the same on every machine; default false. */
  readonly fastMath?: boolean;
  /** Seed of random ops; default 0. */
  readonly seed?: number;
}

export interface Execution {
  readonly compiled: Compiled;
  readonly machine: Machine;
  readonly backend: Backend;
  /** Why `auto` fell back to plain kernels or to one thread, where it did. */
  readonly notice?: string;
  /** Loads parameters, state and constants anew. */
  reset(): void;
  /** Copies inputs in. Throws `SublinearError` for missing, unknown or misshapen ones, before anything is written. */
  setInputs(tensors: ReadonlyMap<string, Tensor>): void;
  /** Sets what random ops draw from. */
  setRandom(seed: number, step: number): void;
  /** Fresh copies of all outputs, by name. */
  outputs(): ReadonlyMap<string, Tensor>;
  /** Fresh copies of all state and parameters, by name. */
  state(): ReadonlyMap<string, Tensor>;
  /** Ends the threads beyond the caller's; a process does not wait for them. Steps then run on one. */
  close(): void;
}

/** Throws `SublinearError` naming parameters that have no numbers, and memory that cannot be had. */
export function createExecution(compiled: Compiled, options: ExecutionOptions = {}): Execution {
  requireCompiled('createExecution', compiled);
  requireOptions('createExecution', options);
  const { program, weights } = compiled;
  const loaded = [...program.parameters, ...program.state, ...program.constants];
  const missing = loaded.filter((slot) => !weights.has(slot.name));
  if (missing.length > 0)
    throw new SublinearError({
      code: 'missing-weights',
      message: `${missing.length} of the model's values have no numbers: ${missing
        .slice(0, 5)
        .map((slot) => slot.name)
        .join(', ')}${missing.length > 5 ? ', ...' : ''}`,
      hint: 'make some with --weights he (or hash), or read them with --weights FILE.safetensors',
    });
  const selected = selectFor(compiled, options);
  const machine = createMachine(program, selected);
  const inputs = new Map(program.inputs.map((slot) => [slot.name, slot]));
  const copy = (slot: Slot): Tensor => ({
    type: { dtype: slot.dtype, shape: slot.shape },
    data: machine.view(slot).slice(),
  });
  const execution: Execution = {
    compiled,
    machine,
    backend: selected.backend,
    ...(selected.notice !== undefined && { notice: selected.notice }),
    reset() {
      for (const slot of loaded) machine.write(slot, weights.get(slot.name)!.data);
    },
    setInputs(tensors) {
      requireTensors('setInputs', tensors);
      const faults: Diagnostic[] = [];
      const nearestTo = nameSuggester(() => inputs.keys());
      for (const [name, tensor] of tensors) {
        const slot = inputs.get(name);
        if (slot !== undefined) {
          const fault = inputFault(name, slot, tensor);
          if (fault !== undefined) faults.push(fault);
          continue;
        }
        const nearest = nearestTo(name);
        faults.push({
          code: 'unknown-input',
          message: `the step has no input ${JSON.stringify(name)}`,
          hint:
            nearest === undefined
              ? `its inputs are ${[...inputs.keys()].join(', ') || 'none'}`
              : `did you mean ${JSON.stringify(nearest)}?`,
        });
      }
      for (const slot of program.inputs)
        if (!tensors.has(slot.name) && slot !== program.random)
          faults.push({
            code: 'missing-input',
            message: `input ${JSON.stringify(slot.name)} (${formatType(slot)}) was not given`,
          });
      if (faults.length > 0) throw new SublinearError(faults);
      for (const [name, tensor] of tensors) copyElements(machine.view(inputs.get(name)!), elementsOf(tensor));
    },
    setRandom(seed, step) {
      checkSeed(seed);
      checkSeed(step, 'a step');
      if (program.random !== undefined) machine.write(program.random, [seed, step]);
    },
    outputs: () => new Map(program.outputs.map((slot) => [slot.name, copy(slot)])),
    state: () => new Map([...program.parameters, ...program.state].map((slot) => [slot.name, copy(slot)])),
    close: () => machine.close(),
  };
  execution.reset();
  execution.setRandom(options.seed ?? 0, 0);
  return execution;
}

/** Whole numbers of 32 bits, which random ops draw from. Throws `SublinearError` (exit code 2). */
export function checkSeed(seed: unknown, what = 'a seed'): void {
  if (Number.isInteger(seed) && Math.abs(Number(seed)) < 2 ** 32) return;
  throw new SublinearError(
    {
      code: 'bad-seed',
      message: `${what} is a whole number below 2^32, not ${describeGiven(seed)}`,
    },
    2,
  );
}

/** Throws `SublinearError` where `value` is not what `compile` gives. */
export function requireCompiled(call: string, value: unknown): asserts value is Compiled {
  if (isRecord(value) && isRecord(value.program) && isGraph(value.graph) && value.weights instanceof Map) return;
  throw wrongArgument(call, 'what `compile` gives', value);
}

const backends: readonly unknown[] = ['auto', 'js', 'wasm'];

function selectFor(
  { program }: Compiled,
  { backend = 'auto', threads = 1, fastMath = false }: ExecutionOptions,
): SelectedBackend {
  if (!backends.includes(backend)) throw wrongArgument('backend', 'auto, js or wasm', backend);
  try {
    checkThreads(backend, threads);
    checkFastMath(backend, fastMath);
    const bytes = program.arenaBytes + program.residentBytes + threadBytes(program, threads);
    return selectBackend(backend, bytes, { threads, fastMath });
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    const exitCode = error.code === 'bad-threads' || error.code === 'bad-fast-math' ? 2 : 1;
    throw new SublinearError({ code: `backend-${error.code}`, message: error.message, hint: error.hint }, exitCode);
  }
}

/** A thread that failed while a step ran, said in our words and as our bug; any other error as it is. */
export function threadFault(error: unknown): unknown {
  if (!(error instanceof BackendError)) return error;
  return new SublinearError({ code: `backend-${error.code}`, message: error.message, hint: error.hint }, 70);
}

/** The gradient outputs of a compiled step. */
export function gradientSlots(compiled: Compiled): readonly OutputSlot[] {
  return compiled.program.outputs.filter((slot) => slot.of !== undefined);
}

/** Equal in every bit; NaNs are equal to NaNs of the same bits only. */
export function bitwiseEqual(a: NumberArray | Tensor['data'], b: NumberArray | Tensor['data']): boolean {
  if (a.length !== b.length) return false;
  const bytesOf = (data: NumberArray | Tensor['data']): Uint8Array => {
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return new Uint8Array(Float64Array.from(data).buffer);
  };
  const left = bytesOf(a);
  const right = bytesOf(b);
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** Names of tensors that differ in any bit, or are in one map only. */
export function bitwiseDifferences(a: ReadonlyMap<string, Tensor>, b: ReadonlyMap<string, Tensor>): readonly string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => {
    const left = a.get(name);
    const right = b.get(name);
    return left === undefined || right === undefined || !bitwiseEqual(left.data, right.data);
  });
}
