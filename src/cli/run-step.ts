/** Runs compiled steps on the same inputs, and measures them. */

import type { BackendChoice } from '../../runtime/select-backend.ts';
import type { Compiled } from '../compile.ts';
import { bitwiseDifferences, createExecution, type Execution, threadFault } from '../execution.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, type Tensor } from '../ir/graph.ts';

export interface RunResult {
  readonly compiled: Compiled;
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** Parameters and state after the last step. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Of the last step; the sum where there are several losses. */
  readonly loss: number | undefined;
  /** Median of the steps. */
  readonly seconds: number;
  readonly measuredArenaBytes: number;
  /** Threads that shared the work, and the bytes of scratch of those beyond the first. */
  readonly threads: number;
  readonly threadBytes: number;
  /** Residents, arena and the scratch of threads. */
  readonly peakBytes: number;
  /** What the backend had to say (see `SelectedBackend`). */
  readonly notice: string | undefined;
}

export interface RunOptions {
  readonly steps: number;
  readonly seed: number;
  /** Default `auto`. */
  readonly backend?: BackendChoice;
  /** Default 1. */
  readonly threads?: number;
  readonly fastMath?: boolean;
}

/** Steps that are timed at least, if they are done within so many seconds. */
const leastTimed = 7;
const longestTiming = 0.3;

/** Runs one compiled step. Throws `SublinearError` for inputs and weights that do not fit. */
export function execute(compiled: Compiled, tensors: ReadonlyMap<string, Tensor>, options: RunOptions): RunResult {
  return executeAll([compiled], tensors, options)[0]!;
}

/**
 * Runs several compiled steps, each in a memory of its own. They take turns step by step, after one run each that is not
 * timed, so that a busy machine and a cold one are the same to all of them.
 */
export function executeAll(
  steps: readonly Compiled[],
  tensors: ReadonlyMap<string, Tensor>,
  options: RunOptions,
): readonly RunResult[] {
  const { seed, backend = 'auto', threads = 1, fastMath = false } = options;
  const executions = steps.map((compiled) => createExecution(compiled, { seed, backend, threads, fastMath }));
  try {
    return measureAll(executions, tensors, options);
  } finally {
    for (const execution of executions) execution.close();
  }
}

function measureAll(
  executions: readonly Execution[],
  tensors: ReadonlyMap<string, Tensor>,
  options: RunOptions,
): readonly RunResult[] {
  const runs = executions.map((execution) => {
    execution.setInputs(tensors);
    const measuredArenaBytes = guard(execution, () => execution.machine.measureArena());
    execution.reset();
    return { execution, measuredArenaBytes, times: [] as number[] };
  });
  const timed = (): void => {
    for (const { execution, times } of runs) {
      const started = performance.now();
      guard(execution, () => execution.machine.run());
      times.push((performance.now() - started) / 1000);
    }
  };
  for (let step = 0; step < options.steps; step++) {
    for (const { execution } of runs) execution.setRandom(options.seed, step);
    timed();
  }
  const results = runs.map(({ execution, measuredArenaBytes }) => {
    const { compiled, notice, machine } = execution;
    const { threads, threadBytes } = machine;
    const outputs = execution.outputs();
    return {
      ...{ compiled, outputs, state: execution.state(), loss: lossOf(compiled, outputs), measuredArenaBytes },
      ...{ threads, threadBytes, peakBytes: compiled.figures.peakBytes + threadBytes, notice },
    };
  });
  // One step of milliseconds says little of its time: the results being taken, it runs on for the clock alone.
  const spent = (): number => runs.reduce((total, { times }) => total + times.reduce((a, b) => a + b, 0), 0);
  for (let step = options.steps; step < leastTimed && spent() < longestTiming; step++) timed();
  return results.map((result, i) => ({ ...result, seconds: median(runs[i]!.times) }));
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Names of outputs, parameters and state that differ in any bit. */
export function compareRuns(a: RunResult, b: RunResult): readonly string[] {
  return [...bitwiseDifferences(a.outputs, b.outputs), ...bitwiseDifferences(a.state, b.state)];
}

/** A loss that is no number, where the inputs were: said once. */
export function lossNotes(result: RunResult, inputNotes: readonly Diagnostic[]): readonly Diagnostic[] {
  const { loss } = result;
  if (loss === undefined || Number.isFinite(loss) || inputNotes.some((note) => note.code === 'nan-in-input')) return [];
  return [{ code: 'loss-not-finite', message: `the loss is ${loss}; --json has null in its place` }];
}

/** What the backend had to say about the first of some runs: it says the same of all. */
export function backendNotes(results: readonly RunResult[]): readonly Diagnostic[] {
  const notice = results[0]?.notice;
  return notice === undefined ? [] : [{ code: 'backend', message: notice }];
}

/** Kernels throw a RangeError for labels and indices out of range: that is the input's fault. */
function guard<T>(execution: Execution, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw threadFault(error);
    const { steps } = execution.machine.program;
    let failed = 0;
    try {
      execution.machine.trace(({ index }) => {
        failed = index + 1;
      });
    } catch {
      // The same error again: now the node is known.
    }
    const node = steps[failed]?.name;
    throw new SublinearError({
      code: 'value-out-of-range',
      message: error.message,
      ...(node !== undefined && { node }),
      hint: 'an integer input holds a label or an index that is out of range',
    });
  }
}

/** A graph that came differentiated names no loss: its output `loss`, or its one output of one float, is it. */
function lossOf(compiled: Compiled, outputs: ReadonlyMap<string, Tensor>): number | undefined {
  const plain = compiled.graph.outputs.filter((output) => output.of === undefined);
  const named = plain.filter((output) => compiled.losses.includes(output.value));
  if (named.length > 0)
    return named.reduce((sum, output) => sum + (outputs.get(output.name)?.data[0] ?? Number.NaN), 0);
  const scalars = plain.flatMap((output) => {
    const tensor = outputs.get(output.name);
    const isLoss = tensor?.type.dtype === 'f32' && elementCount(tensor.type.shape) === 1;
    return isLoss ? [{ name: output.name, value: tensor.data[0]! }] : [];
  });
  const chosen = scalars.find(({ name }) => name === 'loss') ?? (scalars.length === 1 ? scalars[0] : undefined);
  return chosen?.value;
}
