/**
 * The budget planner against brute force on small graphs, against the closed form of Griewank and Walther on chains, and
 * against its own promises: a bound that holds, a budget that is kept, the same plan for the same input.
 */
import { describe, expect, it } from 'vitest';
import { planForBudget } from '../../../../passes/plan/budget/plan-for-budget.ts';
import { indexPlanGraph, type PlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../../src/analysis/simulate.ts';
import { counterDraw, illegalities, namesOf, randomPlanGraph, replay } from '../../../plan-graphs.ts';
import { bruteForce } from './brute-force.ts';

const liveOnly = (simulation: { readonly liveBytes: number }): number => simulation.liveBytes;

describe('random graphs of up to 8 nodes', () => {
  it('are planned as brute force plans them, and the bound never exceeds the optimum', () => {
    let compared = 0;
    const worse: string[] = [];
    for (let seed = 0; seed < 400; seed++) {
      const graph = randomPlanGraph(counterDraw(seed), 1 + (seed % 3), { updates: seed % 2 === 0 });
      if (graph.nodes.length > 8) continue;
      const index = indexPlanGraph(graph);
      const none = simulate(index, Int32Array.from(graph.nodes.keys())).liveBytes;
      for (const share of [0.6, 0.8]) {
        const budget = Math.floor((share * none) / 64) * 64;
        if (budget <= 0) continue;
        const optimum = bruteForce(graph, budget);
        const plan = planForBudget(index, { budget, effort: 'fast', place: liveOnly });
        const names = namesOf(graph, plan.sequence);
        expect(illegalities(graph, names), `seed ${seed}`).toEqual([]);
        compared++;
        if (optimum === undefined) {
          expect(plan.feasible, `seed ${seed} at ${budget}`).toBe(false);
          continue;
        }
        expect(plan.provedInfeasible, `seed ${seed} at ${budget}`).toBe(false);
        expect(plan.lowerBound, `seed ${seed} at ${budget}: the bound`).toBeLessThanOrEqual(optimum);
        if (plan.feasible) {
          expect(plan.cost, `seed ${seed} at ${budget}`).toBeGreaterThanOrEqual(optimum);
          expect(replay(graph, names).liveBytes).toBeLessThanOrEqual(budget);
        }
        if (!plan.feasible || plan.cost > optimum) worse.push(`seed ${seed} at ${budget}`);
      }
    }
    expect(compared).toBeGreaterThan(200);
    expect(worse.length / compared, worse.join('; ')).toBeLessThanOrEqual(0.01);
  });
});

/** Each forward node writes over its operand where that dies; each backward node reads the operand and hands the gradient on in place. */
function reversalChain(length: number): PlanGraph {
  const unit = 64;
  const forward = Array.from({ length }, (_, i) => ({
    name: `f${i + 1}`,
    inputs: [i === 0 ? 'x0' : `x${i}`],
    outputs: [{ name: `x${i + 1}`, bytes: unit, ...(i > 0 && { over: `x${i}` }) }],
    cost: 1,
    region: 'forward' as const,
    recomputable: true,
    scratch: 0,
  }));
  const backward = Array.from({ length }, (_, i) => {
    const k = length - i;
    const gradient = k === length ? `x${length}` : `g${k + 1}`;
    return {
      name: `b${k}`,
      inputs: [gradient, `x${k - 1}`],
      outputs: [{ name: `g${k}`, bytes: unit, over: gradient }],
      cost: 0,
      region: 'backward' as const,
      recomputable: false,
      scratch: 0,
    };
  });
  return { inputs: [{ name: 'x0', bytes: unit }], nodes: [...forward, ...backward], outputs: ['g1'] };
}

/** Griewank and Walther 2000 (Algorithm 799, eq. 2): forward steps that reversing n steps with s checkpoints takes. */
function fewestForwardSteps(n: number, s: number): number {
  const binomial = (a: number, b: number): number => {
    let value = 1;
    for (let i = 1; i <= b; i++) value = (value * (a - b + i)) / i;
    return Math.round(value);
  };
  let r = 0;
  while (binomial(s + r, s) < n) r++;
  return r * n - binomial(s + r, r - 1);
}

describe('chains', () => {
  it.each([
    [4, 2],
    [8, 3],
    [16, 3],
    [16, 5],
    [64, 6],
    [64, 16],
  ])('of %i layers with %i checkpoints reach the optimum of Griewank and Walther', (n, s) => {
    const graph = reversalChain(n);
    const plan = planForBudget(indexPlanGraph(graph), { budget: (s + 1) * 64, place: liveOnly });
    expect(plan.feasible).toBe(true);
    expect(plan.cost).toBe(fewestForwardSteps(n, s) + 1);
    expect(plan.lowerBound).toBeLessThanOrEqual(plan.cost);
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
