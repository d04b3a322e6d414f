/** Random graphs over the whole op table, with updates: three steps alike under every strategy, state included. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompileOptions, compile } from '../../src/compile.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { randomModel } from '../random-model.ts';
import { plainStrategies, runSteps, stepFaults } from './steps.ts';

const variants: readonly Partial<CompileOptions>[] = [
  { optimizer: { kind: 'sgd', momentum: 0.9 } },
  { optimizer: { kind: 'adam' }, keepGradients: true },
  { optimizer: { kind: 'sgd' }, clipNorm: 1, accumulate: 2 },
  { optimizer: { kind: 'lion' }, clipValue: 0.1, lossScale: 4 },
];

describe('random graphs', () => {
  it('are trained alike under every strategy', () => {
    let trained = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 30 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(...variants),
        (seed, size, options) => {
          const { model, losses, inputs } = randomModel(seed, size);
          const compileWith = (strategy: string) => compile(model, { losses, strategy, verify: 'each', ...options });
          let reference: ReturnType<typeof runSteps>;
          try {
            reference = runSteps(compileWith('none'), () => inputs);
          } catch (error) {
            // None of the parameters reaches a loss, or one leaves as an output: that is said, and ends it.
            if (!(error instanceof SublinearError)) throw error;
            expect(error.diagnostics[0]!.code).toMatch(/^(nothing-to-|output-of-parameter$)/);
            return;
          }
          trained++;
          for (const strategy of plainStrategies) {
            const faults = stepFaults(compileWith(strategy), reference, () => inputs);
            expect({ strategy, faults }).toEqual({ strategy, faults: [] });
          }
        },
      ),
      { numRuns: 50 },
    );
    expect(trained).toBeGreaterThan(10);
  });
});
