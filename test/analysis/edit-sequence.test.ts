import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { strategies } from '../../passes/plan/strategies.ts';
import { editableSequence } from '../../src/analysis/edit-sequence.ts';
import { indexPlanGraph, type PlanIndex } from '../../src/analysis/plan-graph.ts';
import { rangeMax } from '../../src/analysis/range-max.ts';
import { SequenceError, simulate } from '../../src/analysis/simulate.ts';
import { chain, counterDraw, type Draw, planGraphs, randomPlanGraph } from '../plan-graphs.ts';

/** A sequence with recomputations nobody asked for, at random places. */
function wildSequence(index: PlanIndex, draw: Draw): Int32Array {
  const wild: number[] = [];
  for (let n = 0; n < index.nodeCount; n++) {
    for (let k = draw(3); k > 0 && n > 0; k--) {
      const again = draw(n);
      if (index.recomputable[again] === 1 && index.region[again] === 0) wild.push(again);
    }
    wild.push(n);
  }
  return Int32Array.from(wild);
}

/** Later appearances to leave out, and nodes to run once more at a step where all they read is made. */
function randomEdit(index: PlanIndex, sequence: Int32Array, draw: Draw) {
  const made = new Set<number>();
  const later: number[] = [];
  sequence.forEach((node, s) => {
    if (made.has(node)) later.push(s);
    made.add(node);
  });
  const removed = new Set(later.filter(() => draw(3) === 0));
  const before = draw(sequence.length + 1);
  const runsBefore = new Set(sequence.subarray(0, before));
  const candidates = [...runsBefore].filter((node) => index.recomputable[node] === 1 && index.region[node] === 0);
  const nodes = candidates.filter(() => draw(4) === 0);
  return { removed, before, nodes };
}

describe('editing a sequence', () => {
  it('says what the simulator says of the edited sequence, on random graphs, sequences and edits', () => {
    let handOvers = 0;
    fc.assert(
      fc.property(planGraphs(), fc.nat(), (graph, seed) => {
        const index = indexPlanGraph(graph);
        const draw = counterDraw(seed);
        const sequence = wildSequence(index, draw);
        const editable = editableSequence(index, sequence);
        expect(editable.evaluate({})).toMatchObject({
          liveBytes: simulate(index, sequence).liveBytes,
          cost: simulate(index, sequence).cost,
        });
        for (let round = 0; round < 4; round++) {
          const { removed, before, nodes } = randomEdit(index, sequence, draw);
          const edited: number[] = [];
          for (let s = 0; s <= sequence.length; s++) {
            if (s === before) edited.push(...nodes);
            if (s < sequence.length && !removed.has(s)) edited.push(sequence[s]!);
          }
          const { liveBytes, cost, liveAt, storages } = simulate(index, edited);
          if (storages.length < index.bytes.filter((bytes) => bytes > 0).length) handOvers++;
          const found = editable.evaluate({ removed, inserted: { before, nodes } });
          expect(found).toMatchObject({ liveBytes, cost });
          // The node named is one at which so much is alive.
          expect(edited.some((node, s) => node === found.peakNode && liveAt[s] === liveBytes)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
    expect(handOvers).toBeGreaterThan(10);
  });

  it('leaves nothing behind: the same edit says the same again', () => {
    const index = indexPlanGraph(chain(12));
    const sequence = strategies.get('memory')!.sequence(index, {});
    const editable = editableSequence(index, sequence);
    const later = Array.from(sequence.keys()).filter((s) => sequence.indexOf(sequence[s]!) < s);
    const removed = new Set(later);
    const first = editable.evaluate({ removed });
    editable.evaluate({ inserted: { before: sequence.length - 1, nodes: [0, 1] } });
    expect(editable.evaluate({ removed })).toEqual(first);
    expect(first.cost).toBe(editable.simulation.cost - later.length);
    expect(editable.evaluate({}).liveBytes).toBe(editable.simulation.liveBytes);
  });

  it('throws for a sequence that reads what has not been made', () => {
    expect(() => editableSequence(indexPlanGraph(chain(2)), [1, 0])).toThrow(SequenceError);
  });

  it('judges thousands of edits of a long sequence in the time of a few simulations', () => {
    const index = indexPlanGraph(randomPlanGraph(counterDraw(5), 3000, { reach: 12 }));
    const sequence = wildSequence(index, counterDraw(7));
    const editable = editableSequence(index, sequence);
    const seen = new Set<number>();
    let edits = 0;
    sequence.forEach((node, s) => {
      if (!seen.has(node)) seen.add(node);
      else if (edits++ < 2000) editable.evaluate({ removed: new Set([s]) });
    });
    expect(edits).toBeGreaterThan(2000);
  });
});

describe('range maxima', () => {
  it('are those of a plain loop, the first of equals', () => {
    const values = Array.from({ length: 37 }, (_, i) => (i * 7919) % 11);
    const table = rangeMax(values);
    for (let from = 0; from < values.length; from++)
      for (let to = from; to < values.length; to++) {
        const slice = values.slice(from, to + 1);
        expect(table.argMax(from, to)).toBe(from + slice.indexOf(Math.max(...slice)));
      }
    expect(table.argMax(3, 2)).toBe(-1);
    expect(rangeMax([]).argMax(0, -1)).toBe(-1);
  });
});
