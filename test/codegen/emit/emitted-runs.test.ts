/** Emitted steps give what the interpreter gives on the same backend, bit for bit. */
import { describe, expect, it } from 'vitest';
import { emitTypeScript } from '../../../src/codegen/emit/emit-typescript.ts';
import { compile } from '../../../src/compile.ts';
import { type BuiltModel, ModelBuilder } from '../../../src/frontend/builder/model-builder.ts';
import { loadReferenceModel } from '../../models/reference.ts';
import { randomModel } from '../../random-model.ts';
import { sharedData } from '../../shared-data.ts';
import { differencesFromInterpreter } from './same-as-interpreter.ts';

const examples: Readonly<Record<string, () => Promise<{ readonly model: BuiltModel }>>> = {
  mlp: () => import('../../../examples/mlp.ts'),
  rnn: () => import('../../../examples/rnn.ts'),
  resnet: () => import('../../../examples/resnet.ts'),
  transformer: () => import('../../../examples/transformer.ts'),
  unet: () => import('../../../examples/unet.ts'),
};

const backends = ['js', 'wasm'] as const;

describe.each(Object.entries(examples))('%s', (_, load) => {
  it.each(['none', 'memory'])('%s: equals the interpreter', async (strategy) => {
    const { model } = await load();
    const compiled = compile(model, { losses: model.losses, strategy });
    for (const backend of backends)
      expect(await differencesFromInterpreter(compiled, strategy === 'memory' ? 2 : 1, backend), backend).toEqual([]);
  });
});

describe('a step with its update in it', () => {
  it.each(['sgd', 'adamw', 'rmsprop'])('%s', async (kind) => {
    const m = new ModelBuilder('trained');
    const h = m.tanh(m.linear(m.tanh(m.linear(m.input('x', [8, 6]), 12)), 12));
    m.loss(m.crossEntropy(m.linear(h, 3), m.input('labels', [8], 'i64')));
    const model = m.finish();
    const compiled = compile(model, { losses: model.losses, strategy: 'memory', optimizer: { kind } });
    for (const backend of backends) expect(await differencesFromInterpreter(compiled, 5, backend), backend).toEqual([]);
    expect(emitTypeScript(compiled)).toContain('readonly learningRate: Numbers | number;');
  });
});

describe('random models over the whole op table', () => {
  it.each([1, 2, 3, 4, 5, 6])('seed %i', async (seed) => {
    const { model, losses } = randomModel(seed, 12);
    for (const strategy of ['all', 'memory']) {
      const compiled = compile(model, { losses, strategy, wrt: 'all' });
      for (const backend of backends)
        expect(await differencesFromInterpreter(compiled, 2, backend), `${strategy}, ${backend}`).toEqual([]);
    }
  });
});

const zoo = sharedData('models/zoo');

// Under every strategy: test/full/emitted.test.ts.
describe.skipIf(zoo === undefined)('models exported by PyTorch', () => {
  it.each(['mlp50', 'gpt2_12l', 'transformer_enc', 'mixer', 'vae', 'mobilenet_v3_small'])('%s', async (name) => {
    const { model, loss } = loadReferenceModel(`${zoo}/${name}`);
    const compiled = compile(model, { losses: [loss], strategy: 'memory' });
    for (const backend of backends) expect(await differencesFromInterpreter(compiled, 1, backend), backend).toEqual([]);
  });
});
