/** A graph's text as a model file, with the weights that stand beside it. */
import { describe, expect, it } from 'vitest';
import { loadText } from '../../../src/frontend/text/load-text.ts';
import type { Tensor } from '../../../src/ir/graph.ts';

const text = `sublinear-ir 1
graph @g(%x: f32[2]) params(%w: f32[2]) state(%m: f32[2]) consts(%c: i64[]) -> (%y) {
  %y = multiply %x, %w : f32[2]
}`;

function f32(shape: readonly number[], ...data: number[]): Tensor {
  return { type: { dtype: 'f32', shape }, data: Float32Array.from(data) };
}

describe('loadText', () => {
  it('takes the numbers of residents, leaves out others, and does without', () => {
    const w = f32([2], 1, 2);
    const { graph, weights } = loadText(text, {
      weights: new Map([
        ['w', w],
        ['x', w],
        ['elsewhere', w],
      ]),
    });
    expect(graph.nodes).toHaveLength(1);
    expect([...weights]).toEqual([['w', w]]);
    expect(loadText(text).weights.size).toBe(0);
  });

  it('refuses numbers of another type', () => {
    const weights = new Map([
      ['w', f32([3], 1, 2, 3)],
      ['c', f32([], 1)],
    ]);
    expect(() => loadText(text, { fileName: 'g.ir', weights })).toThrow(
      '%w is f32[2], but the weights beside g.ir have it as f32[3]\n%c is i64[], but the weights beside g.ir have it as f32[]',
    );
  });

  it('names the file in errors of the text', () => {
    expect(() => loadText('sublinear-ir 1\ngrap', { fileName: 'g.ir' })).toThrow('g.ir:2:1: expected "graph"');
  });
});
