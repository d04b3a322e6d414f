/** Emitted steps against the interpreter on the same backend, bit for bit: every zoo and example model and strategy. */
import { describe, expect, it } from 'vitest';
import { model as mlp } from '../../examples/mlp.ts';
import { model as resnet } from '../../examples/resnet.ts';
import { model as rnn } from '../../examples/rnn.ts';
import { model as transformer } from '../../examples/transformer.ts';
import { model as unet } from '../../examples/unet.ts';
import { strategies } from '../../passes/plan/strategies.ts';
import { compile } from '../../src/compile.ts';
import type { Model } from '../../src/ir/graph.ts';
import { differencesFromInterpreter } from '../codegen/emit/same-as-interpreter.ts';
import { loadReferenceModel } from '../models/reference.ts';
import { sharedData } from '../shared-data.ts';

/** `all` recomputes quadratically; it is asked for below 100 nodes only. */
async function checkEveryStrategy(model: Model, losses: readonly string[], marked: readonly string[]): Promise<void> {
  const plain = compile(model, { losses, strategy: 'none' });
  const least = compile(model, { losses, strategy: 'memory' }).figures.peakBytes;
  for (const strategy of strategies.keys()) {
    if (strategy === 'all' && plain.planned.nodes.length >= 100) continue;
    if (strategy === 'manual' && marked.length === 0) continue;
    const strategyOptions =
      strategy === 'manual'
        ? { values: marked }
        : strategy === 'budget'
          ? { budget: String(Math.ceil((least + plain.figures.peakBytes) / 2)) }
          : {};
    const compiled = compile(model, { losses, strategy, strategyOptions });
    for (const backend of ['js', 'wasm'] as const)
      expect(await differencesFromInterpreter(compiled, 2, backend), `${strategy}, ${backend}`).toEqual([]);
  }
}

describe('examples', () => {
  it.each(Object.entries({ mlp, resnet, rnn, transformer, unet }))('%s', (_, model) =>
    checkEveryStrategy(model, model.losses, model.checkpoints),
  );
});

const zoo = sharedData('models/zoo');

describe.skipIf(zoo === undefined)('models exported by PyTorch', () => {
  it.each(['mlp50', 'resnet18', 'gpt2_12l', 'transformer_enc', 'mixer', 'vae', 'mobilenet_v3_small'])('%s', (name) => {
    const { model, loss } = loadReferenceModel(`${zoo}/${name}`);
    return checkEveryStrategy(model, [loss], []);
  });
});
