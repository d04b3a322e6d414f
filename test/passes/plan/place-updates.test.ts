import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptSetSequence } from '../../../passes/plan/kept-set.ts';
import { placeUpdates } from '../../../passes/plan/place-updates.ts';
import type { Region } from '../../../runtime/program.ts';
import { indexPlanGraph, type PlanGraph, type PlanNode, type PlanResult } from '../../../src/analysis/plan-graph.ts';
import { simulate } from '../../../src/analysis/simulate.ts';
import { keptSet, namesOf, planGraphs, replay } from '../../plan-graphs.ts';

function node(region: Region, name: string, inputs: string[], result: Partial<PlanResult> = {}, bytes = 64): PlanNode {
  return {
    name,
    inputs,
    outputs: [{ name, bytes, ...result }],
    cost: 1,
    region,
    recomputable: region !== 'update',
    scratch: 0,
  };
}

function graphOf(inputs: string[], nodes: PlanNode[], outputs: string[]): PlanGraph {
  return { inputs: inputs.map((name) => ({ name, bytes: 64 })), nodes, outputs };
}

function place(graph: PlanGraph, sequence?: readonly string[]): string {
  const index = indexPlanGraph(graph);
  const numbers = new Map(graph.nodes.map((each, n) => [each.name, n]));
  const source = Int32Array.from(sequence ?? graph.nodes.map((each) => each.name), (name) => numbers.get(name)!);
  return namesOf(graph, placeUpdates(index, source)).join(' ');
}

describe('placing updates', () => {
  const twoLayers = graphOf(
    ['x', 'w1', 'w2'],
    [
      node('forward', 'h', ['x', 'w1']),
      node('forward', 'y', ['h', 'w2']),
      node('backward', 'dw2', ['y', 'h']),
      node('backward', 'dh', ['y', 'w2']),
      node('backward', 'dw1', ['dh', 'x']),
      node('update', 'w1.new', ['w1', 'dw1'], { over: 'w1' }),
      node('update', 'w2.new', ['w2', 'dw2'], { over: 'w2' }),
    ],
    ['w1.new', 'w2.new'],
  );

  it('as soon as the gradient is made and the old value read for the last time', () => {
    // w2 waits for dh, which reads it; its gradient then dies before dw1 is made.
    expect(place(twoLayers)).toBe('h y dw2 dh w2.new dw1 w1.new');
  });

  it('waits for the last read by a clone', () => {
    expect(place(twoLayers, ['h', 'y', 'dw2', 'dh', 'y', 'dw1', 'w1.new', 'w2.new'])).toBe(
      'h y dw2 dh y w2.new dw1 w1.new',
    );
  });

  it('counts reads through a view', () => {
    const graph = graphOf(
      ['x', 'w'],
      [
        node('forward', 'wt', ['w'], { view: 'w' }),
        node('forward', 'y', ['x', 'wt']),
        node('backward', 'dw', ['y']),
        node('backward', 'dx', ['dw', 'wt']),
        node('update', 'w.new', ['w', 'dw'], { over: 'w' }),
      ],
      ['w.new', 'dx'],
    );
    expect(place(graph)).toBe('wt y dw dx w.new');
  });

  it('lets what reads only residents float to its first reader, and before what would write them', () => {
    const graph = graphOf(
      ['x', 'w', 'step', 'rate'],
      [
        node('forward', 'y', ['x', 'w']),
        node('backward', 'dw', ['y']),
        node('update', 'scaled', ['rate', 'step']),
        node('update', 'next', ['step'], { over: 'step' }),
        node('update', 'w.new', ['w', 'dw', 'scaled'], { over: 'w' }),
      ],
      ['w.new', 'next'],
    );
    // `next` writes over `step`, which `scaled` reads: `scaled` has to come first.
    expect(place(graph)).toBe('scaled next y dw w.new');
    const late = { ...graph, nodes: graph.nodes.filter((each) => each.name !== 'next'), outputs: ['w.new'] };
    expect(place(late)).toBe('y dw scaled w.new');
  });

  it('keeps chains of updates in order: moments before parameters', () => {
    const graph = graphOf(
      ['x', 'w', 'm'],
      [
        node('forward', 'y', ['x', 'w']),
        node('backward', 'dw', ['y']),
        node('backward', 'dx', ['dw']),
        node('update', 'm.new', ['m', 'dw'], { over: 'm' }),
        node('update', 'w.new', ['w', 'm.new'], { over: 'w' }),
      ],
      ['w.new', 'm.new', 'dx'],
    );
    expect(place(graph)).toBe('y dw m.new w.new dx');
  });

  it('does not prolong the life of an early copy where a later one is read', () => {
    const graph = graphOf(
      ['x', 's'],
      [
        node('forward', 'f', ['x']),
        node('forward', 'k', ['f']),
        node('backward', 'g', ['k']),
        node('backward', 'h', ['g', 'f']),
        node('update', 's.new', ['s', 'f', 'g'], { over: 's' }),
      ],
      ['s.new', 'h'],
    );
    // The first copy of f dies at k: the update waits for the second.
    expect(place(graph, ['f', 'k', 'g', 'f', 'h', 's.new'])).toBe('f k g f s.new h');
    // Here the first copy is alive when g is made.
    expect(place(graph, ['f', 'k', 'g', 'h', 's.new'])).toBe('f k g s.new h');
  });

  it('leaves sequences without updates as they are', () => {
    const sequence = Int32Array.of(0, 1);
    expect(
      placeUpdates(
        indexPlanGraph(graphOf(['x'], [node('forward', 'a', ['x']), node('backward', 'b', ['a'])], ['b'])),
        sequence,
      ),
    ).toBe(sequence);
  });

  it('on random graphs: never reads an overwritten resident, never raises the peak', () => {
    fc.assert(
      fc.property(planGraphs(), fc.array(fc.boolean(), { minLength: 7, maxLength: 60 }), (graph, flags) => {
        const index = indexPlanGraph(graph);
        const kept = keptSet(
          graph,
          graph.nodes.filter((_, n) => flags[n % flags.length]).map((each) => each.outputs[0]!.name),
        );
        const placed = keptSetSequence(index, kept);
        // The replay throws if anything is read after it is written over.
        const replayed = replay(graph, namesOf(graph, placed));
        const fixed = placed.filter((n) => graph.nodes[n]!.region !== 'update');
        const updates = placed.filter((n) => graph.nodes[n]!.region === 'update').sort();
        const atEnd = Int32Array.from([...fixed, ...updates]);
        expect(replayed.cost).toBe(simulate(index, atEnd).cost);
        // Writing over residents costs nothing and lets gradients die.
        expect(replayed.liveBytes).toBeLessThanOrEqual(simulate(index, atEnd).liveBytes);
      }),
      { numRuns: 100 },
    );
  });
});
