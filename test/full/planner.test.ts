/**
 * The budget planner against what is known for certain: brute force on thousands of small graphs with views, results in
 * place and several readers, and the closed form of Griewank and Walther on all chains of up to 64 layers.
 */
import { describe, expect, it } from 'vitest';
import { planForBudget } from '../../passes/plan/budget/plan-for-budget.ts';
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import { indexPlanGraph, type PlanGraph } from '../../src/analysis/plan-graph.ts';
import { boundBesideBruteForce } from '../passes/plan/budget/bound-beside-brute-force.ts';
import { compareWithBruteForce } from '../passes/plan/budget/compare-with-brute-force.ts';
import { leafyGraph } from '../passes/plan/budget/leafy-graph.ts';
import { fewestForwardSteps, reversalChain, unit } from '../passes/plan/budget/reversal.ts';
import { counterDraw, randomPlanGraph } from '../plan-graphs.ts';

const mostNodes = 8;

describe('graphs of up to 8 nodes', () => {
  const families: readonly (readonly [string, number, (seed: number) => PlanGraph])[] = [
    [
      'random training steps',
      2000,
      (seed) => randomPlanGraph(counterDraw(seed), 1 + (seed % 4), { updates: seed % 2 === 0 }),
    ],
    ['steps with much beside the way', 700, (seed) => leafyGraph(counterDraw(seed), 2 + (seed % 3), mostNodes)],
  ];
  it.each(families)(
    '%s are planned as brute force plans them, and no bound is above the optimum',
    async (...family) => {
      const [, count, build] = family;
      const solver = await loadSolver();
      let compared = 0;
      const worse: string[] = [];
      for (let seed = 0; seed < count; seed++) {
        const graph = build(seed);
        if (graph.nodes.length > mostNodes) continue;
        for (const share of [0.6, 0.75, 0.9]) {
          // Half of them with bounds by maximum flow alone.
          const comparison = compareWithBruteForce(graph, share, seed % 2 === 0 ? solver : undefined);
          if (comparison === undefined) continue;
          compared++;
          expect(comparison.faults, `seed ${seed} at ${share}`).toEqual([]);
          if (comparison.worse) worse.push(`seed ${seed} at ${share}`);
        }
      }
      console.log(`${compared} compared; dearer than brute force: ${worse.join('; ') || 'none'}`);
      expect(worse.length / compared, worse.join('; ')).toBeLessThanOrEqual(0.01);
    },
  );
});

describe('the lower bound', () => {
  it('is never above the optimum, with every case tried', async () => {
    const solver = await loadSolver();
    let compared = 0;
    let met = 0;
    for (let seed = 1000; seed < 4000; seed++)
      for (const share of [0.6, 0.75, 0.9]) {
        const found = boundBesideBruteForce(leafyGraph(counterDraw(seed), 2 + (seed % 3), 9), share, solver);
        if (found === undefined) continue;
        expect(found.bound, `seed ${seed} at ${share}`).toBeLessThanOrEqual(found.optimum);
        compared++;
        if (found.bound === found.optimum) met++;
      }
    console.log(`${compared} compared, ${met} bounds equal to the optimum`);
    expect(compared).toBeGreaterThan(500);
  });
});

describe('uniform chains', () => {
  it('of up to 64 layers with up to 16 checkpoints reach the optimum of Griewank and Walther, and prove it', () => {
    for (let n = 1; n <= 64; n++) {
      const index = indexPlanGraph(reversalChain(n));
      for (let s = 1; s <= 16; s++) {
        const plan = planForBudget(index, { budget: (s + 1) * unit, place: ({ liveBytes }) => liveBytes });
        const optimum = fewestForwardSteps(n, s) + 1;
        expect([plan.feasible, plan.cost, plan.lowerBound], `${n} layers, ${s} checkpoints`).toEqual([
          true,
          optimum,
          optimum,
        ]);
      }
    }
  });
});
