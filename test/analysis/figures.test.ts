import { describe, expect, it } from 'vitest';
import { activationFigures, residentBytes, residentFigures, workFigures } from '../../src/analysis/figures.ts';
import { parseGraph } from '../../src/ir/parse.ts';

/** Two layers, the first of them computed again; a view on the way; 30 numbers are 120 bytes, 128 rounded up. */
const graph = parseGraph(`sublinear-ir 1
graph @g(%x: f32[30], %labels: i64[2]) params(%w: f32[30]) state(%s: f32[1]) consts(%one: f32[3,10]) -> (%d_w of %w) {
forward:
  %h = multiply %x, %w : f32[30]
  %v = reshape %h {shape=[3, 10]} : f32[3,10]
  %y = tanh %v : f32[3,10]
backward:
  %d_v = tanh_grad %one, %y : f32[3,10]
  %h.r1 = multiply %x, %w : f32[30] recompute(%h)
  %v.r1 = reshape %h.r1 {shape=[3, 10]} : f32[3,10] recompute(%v)
  %d_h = multiply_grad %d_v, %v.r1 : f32[3,10]
  %d_w = reshape %d_h {shape=[30]} : f32[30]
}
`);

describe('the figures of a step', () => {
  it('count nodes and operations, and those of recomputation apart', () => {
    const { nodes, recomputedNodes, flops, recomputeFlops } = workFigures(graph);
    expect({ nodes, recomputedNodes, recomputeFlops }).toEqual({ nodes: 8, recomputedNodes: 2, recomputeFlops: 30 });
    const once = workFigures({ ...graph, nodes: graph.nodes.filter((node) => node.recompute === undefined) });
    expect(flops).toBe(once.flops + 30);
    expect(once.recomputeFlops).toBe(0);
  });

  it('round the bytes of each resident up', () => {
    expect(residentFigures(graph)).toEqual({ inputs: 128 + 64, parameters: 128, state: 64, constants: 128 });
    expect(residentBytes(graph)).toBe(128 + 64 + 128 + 64 + 128);
  });

  it('count the bytes of activations as they are, views as none, and those that backward reads', () => {
    const before = { ...graph, nodes: graph.nodes.filter((node) => node.recompute === undefined) };
    const read = {
      ...before,
      nodes: before.nodes.map((node) =>
        node.name === 'd_h' ? { ...node, operands: [node.operands[0]!, graph.nodes[1]!.results[0]!] } : node,
      ),
    };
    expect(activationFigures(read)).toEqual({ activations: 240, kept: 240 });
    const other = { ...read, nodes: read.nodes.filter((node) => node.name !== 'd_h' && node.name !== 'd_w') };
    expect(activationFigures(other)).toEqual({ activations: 240, kept: 120 });
  });
});
