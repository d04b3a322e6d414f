/**
 * Real models exported by PyTorch: loss and every parameter's gradient against references computed elsewhere, and bit for
 * bit the same under all strategies.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sharedData } from '../shared-data.ts';
import { checkUnderStrategies } from './check-gradients.ts';
import { loadReferenceModel } from './reference.ts';

const zoo = sharedData('models/zoo');
const indexSchema = z.array(z.object({ name: z.string(), loss: z.number(), f32err: z.number() }));
const names = [
  ...['gpt2_12l', 'lstm', 'mixer', 'mlp50', 'mobilenet_v3_small', 'resnet18', 'transformer_enc', 'vae', 'wavenet'],
];

describe.skipIf(zoo === undefined)('zoo models', () => {
  const index = zoo === undefined ? [] : indexSchema.parse(JSON.parse(readFileSync(`${zoo}/index.json`, 'utf8')));

  it('are all here', () => {
    expect(index.map(({ name }) => name).sort()).toEqual(names);
  });

  for (const { name, loss, f32err } of index)
    it(name, () => {
      const reference = loadReferenceModel(`${zoo}/${name}`);
      // An attention mask is a buffer: stored as the weights are, but not trained.
      const parameters = reference.model.graph.parameters.filter((value) => !value.name.endsWith('.mask'));
      expect([...reference.gradients.keys()].sort()).toEqual(parameters.map((value) => value.name).sort());
      checkUnderStrategies(reference, { loss, float32: f32err });
    });
});
