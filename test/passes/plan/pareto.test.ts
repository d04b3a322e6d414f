/** The trade-off curve and its knee: what holds of them on graphs of every kind. */
import { describe, expect, it } from 'vitest';
import { placedArena } from '../../../passes/memory-plan.ts';
import { kneePlan, paretoPlans } from '../../../passes/plan/pareto.ts';
import { strategies } from '../../../passes/plan/strategies.ts';
import { indexPlanGraph, type PlanGraph } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import { chain, counterDraw, illegalities, namesOf, randomPlanGraph, replay, twoChains } from '../../plan-graphs.ts';

const graphs: readonly (readonly [string, PlanGraph])[] = [
  ['a chain', chain(12, { inPlace: false, bytes: 640 })],
  ['two chains', twoChains(6)],
  ['a random graph', randomPlanGraph(counterDraw(21), 20)],
];

describe.each(graphs)('the curve of %s', (_name, graph) => {
  const index = indexPlanGraph(graph);
  const points = paretoPlans(index, { points: 4 });

  it('falls in cost as it rises in bytes, and ends in ordinary training', () => {
    expect(points.length).toBeGreaterThan(0);
    points.slice(1).forEach((point, k) => {
      expect(point.arenaBytes).toBeGreaterThan(points[k]!.arenaBytes);
      expect(point.cost).toBeLessThan(points[k]!.cost);
    });
    expect(points.at(-1)!.cost).toBe(points.at(-1)!.baseCost);
    expect(points.filter(({ knee }) => knee)).toHaveLength(1);
  });

  it('is of legal plans, whose figures are those of the simulator and of a replay', () => {
    for (const point of points) {
      const names = namesOf(graph, point.sequence);
      expect(illegalities(graph, names)).toEqual([]);
      expect(replay(graph, names)).toMatchObject({ liveBytes: point.liveBytes, cost: point.cost });
      expect(placedArena(index, point.sequence)).toBe(point.arenaBytes);
      expect(point.lowerBound).toBeLessThanOrEqual(point.cost);
    }
  });

  it('has a knee that is legal, fits its budget, and costs no more than the curve does there', () => {
    const knee = kneePlan(index);
    expect(illegalities(graph, namesOf(graph, knee.sequence))).toEqual([]);
    expect(placedArena(index, knee.sequence)).toBeLessThanOrEqual(knee.budget);
    const { cost } = simulate(index, knee.sequence);
    expect(knee.lowerBound).toBeLessThanOrEqual(cost);
    expect(cost).toBeLessThanOrEqual(points[0]!.cost);
    expect(strategies.get('auto')!.sequence(index, {})).toEqual(knee.sequence);
  });
});

describe('a curve whose search is told to stop', () => {
  const index = indexPlanGraph(chain(12, { inPlace: false, bytes: 640 }));

  it('at once has no points, and its knee is still a plan', () => {
    expect(paretoPlans(index, { shouldStop: () => true })).toEqual([]);
    const hard = indexPlanGraph(randomPlanGraph(counterDraw(21), 20));
    const knee = kneePlan(hard, { shouldStop: () => true });
    expect(knee.stopped).toBe(true);
    expect(placedArena(hard, knee.sequence)).toBeLessThanOrEqual(knee.budget);
  });

  it('later has those found so far', () => {
    let asked = 0;
    const all = paretoPlans(index, { points: 4, shouldStop: () => ++asked < 0 });
    const half = asked / 2;
    asked = 0;
    const some = paretoPlans(index, { points: 4, shouldStop: () => ++asked > half });
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThanOrEqual(all.length);
  });
});
