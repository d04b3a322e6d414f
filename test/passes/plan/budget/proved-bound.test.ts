import { describe, expect, it } from 'vitest';
import { PassFailure } from '../../../../passes/pass-manager.ts';
import { planForBudget } from '../../../../passes/plan/budget/plan-for-budget.ts';
import { provedBound } from '../../../../passes/plan/budget/proved-bound.ts';
import type { Solver } from '../../../../passes/plan/budget/solver.ts';
import { indexPlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { compile } from '../../../../src/compile.ts';
import { ModelBuilder } from '../../../../src/frontend/builder/model-builder.ts';
import { counterDraw, randomPlanGraph } from '../../../plan-graphs.ts';

/** Proves too much. */
const wrong: Solver = () => ({ bound: 1e12, infeasible: false, solution: undefined, objective: 1e12 });

describe('a lower bound', () => {
  it('is the cost at most, where the two differ by rounding', () => {
    expect(provedBound({ extra: 5, name: 'windows' }, 7, 100)).toBe(5);
    expect(provedBound({ extra: 7 + 1e-9, name: 'windows' }, 7, 100)).toBe(7);
  });

  it('above the cost of a plan that fits is a fault, an infinite one too', () => {
    for (const extra of [7.001, 8, Number.POSITIVE_INFINITY])
      expect(() => provedBound({ extra, name: 'loss-cut' }, 7, 100)).toThrow(
        /lower bound .* \(loss-cut\) .* above the 7/,
      );
  });

  it('that a solver proves wrongly is noticed beside the plan', () => {
    const index = indexPlanGraph(randomPlanGraph(counterDraw(31), 8));
    const free = planForBudget(index, { budget: Number.MAX_SAFE_INTEGER, effort: 'fast' });
    const budget = free.arenaBytes - 64;
    const plan = planForBudget(index, { budget, effort: 'fast', moves: 2000 });
    expect(plan).toMatchObject({ feasible: true });
    expect(plan.lowerBound).toBeLessThanOrEqual(plan.cost);
    expect(() => planForBudget(index, { budget, effort: 'fast', moves: 2000, solver: wrong })).toThrow(RangeError);
  });

  it('that is wrong ends a compilation as our fault, with a graph that fails again', () => {
    const m = new ModelBuilder('deep');
    let h = m.input('x', [64, 8]);
    for (let layer = 0; layer < 4; layer++) h = m.tanh(m.linear(h, 8));
    m.loss(m.meanSquaredError(h, m.input('target', [64, 8])));
    const model = m.finish();
    const options = { losses: model.losses, strategy: 'budget', strategyOptions: { arena: '80%', effort: 'fast' } };
    expect(compile(model, options).figures.recomputeCost).toBeGreaterThan(0);
    expect(() => compile(model, { ...options, search: { solver: wrong } })).toThrow(PassFailure);
  });
});
