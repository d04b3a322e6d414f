/**
 * One ONNX test folder: `model.onnx`, and a set of data with `input_i.pb` and `output_i.pb`, and where gradients are
 * stored `grad_*.pb` (of the value each tensor names) with the `cotangent_i.pb` they belong to. Without cotangents the
 * gradients are those of the model's own loss.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { BackendChoice } from '../../runtime/select-backend.ts';
import { type Compiled, compile } from '../compile.ts';
import { createExecution } from '../execution.ts';
import { readBytes } from '../files/read-file.ts';
import { attachCotangents, attachLoss } from '../frontend/loss.ts';
import type { DeclaredOutput } from '../frontend/onnx/asked-outputs.ts';
import { decodeModel, onnxInputNames } from '../frontend/onnx/decode.ts';
import { type ImportedModel, importOnnx } from '../frontend/onnx/import.ts';
import { readTensorProto } from '../frontend/tensor-proto.ts';
import { type Tensor, valuesByName } from '../ir/graph.ts';
import { forwardDifference, gradientError, gradientTolerance, largestMagnitude } from './compare-tensors.ts';
import { checkInput, type NamedTensor, numberedFiles, readGiven, readNumbered } from './step-inputs.ts';

/** Folder of the model, and of one of its sets of data. */
export interface TestData {
  readonly folder: string;
  readonly data: string;
}

/** Whether gradients are stored in `data`. */
export function hasGradients(data: string): boolean {
  return readdirSync(data).some(isGradientFile);
}

const isGradientFile = (file: string): boolean => /^grad_.*\.pb$/.test(file);

interface ImportedTest {
  readonly imported: ImportedModel;
  readonly given: ReadonlyMap<string, Tensor>;
  /** Graph outputs in the file's order, gradients that the file itself asks for among them. */
  readonly outputNames: readonly string[];
}

/** The model is given its inputs, so that sizes and shapes it computes from them are known. */
function importTest({ folder, data }: TestData): ImportedTest {
  const bytes = readBytes(join(folder, 'model.onnx'), 'the model');
  const given = readGiven(data, onnxInputNames(bytes));
  // Every output is held against what is stored, so every one is asked for.
  const asked = (outputs: readonly DeclaredOutput[]): readonly string[] => outputs.map(({ name }) => name);
  const imported = importOnnx(bytes, { directory: folder, given, asked });
  return { imported, given, outputNames: decodeModel(bytes).graph.output.map(({ name }) => name) };
}

/** How steps are planned and run. */
export interface CheckSettings {
  /** Of backward passes. */
  readonly strategy: string;
  readonly backend: BackendChoice;
}

function runStep(
  compiled: Compiled,
  given: ReadonlyMap<string, Tensor>,
  backend: BackendChoice,
): ReadonlyMap<string, Tensor> {
  const execution = createExecution(compiled, { backend });
  const tensors = new Map<string, Tensor>();
  for (const slot of compiled.graph.inputs) {
    const tensor = given.get(slot.name);
    if (slot.name !== compiled.program.random?.name && tensor !== undefined)
      tensors.set(slot.name, checkInput(tensor, slot, 'the test data'));
  }
  execution.setInputs(tensors);
  execution.machine.run();
  return execution.outputs();
}

/** Every stored output against the model's; those of `Gradient` nodes come from a backward pass. What is wrong, if anything. */
export function checkForward(test: TestData, { strategy, backend }: CheckSettings): string | undefined {
  const { imported, given, outputNames } = importTest(test);
  const { model, gradients } = imported;
  const outputs = new Map(runStep(compile(model, { losses: [], strategy: 'none' }), given, backend));
  for (const { loss, wrt, outputs: names } of gradients) {
    const step = runStep(compile(model, { losses: [loss], wrtValues: wrt, strategy }), given, backend);
    names.forEach((name, i) => {
      if (name !== undefined) outputs.set(name, step.get(`d_${wrt[i]!}`)!);
    });
  }
  const stored = readNumbered(test.data, 'output');
  if (stored.size === 0) return 'there is no output_0.pb to hold the outputs against';
  for (const [i, { tensor: expected }] of stored) {
    const name = outputNames[i];
    if (name === undefined) return `there is an output_${i}.pb, but the model has ${outputNames.length} outputs`;
    const actual = outputs.get(name);
    const difference = actual === undefined ? 'is not computed' : forwardDifference(actual, expected);
    if (difference !== undefined) return `output ${i} (${name}): ${difference}`;
  }
  return undefined;
}

/** Every stored gradient against the step's. `float32` is what float32 itself loses. What is wrong, if anything. */
export function checkGradients(
  test: TestData,
  { strategy, backend }: CheckSettings,
  float32: number,
): string | undefined {
  const { imported, given } = importTest(test);
  const cotangents = numberedFiles(test.data, 'cotangent');
  const { model, loss } =
    cotangents.length > 0 ? attachCotangents(imported.model, cotangents) : attachLoss(imported.model);
  const references = readGradients(test.data);
  const known = valuesByName(model.graph);
  const wrtValues = references.map(({ name }) => name).filter((name) => known.has(name));
  const outputs = runStep(compile(model, { losses: [loss], strategy, wrtValues }), given, backend);
  const largest = Math.max(0, ...references.map(({ tensor }) => largestMagnitude(tensor)));
  const tolerance = gradientTolerance(float32);
  for (const { name, tensor: expected } of references) {
    const actual = outputs.get(`d_${name}`);
    if (actual === undefined) return `there is no gradient of ${name}`;
    const error = gradientError(actual, expected, largest);
    if (!(error <= tolerance))
      return `the gradient of ${name} is off by ${error.toExponential(2)} (tolerance ${tolerance.toExponential(2)})`;
  }
  return undefined;
}

/** What the `grad_*.pb` of a folder hold, in the order of the files' names. */
export function readGradients(data: string): readonly NamedTensor[] {
  return readdirSync(data)
    .filter(isGradientFile)
    .sort()
    .map((file) => readTensorProto(readBytes(join(data, file), 'the gradient')));
}

const indexSchema = z.array(
  z.looseObject({
    test: z.string().optional(),
    name: z.string().optional(),
    f32_relmax: z.number().optional(),
    f32err: z.number().optional(),
  }),
);

/**
 * By test, what float32 itself loses of its gradients, as the `index.json` of a folder states it. Empty where there is no
 * such file, or one that is about something else.
 */
export function float32Errors(suite: string): ReadonlyMap<string, number> {
  const path = join(suite, 'index.json');
  const parsed = indexSchema.safeParse(existsSync(path) ? parseJson(readFileSync(path, 'utf8')) : undefined);
  const entries = parsed.success ? parsed.data : [];
  return new Map(
    entries.map(({ test, name, f32_relmax, f32err }) => [basename(test ?? name ?? ''), f32_relmax ?? f32err ?? 0]),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
