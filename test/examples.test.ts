/** Every example model, under every strategy: alike, in the planned arena, and as any executor would run it. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { model as mlp } from '../examples/mlp.ts';
import { model as resnet } from '../examples/resnet.ts';
import { model as rnn } from '../examples/rnn.ts';
import { model as transformer } from '../examples/transformer.ts';
import { model as unet } from '../examples/unet.ts';
import { stepInputs } from '../src/cli/step-inputs.ts';
import { compile } from '../src/compile.ts';
import type { BuiltModel } from '../src/frontend/builder/model-builder.ts';
import { allChecks, fifoCheck, runOnce } from './differential-checks.ts';
import { budgetCases, everyStrategy } from './every-strategy.ts';

const models: Readonly<Record<string, BuiltModel>> = { mlp, resnet, rnn, transformer, unet };

describe('examples', () => {
  it('are all here', () => {
    const files = readdirSync(new URL('../examples', import.meta.url)).filter((name) => name.endsWith('.ts'));
    const programs = files
      .map((name) => name.replace('.ts', ''))
      .filter((name) => !['compare', 'start', 'train-cnn'].includes(name));
    expect(Object.keys(models)).toEqual(expect.arrayContaining(programs));
  });

  for (const [name, model] of Object.entries(models))
    it(name, () => {
      const plain = compile(model, { losses: model.losses, strategy: 'none' });
      const inputs = stepInputs(plain.graph, new Map(), 1).tensors;
      const reference = runOnce(plain, inputs);
      const budgets = name === 'transformer' || name === 'rnn' ? budgetCases(['80%']) : [];
      const cases = [...everyStrategy(plain.planned.nodes.length, model), ...budgets];
      for (const { label, strategy, strategyOptions } of cases) {
        const compiled = compile(model, { losses: model.losses, strategy, strategyOptions, verify: 'each' });
        expect([...allChecks(compiled, reference, inputs), ...fifoCheck(compiled)], label).toEqual([]);
        expect(compiled.figures.arenaBytes / compiled.figures.liveBytes, label).toBeLessThanOrEqual(1.005);
      }
    });
});
