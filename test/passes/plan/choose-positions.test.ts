import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choosePositions,
  fewestPositions,
  measurePositions,
  segmentBytes,
} from '../../../passes/plan/choose-positions.ts';
import { findFrontiers, frontierBytes, frontierSizes, keepFrontiers } from '../../../passes/plan/frontiers.ts';
import { findStorages } from '../../../passes/plan/storages.ts';
import { indexPlanGraph, type PlanGraph } from '../../../src/analysis/plan-graph.ts';
import { chain, planGraphs, unit } from '../../plan-graphs.ts';

function frontiersOf(graph: PlanGraph) {
  const index = indexPlanGraph(graph);
  const storages = findStorages(index);
  return { index, storages, frontiers: findFrontiers(index, storages) };
}

/** From the definition, by name: storages made before p and read after it by forward nodes, with their bytes. */
function frontierByDefinition(graph: PlanGraph, p: number): Map<string, number> {
  const forward = graph.nodes.filter((node) => node.region === 'forward');
  const base = new Map<string, string>();
  const baseOf = (name: string): string => base.get(name) ?? name;
  const permanent = new Set(graph.inputs.map((input) => input.name));
  const bytes = new Map<string, number>();
  for (const node of graph.nodes)
    for (const result of node.outputs) {
      const owner = result.view === undefined ? result.name : baseOf(result.view);
      base.set(result.name, owner);
      if (result.view === undefined) bytes.set(result.name, Math.ceil(result.bytes / 64) * 64);
      if (graph.outputs.includes(result.name) || (!node.recomputable && result.view === undefined))
        permanent.add(owner);
    }
  for (const node of graph.nodes)
    if (node.region === 'update') for (const input of node.inputs) permanent.add(baseOf(input));
  const made = new Set(forward.slice(0, p).flatMap((node) => node.outputs.map((result) => baseOf(result.name))));
  const result = new Map<string, number>();
  for (const node of forward.slice(p))
    for (const input of node.inputs) {
      const owner = baseOf(input);
      if (made.has(owner) && !permanent.has(owner)) result.set(owner, bytes.get(owner)!);
    }
  return result;
}

describe('frontiers', () => {
  it('are what the definition says', () => {
    fc.assert(
      fc.property(planGraphs(12), (graph) => {
        const { index, storages, frontiers } = frontiersOf(graph);
        const bytes = frontierBytes(frontiers);
        const sizes = frontierSizes(frontiers);
        for (let p = 0; p <= frontiers.positionCount; p++) {
          const expected = frontierByDefinition(graph, p);
          expect(bytes[p]).toBe([...expected.values()].reduce((sum, size) => sum + size, 0));
          expect(sizes[p]).toBe(expected.size);
          const kept = keepFrontiers(index, storages, frontiers, [p]);
          const owners = Array.from(
            frontiers.root.filter((v) => kept[v] === 1),
            (v) => {
              const node = graph.nodes[index.producer[v]!]!;
              return node.outputs[v - index.resultStart[index.producer[v]!]!]!.name;
            },
          );
          expect(owners.sort()).toEqual([...expected.keys()].sort());
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('choosing positions', () => {
  it('on a uniform chain, every bound-and-one-th', () => {
    const { frontiers } = frontiersOf(chain(19));
    const choice = choosePositions(frontiers, 4 * unit);
    expect(choice).toEqual({ positions: Int32Array.of(5, 10, 15), keptBytes: 3 * unit, segmentBytes: 4 * unit });
  });

  it('is undefined where one node alone exceeds the bound', () => {
    const { frontiers } = frontiersOf(chain(20));
    // The last value has no forward reader: no frontier can hold it.
    expect(choosePositions(frontiers, unit - 1)).toBeUndefined();
    expect(fewestPositions(frontiers, unit - 1)).toBeUndefined();
  });

  it('finds the fewest kept bytes and the fewest positions, against all subsets', () => {
    fc.assert(
      fc.property(planGraphs(9), fc.integer({ min: 1, max: 20 }), (graph, twentieths) => {
        const { frontiers } = frontiersOf(graph);
        const inner = frontiers.positionCount - 1;
        const total = frontiers.demandedBytes.reduce((sum, size) => sum + size, 0);
        const bound = (total * twentieths) / 20;
        let fewestBytes = Number.POSITIVE_INFINITY;
        let fewest: number | undefined;
        const byPosition = Array.from({ length: inner + 2 }, (_, p) => frontierByDefinition(graph, p));
        for (let mask = 0; mask < 1 << inner; mask++) {
          const positions = Int32Array.from({ length: inner }, (_, k) => k + 1).filter((p) => mask & (1 << (p - 1)));
          const union = new Map<string, number>();
          for (const p of positions) for (const [name, size] of byPosition[p]!) union.set(name, size);
          const kept = [...union.values()].reduce((sum, size) => sum + size, 0);
          expect(measurePositions(frontiers, positions).keptBytes).toBe(kept);
          if (segmentBytes(frontiers, positions).some((size) => size > bound)) continue;
          fewestBytes = Math.min(fewestBytes, kept);
          fewest = Math.min(fewest ?? Number.POSITIVE_INFINITY, positions.length);
        }
        const choice = choosePositions(frontiers, bound);
        expect(choice?.keptBytes ?? Number.POSITIVE_INFINITY).toBe(fewestBytes);
        expect(choice === undefined || choice.segmentBytes <= bound).toBe(true);
        expect(fewestPositions(frontiers, bound)).toBe(fewest);
        expect(choosePositions(frontiers, bound, 1e9)?.positions.length).toBe(fewest);
      }),
      { numRuns: 100 },
    );
  });
});
