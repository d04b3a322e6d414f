import { describe, expect, it } from 'vitest';
import { findRoots, findWriters, sourceOrder } from '../../../../passes/plan/budget/roots.ts';
import { indexPlanGraph, type PlanGraph, type PlanNode } from '../../../../src/analysis/plan-graph.ts';

function update(name: string, inputs: readonly string[], over?: string): PlanNode {
  const output = { name, bytes: 64, ...(over !== undefined && { over }) };
  return { name, inputs, outputs: [output], cost: 1, region: 'update', recomputable: false, scratch: 0 };
}

describe('a first order', () => {
  it('runs every node once where updates wait for nothing but one another', () => {
    const forward: PlanNode = { ...update('loss', ['w']), region: 'forward', recomputable: true };
    const graph: PlanGraph = {
      inputs: ['w', 's', 'k'].map((name) => ({ name, bytes: 64 })),
      nodes: [
        forward,
        update('due', ['k']),
        update('s.new', ['s', 'k'], 's'),
        update('norm', ['s.new']),
        update('share', ['norm', 'due']),
        update('w.new', ['w', 'share'], 'w'),
        update('k.new', ['k'], 'k'),
      ],
      outputs: ['loss'],
    };
    const index = indexPlanGraph(graph);
    const order = sourceOrder(index, findWriters(index, findRoots(index)));
    const names = Array.from(order, (n) => graph.nodes[n]!.name);
    expect([...names].sort()).toEqual(graph.nodes.map(({ name }) => name).sort());
  });
});
