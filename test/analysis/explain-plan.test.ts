/** Everything an explanation says is checked against the simulator on sequences written out here. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planForBudget } from '../../passes/plan/budget/plan-for-budget.ts';
import { normalizeSequence } from '../../passes/plan/normalize-sequence.ts';
import { strategies } from '../../passes/plan/strategies.ts';
import { type Explanation, explainPlan, type KeptValue } from '../../src/analysis/explain-plan.ts';
import { indexPlanGraph, type PlanGraph, type PlanIndex } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import { chain, counterDraw, illegalities, namesOf, planGraphs, randomPlanGraph, replay } from '../plan-graphs.ts';

function named(index: PlanIndex, names: readonly string[]): number[] {
  return names.map((name) => index.graph.nodes.findIndex((node) => node.name === name));
}

/** The node that makes a value. */
function makerOf(graph: PlanGraph, value: string): number {
  return graph.nodes.findIndex((node) => node.outputs.some((output) => output.name === value));
}

/** The plan with one node run once, without what nobody reads then. */
function withOneRun(index: PlanIndex, sequence: Int32Array, node: number): Int32Array {
  const first = sequence.indexOf(node);
  return normalizeSequence(
    index,
    sequence.filter((n, s) => n !== node || s === first),
  );
}

/** The plan in which a kept value is recomputed as its explanation says. */
function withRecomputation(index: PlanIndex, sequence: Int32Array, value: KeptValue): Int32Array {
  const { before, nodes } = value.recomputing!;
  return Int32Array.from([
    ...sequence.subarray(0, before.step),
    ...named(index, nodes),
    ...sequence.subarray(before.step),
  ]);
}

/** Holds every figure and step of an explanation to the simulator. Returns how many values of each kind there were. */
function check(graph: PlanGraph, sequence: Int32Array, explanation: Explanation): { kept: number; recomputed: number } {
  const index = indexPlanGraph(graph);
  const simulation = simulate(index, sequence);
  const { liveBytes, cost, values } = explanation;
  expect({ liveBytes, cost }).toEqual({ liveBytes: simulation.liveBytes, cost: simulation.cost });
  for (const value of values) {
    const node = makerOf(graph, value.name);
    const runs = Array.from(sequence.keys()).filter((s) => sequence[s] === node);
    if (!value.kept) {
      expect(value.times).toBe(runs.length - 1);
      expect(value.cost).toBe(value.times * graph.nodes[node]!.cost);
      const other = simulate(index, withOneRun(index, sequence, node));
      expect(value.keptInstead).toMatchObject({ liveBytes: other.liveBytes, cost: other.cost });
      continue;
    }
    expect(value.from).toEqual({ step: runs[0], node: graph.nodes[node]!.name });
    if (value.to !== null) expect(graph.nodes[sequence[value.to.step]!]!.name).toBe(value.to.node);
    if (value.between !== null) {
      expect(simulation.liveAt[value.between.step]).toBe(value.between.liveBytes);
      expect(value.between.step).toBeGreaterThan(value.from.step);
      expect(value.between.step).toBeLessThan(value.to!.step);
    }
    if (value.recomputing === null) {
      expect(value.dropped).toBeNull();
      continue;
    }
    const other = withRecomputation(index, sequence, value);
    const { liveBytes: otherBytes, cost: otherCost } = simulate(index, other);
    expect(value.dropped).toMatchObject({ liveBytes: otherBytes, cost: otherCost });
    expect(otherCost).toBe(cost + value.recomputing.cost);
  }
  const recomputed = values.filter((value) => !value.kept).length;
  return { kept: values.length - recomputed, recomputed };
}

describe('an explanation', () => {
  it('is true of every value, on random graphs under every strategy', () => {
    const total = { kept: 0, recomputed: 0 };
    fc.assert(
      fc.property(planGraphs(), (graph) => {
        const index = indexPlanGraph(graph);
        for (const name of ['none', 'memory', 'recursive', 'speed']) {
          const sequence = normalizeSequence(index, strategies.get(name)!.sequence(index, {}));
          const { kept, recomputed } = check(graph, sequence, explainPlan(index, sequence));
          total.kept += kept;
          total.recomputed += recomputed;
        }
      }),
      { numRuns: 60 },
    );
    expect(total.kept).toBeGreaterThan(500);
    expect(total.recomputed).toBeGreaterThan(100);
  });

  it('is true of plans within a budget, and the plans it speaks of are legal and replay to what it says', () => {
    for (const seed of [3, 8]) {
      const graph = randomPlanGraph(counterDraw(seed), 30, { updates: false });
      const index = indexPlanGraph(graph);
      const whole = simulate(index, strategies.get('none')!.sequence(index, {})).liveBytes;
      const { sequence } = planForBudget(index, { budget: Math.round(0.8 * whole), effort: 'fast' });
      const explanation = explainPlan(index, sequence, Math.round(0.8 * whole));
      check(graph, sequence, explanation);
      for (const value of explanation.values) {
        const other =
          !value.kept || value.recomputing === null
            ? withOneRun(index, sequence, makerOf(graph, value.name))
            : withRecomputation(index, sequence, value);
        const names = namesOf(graph, other);
        expect(illegalities(graph, names)).toEqual([]);
        const said = value.kept ? (value.dropped ?? explanation) : value.keptInstead;
        expect(replay(graph, names)).toMatchObject({ liveBytes: said.liveBytes });
      }
    }
  });

  it('is of the forward storages that backward nodes read, and of no others', () => {
    const node = { cost: 1, region: 'forward', recomputable: true, scratch: 0 } as const;
    const output = (name: string) => ({ name, outputs: [{ name, bytes: 64 }] });
    const graph: PlanGraph = {
      inputs: [{ name: 'x', bytes: 64 }],
      nodes: [
        { ...node, ...output('passing'), inputs: ['x'] },
        { ...node, ...output('read'), inputs: ['passing'] },
        { ...node, ...output('gradient'), inputs: ['read'], region: 'backward' },
        { ...node, ...output('last'), inputs: ['gradient'], region: 'backward' },
      ],
      outputs: ['last'],
    };
    const { values } = explainPlan(indexPlanGraph(graph), Int32Array.of(0, 1, 2, 3));
    expect(values.map(({ name }) => name)).toEqual(['read']);
  });

  it('names what a chain keeps, and what keeping the rest would come to', () => {
    const graph = chain(9, { inPlace: false });
    const index = indexPlanGraph(graph);
    const sequence = strategies.get('memory')!.sequence(index, { segments: '3' });
    const { values, liveBytes } = explainPlan(index, sequence);
    const kept = values.filter((value) => value.kept).map(({ name }) => name);
    const recomputed = values.filter((value) => !value.kept).map(({ name }) => name);
    expect([...kept, ...recomputed].sort()).toEqual(Array.from({ length: 9 }, (_, i) => `a${i + 1}`));
    expect(recomputed.length).toBeGreaterThan(2);
    for (const value of values)
      if (!value.kept) expect(value).toMatchObject({ times: 1, cost: 1, keptInstead: { cost: expect.any(Number) } });
    // What comes last is read by the backward pass at once.
    expect(values.find(({ name }) => name === 'a9')).toMatchObject({ kept: true, between: { node: 'd9' } });
    expect(liveBytes).toBe(simulate(index, sequence).liveBytes);
  });

  it('tells values that cannot be dropped, and why', () => {
    const node = (name: string, inputs: readonly string[], more: object = {}) => ({
      ...{ name, inputs, outputs: [{ name, bytes: 64 }], cost: 1, region: 'forward' as const },
      ...{ recomputable: true, scratch: 0, ...more },
    });
    const graph: PlanGraph = {
      inputs: [
        { name: 'x', bytes: 64 },
        { name: 'w', bytes: 64 },
      ],
      nodes: [
        node('state', ['x'], { recomputable: false }),
        node('scaled', ['x', 'w']),
        node('output', ['x']),
        node('last', ['state', 'scaled', 'output']),
        node('d1', ['last'], { region: 'backward' }),
        node('d2', ['d1', 'last'], { region: 'backward' }),
        node('d3', ['d2', 'state', 'scaled', 'output'], { region: 'backward' }),
        {
          ...node('update', ['d2', 'w'], { region: 'update', recomputable: false }),
          outputs: [{ name: 'update', bytes: 64, over: 'w' }],
        },
      ],
      outputs: ['output', 'd3', 'update'],
    };
    const index = indexPlanGraph(graph);
    const early = named(index, ['state', 'scaled', 'output', 'last', 'd1', 'd2', 'update', 'd3']);
    const { values } = explainPlan(index, early);
    const of = (name: string) => values.find((value) => value.name === name);
    expect(of('state')).toMatchObject({ kept: true, recomputing: null, bound: 'state cannot run twice' });
    expect(of('scaled')).toMatchObject({ bound: 'scaled reads w, which is updated by then', dropped: null });
    expect(of('output')).toMatchObject({ kept: true, to: null, dropped: null });
    expect(of('last')).toMatchObject({ between: null, dropped: null });
    // Where the update waits, the value can be dropped.
    const late = named(index, ['state', 'scaled', 'output', 'last', 'd1', 'd2', 'd3', 'update']);
    const free = explainPlan(index, late).values.find(({ name }) => name === 'scaled');
    expect(free).toMatchObject({ recomputing: { nodes: ['scaled'], before: { node: 'd3' }, cost: 1 } });
  });

  it('lists the largest first, and of equals the first in source order', () => {
    const graph = randomPlanGraph(counterDraw(4), 40, { updates: false });
    const index = indexPlanGraph(graph);
    const { values } = explainPlan(index, strategies.get('none')!.sequence(index, {}));
    const position = (name: string): number => makerOf(graph, name);
    values.slice(1).forEach((value, i) => {
      const before = values[i]!;
      expect(before.bytes).toBeGreaterThanOrEqual(value.bytes);
      if (before.bytes === value.bytes) expect(position(before.name)).toBeLessThanOrEqual(position(value.name));
    });
  });

  it('of thousands of values takes little time, and of a graph without a backward pass has none', () => {
    const index = indexPlanGraph(randomPlanGraph(counterDraw(2), 3000, { reach: 20 }));
    const sequence = strategies.get('memory')!.sequence(index, {});
    expect(explainPlan(index, sequence).values.length).toBeGreaterThan(500);
    const forward: PlanGraph = { inputs: [], nodes: [], outputs: [] };
    expect(explainPlan(indexPlanGraph(forward), [])).toMatchObject({ values: [], liveBytes: 0, budget: null });
  });
});
