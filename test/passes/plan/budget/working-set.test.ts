import { describe, expect, it } from 'vitest';
import { findRoots } from '../../../../passes/plan/budget/roots.ts';
import { workingSet } from '../../../../passes/plan/budget/working-set.ts';
import { indexPlanGraph, type PlanGraph, type PlanNode } from '../../../../src/analysis/plan-graph.ts';
import { bruteForce } from './brute-force.ts';

function forward(name: string, inputs: readonly string[]): PlanNode {
  const outputs = [{ name, bytes: 64 }];
  return { name, inputs, outputs, cost: 1, region: 'forward', recomputable: true, scratch: 0 };
}

const moved: PlanNode = {
  ...forward('s.new', ['s', 'h']),
  outputs: [{ name: 's.new', bytes: 64, over: 's' }],
  region: 'update',
  recomputable: false,
};

describe('the working set', () => {
  it.each([
    ['an update that needs no gradient and comes before the outputs are made', ['a', 'b']],
    ['an update that comes before the last of the outputs', ['h', 'b']],
  ])('is never above what some sequence keeps alive: %s', (_, outputs) => {
    const graph: PlanGraph = {
      inputs: ['x', 's'].map((name) => ({ name, bytes: 64 })),
      nodes: [forward('h', ['x']), forward('a', ['x']), forward('b', ['x']), moved],
      outputs,
    };
    const index = indexPlanGraph(graph);
    const { bytes } = workingSet(index, findRoots(index));
    expect(bytes).toBe(128);
    expect(bruteForce(graph, bytes)).toBeDefined();
    expect(bruteForce(graph, bytes - 1)).toBeUndefined();
  });
});
