/** Small ONNX files for the tests of the command line. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTensorProto } from '../../src/frontend/tensor-proto.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { initializer, input, type ModelParts, modelBytes, node, ramp } from '../frontend/onnx-models.ts';

/** `layers` of tanh(h W) on x [batch, 4], and the sum of the last as the scalar output `loss`. */
export function deepModel(layers: number): ModelParts {
  const weights = Array.from({ length: layers }, (_, i) => initializer(`layer${i}/w:0`, ramp(4, 4)));
  const nodes = weights.flatMap((_, i) => [
    node('MatMul', [i === 0 ? 'x' : `a${i - 1}`, `layer${i}/w:0`], `h${i}`),
    node('Tanh', [`h${i}`], `a${i}`),
  ]);
  return {
    nodes: [...nodes, node('ReduceSum', [`a${layers - 1}`], 'loss', { keepdims: 0 })],
    inputs: [input('x', ['batch', 4])],
    outputs: ['loss'],
    initializers: weights,
  };
}

/** Writes a file and the folders it lies in; returns its path. */
export function writeInto(folder: string, name: string, contents: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
  return path;
}

export function writeModel(folder: string, name: string, parts: ModelParts): string {
  return writeInto(folder, name, modelBytes(parts));
}

export function writeTensor(folder: string, file: string, name: string, tensor: Tensor): string {
  return writeInto(folder, file, writeTensorProto(name, tensor));
}
