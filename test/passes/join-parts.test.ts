/**
 * Values that are made where they lie in a concatenation: what that saves, where it must not happen, and that results are
 * the same bits in the planned bytes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitProblem } from '../../passes/arena/problem.ts';
import { joinParts } from '../../passes/join-parts.ts';
import { arenaIntervals, placedArena } from '../../passes/memory-plan.ts';
import { indexPlanGraph, type PlanGraph, type PlanNode, type PlanPart } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import { type Compiled, compile } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import type { Value } from '../../src/ir/graph.ts';
import { differencesFromInterpreter } from '../codegen/emit/same-as-interpreter.ts';
import { allChecks, compileWith, placementCheck, runOnce, withMemory } from '../differential-checks.ts';
import { budgetCases, everyStrategy } from '../every-strategy.ts';
import { planGraphs } from '../plan-graphs.ts';
import { randomJoins } from '../random-joins.ts';

const kib = 1024;

/** A forward pass of a vector of 1,024 numbers: 4 KiB. */
function forwardOf(build: (m: ModelBuilder, x: Value) => Value, length = 1024): Compiled {
  const m = new ModelBuilder('joined');
  m.output(build(m, m.input('x', [length])), 'y');
  return compile(m.finish(), { losses: [], strategy: 'none', verify: 'each' });
}

const apply = (m: ModelBuilder, op: string, x: Value): Value => m.apply(op, [x], {})[0]!;
const callsOf = (compiled: Compiled, op: string): number[] =>
  compiled.program.steps.filter((step) => step.op === op).map((step) => step.calls.length);

describe('operands that die at a concatenation', () => {
  it('are made in it: sin and cos beside each other take the bytes of the result', () => {
    const compiled = forwardOf((m, x) => m.sigmoid(m.concat([apply(m, 'sin', x), apply(m, 'cos', x)], 0)));
    expect(compiled.figures.liveBytes).toBe(8 * kib);
    expect(compiled.figures.arenaBytes).toBe(8 * kib);
    expect(callsOf(compiled, 'concat')).toEqual([0]);
  });

  it('whose length is no multiple of 64 bytes: all but one', () => {
    const compiled = forwardOf((m, x) => m.sigmoid(m.concat([apply(m, 'sin', x), apply(m, 'cos', x)], 0)), 1000);
    // 8,000 bytes of the result, and 4,000 rounded up for the operand that is copied.
    expect(compiled.figures.arenaBytes).toBe(8000 + 4032);
    expect(callsOf(compiled, 'concat')).toEqual([1]);
  });

  it('along any axis before which every extent is 1, through views, and where concatenations follow one another', () => {
    const compiled = forwardOf((m, x) => {
      let h = m.reshape(apply(m, 'sin', x), [1, 1, 1024]);
      for (const op of ['cos', 'tanh', 'exp']) h = m.concat([h, m.reshape(apply(m, op, x), [1, 1, 1024])], 1);
      return h;
    });
    expect(compiled.figures.arenaBytes).toBe(16 * kib);
    expect(callsOf(compiled, 'concat')).toEqual([0, 0, 0]);
  });

  it('are copied where they do not lie in one piece, are read again, or are residents', () => {
    const apart = forwardOf((m, x) => {
      const rows = [apply(m, 'sin', x), apply(m, 'cos', x)].map((row) => m.reshape(row, [2, 512]));
      return m.concat(rows, 1);
    });
    expect(apart.figures.arenaBytes).toBe(16 * kib);
    const readAgain = forwardOf((m, x) => {
      const sin = apply(m, 'sin', x);
      return m.concat([m.concat([sin, apply(m, 'cos', x)], 0), sin], 0);
    });
    // The first concatenation has one operand made in it; the second has both.
    expect(callsOf(readAgain, 'concat')).toEqual([1, 0]);
    const residents = forwardOf((m, x) => m.concat([x, x], 0));
    expect(callsOf(residents, 'concat')).toEqual([2]);
  });

  it('twice in one: the first is made in place, the second copied from it', () => {
    const compiled = forwardOf((m, x) => {
      const sin = apply(m, 'sin', x);
      return m.concat([sin, sin], 0);
    });
    expect(compiled.figures.arenaBytes).toBe(8 * kib);
    expect(callsOf(compiled, 'concat')).toEqual([1]);
  });
});

describe('a part that waits long for its whole', () => {
  /** A part of 1 block at step 0, `between` blocks at step 1, a part of 9 blocks at step 2, the whole at step 3. */
  const waiting = (between: number): ReturnType<typeof joinParts> => {
    const node = (name: string, inputs: readonly string[], blocks: number, parts?: readonly PlanPart[]): PlanNode => ({
      ...{ name, inputs, cost: 1, region: 'forward', recomputable: true, scratch: 0 },
      outputs: [{ name, bytes: 64 * blocks, ...(parts !== undefined && { parts }) }],
    });
    const parts = [
      { value: 'early', offset: 0 },
      { value: 'late', offset: 64 },
    ];
    const nodes = [
      node('early', ['x'], 1),
      node('between', ['x'], between),
      node('late', ['x'], 9),
      node('whole', ['early', 'late'], 10, parts),
    ];
    const index = indexPlanGraph({ inputs: [{ name: 'x', bytes: 64 }], nodes, outputs: ['whole'] });
    return joinParts(simulate(index, Int32Array.of(0, 1, 2, 3)));
  };

  it('is made in it where that costs no more than a copy', () => {
    expect(Array.from(waiting(1).root)).toEqual([3, 1, 3, 3]);
    expect(Array.from(waiting(1).start)).toEqual([0, 1, 2, 0]);
  });

  it('is copied where the whole would lift the fullest step', () => {
    // At step 1, 10 + 20 blocks; as a copy 1 + 20 there, and 1 + 10 at step 3.
    const { root, start, end } = waiting(20);
    expect([Array.from(root), start[3], end[0]]).toEqual([[0, 1, 3, 3], 2, 4]);
  });
});

describe('intervals of random graphs', () => {
  it('hold every part within its whole, and are never fuller than if all parts were copied', () => {
    let joined = 0;
    fc.assert(
      fc.property(planGraphs(30, { reach: 6 }), (graph) => {
        const index = indexPlanGraph(graph);
        const sequence = Int32Array.from(graph.nodes.keys());
        const simulation = simulate(index, sequence);
        const { root, within, start, end } = joinParts(simulation);
        const intervals = arenaIntervals(index, sequence, simulation);
        simulation.storages.forEach((storage, k) => {
          const whole = root[k]!;
          if (whole === k) return;
          joined++;
          expect(root[whole]).toBe(whole);
          expect(within[k]! + storage.bytes).toBeLessThanOrEqual(simulation.storages[whole]!.bytes + 63);
          expect(start[whole]).toBeLessThanOrEqual(storage.start);
          expect(end[whole]).toBeGreaterThanOrEqual(storage.end);
        });
        const load = Math.max(0, ...splitProblem(intervals, 1).map((part) => part.maxLoad));
        const copied = indexPlanGraph(withoutParts(graph));
        expect(load).toBeGreaterThanOrEqual(simulation.liveBytes);
        expect(load).toBeLessThanOrEqual(simulate(copied, sequence).liveBytes);
        expect(placedArena(index, sequence)).toBeGreaterThanOrEqual(load);
      }),
      { numRuns: 150 },
    );
    expect(joined).toBeGreaterThan(50);
  });
});

function withoutParts(graph: PlanGraph): PlanGraph {
  const nodes = graph.nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map(({ parts: _parts, ...output }) => output),
  }));
  return { ...graph, nodes };
}

describe('random models that put values side by side', () => {
  it('are computed alike under every strategy and budget, in the planned bytes', () => {
    let made = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), fc.integer({ min: 2, max: 16 }), (seed, size) => {
        const { model, losses, inputs } = randomJoins(seed, size);
        const reference = runOnce(compileWith(model, losses, 'none'), inputs);
        for (const { strategy, strategyOptions } of [
          ...everyStrategy(0),
          ...(seed % 4 === 0 ? budgetCases(['90%']) : []),
        ]) {
          let compiled: Compiled;
          try {
            compiled = compile(model, { losses, strategy, strategyOptions, wrt: 'all', verify: 'each' });
          } catch (error) {
            if (strategy === 'budget' && String(error).includes('no plan fits')) continue;
            throw error;
          }
          made += callsOf(compiled, 'concat').filter((calls) => calls === 0).length;
          expect(allChecks(compiled, reference, inputs)).toEqual([]);
          const wasm = createExecution(compiled, { seed: 7, backend: 'wasm' });
          wasm.setInputs(inputs);
          wasm.machine.run();
          const plain = createExecution(compileWith(model, losses, 'none'), { seed: 7, backend: 'wasm' });
          plain.setInputs(inputs);
          plain.machine.run();
          expect(bitwiseDifferences(wasm.outputs(), plain.outputs())).toEqual([]);
        }
      }),
      { numRuns: 12 },
    );
    expect(made).toBeGreaterThan(5);
  });

  it.each([1, 2, 3])('are emitted as they are interpreted: seed %i', async (seed) => {
    const { model, losses } = randomJoins(seed, 14);
    const compiled = compile(model, { losses, strategy: 'memory', wrt: 'all' });
    for (const backend of ['js', 'wasm'] as const)
      expect(await differencesFromInterpreter(compiled, 2, backend), backend).toEqual([]);
  });
});

describe('a part that is moved within its whole', () => {
  it('is found by the placement check', () => {
    const compiled = forwardOf((m, x) => m.sigmoid(m.concat([apply(m, 'sin', x), apply(m, 'cos', x)], 0)));
    const { graph, memory } = compiled;
    expect(placementCheck(graph, memory)).toEqual([]);
    const name = graph.nodes.find((node) => node.op === 'cos')!.name;
    for (const by of [-64, 64, 4096]) {
      const offsets = new Map([...memory.offsets, [name, memory.offsets.get(name)! + by]]);
      expect(placementCheck(graph, { ...memory, offsets })).not.toEqual([]);
    }
  });

  it('is seen in the results', () => {
    const compiled = forwardOf((m, x) => m.sigmoid(m.concat([apply(m, 'sin', x), apply(m, 'cos', x)], 0)));
    const { graph, memory } = compiled;
    const inputs = new Map([
      ['x', { type: graph.inputs[0]!.type, data: Float32Array.from({ length: 1024 }, (_, i) => i / 100) }],
    ]);
    const reference = runOnce(compiled, inputs);
    const name = graph.nodes.find((node) => node.op === 'cos')!.name;
    const offsets = new Map([...memory.offsets, [name, memory.offsets.get(name)! - 64]]);
    const moved = runOnce(withMemory(compiled, { ...memory, offsets }), inputs);
    expect(bitwiseDifferences(moved.outputs, reference.outputs)).toEqual(['y']);
  });
});
