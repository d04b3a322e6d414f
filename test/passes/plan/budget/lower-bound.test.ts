import { describe, expect, it } from 'vitest';
import { loadSolver } from '../../../../passes/plan/budget/solver.ts';
import { counterDraw } from '../../../plan-graphs.ts';
import { boundBesideBruteForce } from './bound-beside-brute-force.ts';
import { leafyGraph } from './leafy-graph.ts';

describe('the lower bound', () => {
  it('is never above the optimum with every case tried, and meets it on many small graphs', async () => {
    const solver = await loadSolver();
    let compared = 0;
    let met = 0;
    for (let seed = 0; seed < 160; seed++)
      for (const share of [0.75, 0.9]) {
        const found = boundBesideBruteForce(leafyGraph(counterDraw(seed), 2 + (seed % 3)), share, solver);
        if (found === undefined) continue;
        expect(found.bound, `seed ${seed} at ${share}`).toBeLessThanOrEqual(found.optimum);
        compared++;
        if (found.bound === found.optimum) met++;
      }
    expect(compared).toBeGreaterThan(10);
    expect(met).toBeGreaterThan(compared / 3);
  });
});
