/**
 * ONNX test folders (`model.onnx` and `test_data_set_*`): runs each, forward and, where gradients are stored, backward,
 * and holds the results against the stored ones.
 *
 * Tolerances are those of the reference data: forward |a - b| <= 1e-5 + 1e-3 |b|; gradients by largest error over
 * largest magnitude, at most max(1e-4, 20 times what float32 itself loses), which an `index.json` above the folder states.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { compile } from '../compile.ts';
import { createExecution, type Execution, rngInput } from '../execution.ts';
import { attachCotangents } from '../frontend/loss.ts';
import { onnxInputNames } from '../frontend/onnx/decode.ts';
import { importOnnx } from '../frontend/onnx/import.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { formatType, type Model, sameShape, type Tensor, valuesByName } from '../ir/graph.ts';
import { checkInput, nameInputs, numberedFiles, readNumbered } from './step-inputs.ts';

export type CheckStage = 'forward' | 'gradient';

export interface CheckFailure {
  readonly test: string;
  readonly stage: CheckStage;
  readonly message: string;
  /** Refused by name before anything ran, rather than wrong. */
  readonly unsupported: boolean;
}

export interface CheckCounts {
  passed: number;
  failed: number;
  unsupported: number;
}

export interface CheckReport {
  readonly forward: CheckCounts;
  readonly gradient: CheckCounts;
  readonly failures: readonly CheckFailure[];
}

/** Folders below `directory` (itself included) that hold a model and test data, sorted. */
export function findTestFolders(directory: string): readonly string[] {
  const found: string[] = [];
  const pending = [directory];
  while (pending.length > 0) {
    const folder = pending.pop()!;
    const entries = readdirSync(folder).sort();
    if (entries.includes('model.onnx') && entries.some((entry) => entry.startsWith('test_data_set_'))) {
      found.push(folder);
      continue;
    }
    for (const entry of entries) {
      const path = join(folder, entry);
      if (statSync(path).isDirectory()) pending.push(path);
    }
  }
  return found.sort();
}

/** Checks every folder. `onFolder` hears of each as it begins. */
export function checkFolders(
  folders: readonly string[],
  strategy: string,
  onFolder: (folder: string, position: number) => void = () => {},
): CheckReport {
  const forward: CheckCounts = { passed: 0, failed: 0, unsupported: 0 };
  const gradient: CheckCounts = { passed: 0, failed: 0, unsupported: 0 };
  const failures: CheckFailure[] = [];
  const precision = new Map<string, ReadonlyMap<string, number>>();
  folders.forEach((folder, position) => {
    onFolder(folder, position);
    const sets = readdirSync(folder)
      .filter((name) => name.startsWith('test_data_set_'))
      .sort();
    for (const set of sets) {
      const data = join(folder, set);
      const stages: CheckStage[] = numberedFiles(data, 'cotangent').length > 0 ? ['forward', 'gradient'] : ['forward'];
      for (const stage of stages) {
        const counts = stage === 'forward' ? forward : gradient;
        const failure = attempt(() =>
          stage === 'forward'
            ? checkForward(folder, data)
            : checkGradient(folder, data, strategy, float32Error(folder, precision)),
        );
        if (failure === undefined) counts.passed++;
        else {
          if (failure.unsupported) counts.unsupported++;
          else counts.failed++;
          failures.push({ test: basename(folder), stage, ...failure });
        }
      }
    }
  });
  return { forward, gradient, failures };
}

/** What is wrong, or undefined. Every exception counts: a refusal as unsupported, anything else as failed. */
function attempt(run: () => string | undefined): { message: string; unsupported: boolean } | undefined {
  try {
    const message = run();
    return message === undefined ? undefined : { message, unsupported: false };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { message, unsupported: error instanceof SublinearError && error.exitCode === 1 };
  }
}

/** The tensors of `input_i.pb` by graph input: the one a tensor names, else the one in its place. */
function importFolder(folder: string, data: string): { model: Model; given: ReadonlyMap<string, Tensor> } {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const given = nameInputs(onnxInputNames(bytes), readNumbered(data, 'input'));
  const { model } = importOnnx(bytes, { directory: folder, given });
  return { model, given };
}

function prepare(execution: Execution, given: ReadonlyMap<string, Tensor>): void {
  const tensors = new Map<string, Tensor>();
  for (const slot of execution.compiled.graph.inputs) {
    const tensor = given.get(slot.name);
    if (slot.name !== rngInput && tensor !== undefined)
      tensors.set(slot.name, checkInput(tensor, slot, 'the test data'));
  }
  execution.setInputs(tensors);
}

function checkForward(folder: string, data: string): string | undefined {
  const { model, given } = importFolder(folder, data);
  const execution = createExecution(compile(model, { losses: [], strategy: 'none' }));
  prepare(execution, given);
  execution.machine.run();
  const outputs = execution.outputs();
  for (const [i, { tensor: expected }] of readNumbered(data, 'output')) {
    const output = model.graph.outputs[i];
    if (output === undefined)
      return `there is an output_${i}.pb, but the model has ${model.graph.outputs.length} outputs`;
    const difference = forwardDifference(outputs.get(output.name)!, expected);
    if (difference !== undefined) return `output ${i} (${output.name}): ${difference}`;
  }
  return undefined;
}

function forwardDifference(actual: Tensor, expected: Tensor): string | undefined {
  if (!alike(actual, expected)) return `is ${formatType(actual.type)}, expected ${formatType(expected.type)}`;
  for (let i = 0; i < expected.data.length; i++) {
    const a = actual.data[i]!;
    const b = expected.data[i]!;
    const equal = Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (!equal && !(Math.abs(a - b) <= 1e-5 + 1e-3 * Math.abs(b))) return `element ${i} is ${a}, expected ${b}`;
  }
  return undefined;
}

function checkGradient(folder: string, data: string, strategy: string, float32: number): string | undefined {
  const { model, given } = importFolder(folder, data);
  const cotangents = readNumbered(data, 'cotangent');
  const withLoss = attachCotangents(model, [...cotangents.keys()]);
  const known = valuesByName(withLoss.model.graph);
  const references = [...readNumbered(data, 'grad').values()];
  const compiled = compile(withLoss.model, {
    losses: [withLoss.loss],
    strategy,
    wrtValues: references.map(({ name }) => name).filter((name) => known.has(name)),
  });
  const execution = createExecution(compiled);
  prepare(
    execution,
    new Map([...given, ...[...cotangents].map(([i, { tensor }]) => [`cotangent_${i}`, tensor] as const)]),
  );
  execution.machine.run();
  const outputs = execution.outputs();
  const largest = Math.max(0, ...references.map(({ tensor }) => largestMagnitude(tensor)));
  for (const { name, tensor: expected } of references) {
    const actual = outputs.get(`d_${name}`);
    if (actual === undefined) return `there is no gradient of ${name}`;
    const error = gradientError(actual, expected, largest);
    const tolerance = Math.max(1e-4, 20 * float32);
    if (!(error <= tolerance))
      return `the gradient of ${name} is off by ${error.toExponential(2)} (tolerance ${tolerance.toExponential(2)})`;
  }
  return undefined;
}

/** Largest magnitude of the elements. */
export function largestMagnitude(tensor: Tensor): number {
  let largest = 0;
  for (const x of tensor.data) largest = Math.max(largest, Math.abs(x));
  return largest;
}

/**
 * Largest error over largest magnitude of the reference; NaN where the shapes differ or a number is not one. A gradient
 * that is zero by mathematics (of a bias before a batch norm, of a key's bias before a softmax) is stored as the
 * rounding noise of doubles: a reference that small beside `largestOfAll` is measured against that instead.
 */
export function gradientError(actual: Tensor, expected: Tensor, largestOfAll = 0): number {
  if (!alike(actual, expected)) return Number.NaN;
  let error = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const apart = Math.abs(actual.data[i]! - expected.data[i]!);
    if (Number.isNaN(apart)) return Number.NaN;
    error = Math.max(error, apart);
  }
  const own = largestMagnitude(expected);
  const scale = own < 1e-12 * largestOfAll ? largestOfAll : own;
  return scale === 0 ? error : error / scale;
}

/** Equal shapes; files write single numbers as [] or as [1]. */
function alike(a: Tensor, b: Tensor): boolean {
  return sameShape(a.type.shape, b.type.shape) || (a.data.length === 1 && b.data.length === 1);
}

const indexSchema = z.array(z.looseObject({ test: z.string().optional(), f32_relmax: z.number().optional() }));

/** What float32 itself loses on a test, by the `index.json` beside or above its folder; 0 where there is none. */
function float32Error(folder: string, cache: Map<string, ReadonlyMap<string, number>>): number {
  const suite = dirname(folder);
  let index = cache.get(suite);
  if (index === undefined) {
    const path = join(suite, 'index.json');
    const parsed = existsSync(path) ? indexSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
    index = new Map(
      (parsed?.success === true ? parsed.data : []).map((entry) => [basename(entry.test ?? ''), entry.f32_relmax ?? 0]),
    );
    cache.set(suite, index);
  }
  return index.get(basename(folder)) ?? 0;
}
