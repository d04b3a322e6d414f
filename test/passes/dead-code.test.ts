import { describe, expect, it } from 'vitest';
import { eliminateDeadCode } from '../../passes/dead-code.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';

const text = `sublinear-ir 1
graph @g(%x: f32[4,2], %unread: f32[3])
    params(%w: f32[4,2], %idle: f32[2])
    state(%mean: f32[2], %variance: f32[2])
    consts(%spare: f32[2])
  -> (%loss, %w2 as "d_w" of %w) {
forward:
  %y, %batch_mean, %deviation = batch_norm %x, %idle, %spare {epsilon=0.001} : f32[4,2], f32[2], f32[2]
  %dead = tanh %y : f32[4,2]
  %w2 = tanh %w : f32[4,2]
  %loss = reduce_sum %w2 {axes=[0,1], keep_dims=false} : f32[]
update:
  %mean.new, %variance.new = batch_norm_update %mean, %variance, %batch_mean, %deviation {momentum=0.9, epsilon=0.001} : f32[2], f32[2]
}
`;

const numbers = (...data: number[]): Tensor => ({ type: { dtype: 'f32', shape: [data.length] }, data });

describe('dead code', () => {
  it('is what no output and no update of state depends on', () => {
    const { graph } = eliminateDeadCode({ graph: parseGraph(text), weights: new Map() });
    expect(graph.nodes.map(({ name }) => name)).toEqual(['y', 'w2', 'loss', 'mean.new']);
    expect(graph.state.map(({ name }) => name)).toEqual(['mean', 'variance']);
  });

  it('takes parameters and constants that nobody reads with it, and their numbers; inputs stay', () => {
    const without = text.replace(/ {2}%mean.new.*\n/, '');
    const weights = new Map([
      ['idle', numbers(1, 2)],
      ['spare', numbers(3, 4)],
      ['w', { type: { dtype: 'f32', shape: [4, 2] }, data: [1, 2, 3, 4, 5, 6, 7, 8] } as const],
    ]);
    const { graph, weights: left } = eliminateDeadCode({ graph: parseGraph(without), weights });
    expect(graph.nodes.map(({ name }) => name)).toEqual(['w2', 'loss']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'unread']);
    expect([graph.parameters, graph.state, graph.constants].map((list) => list.map(({ name }) => name))).toEqual([
      ['w'],
      [],
      [],
    ]);
    expect([...left.keys()]).toEqual(['w']);
  });

  it('is none of what a gradient is the gradient of', () => {
    const { graph } = eliminateDeadCode({
      graph: parseGraph(
        text
          .replace('%w2 as "d_w" of %w)', '%w2 as "d_w" of %x2)')
          .replace('  %w2 =', '  %x2 = tanh %x : f32[4,2]\n  %w2 ='),
      ),
      weights: new Map(),
    });
    expect(graph.nodes.map(({ name }) => name)).toContain('x2');
  });
});
