import { describe, expect, it } from 'vitest';
import { recompute } from '../../passes/recompute.ts';
import { checkCollapseLaw, collapse } from '../../src/analysis/collapse.ts';
import { fifoOrder } from '../../src/analysis/fifo-order.ts';
import { indexPlanGraph } from '../../src/analysis/plan-graph.ts';
import { simulate } from '../../src/analysis/simulate.ts';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';

/** Three tanh in a row, each of one unit (64 bytes). Keeping all, live bytes peak at 3 units and the gradient. */
const chain = parseGraph(`sublinear-ir 1
graph @chain(%x: f32[16]) consts(%one: f32[16]) -> (%d_x of %x) {
forward:
  %a = tanh %x : f32[16]
  %b = tanh %a : f32[16]
  %c = tanh %b : f32[16]
backward:
  %d_b = tanh_grad %one, %c : f32[16]
  %d_a = tanh_grad %d_b, %b : f32[16]
  %d_x = tanh_grad %d_a, %a : f32[16]
}
`);

function liveBytes(graph: Graph): number {
  return simulate(indexPlanGraph(toPlanGraph(graph)), Int32Array.from(graph.nodes.keys())).liveBytes;
}

describe('recompute', () => {
  // Keep nothing but the input: b, then a, are computed again where their gradients need them.
  const sequence = ['a', 'b', 'c', 'd_b', 'a', 'b', 'd_a', 'a', 'd_x'];
  const rewritten = recompute(chain, sequence);

  it('clones what is computed again, as late as its gradient needs it', () => {
    expect(printGraph(rewritten)).toBe(`sublinear-ir 1
graph @chain(%x: f32[16]) consts(%one: f32[16]) -> (%d_x of %x) {
forward:
  %a = tanh %x : f32[16]
  %b = tanh %a : f32[16]
  %c = tanh %b : f32[16]
backward:
  %d_b = tanh_grad %one, %c : f32[16]
  %a.r1 = tanh %x : f32[16] recompute(%a) after(%d_b)
  %b.r1 = tanh %a.r1 : f32[16] recompute(%b)
  %d_a = tanh_grad %d_b, %b.r1 : f32[16]
  %a.r2 = tanh %x : f32[16] recompute(%a) after(%d_a)
  %d_x = tanh_grad %d_a, %a.r2 : f32[16]
}
`);
  });

  it('saves memory: 3 units become 2', () => {
    expect(liveBytes(chain)).toBe(3 * 64);
    expect(liveBytes(rewritten)).toBe(2 * 64);
  });

  it('saves nothing where everything is kept', () => {
    const same = recompute(
      chain,
      chain.nodes.map((node) => node.name),
    );
    expect(same).toEqual(chain);
    expect(liveBytes(same)).toBe(3 * 64);
  });

  it('obeys the collapse law', () => {
    expect(printGraph(collapse(rewritten))).toBe(printGraph(chain));
    expect(checkCollapseLaw(chain, rewritten)).toEqual([]);
  });

  it('keeps its peak under an executor that runs what is ready', () => {
    const order = fifoOrder(rewritten);
    expect(simulate(indexPlanGraph(toPlanGraph(rewritten)), order).liveBytes).toBe(2 * 64);
  });

  it('would lose it without the ordering edges: the twin', () => {
    const bare = { ...rewritten, nodes: rewritten.nodes.map(({ after: _after, ...node }) => node) };
    expect(simulate(indexPlanGraph(toPlanGraph(bare)), fifoOrder(bare)).liveBytes).toBeGreaterThan(2 * 64);
  });

  it('chooses clone names that are free', () => {
    const taken = { ...chain, inputs: [...chain.inputs, { name: 'a.r1', type: chain.inputs[0]!.type }] };
    expect(recompute(taken, sequence).nodes.map((node) => node.name)).toContain('a.r2');
  });

  it('chooses one suffix for all results of a node, though the name of one alone is taken', () => {
    const split = parseGraph(`sublinear-ir 1
graph @parts(%x: f32[16], %q.r1: f32[8]) -> (%y) {
forward:
  %p, %q = split %x {axis=0, sizes=[8, 8]} : f32[8], f32[8]
  %a = add %p, %q : f32[8]
  %b = add %a, %q.r1 : f32[8]
  %y = multiply %b, %q : f32[8]
}
`);
    const clone = recompute(split, ['p', 'a', 'b', 'p', 'y']).nodes.find((node) => node.recompute === 'p')!;
    expect(clone.results.map((result) => result.name)).toEqual(['p.r2', 'q.r2']);
  });

  it('refuses sequences that are not of this graph', () => {
    expect(() => recompute(chain, ['a', 'z'])).toThrow(SublinearError);
    expect(() => recompute(chain, ['b'])).toThrow('before "a" is made');
    expect(() => recompute(chain, ['a', 'b'])).toThrow('leaves out node "c"');
  });
});
