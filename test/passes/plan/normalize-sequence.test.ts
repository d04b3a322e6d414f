import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeSequence } from '../../../passes/plan/normalize-sequence.ts';
import { indexPlanGraph } from '../../../src/analysis/plan-graph.ts';
import { chain, counterDraw, illegalities, namesOf, planGraphs, replay } from '../../plan-graphs.ts';

describe('normalizing a sequence', () => {
  it('drops clones that nobody reads, and the clones that only those read', () => {
    const graph = chain(3);
    const index = indexPlanGraph(graph);
    const number = (name: string): number => graph.nodes.findIndex((node) => node.name === name);
    const normalize = (names: string): string =>
      namesOf(graph, normalizeSequence(index, Int32Array.from(names.split(' '), number))).join(' ');
    expect(normalize('a1 a2 a3 d3 a1 a2 d2 d1 d0')).toBe('a1 a2 a3 d3 a1 a2 d2 d1 d0');
    // The second a2 and the a1 before it serve nobody: the third a2 is read.
    expect(normalize('a1 a2 a3 d3 a1 a2 a1 a2 d2 d1 d0')).toBe('a1 a2 a3 d3 a1 a2 d2 d1 d0');
    // First appearances stay.
    expect(normalize('a1 a2 a3 a3 d3 d2 d1 d0')).toBe('a1 a2 a3 a3 d3 d2 d1 d0');
    expect(normalize('a1 a2 a3 d3 d2 d1 d0 a1 a2 a3')).toBe('a1 a2 a3 d3 d2 d1 d0');
  });

  it('leaves no clone unread and stays legal, on random sequences', () => {
    fc.assert(
      fc.property(planGraphs(), fc.nat(), (graph, seed) => {
        const index = indexPlanGraph(graph);
        const draw = counterDraw(seed);
        const wild: number[] = [];
        graph.nodes.forEach((node, n) => {
          if (node.region === 'update') return;
          for (let k = draw(3); k > 0 && n > 0; k--) {
            const again = draw(n);
            if (graph.nodes[again]!.recomputable && graph.nodes[again]!.region === 'forward') wild.push(again);
          }
          wild.push(n);
        });
        graph.nodes.forEach((node, n) => {
          if (node.region === 'update') wild.push(n);
        });
        const sequence = normalizeSequence(index, Int32Array.from(wild));
        const names = namesOf(graph, sequence);
        expect(illegalities(graph, names)).toEqual([]);
        replay(graph, names);
        const seen = new Set<string>();
        names.forEach((name, s) => {
          if (seen.has(name)) {
            const results = graph.nodes.find((node) => node.name === name)!.outputs.map((result) => result.name);
            const next = names.indexOf(name, s + 1);
            const readers = names
              .slice(s + 1, next < 0 ? undefined : next + 1)
              .filter((reader) =>
                graph.nodes.find((node) => node.name === reader)!.inputs.some((input) => results.includes(input)),
              );
            expect(readers).not.toEqual([]);
          }
          seen.add(name);
        });
      }),
      { numRuns: 100 },
    );
  });
});
