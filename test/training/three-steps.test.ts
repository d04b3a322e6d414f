/**
 * Training under every strategy is the training of ordinary backpropagation, bit for bit, after three steps: outputs,
 * parameters, moments, running statistics, counters and accumulated gradients.
 */
import { describe, expect, it } from 'vitest';
import { optimizers } from '../../passes/optimizers.ts';
import { type CompileOptions, compile } from '../../src/compile.ts';
import { batchOf, cnn, mlp, transformer } from './models.ts';
import { differences, plainStrategies, runSteps, stepFaults } from './steps.ts';

const models = { mlp, cnn, transformer };

const variants: Readonly<Record<string, Partial<CompileOptions>>> = {
  ...Object.fromEntries([...optimizers.keys()].map((kind) => [kind, { optimizer: { kind, weightDecay: 0.01 } }])),
  'sgd with Nesterov momentum': { optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true } },
  'adamw, gradients kept': { optimizer: { kind: 'adamw' }, keepGradients: true },
  'adam, clipped by norm': { optimizer: { kind: 'adam' }, clipNorm: 0.1 },
  'adam, clipped by norm, gradients kept': { optimizer: { kind: 'adam' }, clipNorm: 0.1, keepGradients: true },
  'lion, clipped by value, loss scaled': { optimizer: { kind: 'lion' }, clipValue: 0.01, lossScale: 64 },
  'adam, accumulated over two': { optimizer: { kind: 'adam' }, accumulate: 2 },
  'sgd, accumulated over two, clipped by norm': {
    optimizer: { kind: 'sgd', momentum: 0.5 },
    accumulate: 2,
    clipNorm: 0.1,
    keepGradients: true,
  },
};

describe.each(Object.entries(models))('%s', (_, build) => {
  const model = build();
  const batches = (step: number) => batchOf(model, step);

  it.each(Object.entries(variants))('is trained alike under every strategy: %s', (_name, options) => {
    const compileWith = (strategy: string) =>
      compile(model, { losses: model.losses, strategy, verify: 'each', ...options });
    const reference = runSteps(compileWith('none'), batches);
    for (const strategy of plainStrategies) {
      expect({ strategy, faults: stepFaults(compileWith(strategy), reference, batches) }).toEqual({
        strategy,
        faults: [],
      });
    }
  });

  it
    .runIf(build !== mlp)
    .each([{}, { accumulate: 2 }, { keepGradients: true }, { accumulate: 2, keepGradients: true }])(
    'is trained alike within a budget: %j',
    (own) => {
      const options = { losses: model.losses, optimizer: { kind: 'adam' }, ...own };
      const plain = compile(model, { ...options, strategy: 'none' });
      const reference = runSteps(plain, batches);
      const arena = Math.floor(0.85 * plain.figures.arenaBytes);
      const strategyOptions = { arena: String(arena), effort: 'fast' };
      const compiled = compile(model, { ...options, strategy: 'budget', strategyOptions, verify: 'each' });
      expect(stepFaults(compiled, reference, batches)).toEqual([]);
      expect(compiled.figures.recomputedNodes).toBeGreaterThan(0);
      expect(compiled.figures.arenaBytes).toBeLessThanOrEqual(arena);
    },
  );

  it('is changed by every step', () => {
    const compiled = compile(model, { losses: model.losses, optimizer: { kind: 'adam' } });
    const three = runSteps(compiled, batches, 3);
    const two = runSteps(compiled, batches, 2);
    const changed = differences(three, two);
    for (const name of compiled.update!.trained) expect(changed).toContain(name);
    expect(three.state.get('update_count')!.data[0]).toBe(3);
  });
});
