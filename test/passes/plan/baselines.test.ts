/** Chen's greedy sweep and Kusumoto's lower sets: seeds and baselines of planners under a budget. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chenGreedySweep } from '../../../passes/plan/chen-greedy.ts';
import { lowerSetPlans } from '../../../passes/plan/lower-sets.ts';
import { memory } from '../../../passes/plan/memory.ts';
import { indexPlanGraph, type PlanGraph } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import {
  chain,
  counterDraw,
  illegalities,
  namesOf,
  planGraphs,
  randomPlanGraph,
  replay,
  unit,
} from '../../plan-graphs.ts';

type Planner = (index: ReturnType<typeof indexPlanGraph>) => Int32Array[];

/** Units and recomputations of each plan. */
function figures(planner: Planner, graph: PlanGraph): [number, number][] {
  const index = indexPlanGraph(graph);
  return planner(index).map((sequence) => [
    simulate(index, sequence).liveBytes / unit,
    sequence.length - graph.nodes.length,
  ]);
}

for (const [name, planner] of [
  ["Chen's greedy sweep", chenGreedySweep],
  ['lower sets', lowerSetPlans],
] as const)
  describe(name, () => {
    it('plans legal and distinct sequences of random graphs, as replayed', () => {
      fc.assert(
        fc.property(planGraphs(14), (graph) => {
          const index = indexPlanGraph(graph);
          for (const sequence of planner(index)) {
            const names = namesOf(graph, sequence);
            expect(illegalities(graph, names)).toEqual([]);
            expect(simulate(index, sequence).liveBytes).toBe(replay(graph, names).liveBytes);
          }
        }),
        { numRuns: 40 },
      );
    });

    it('has nothing to offer where backward reads nothing', () => {
      const graph = chain(5);
      const linear = { ...graph, nodes: graph.nodes.slice(0, 6), outputs: ['d5'] };
      expect(planner(indexPlanGraph(linear))).toEqual([]);
    });

    it('plans 100,000 nodes', () => {
      const graph = randomPlanGraph(counterDraw(9), 35_000, { reach: 20 });
      const none = simulate(indexPlanGraph(graph), Int32Array.from(graph.nodes.keys())).liveBytes / unit;
      expect(Math.min(...figures(planner, graph).map(([units]) => units))).toBeLessThan(none / 4);
    });
  });

describe("Chen's greedy sweep", () => {
  it('gets near the smallest peak of a uniform chain', () => {
    const best = Math.min(...figures(chenGreedySweep, chain(1000)).map(([units]) => units));
    expect(best).toBe(63);
  });
});

describe('lower sets', () => {
  it('of a small chain, all of them: segments grow as kept values are used up', () => {
    // With 4 kept, a gradient and 7 units, segments of 5, 4, 3, 2 and 2: 20 layers. Equal segments need 8.
    expect(figures(lowerSetPlans, chain(20))).toEqual([
      [7, 14],
      [8, 13],
      [10, 11],
      [12, 9],
      [14, 7],
      [16, 5],
      [18, 3],
      [19, 2],
    ]);
  });

  it('of a long chain need fewer units than equal segments', () => {
    const graph = chain(1000);
    const index = indexPlanGraph(graph);
    const smallest = Math.min(...figures(lowerSetPlans, graph).map(([units]) => units));
    expect(smallest).toBeLessThan(simulate(index, memory(index, {})).liveBytes / unit);
  });

  it('cost less as they hold more', () => {
    const plans = figures(lowerSetPlans, chain(120));
    for (let k = 1; k < plans.length; k++) expect(plans[k]![1]).toBeLessThan(plans[k - 1]![1]);
    for (let k = 1; k < plans.length; k++) expect(plans[k]![0]).toBeGreaterThan(plans[k - 1]![0]);
  });
});
