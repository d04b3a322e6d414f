/**
 * Real models exported by PyTorch: loss and every parameter's gradient against references computed elsewhere, under
 * every strategy, and bit for bit the same under all of them.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { strategies } from '../../passes/plan/strategies.ts';
import { gradientError, largestMagnitude } from '../../src/cli/compare-tensors.ts';
import { compile } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import { fifoCheck, placementCheck } from '../differential-checks.ts';
import { sharedData } from '../shared-data.ts';
import { loadReferenceModel } from './reference.ts';

const zoo = sharedData('models/zoo');
const indexSchema = z.array(z.object({ name: z.string(), loss: z.number(), f32err: z.number() }));
const names = ['mlp50', 'resnet18', 'gpt2_12l', 'transformer_enc', 'mixer', 'vae', 'mobilenet_v3_small'];

if (zoo === undefined) console.warn('skipped: the zoo models are not there (set SUBLINEAR_DATA)');

describe.skipIf(zoo === undefined)('zoo models', () => {
  const index = zoo === undefined ? [] : indexSchema.parse(JSON.parse(readFileSync(`${zoo}/index.json`, 'utf8')));
  for (const name of names)
    it(name, () => {
      const entry = index.find((candidate) => candidate.name === name)!;
      const reference = loadReferenceModel(`${zoo}/${name}`);
      let plain: ReturnType<ReturnType<typeof createExecution>['outputs']> | undefined;
      for (const strategy of ['none', ...strategies.keys()]) {
        if (strategy === 'manual') continue;
        const compiled = compile(reference.model, { losses: [reference.loss], strategy });
        if (strategy === 'all' && compiled.planned.nodes.length >= 100) continue;
        const execution = createExecution(compiled);
        execution.setInputs(reference.inputs);
        expect(execution.machine.measureArena(), `${strategy}: measured arena`).toBe(compiled.figures.arenaBytes);
        const outputs = execution.outputs();
        if (plain === undefined) {
          plain = outputs;
          const loss = outputs.get('loss')!.data[0]!;
          expect(Math.abs(loss - entry.loss) / Math.abs(entry.loss)).toBeLessThan(1e-4);
          const tolerance = Math.max(1e-4, 20 * entry.f32err);
          expect(reference.gradients.size).toBeGreaterThan(0);
          const largest = Math.max(...[...reference.gradients.values()].map(largestMagnitude));
          for (const [parameter, expected] of reference.gradients) {
            const gradient = outputs.get(`d_${parameter}`);
            expect(gradient, `gradient of ${parameter}`).toBeDefined();
            expect(gradientError(gradient!, expected, largest), `gradient of ${parameter}`).toBeLessThanOrEqual(
              tolerance,
            );
          }
        }
        expect(bitwiseDifferences(plain, outputs), strategy).toEqual([]);
        expect(placementCheck(compiled.graph, compiled.memory), strategy).toEqual([]);
        expect(fifoCheck(compiled), strategy).toEqual([]);
      }
    });
});
