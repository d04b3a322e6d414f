import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptSetSequence } from '../../../passes/plan/kept-set.ts';
import { indexPlanGraph, type PlanGraph } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import { chain, illegalities, keptSet, namesOf, planGraphs, replay, unit } from '../../plan-graphs.ts';

function plan(graph: PlanGraph, kept: readonly string[]): string[] {
  return namesOf(graph, keptSetSequence(indexPlanGraph(graph), keptSet(graph, kept)));
}

function units(graph: PlanGraph, sequence: readonly string[]): number {
  return replay(graph, sequence).liveBytes / unit;
}

const node = { cost: 1, region: 'forward', recomputable: true, scratch: 0 } as const;

describe('from a kept set to a sequence', () => {
  it('recomputes each segment before the first backward node that reads of it, the last segment not', () => {
    // 7 tanh; a2 and a5 kept: a6, a7 are the last segment; a3, a4 are run again for d3, a1 for d0.
    const graph = chain(7);
    const sequence = plan(graph, ['a2', 'a5']);
    expect(sequence.join(' ')).toBe('a1 a2 a3 a4 a5 a6 a7 d7 d6 d5 d4 a3 a4 d3 d2 d1 a1 d0');
    // none: 8 units. Here a2, a5, a6, a7 and the gradient.
    expect(units(graph, sequence)).toBe(5);
  });

  it('recomputes nothing where nothing is kept: all of it is the last segment', () => {
    expect(plan(chain(3), [])).toEqual(['a1', 'a2', 'a3', 'd3', 'd2', 'd1', 'd0']);
  });

  it('recomputes absent inputs first, in source order, and each once', () => {
    // u and v are read by two backward nodes; both are recomputed for the first of them.
    const graph: PlanGraph = {
      inputs: [{ name: 'x', bytes: 64 }],
      nodes: [
        { ...node, name: 'u', inputs: ['x'], outputs: [{ name: 'u', bytes: 64 }] },
        { ...node, name: 'v', inputs: ['u'], outputs: [{ name: 'v', bytes: 64 }] },
        { ...node, name: 'k', inputs: ['v', 'u'], outputs: [{ name: 'k', bytes: 64 }] },
        { ...node, name: 'g', region: 'backward', inputs: ['k', 'v'], outputs: [{ name: 'g', bytes: 64 }] },
        { ...node, name: 'h', region: 'backward', inputs: ['g', 'u', 'v'], outputs: [{ name: 'h', bytes: 64 }] },
      ],
      outputs: ['h'],
    };
    expect(plan(graph, ['k'])).toEqual(['u', 'v', 'k', 'u', 'v', 'g', 'h']);
  });

  describe('a value and its views are one storage', () => {
    const graph: PlanGraph = {
      inputs: [{ name: 'x', bytes: 640 }],
      nodes: [
        { ...node, name: 'h', inputs: ['x'], outputs: [{ name: 'h', bytes: 640 }] },
        { ...node, name: 'flat', inputs: ['h'], outputs: [{ name: 'flat', bytes: 640, view: 'h' }], cost: 0 },
        { ...node, name: 'y', inputs: ['flat'], outputs: [{ name: 'y', bytes: 640 }] },
        { ...node, name: 'z', inputs: ['y'], outputs: [{ name: 'z', bytes: 640 }] },
        { ...node, name: 'dz', region: 'backward', inputs: ['z'], outputs: [{ name: 'dz', bytes: 64 }] },
        { ...node, name: 'dy', region: 'backward', inputs: ['dz', 'flat'], outputs: [{ name: 'dy', bytes: 64 }] },
      ],
      outputs: ['dy'],
    };

    it('keeping a view keeps the storage, and nothing runs again', () => {
      expect(plan(graph, ['flat'])).toEqual(['h', 'flat', 'y', 'z', 'dz', 'dy']);
    });

    it('a dropped storage is recomputed with the view that is read', () => {
      const sequence = plan(graph, ['y']);
      expect(sequence).toEqual(['h', 'flat', 'y', 'z', 'dz', 'h', 'flat', 'dy']);
      // h and flat are one storage of 640, dropped after y: never three of 640.
      expect(replay(graph, sequence).liveBytes).toBe(2 * 640);
    });

    it('a view of a resident is never made again', () => {
      const ofInput: PlanGraph = {
        ...graph,
        nodes: graph.nodes.map((each) =>
          each.name === 'flat' ? { ...each, inputs: ['x'], outputs: [{ name: 'flat', bytes: 640, view: 'x' }] } : each,
        ),
      };
      expect(plan(ofInput, ['y'])).toEqual(['h', 'flat', 'y', 'z', 'dz', 'dy']);
    });
  });

  it('results of nodes that may not run again, outputs, and what updates read live on', () => {
    const graph: PlanGraph = {
      inputs: [
        { name: 'x', bytes: 64 },
        { name: 'w', bytes: 64 },
      ],
      nodes: [
        { ...node, name: 'state', inputs: ['x'], outputs: [{ name: 'state', bytes: 64 }], recomputable: false },
        { ...node, name: 'rate', inputs: ['x'], outputs: [{ name: 'rate', bytes: 4 }] },
        { ...node, name: 'logits', inputs: ['state'], outputs: [{ name: 'logits', bytes: 64 }] },
        { ...node, name: 'k', inputs: ['logits'], outputs: [{ name: 'k', bytes: 64 }] },
        {
          ...node,
          name: 'dw',
          region: 'backward',
          inputs: ['k', 'state', 'logits', 'rate'],
          outputs: [{ name: 'dw', bytes: 64 }],
        },
        {
          ...node,
          name: 'w2',
          region: 'update',
          inputs: ['w', 'dw', 'rate'],
          outputs: [{ name: 'w2', bytes: 64, over: 'w' }],
        },
      ],
      outputs: ['logits', 'w2'],
    };
    expect(plan(graph, ['k'])).toEqual(['state', 'rate', 'logits', 'k', 'dw', 'w2']);
  });

  it('on random graphs: legal, as replayed, honours the kept set, at most one more forward pass', () => {
    fc.assert(
      fc.property(planGraphs(), fc.array(fc.boolean(), { minLength: 7, maxLength: 60 }), (graph, flags) => {
        const index = indexPlanGraph(graph);
        const kept = Uint8Array.from({ length: index.valueCount }, (_, v) => (flags[v % flags.length] ? 1 : 0));
        const sequence = keptSetSequence(index, kept);
        const names = namesOf(graph, sequence);
        expect(illegalities(graph, names)).toEqual([]);
        const replayed = replay(graph, names);
        const simulation = simulate(index, sequence);
        expect(Array.from(simulation.liveAt)).toEqual(replayed.liveAt);
        expect(simulation.cost).toBe(replayed.cost);

        let forwardCost = 0;
        let baseCost = 0;
        for (const each of graph.nodes) {
          baseCost += each.cost;
          if (each.region === 'forward') forwardCost += each.cost;
        }
        expect(simulation.cost).toBeLessThanOrEqual(baseCost + forwardCost);

        const times = new Map<string, number>();
        for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
        let value = graph.inputs.length;
        let lastKept = -1;
        const keptSingle: string[] = [];
        graph.nodes.forEach((each, n) => {
          for (const result of each.outputs) {
            if (kept[value] === 1 && each.region === 'forward') {
              lastKept = n;
              if (each.outputs.length === 1 && result.view === undefined) keptSingle.push(each.name);
            }
            value++;
          }
        });
        for (const name of keptSingle) expect(times.get(name)).toBe(1);
        // Views may be laid anew over a result that came back with its sibling; nothing else of the last segment runs again.
        graph.nodes.forEach((each, n) => {
          if (n > lastKept && each.outputs.every((result) => result.view === undefined))
            expect(times.get(each.name)).toBe(1);
        });
      }),
      { numRuns: 150 },
    );
  });
});
