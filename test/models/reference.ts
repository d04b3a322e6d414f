/** Models with stored inputs and reference results: loading them, and how far results are from the references. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberedFiles, readStepInputs } from '../../src/cli/step-inputs.ts';
import { attachCotangents, attachLoss, type ModelWithLoss } from '../../src/frontend/loss.ts';
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
  const { model } = importOnnx(readFileSync(join(directory, 'model.onnx')), { dims, directory });
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
  return { ...withLoss, inputs: readStepInputs(withLoss.model.graph, data, 0).tensors, gradients, outputs };
}

/** Largest magnitude. */
export function largestMagnitude(tensor: Tensor): number {
  let largest = 0;
  for (const x of tensor.data) largest = Math.max(largest, Math.abs(x));
  return largest;
}

/**
 * Largest absolute difference over the largest magnitude of the reference. A bias before a batch norm has a gradient
 * of exactly zero, which references hold as rounding noise of doubles (1e-19): a reference that small beside
 * `largestOfAll` is measured against that instead.
 */
export function relativeToLargest(actual: Tensor, expected: Tensor, largestOfAll = 0): number {
  if (actual.data.length !== expected.data.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const apart = Math.abs(actual.data[i]! - expected.data[i]!);
    if (Number.isNaN(apart)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, apart);
  }
  const own = largestMagnitude(expected);
  const scale = own < 1e-12 * largestOfAll ? largestOfAll : own;
  return scale === 0 ? difference : difference / scale;
}
