import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../passes/plan/budget/random.ts';
import { createRetention } from '../../../../passes/plan/budget/retention.ts';
import { findRoots, findWriters, sourceOrder } from '../../../../passes/plan/budget/roots.ts';
import { indexPlanGraph, type PlanGraph } from '../../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../../src/analysis/simulate.ts';
import { denseNet, resNet, transformer, uNet, vgg } from '../../../plan-graphs-nets.ts';

/** Where nodes have several results a clone may make again one that is retained: the state may then count both. */
function exercise(graph: PlanGraph, moves: number): void {
  const severalResults = graph.nodes.some((node) => node.region === 'forward' && node.outputs.length > 1);
  const index = indexPlanGraph(graph);
  const roots = findRoots(index);
  const writers = findWriters(index, roots);
  const order = sourceOrder(index, writers);
  const state = createRetention(index, roots, writers, order);
  const everything = (root: number): number[] => {
    const first = state.position[index.producer[root]!]!;
    return [first, index.nodeCount - 1];
  };
  state.load(everything);
  const none = simulate(index, state.sequence());
  expect(state.extraCost()).toBe(0);
  const half = none.liveBytes / 2;
  state.setLimits(() => half);
  const random = createRandom(7);
  const check = (): void => {
    const exact = simulate(index, state.sequence());
    let base = 0;
    for (let n = 0; n < index.nodeCount; n++) base += index.cost[n]!;
    expect(exact.cost - base).toBe(state.extraCost());
    let at = 0;
    let above = false;
    for (let t = 0; t < state.stages; t++) {
      let most = 0;
      for (let k = 0; k <= state.clones(t).length; k++) most = Math.max(most, exact.liveAt[at++]!);
      const counted = state.excess(t) + half;
      if (severalResults) expect(most).toBeLessThanOrEqual(counted);
      else expect(most).toBe(counted);
      above ||= counted > half;
      expect(state.excess(t)).toBeLessThanOrEqual(state.excess(state.worst()));
    }
    expect(state.overshoot() > 0).toBe(above);
  };
  check();
  for (let move = 0; move < moves; move++) {
    const root = roots.movable[random.below(roots.movable.length)]!;
    const touches = state.touches(root).length;
    if (touches < 2) continue;
    const before = JSON.stringify([state.extraCost(), state.overshoot(), Array.from(state.sequence())]);
    const mark = state.mark();
    state.toggle(root, random.below(touches - 1));
    if (state.violations() > 0 || random.below(3) === 0) {
      state.rollback(mark);
      expect(JSON.stringify([state.extraCost(), state.overshoot(), Array.from(state.sequence())])).toBe(before);
      continue;
    }
    state.commit();
    if (move % 10 === 0) check();
  }
  check();
}

/** The graph, whose concatenations are made of their operands where these die. */
function joined(graph: PlanGraph): PlanGraph {
  const bytesOf = new Map(graph.nodes.flatMap((node) => node.outputs.map((o) => [o.name, o.bytes] as const)));
  const nodes = graph.nodes.map((node) => {
    if (!node.name.startsWith('concat') || node.region !== 'forward') return node;
    let offset = 0;
    const parts = node.inputs.map((value) => {
      const part = { value, offset };
      offset += bytesOf.get(value)!;
      return part;
    });
    return { ...node, outputs: [{ ...node.outputs[0]!, parts }] };
  });
  expect(nodes.some((node) => node.outputs[0]?.parts !== undefined)).toBe(true);
  return { ...graph, nodes };
}

describe('retention intervals', () => {
  it.each([
    ['vgg', () => vgg('unit', [1, 1, 2], 1, 32)],
    ['resnet', () => resNet('roofline', [1, 2, 1], 2, 64)],
    ['u-net', () => uNet('roofline', 2, 16, 1, 64)],
    ['densenet', () => denseNet('unit', [2, 3, 2], 1, 64)],
    ['densenet whose concatenations are made in place', () => joined(denseNet('unit', [2, 3, 2], 1, 64))],
    ['u-net whose concatenations are made in place', () => joined(uNet('roofline', 2, 16, 1, 64))],
    ['transformer', () => transformer('roofline', 2, 64, 4, 2, 32, 100)],
  ])('agree with the exact simulator at every stage of %s, whatever is dropped and taken back', (_name, net) => {
    exercise(net(), 600);
  });
});
