/**
 * The differential harness: random graphs over the op table and random keep sets. Whatever is kept, gradients, outputs
 * and state are those of ordinary backpropagation, bit for bit, in an arena of exactly the planned size.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptSetSequence } from '../passes/plan/kept-set.ts';
import { planFromSequence } from '../passes/plan/plan.ts';
import { indexPlanGraph } from '../src/analysis/plan-graph.ts';
import { toPlanGraph } from '../src/analysis/to-plan-graph.ts';
import { compileWithPlan } from '../src/compile.ts';
import { allChecks, compileWith, runOnce } from './differential-checks.ts';
import { everyStrategy } from './every-strategy.ts';
import { randomModel, randomSource } from './random-model.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 30 });
const sizes = fc.integer({ min: 1, max: 14 });

describe('random graphs', () => {
  it('are computed alike under random keep sets', () => {
    fc.assert(
      fc.property(seeds, sizes, fc.integer({ min: 0, max: 1000 }), (seed, size, keep) => {
        const { model, losses, inputs } = randomModel(seed, size);
        const plain = compileWith(model, losses, 'none');
        const reference = runOnce(plain, inputs);
        const random = randomSource(keep);
        const share = random();
        const compiled = compileWithPlan(model, { losses, wrt: 'all', verify: 'each' }, (planned) => {
          const index = indexPlanGraph(toPlanGraph(planned));
          const kept = Uint8Array.from({ length: index.valueCount }, () => (random() < share ? 1 : 0));
          return planFromSequence(index, keptSetSequence(index, kept), {
            strategy: 'random',
            options: {},
            costModel: 'roofline',
          });
        });
        expect(allChecks(compiled, reference, inputs)).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it('are computed alike under every strategy', () => {
    fc.assert(
      fc.property(seeds, sizes, (seed, size) => {
        const { model, losses, inputs } = randomModel(seed, size);
        const reference = runOnce(compileWith(model, losses, 'none'), inputs);
        for (const { strategy } of everyStrategy(0)) {
          const compiled = compileWith(model, losses, strategy);
          expect(allChecks(compiled, reference, inputs)).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });
});
