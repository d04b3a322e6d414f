import { describe, expect, it } from 'vitest';
import { foldConstants } from '../../passes/constant-folding.ts';
import type { Model, Node } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';

/** A graph of constants `two` and `three`, with the numbers 2 and 3. */
function model(inputs: string, outputs: string, body: string): Model {
  const text = `sublinear-ir 1
graph @g(${inputs}) consts(%two: f32[], %three: f32[]) -> (${outputs}) {
forward:
${body}
}
`;
  const number = (x: number) => ({ type: { dtype: 'f32', shape: [] }, data: Float32Array.of(x) }) as const;
  return {
    graph: parseGraph(text),
    weights: new Map([
      ['two', number(2)],
      ['three', number(3)],
    ]),
  };
}

const names = ({ graph }: Model): readonly string[] => graph.nodes.map(({ name }) => name);

describe('constant folding', () => {
  it('computes what depends on constants alone, and what depends on that', () => {
    const body = `  %a = add %two, %three : f32[]
  %b = multiply %a, %a : f32[]
  %y = multiply %x, %b : f32[4]`;
    const folded = foldConstants(model('%x: f32[4]', '%y', body));
    expect(names(folded)).toEqual(['y']);
    expect(Array.from(folded.weights.get('b')!.data)).toEqual([25]);
    expect(folded.graph.constants.map(({ name }) => name)).toEqual(['two', 'three', 'a', 'b']);
  });

  it.each([
    [65_536, ['y']],
    [65_537, ['a', 'y']],
  ])('of %i elements', (count, left) => {
    const body = `  %a = broadcast_to %two {shape=[${count}]} : f32[${count}]
  %y = multiply %x, %a : f32[${count}]`;
    expect(names(foldConstants(model(`%x: f32[${count}]`, '%y', body)))).toEqual(left);
  });

  it('leaves outputs, and what depends on an input', () => {
    const body = `  %a = add %two, %three : f32[]
  %y = add %x, %two : f32[]`;
    const given = model('%x: f32[]', '%a, %y', body);
    expect(foldConstants(given)).toBe(given);
  });

  it('leaves what draws at random, though of constants alone', () => {
    const { graph, weights } = model('%x: f32[]', '%y', '  %y = add %x, %two : f32[]');
    const seeds = { name: 'seeds', type: { dtype: 'i32', shape: [2] } } as const;
    const drawn = { name: 'drawn', type: { dtype: 'f32', shape: [] } } as const;
    const node: Node = {
      name: 'drawn',
      op: 'dropout',
      operands: [graph.constants[0]!, seeds],
      attributes: { ratio: 0.5, site: 0 },
      results: [drawn],
      region: 'forward',
    };
    const given = {
      graph: { ...graph, constants: [...graph.constants, seeds], nodes: [node, ...graph.nodes] },
      weights: new Map([...weights, ['seeds', { type: seeds.type, data: Int32Array.of(1, 2) }] as const]),
    };
    expect(foldConstants(given)).toBe(given);
  });
});
