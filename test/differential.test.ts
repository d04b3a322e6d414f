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
import { bitwiseDifferences } from '../src/execution.ts';
import { storedElements } from '../src/ir/elements.ts';
import type { Tensor } from '../src/ir/graph.ts';
import { allChecks, compileWith, runOnce, runSeed } from './differential-checks.ts';
import { evaluateGraph } from './evaluate-graph.ts';
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

  it('are computed as each node by itself is, in a memory of its own', () => {
    fc.assert(
      fc.property(seeds, sizes, (seed, size) => {
        const { model, losses, inputs } = randomModel(seed, size);
        const plain = compileWith(model, losses, 'none');
        const { outputs } = runOnce(plain, inputs);
        const random: Tensor = { type: { dtype: 'i32', shape: [2] }, data: Int32Array.of(runSeed, 0) };
        const values = evaluateGraph(
          { graph: plain.planned, weights: plain.weights },
          new Map([...inputs, [plain.program.random?.name ?? 'rng', random]]),
        );
        const alone = [...outputs.keys()].map((name): [string, Tensor] => {
          const { type, data } = values.get(name)!;
          return [name, { type, data: storedElements(data, type.dtype) }];
        });
        expect(bitwiseDifferences(outputs, new Map(alone))).toEqual([]);
      }),
      { numRuns: 60 },
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
