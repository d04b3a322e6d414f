/** Models with stored inputs and reference results: loading them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGradients } from '../../src/cli/check-folder.ts';
import { numberedFiles, readGiven, readNumbered, stepInputs } from '../../src/cli/step-inputs.ts';
import { attachCotangents, attachLoss, type ModelWithLoss } from '../../src/frontend/loss.ts';
import { onnxInputNames } from '../../src/frontend/onnx/decode.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import type { Tensor } from '../../src/ir/graph.ts';

export interface ReferenceModel extends ModelWithLoss {
  /** The graph output that the loss leaves by. */
  readonly lossOutput: string;
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
  return {
    ...withLoss,
    lossOutput: withLoss.model.graph.outputs.find(({ value }) => value === withLoss.loss)!.name,
    inputs: stepInputs(withLoss.model.graph, given, 0).tensors,
    gradients: new Map(readGradients(data).map(({ name, tensor }) => [name, tensor])),
    outputs: [...readNumbered(data, 'output').values()].map(({ tensor }) => tensor),
  };
}
