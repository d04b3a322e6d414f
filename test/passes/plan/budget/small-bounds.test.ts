/** Bounds of graphs so small that they are known by counting. */
import { describe, expect, it } from 'vitest';
import { closureBound } from '../../../../passes/plan/budget/closure-bound.ts';
import { momentAt } from '../../../../passes/plan/budget/moment.ts';
import { findRoots } from '../../../../passes/plan/budget/roots.ts';
import { workingSet } from '../../../../passes/plan/budget/working-set.ts';
import { indexPlanGraph, type PlanGraph, type PlanNode } from '../../../../src/analysis/plan-graph.ts';

const block = 64;

function node(name: string, inputs: readonly string[], cost: number, region: PlanNode['region']): PlanNode {
  return { name, inputs, outputs: [{ name, bytes: block }], cost, region, recomputable: true, scratch: 0 };
}

/** Forward a, b, l; backward g, then what reads b, then what reads a. `o` is an output of the forward pass if asked for. */
function chain(withOutput: boolean): PlanGraph {
  return {
    inputs: [{ name: 'x', bytes: block }],
    nodes: [
      node('a', ['x'], 10, 'forward'),
      node('b', ['a'], 3, 'forward'),
      node('l', ['b'], 1, 'forward'),
      ...(withOutput ? [node('o', ['x'], 1, 'forward')] : []),
      node('g', ['l'], 1, 'backward'),
      node('gb', ['g', 'b'], 1, 'backward'),
      node('ga', ['gb', 'a'], 1, 'backward'),
    ],
    outputs: withOutput ? ['o', 'ga'] : ['ga'],
  };
}

function boundAtLoss(graph: PlanGraph, blocks: number): number {
  const index = indexPlanGraph(graph);
  const roots = findRoots(index);
  const at = graph.nodes.findIndex(({ name }) => name === 'g');
  return closureBound(index, roots, momentAt(index, roots, at), blocks * block).bound;
}

describe('the loss cut of a chain', () => {
  it.each([
    ['all of a, b, l and g', 4, 0],
    ['all but b, which costs 3', 3, 3],
    ['l and g alone', 2, 13],
  ])('with room for %s', (_, blocks, extra) => {
    expect(boundAtLoss(chain(false), blocks)).toBeCloseTo(extra, 3);
    // An output of the forward pass is there whatever is kept.
    expect(boundAtLoss(chain(true), blocks + 1)).toBeCloseTo(extra, 3);
  });

  it('without room for what must be there', () => {
    expect(boundAtLoss(chain(false), 1)).toBe(Number.POSITIVE_INFINITY);
    expect(boundAtLoss(chain(true), 2)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the working set of a node', () => {
  it('has a storage once that is read twice, as itself and through a view', () => {
    const view: PlanNode = {
      ...node('v', ['h'], 0, 'forward'),
      outputs: [{ name: 'v', bytes: block, view: 'h' }],
    };
    const index = indexPlanGraph({
      inputs: [{ name: 'x', bytes: block }],
      nodes: [node('h', ['x'], 1, 'forward'), view, { ...node('y', ['h', 'v'], 1, 'forward'), scratch: block }],
      outputs: ['y'],
    });
    expect(workingSet(index, findRoots(index))).toEqual({ bytes: 3 * block, node: 2 });
  });
});
