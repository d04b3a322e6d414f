/** Three steps of models exported by PyTorch, state included, in the arena that was planned. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allocateArray } from '../../runtime/memory.ts';
import { rngInput } from '../../src/analysis/rng-input.ts';
import { type CompileOptions, compile } from '../../src/compile.ts';
import { attachLoss } from '../../src/frontend/loss.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { readTensorProto } from '../../src/frontend/tensor-proto.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { randomSource } from '../random-model.ts';
import { sharedData } from '../shared-data.ts';
import { differences, runSteps, stepFaults } from './steps.ts';

const cases: readonly (readonly [string, readonly string[], Partial<CompileOptions>])[] = [
  ['resnet18', ['memory', 'recursive'], { optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 } }],
  ['gpt2_12l', ['memory', 'speed'], { optimizer: { kind: 'adamw' } }],
];

describe.each(cases)('%s', (name, strategies, options) => {
  const folder = sharedData(`models/zoo/${name}`);
  it.skipIf(folder === undefined)('is trained alike under every strategy', () => {
    const attached = attachLoss(importOnnx(readFileSync(`${folder}/model.onnx`)).model);
    const stored = attached.model.graph.inputs
      .filter((input) => input.name !== rngInput)
      .map((input, i): [string, Tensor] => [
        input.name,
        readTensorProto(readFileSync(`${folder}/test_data_set_0/input_${i}.pb`)).tensor,
      ]);
    const batches = (step: number): ReadonlyMap<string, Tensor> => {
      const random = randomSource(step);
      return new Map(
        stored.map(([input, { type, data }]) => {
          // Other floats in each step; integers are what the file has.
          const drawn = allocateArray(type.dtype, data.length);
          for (let i = 0; i < data.length; i++)
            drawn[i] = type.dtype === 'f32' && step > 0 ? 2 * random() - 1 : data[i]!;
          return [input, { type, data: drawn }];
        }),
      );
    };
    const compileWith = (strategy: string) =>
      compile(attached.model, { losses: [attached.loss], strategy, ...options });
    const plain = compileWith('none');
    const reference = runSteps(plain, batches);
    expect(differences(reference, runSteps(plain, batches, 2)).length).toBeGreaterThan(plain.update!.trained.length);
    for (const strategy of strategies) {
      const compiled = compileWith(strategy);
      expect({ strategy, faults: stepFaults(compiled, reference, batches) }).toEqual({ strategy, faults: [] });
      expect(compiled.figures.arenaBytes).toBeLessThan(plain.figures.arenaBytes);
    }
  });
});
