/**
 * The budget planner against brute force on small graphs, against the closed form of Griewank and Walther on chains, and
 * against its own promises: a bound that holds, a budget that is kept, the same plan for the same input.
 */
import { describe, expect, it } from 'vitest';
import { planForBudget } from '../../../../passes/plan/budget/plan-for-budget.ts';
import { indexPlanGraph, type PlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { counterDraw, randomPlanGraph } from '../../../plan-graphs.ts';
import { bruteForce } from './brute-force.ts';
import { compareWithBruteForce } from './compare-with-brute-force.ts';
import { leafyGraph } from './leafy-graph.ts';
import { fewestForwardSteps, reversalChain, unit } from './reversal.ts';

describe('random graphs of up to 8 nodes', () => {
  const families: readonly (readonly [string, number, (seed: number) => PlanGraph])[] = [
    ['training steps', 260, (seed) => randomPlanGraph(counterDraw(seed), 1 + (seed % 3), { updates: seed % 2 === 0 })],
    [
      'steps that put values side by side',
      160,
      (seed) => randomPlanGraph(counterDraw(seed), 3, { updates: false, parts: true }),
    ],
    ['steps with much beside the way', 60, (seed) => leafyGraph(counterDraw(seed), 2 + (seed % 2))],
  ];
  it.each(families)(
    '%s are planned as brute force plans them, and the bound never exceeds the optimum',
    (...family) => {
      const [, count, build] = family;
      let compared = 0;
      const worse: string[] = [];
      for (let seed = 0; seed < count; seed++) {
        const graph = build(seed);
        if (graph.nodes.length > 8) continue;
        for (const share of [0.6, 0.8]) {
          const comparison = compareWithBruteForce(graph, share);
          if (comparison === undefined) continue;
          compared++;
          expect(comparison.faults, `seed ${seed} at ${share}`).toEqual([]);
          if (comparison.worse) worse.push(`seed ${seed} at ${share}`);
        }
      }
      expect(compared).toBeGreaterThan(100);
      // The thousands of test/full hold one in a hundred.
      expect(worse.length / compared, worse.join('; ')).toBeLessThanOrEqual(0.02);
    },
  );
});

describe('chains', () => {
  it('of up to 5 layers have the optimum that brute force finds', () => {
    for (let n = 1; n <= 5; n++)
      for (let s = 1; s <= 3; s++)
        expect(bruteForce(reversalChain(n), (s + 1) * unit), `${n} layers, ${s} checkpoints`).toBe(
          fewestForwardSteps(n, s) + 1,
        );
  });

  it.each([
    [4, 2],
    [8, 3],
    [16, 3],
    [16, 5],
    [64, 6],
    [64, 16],
  ])('of %i layers with %i checkpoints reach the optimum of Griewank and Walther', (n, s) => {
    const graph = reversalChain(n);
    const plan = planForBudget(indexPlanGraph(graph), { budget: (s + 1) * unit, place: ({ liveBytes }) => liveBytes });
    expect(plan.feasible).toBe(true);
    expect(plan.cost).toBe(fewestForwardSteps(n, s) + 1);
    expect(plan.lowerBound).toBe(plan.cost);
  });
});

describe('planForBudget', () => {
  const graph = reversalChain(24);
  const index = indexPlanGraph(graph);

  it('gives the same plan for the same input', () => {
    const once = planForBudget(index, { budget: 6 * 64, effort: 'fast' });
    const again = planForBudget(index, { budget: 6 * 64, effort: 'fast' });
    expect(again).toEqual(once);
  });

  it('costs nothing where everything fits, and says what is too little', () => {
    const all = planForBudget(index, { budget: 64 * 64, effort: 'fast' });
    expect([all.feasible, all.cost]).toEqual([true, all.baseCost]);
    const none = planForBudget(index, { budget: 64, effort: 'fast' });
    expect([none.feasible, none.provedInfeasible]).toEqual([false, true]);
    expect(none.arenaBytes).toBeGreaterThan(64);
  });
});
