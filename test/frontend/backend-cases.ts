/** The ONNX project's operator tests, and any folder of the same layout: a model, its inputs and its outputs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize } from '../../passes/canonicalize.ts';
import { onnxInputNames } from '../../src/frontend/onnx/decode.ts';
import { type ImportedModel, importOnnx } from '../../src/frontend/onnx/import.ts';
import { readTensorProto } from '../../src/frontend/tensor-proto.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { formatType, sameShape, type Tensor } from '../../src/ir/graph.ts';
import { evaluateGraph } from '../evaluate-graph.ts';

export interface Outcome {
  readonly result: 'passed' | 'failed' | 'unsupported';
  readonly message: string;
}

/** Folders below `directory` that hold a model.onnx. */
export function caseFolders(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, 'model.onnx')))
    .map((entry) => join(directory, entry.name))
    .sort();
}

/** `PREFIX_0.pb`, `PREFIX_1.pb`, ... */
export function readTensors(folder: string, prefix: string): readonly Tensor[] {
  const tensors: Tensor[] = [];
  for (let i = 0; existsSync(join(folder, `${prefix}_${i}.pb`)); i++)
    tensors.push(readTensorProto(readFileSync(join(folder, `${prefix}_${i}.pb`))).tensor);
  return tensors;
}

/** Imports the model with its inputs at hand, runs it, and compares its outputs. */
export function runForward(folder: string, tolerance = { relative: 1e-3, absolute: 1e-5 }): Outcome {
  let imported: ImportedModel;
  let tensors: readonly Tensor[];
  let expected: readonly Tensor[];
  try {
    const bytes = readFileSync(join(folder, 'model.onnx'));
    const data = join(folder, 'test_data_set_0');
    tensors = readTensors(data, 'input');
    expected = readTensors(data, 'output');
    const names = onnxInputNames(bytes);
    imported = importOnnx(bytes, { given: new Map(names.map((name, i) => [name, tensors[i]!])) });
  } catch (error) {
    if (!(error instanceof SublinearError)) throw error;
    return { result: 'unsupported', message: error.message };
  }
  const inputs = new Map(imported.inputNames.map((name, i) => [name, tensors[i]!]));
  if (imported.rngInput !== undefined)
    inputs.set(imported.rngInput, { type: { dtype: 'i32', shape: [2] }, data: [0, 0] });
  const values = evaluateGraph(canonicalize(imported.model), inputs);
  for (const [i, name] of imported.outputNames.entries()) {
    const reference = expected[i];
    if (reference === undefined) continue;
    const fault = difference(values.get(name)!, reference, tolerance);
    if (fault !== undefined) return { result: 'failed', message: `output ${name}: ${fault}` };
  }
  return { result: 'passed', message: '' };
}

function difference(
  actual: Tensor,
  expected: Tensor,
  { relative, absolute }: { relative: number; absolute: number },
): string | undefined {
  // Some files store a scalar as a list of one.
  const sameExtents =
    sameShape(actual.type.shape, expected.type.shape) || actual.data.length + expected.data.length === 2;
  if (!sameExtents || actual.type.dtype !== expected.type.dtype)
    return `is ${formatType(actual.type)}, not ${formatType(expected.type)}`;
  for (let i = 0; i < expected.data.length; i++) {
    const x = actual.data[i]!;
    const y = expected.data[i]!;
    if (Object.is(x, y) || x === y) continue;
    if (!(Math.abs(x - y) <= absolute + relative * Math.abs(y))) return `element ${i} is ${x}, not ${y}`;
  }
  return undefined;
}
