/** The exchange form: a graphlib multigraph and back, exactly. */
import { alg, json } from '@dagrejs/graphlib';
import { describe, expect, it } from 'vitest';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Graph, Node, Value } from '../../src/ir/graph.ts';
import { fromGraphlib, toGraphlib } from '../../src/ir/graphlib.ts';
import { parseGraph } from '../../src/ir/parse.ts';

const text = `sublinear-ir 1
graph @g(%x: f32[2], %"7": f32[2]) params(%w: f32[2]) state(%m: i64[]) consts(%c: f32[2]) -> (%"1", %b as "b:0" of %w) {
forward:
  %"10" = multiply %x, %x : f32[2] // layer.ts:1
  %"2", %two = split %"10" {axis=0, sizes=[1,1]} : f32[1], f32[1]
  %b = concat %two, %"2", %two {axis=0} : f32[3]
backward:
  %"1" = multiply %w, %"7" : f32[2] gradient(%"10") after(%b, %"10")
  %"10.r1" = multiply %x, %x : f32[2] recompute(%"10") after()
}
`;

describe('toGraphlib and fromGraphlib', () => {
  const graph = parseGraph(text);

  it('are exact inverses: both edges of mul(x, x), results, orders, integer-like names', () => {
    expect(fromGraphlib(toGraphlib(graph))).toStrictEqual(graph);
  });

  it('give one edge an operand, named by its index and labelled with the result it carries', () => {
    const exchange = toGraphlib(graph);
    expect(exchange.edge('%x', '%"10"', '0')).toEqual({ kind: 'operand', result: 0 });
    expect(exchange.edge('%x', '%"10"', '1')).toEqual({ kind: 'operand', result: 0 });
    expect(exchange.outEdges('%"2"')?.map((edge) => [edge.w, edge.name, exchange.edge(edge)])).toEqual([
      ['%b', '0', { kind: 'operand', result: 1 }],
      ['%b', '1', { kind: 'operand', result: 0 }],
      ['%b', '2', { kind: 'operand', result: 1 }],
    ]);
    expect(exchange.edge('%b', '%"1"', 'after:0')).toEqual({ kind: 'after' });
  });

  it("survive graphlib's own JSON", () => {
    const written = JSON.stringify(json.write(toGraphlib(graph)));
    expect(fromGraphlib(json.read(JSON.parse(written)))).toStrictEqual(graph);
  });

  it('serve its algorithms', () => {
    const order = alg.topsort(toGraphlib(graph));
    expect(order.indexOf('%"10"')).toBeLessThan(order.indexOf('%b'));
  });

  it('keep a chain of 20,000 nodes', () => {
    const type = { dtype: 'f32', shape: [2] } as const;
    const value = (i: number): Value => ({ name: String(i), type });
    const nodes = Array.from(
      { length: 20_000 },
      (_, i): Node => ({
        name: String(i + 1),
        op: 'multiply',
        operands: [value(i), value(i)],
        attributes: {},
        results: [value(i + 1)],
        region: 'forward',
      }),
    );
    const chain: Graph = { ...graph, inputs: [value(0)], parameters: [], state: [], constants: [], nodes, outputs: [] };
    const back = fromGraphlib(toGraphlib(chain));
    expect(back.nodes.map((node) => node.name)).toEqual(chain.nodes.map((node) => node.name));
  });

  it('refuse what is no graph', () => {
    const missing: Graph = { ...graph, inputs: [] };
    expect(() => toGraphlib(missing)).toThrow(SublinearError);
    expect(() => toGraphlib(missing)).toThrow('%"10" reads %x, which nothing makes');
    const holed = toGraphlib(graph);
    holed.removeEdge('%"2"', '%b', '1');
    expect(() => fromGraphlib(holed)).toThrow('the edges into %b leave out an index');
    const bare = toGraphlib(graph);
    bare.setEdge('%elsewhere', '%b', { kind: 'operand', result: 0 }, '3');
    expect(() => fromGraphlib(bare)).toThrow('the node %elsewhere has no label');
  });
});
