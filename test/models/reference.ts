/** Models with stored inputs and reference results: loading them, and how far results are from the references. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberedFiles, readGiven, stepInputs } from '../../src/cli/step-inputs.ts';
import { attachCotangents, attachLoss, type ModelWithLoss } from '../../src/frontend/loss.ts';
import { onnxInputNames } from '../../src/frontend/onnx/decode.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { readTensorProto } from '../../src/frontend/tensor-proto.ts';
import type { Tensor } from '../../src/ir/graph.ts';

export interface ReferenceModel extends ModelWithLoss {
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** By the name of the value whose gradient it is. */
  readonly gradients: ReadonlyMap<string, Tensor>;
  /** By position. */
  readonly outputs: readonly Tensor[];
}

/** Reads `model.onnx` and `test_data_set_0` of a folder. Where there are cotangents, they make the loss. */
export function loadReferenceModel(directory: string, dims: Readonly<Record<string, number>> = {}): ReferenceModel {
  const data = join(directory, 'test_data_set_0');
  const bytes = readFileSync(join(directory, 'model.onnx'));
  const given = readGiven(data, onnxInputNames(bytes));
  const { model } = importOnnx(bytes, { dims, directory, given });
  const cotangents = numberedFiles(data, 'cotangent');
  const withLoss = cotangents.length > 0 ? attachCotangents(model, cotangents) : attachLoss(model);
  const gradients = new Map<string, Tensor>();
  for (const file of readdirSync(data).sort()) {
    if (!/^grad_.*\.pb$/.test(file)) continue;
    const { name, tensor } = readTensorProto(readFileSync(join(data, file)));
    gradients.set(name, tensor);
  }
  const outputs: Tensor[] = [];
  for (let i = 0; existsSync(join(data, `output_${i}.pb`)); i++)
    outputs.push(readTensorProto(readFileSync(join(data, `output_${i}.pb`))).tensor);
  return { ...withLoss, inputs: stepInputs(withLoss.model.graph, given, 0).tensors, gradients, outputs };
}
