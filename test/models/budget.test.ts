/**
 * Real models within byte budgets: at half of what ordinary training takes (or proof that this cannot be), and at the
 * smallest budget that can be met. Bitwise equal, and in exactly the arena that was planned.
 */
import { describe, expect, it } from 'vitest';
import { placedArena } from '../../passes/memory-plan.ts';
import { planForBudget } from '../../passes/plan/budget/plan-for-budget.ts';
import { planFromSequence } from '../../passes/plan/plan.ts';
import { indexPlanGraph } from '../../src/analysis/plan-graph.ts';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import { compile, compileWithPlan } from '../../src/compile.ts';
import { allChecks, runOnce } from '../differential-checks.ts';
import { sharedData } from '../shared-data.ts';
import { loadReferenceModel } from './reference.ts';

const zoo = sharedData('models/zoo');

describe.skipIf(zoo === undefined)('zoo models within budgets', () => {
  for (const name of ['resnet18', 'transformer_enc', 'mixer', 'vae', 'mobilenet_v3_small'])
    it(name, () => {
      const { model, loss, inputs } = loadReferenceModel(`${zoo}/${name}`);
      const plain = compile(model, { losses: [loss], strategy: 'none' });
      const reference = runOnce(plain, inputs);
      const index = indexPlanGraph(toPlanGraph(plain.planned));
      const plan = (budget: number) =>
        planForBudget(index, {
          budget,
          effort: 'fast',
          place: (simulation, sequence) => placedArena(index, sequence, simulation),
        });
      const check = (budget: number): void => {
        const found = plan(budget);
        if (!found.feasible) return;
        expect(found.lowerBound).toBeLessThanOrEqual(found.cost);
        const compiled = compileWithPlan(model, { losses: [loss] }, () =>
          planFromSequence(index, found.sequence, { strategy: 'budget', options: {}, costModel: 'roofline' }),
        );
        expect(compiled.figures.arenaBytes).toBeLessThanOrEqual(budget);
        expect(allChecks(compiled, reference, inputs)).toEqual([]);
      };
      const none = plain.figures.arenaBytes;
      check(Math.floor(none / 2));
      const smallest = plan(64).arenaBytes;
      expect(smallest).toBeLessThan(none);
      check(smallest);
    });
});
