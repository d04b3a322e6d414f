import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { strategies } from '../../../passes/plan/strategies.ts';
import type { StrategyOptions } from '../../../passes/plan/strategy.ts';
import { indexPlanGraph, type PlanGraph } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import {
  chain,
  counterDraw,
  illegalities,
  namesOf,
  planGraphs,
  randomPlanGraph,
  replay,
  twoChains,
  unit,
} from '../../plan-graphs.ts';

function run(
  strategy: string,
  graph: PlanGraph,
  options: StrategyOptions = {},
): { units: number; cost: number; names: string[] } {
  const index = indexPlanGraph(graph);
  const sequence = strategies.get(strategy)!.sequence(index, options);
  const { liveBytes, cost } = simulate(index, sequence);
  return { units: liveBytes / unit, cost, names: namesOf(graph, sequence) };
}

function recomputations(graph: PlanGraph, names: readonly string[]): number {
  return names.length - graph.nodes.length;
}

describe('named strategies', () => {
  it('are those of the contract', () => {
    for (const name of ['none', 'all', 'manual', 'speed', 'memory', 'recursive'])
      expect(strategies.get(name)?.name).toBe(name);
  });

  it('refuse options that are not theirs, and values that are not of the right kind', () => {
    const graph = chain(4);
    expect(() => run('memory', graph, { segment: 3 })).toThrow(/strategy memory has no option "segment"\n.*"segments"/);
    expect(() => run('none', graph, { segments: 3 })).toThrow(/has no option/);
    expect(() => run('memory', graph, { segments: 0 })).toThrow(/whole number, at least 1, not 0/);
    expect(() => run('memory', graph, { segments: '2.5' })).toThrow(SublinearError);
    expect(() => run('memory', graph, { segments: '' })).toThrow(SublinearError);
    expect(run('memory', graph, { segments: '2' })).toEqual(run('memory', graph, { segments: 2 }));
  });

  it('plan legal sequences of random graphs, as replayed', () => {
    fc.assert(
      fc.property(planGraphs(), (graph) => {
        for (const strategy of ['none', 'all', 'speed', 'memory', 'recursive']) {
          const index = indexPlanGraph(graph);
          const sequence = strategies.get(strategy)!.sequence(index, {});
          const names = namesOf(graph, sequence);
          expect(illegalities(graph, names)).toEqual([]);
          expect(Array.from(simulate(index, sequence).liveAt)).toEqual(replay(graph, names).liveAt);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('memory and recursive never need more than none', () => {
    fc.assert(
      fc.property(planGraphs(30, { reach: 4 }), (graph) => {
        const none = run('none', graph).units;
        expect(run('memory', graph).units).toBeLessThanOrEqual(none);
        expect(run('recursive', graph).units).toBeLessThanOrEqual(none);
      }),
      { numRuns: 100 },
    );
  });
});

describe('none', () => {
  it('is source order, with updates where they may run', () => {
    expect(run('none', chain(3)).names).toEqual(['a1', 'a2', 'a3', 'd3', 'd2', 'd1', 'd0']);
  });
});

describe('all', () => {
  it('recomputes from the start for each backward node', () => {
    expect(run('all', chain(3)).names.join(' ')).toBe('a1 a2 a3 d3 a1 a2 a3 d2 a1 a2 d1 a1 d0');
  });

  it('holds two units of a chain of any length: quadratic in time, constant in memory', () => {
    for (const layers of [3, 10, 100]) {
      const { units, cost } = run('all', chain(layers));
      expect(units).toBe(2);
      expect(cost).toBe(2 * layers + 1 + (layers * (layers + 1)) / 2);
    }
  });

  it('says so where the sequence would be too long', () => {
    expect(() => run('all', chain(20_000))).toThrow(/more than 20000000 steps/);
  });
});

describe('speed', () => {
  it('keeps what is expensive and recomputes the rest', () => {
    const cheapAndDear = chain(8);
    const graph = {
      ...cheapAndDear,
      nodes: cheapAndDear.nodes.map((node) =>
        ['a2', 'a4', 'a6'].includes(node.name) ? { ...node, expensive: true } : node,
      ),
    };
    const { names } = run('speed', graph);
    expect(names.join(' ')).toBe('a1 a2 a3 a4 a5 a6 a7 a8 d8 d7 d6 d5 a5 d4 d3 a3 d2 d1 a1 d0');
  });

  it('is none where nothing is expensive', () => {
    expect(run('speed', chain(8))).toEqual(run('none', chain(8)));
  });
});

describe('manual', () => {
  it('keeps what is listed', () => {
    const graph = chain(4);
    expect(run('manual', graph, { values: ['a1', 'a3'] }).names.join(' ')).toBe('a1 a2 a3 a4 d4 d3 d2 a2 d1 d0');
    expect(run('manual', graph, { values: 'a1, a3' })).toEqual(run('manual', graph, { values: ['a1', 'a3'] }));
  });

  const refusal = (values: readonly string[]): string => {
    try {
      run('manual', chain(12), { values });
    } catch (error) {
      if (error instanceof SublinearError) return error.message;
    }
    return 'no error';
  };

  it('refuses unknown names, all of them at once, and names the nearest', () => {
    expect(refusal(['a33', 'nonsense', 'a4'])).toMatch(/"a33".*did you mean "a3".*"nonsense"/s);
  });

  it('refuses values of the backward pass', () => {
    expect(refusal(['d4'])).toMatch(/"d4" is made by a backward/);
  });

  it('refuses an empty list', () => {
    expect(refusal([])).toMatch(/needs the values to keep/);
  });

  it('refuses a list that holds only the last node', () => {
    expect(refusal(['a12'])).toMatch(/keeping "a12" saves nothing/);
    expect(refusal(['a11'])).toBe('no error');
  });
});

describe('memory', () => {
  it('keeps every sqrt(n)-th node of a uniform chain of 1,000', () => {
    // none: 1,001 units and 2,001 steps. At most 68 is asked for.
    const graph = chain(1000);
    const { units, names } = run('memory', graph);
    expect(units).toBe(62);
    expect(recomputations(graph, names)).toBe(945);
  });

  it('takes as many positions as it is told', () => {
    const graph = chain(100);
    // K positions leave K segments that run twice and a last one that does not.
    const peaks = [1, 2, 4, 9, 20, 50, 99, 1000].map((segments) => run('memory', graph, { segments }).units);
    expect(peaks).toEqual([51, 35, 24, 19, 23, 52, 101, 101]);
  });

  it('finds separators of several values where there is no articulation point', () => {
    // Two interleaved chains: every frontier holds two values. none: 201 units.
    const nodes: PlanGraph['nodes'][number][] = [];
    const node = { cost: 1, recomputable: true, scratch: 0 };
    const add = (name: string, inputs: string[], region: 'forward' | 'backward'): void => {
      nodes.push({ ...node, name, inputs, region, outputs: [{ name, bytes: unit }] });
    };
    for (let i = 1; i <= 100; i++) for (const side of ['a', 'b']) add(`${side}${i}`, [`${side}${i - 1}`], 'forward');
    add('join', ['a100', 'b100'], 'forward');
    for (let i = 100; i >= 1; i--)
      for (const side of ['a', 'b'])
        add(`d${side}${i - 1}`, [i === 100 ? 'join' : `d${side}${i}`, `${side}${i}`], 'backward');
    const graph: PlanGraph = {
      inputs: ['a0', 'b0'].map((name) => ({ name, bytes: unit })),
      nodes,
      outputs: ['da0', 'db0'],
    };
    expect(run('none', graph).units).toBe(202);
    expect(run('memory', graph).units).toBe(36);
  });

  it('leaves a graph alone that recomputation cannot shrink', () => {
    // Backward reads nothing of the forward pass.
    const graph = chain(20);
    const linear = {
      ...graph,
      nodes: graph.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.filter((name) => node.region === 'forward' || name.startsWith('d')),
      })),
    };
    expect(run('memory', linear)).toEqual(run('none', linear));
  });

  it('plans a chain of 20,000 and a random graph of 100,000 nodes', () => {
    expect(run('memory', chain(20_000)).units).toBe(281);
    const graph = randomPlanGraph(counterDraw(5), 35_000, { reach: 20 });
    expect(graph.nodes.length).toBeGreaterThan(100_000);
    const { units, names } = run('memory', graph);
    expect(units).toBeLessThan(run('none', graph).units / 5);
    expect(illegalities(graph, names)).toEqual([]);
  });
});

describe('recursive', () => {
  it('needs O(log n) units of a uniform chain', () => {
    // At most 30 of 1,000 is asked for; n log n steps.
    const figures = [10, 100, 1000, 20_000].map((layers) => {
      const graph = chain(layers);
      const { units, names } = run('recursive', graph);
      return [layers, units, recomputations(graph, names)];
    });
    expect(figures).toEqual([
      [10, 4, 12],
      [100, 8, 243],
      [1000, 11, 3930],
      [20_000, 15, 134_480],
    ]);
  });

  it('does the right half, then the left half', () => {
    expect(run('recursive', chain(6)).names.join(' ')).toBe('a1 a2 a3 a4 a5 a6 d6 d5 d4 d3 a1 a2 a3 d2 d1 d0');
  });

  it('plans a random graph of 100,000 nodes', () => {
    const graph = randomPlanGraph(counterDraw(5), 35_000, { reach: 20 });
    expect(run('recursive', graph).units).toBeLessThan(run('memory', graph).units);
  });

  it('stays within n log n steps where backward reads against the order', () => {
    // Backward runs from the left: each node reads what the recursion would make last.
    const layers = 300;
    const graph = chain(layers);
    const reversed: PlanGraph = {
      ...graph,
      nodes: [
        ...graph.nodes.slice(0, layers),
        ...Array.from({ length: layers }, (_, i) => ({
          ...graph.nodes[0]!,
          name: `g${i}`,
          region: 'backward' as const,
          inputs: [`a${((i * 7919) % layers) + 1}`],
          outputs: [{ name: `g${i}`, bytes: unit }],
        })),
      ],
      outputs: [`g${layers - 1}`],
    };
    const { names } = run('recursive', reversed);
    expect(illegalities(reversed, names)).toEqual([]);
    expect(recomputations(reversed, names)).toBeLessThan(layers * 13);
  });
});

describe("the original package's own tests (its chain of n has n - 1 tanh): never above its units", () => {
  it('chain of 5 with checkpoints 1 and 3: 4', () => {
    expect(run('manual', chain(4), { values: ['a1', 'a3'] }).units).toBe(4);
    expect(run('manual', chain(4, { inPlace: false }), { values: ['a1', 'a3'] }).units).toBe(4);
  });
  it('chain of 6, automatic: 6', () => {
    expect(run('memory', chain(5)).units).toBe(4);
  });
  it('chain of 100, automatic: 20', () => {
    expect(run('memory', chain(99)).units).toBe(18);
    expect(run('memory', chain(99, { inPlace: false })).units).toBe(18);
  });
  it('two parallel chains of 5 joined by an add, one checkpoint in each: 9', () => {
    expect(run('none', twoChains(4)).units).toBe(10);
    for (const checkpoint of [1, 2, 3])
      expect(run('manual', twoChains(4), { values: [`a${checkpoint}`, `b${checkpoint}`] }).units).toBeLessThanOrEqual(
        9,
      );
    expect(run('manual', twoChains(4), { values: ['a2', 'b2'] }).units).toBe(6);
  });
  it('a list that holds only the last node: an error', () => {
    expect(() => run('manual', chain(4), { values: ['a4'] })).toThrow(SublinearError);
    expect(() => run('manual', chain(4, { loss: true }), { values: ['a4'] })).toThrow(SublinearError);
    expect(() => run('manual', chain(4, { loss: true }), { values: ['loss'] })).toThrow(SublinearError);
  });
});
