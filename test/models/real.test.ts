/** Third-party ONNX files with weights: outputs and gradients against stored ones, under all strategies. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { forwardDifference } from '../../src/cli/compare-tensors.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { sharedData } from '../shared-data.ts';
import { checkUnderStrategies } from './check-gradients.ts';
import { loadReferenceModel } from './reference.ts';

const real = sharedData('models/real');
const indexSchema = z.array(
  z.object({ name: z.string(), loss: z.number(), f32_relmax: z.number(), grads: z.number() }),
);
const names = ['emx_micro_kws', 'ort_bert_toy_5l', 'ort_mnist_cntk', 'ort_mnist_pytorch', 'ort_train_mlp_loss'];

describe.skipIf(real === undefined)('models from elsewhere', () => {
  const index = real === undefined ? [] : indexSchema.parse(JSON.parse(readFileSync(`${real}/index.json`, 'utf8')));

  it('are all here', () => {
    expect(index.map(({ name }) => name).sort()).toEqual(names);
  });

  for (const { name, loss, f32_relmax, grads } of index)
    it(name, () => {
      const reference = loadReferenceModel(`${real}/${name}`);
      const { graph } = reference.model;
      const execution = createExecution(compile(reference.model, { losses: [], strategy: 'none' }));
      execution.setInputs(reference.inputs);
      execution.machine.run();
      const outputs = execution.outputs();
      reference.outputs.forEach((expected, i) => {
        expect(forwardDifference(outputs.get(graph.outputs[i]!.name)!, expected), `output ${i}`).toBeUndefined();
      });
      expect(reference.gradients.size).toBe(grads);
      checkUnderStrategies(reference, { loss, float32: f32_relmax });
    });
});
