/** Which kernels of the example and zoo models run in plain TypeScript on the WebAssembly backend, and why. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { model as mlp } from '../../../examples/mlp.ts';
import { model as resnet } from '../../../examples/resnet.ts';
import { model as rnn } from '../../../examples/rnn.ts';
import { model as transformer } from '../../../examples/transformer.ts';
import { model as unet } from '../../../examples/unet.ts';
import { optimizers } from '../../../passes/optimizers.ts';
import { compile } from '../../../src/compile.ts';
import { attachLoss } from '../../../src/frontend/loss.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import type { Model } from '../../../src/ir/graph.ts';
import { sharedData } from '../../shared-data.ts';
import { wasmKernels } from './twins.ts';

/** What a twin would not make faster. */
const plain: Readonly<Record<string, string>> = {
  batchNormUpdate: 'works on one number a channel',
  fillElements: 'is TypedArray.fill',
  gather: 'is TypedArray.copyWithin, a row at a time',
  increment: 'works on one number',
};

/** Kernels of a training step that have no twin. */
function plainKernels(model: Model, losses: readonly string[], kind = 'sgd'): readonly string[] {
  const { program } = compile(model, { losses, strategy: 'none', optimizer: { kind } });
  const names = program.steps.flatMap(({ calls }) => calls.map(({ kernel }) => kernel.name));
  return names.filter((name) => !wasmKernels.has(name));
}

const unexplained = (names: readonly string[]): readonly string[] =>
  [...new Set(names)].filter((name) => !(name in plain)).sort();

const zoo = sharedData('models/zoo');

describe('kernels without a twin', () => {
  it('of the examples and of every optimizer', () => {
    const examples = [mlp, resnet, rnn, transformer, unet];
    const found = examples.flatMap((model) => plainKernels(model, model.losses));
    for (const kind of optimizers.keys()) found.push(...plainKernels(mlp, mlp.losses, kind));
    expect(unexplained(found)).toEqual([]);
  });
  it.skipIf(zoo === undefined)('of the zoo models', () => {
    const folders = readdirSync(zoo!, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const found = folders.flatMap(({ name }) => {
      const { model, loss } = attachLoss(importOnnx(readFileSync(`${zoo}/${name}/model.onnx`)).model);
      return plainKernels(model, [loss]);
    });
    expect(unexplained(found)).toEqual([]);
  });
  it('are not listed any more once they have one', () => {
    expect(Object.keys(plain).filter((name) => wasmKernels.has(name))).toEqual([]);
  });
});
