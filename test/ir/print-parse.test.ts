/** The text form: exact in both directions, and a parser that only ever fails with a placed error. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Attributes, Graph, Node, Region, TensorType, Value } from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import { add, multiply } from '../../src/ops/binary.ts';
import { broadcastTo } from '../../src/ops/broadcast-to.ts';

function f32(...shape: number[]): TensorType {
  return { dtype: 'f32', shape };
}

/** The text with the error messages of parsing it. */
function errorsOf(text: string): string {
  try {
    parseGraph(text, 'bad.ir');
  } catch (error) {
    if (error instanceof SublinearError) return error.message;
    throw error;
  }
  return 'no error';
}

const small = `sublinear-ir 1
graph @square(%x: f32[2,3]) params(%w: f32[3]) -> (%y, %d_w of %w, %h as "hidden:0") {
forward:
  %h = multiply %x, %w : f32[2,3] // layer.ts:4
  %y = multiply %h, %h : f32[2,3]
backward:
  %ones = broadcast_to %w {shape=[2,3]} : f32[2,3]
  %h.r1 = multiply %x, %w : f32[2,3] recompute(%h) after(%ones)
  %d_h = multiply %ones, %h.r1 : f32[2,3] gradient(%y)
  %d_w = sum_to %d_h {shape=[3]} : f32[3] gradient(%h) after(%ones, %d_h) // a remark // with slashes
}
`;

/** Everything the form has, in one graph that no op table would accept. */
const odd: Graph = {
  name: 'odd graph',
  inputs: [{ name: '/m/x:0', type: f32(2) }],
  parameters: [],
  state: [{ name: 'm', type: { dtype: 'i64', shape: [] } }],
  constants: [{ name: '', type: { dtype: 'bool', shape: [0, 5] } }],
  nodes: [
    {
      name: 'a "quoted" \\ name\nof two lines',
      op: 'no such op',
      operands: [
        { name: '/m/x:0', type: f32(2) },
        { name: '', type: { dtype: 'bool', shape: [0, 5] } },
      ],
      attributes: {
        a: -0,
        b: Number.NaN,
        c: Number.POSITIVE_INFINITY,
        d: Number.NEGATIVE_INFINITY,
        e: 5e-324,
        f: 1.7976931348623157e308,
        g: [0.1, -0, Number.NaN, 1e21],
        h: [],
        'spaced key': '// not a remark {}',
        __proto__x: true,
        10: false,
      },
      results: [
        { name: 'a "quoted" \\ name\nof two lines', type: f32() },
        { name: 'größe', type: { dtype: 'u8', shape: [1] } },
        { name: '\ud800', type: { dtype: 'i16', shape: [1] } },
      ],
      region: 'update',
      source: ' "node"\r\n\u2028// x ',
      after: [],
      recompute: '\u202e',
      gradientOf: '%',
    },
  ],
  outputs: [
    { name: 'loss', value: 'größe' },
    { name: 'm', value: 'm', of: '/m/x:0' },
  ],
};

describe('printGraph and parseGraph', () => {
  it('read back what they print, character by character', () => {
    expect(printGraph(parseGraph(small))).toBe(small);
  });

  it('reads what builders make', () => {
    const builder = new GraphBuilder('product');
    const x = builder.resident('input', 'x', f32(2, 3));
    const w = builder.resident('parameter', 'w', f32(1, 3));
    builder.stamp.source = 'product.ts:3';
    const wide = builder.emit(broadcastTo, [w], { shape: [2, 3] });
    builder.stamp.region = 'backward';
    builder.output(builder.emit(add, [builder.emit(multiply, [x, wide], {}), x], {}, 'y'), 'result');
    const graph = builder.finish();
    expect(parseGraph(printGraph(graph))).toStrictEqual(graph);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "sublinear-ir 1
      graph @product(%x: f32[2,3]) params(%w: f32[1,3]) -> (%y as "result") {
      forward:
        %broadcast_to = broadcast_to %w {shape=[2,3]} : f32[2,3] // product.ts:3
      backward:
        %multiply = multiply %x, %broadcast_to : f32[2,3] // product.ts:3
        %y = add %multiply, %x : f32[2,3] // product.ts:3
      }
      "
    `);
  });

  it('keeps odd names, numbers and remarks', () => {
    const text = printGraph(odd);
    expect(parseGraph(text)).toStrictEqual(odd);
    expect(text.split('\n')).toHaveLength(15);
    expect(text).toMatch(/^[\x20-\x7e\nöß]*$/);
    const { a, g } = parseGraph(text).nodes[0]!.attributes;
    expect(Object.is(a, -0)).toBe(true);
    expect(Array.isArray(g) && Object.is(g[1], -0)).toBe(true);
  });

  it('keeps an attribute named __proto__ an attribute', () => {
    const attributes: Attributes = Object.fromEntries([['__proto__', 1]]);
    const graph: Graph = { ...odd, nodes: [{ ...odd.nodes[0]!, attributes }] };
    expect(Object.entries(parseGraph(printGraph(graph)).nodes[0]!.attributes)).toEqual([['__proto__', 1]]);
  });

  it('prints equal graphs alike, whatever the order in which attributes were set', () => {
    const of = (attributes: Attributes): string => printGraph({ ...odd, nodes: [{ ...odd.nodes[0]!, attributes }] });
    expect(of({ b: 1, a: 2 })).toBe(of({ a: 2, b: 1 }));
  });

  it('wraps a header that does not fit, one entry a line', () => {
    const inputs = Array.from({ length: 9 }, (_, i): Value => ({ name: `x${i}`, type: f32(32, 64) }));
    const graph: Graph = { ...parseGraph(small), inputs, nodes: [], outputs: [{ name: 'x1', value: 'x1' }] };
    const text = printGraph(graph);
    expect(text).toContain('graph @square(\n  %x0: f32[32,64],\n');
    expect(text).toContain('  %x8: f32[32,64],\n) params(\n  %w: f32[3],\n) -> (\n  %x1,\n) {\n');
    expect(parseGraph(text)).toStrictEqual(graph);
  });

  it('prints an empty graph', () => {
    const graph: Graph = { name: 'none', inputs: [], parameters: [], state: [], constants: [], nodes: [], outputs: [] };
    expect(printGraph(graph)).toBe('sublinear-ir 1\ngraph @none() -> () {\n}\n');
    expect(parseGraph(printGraph(graph))).toStrictEqual(graph);
  });

  it('reads hand-written text: any spacing, remarks, several lines a header, Windows line ends', () => {
    const text = `// an example
sublinear-ir 1

graph @mlp(%x: f32[32, 64],   // the batch
  %y: i32[32]) params(%w1: f32[64,64], %w2: f32[64,10],) -> (%loss, %d_w1 of %w1) {
forward:
  // first layer
  %h1 = matmul %x, %w1 : f32[32,64]                    // layer1
  %a1=tanh %h1:f32[32,64]
  %z = matmul %a1 , %w2 { transpose_b = false , transpose_a=false, } : f32[ 32, 10 ] //
  %loss = softmax_cross_entropy %z, %y : f32[]

backward:   // from here on gradients
  %d_h2 = other %a1 : f32[64,64]
  %a1.r1 = tanh %h1 : f32[32,64] after(%d_h2) recompute(%a1)
  %d_w1 = other %a1.r1 : f32[64,64]
}
`;
    const graph = parseGraph(text);
    expect(graph.nodes.map((node) => node.source)).toEqual(['layer1', ...new Array<undefined>(6).fill(undefined)]);
    expect(graph.nodes[5]).toMatchObject({ region: 'backward', recompute: 'a1', after: ['d_h2'] });
    expect(graph.nodes[2]!.attributes).toEqual({ transpose_a: false, transpose_b: false });
    expect(graph.nodes[0]!.operands[0]).toBe(graph.inputs[0]);
    expect(parseGraph(text.replaceAll('\n', '\r\n'))).toStrictEqual(graph);
    expect(parseGraph(printGraph(graph))).toStrictEqual(graph);
  });

  it('prints and parses 100,000 nodes', () => {
    const nodes: Node[] = [];
    const type = f32(4);
    let last: Value = { name: 'x', type };
    for (let i = 0; i < 100_000; i++) {
      const result: Value = { name: `h${i}`, type };
      const region: Region = i < 50_000 ? 'forward' : 'backward';
      nodes.push({ name: result.name, op: 'add', operands: [last, last], attributes: {}, results: [result], region });
      last = result;
    }
    const graph: Graph = {
      ...odd,
      inputs: [{ name: 'x', type }],
      state: [],
      constants: [],
      nodes,
      outputs: [{ name: last.name, value: last.name }],
    };
    const text = printGraph(graph);
    const parsed = parseGraph(text);
    expect(parsed.nodes).toHaveLength(100_000);
    expect(printGraph(parsed) === text).toBe(true);
  });
});

describe('golden files', () => {
  const folder = fileURLToPath(new URL('../golden/', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('.ir'));

  it.each(files)('%s is printed as it stands', async (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    await expect(printGraph(parseGraph(text, name))).toMatchFileSnapshot(join(folder, name));
  });
});

describe('errors of parseGraph', () => {
  it('name file, line and column, show the line, and suggest the nearest name', () => {
    expect(errorsOf(small.replace('multiply %h, %h', 'multiply %h, %hh'))).toMatchInlineSnapshot(`
      "bad.ir:5:21: no value is named "hh"
        5 |   %y = multiply %h, %hh : f32[2,3]
          |                     ^
        hint: did you mean "h"?"
    `);
  });

  it('are collected over the lines', () => {
    const text = small
      .replace('%y = multiply', '%y multiply')
      .replace('shape=[2,3]}', 'shape=[2,3}')
      .replace('backward:', 'backwards:');
    expect(errorsOf(text)).toMatchInlineSnapshot(`
      "bad.ir:5:6: expected "=" or "," after a result, found "multiply"
        5 |   %y multiply %h, %h : f32[2,3]
          |      ^
      bad.ir:6:1: expected a node (%y = op %x : f32[2]), a region or "}", found "backwards"
        6 | backwards:
          | ^
        hint: did you mean "backward:"?
      bad.ir:7:38: expected "," or "]" after a number, found "}"
        7 |   %ones = broadcast_to %w {shape=[2,3} : f32[2,3]
          |                                      ^"
    `);
  });

  it.each([
    ['', 'bad.ir:1:1: expected "sublinear-ir" at the start, found the end of the text'],
    ['sublinear-ir 2\n', 'bad.ir:1:14: this reader knows version 1 of sublinear-ir, not 2'],
    ['sublinear-ir 1\ngraph @g(%x: f16[2]) -> () {\n}', 'bad.ir:2:14: expected a type, such as f32[2,3]'],
    ['sublinear-ir 1\ngraph @g(%x: f32[2.5]) -> () {\n}', 'bad.ir:2:18: an extent is an integer, 0 or more'],
    ['sublinear-ir 1\ngraph @g() -> (%x) {\n}', 'bad.ir:2:16: no value is named "x"'],
    ['sublinear-ir 1\ngraph @g() -> () {\n', 'bad.ir:3:1: expected "}" after the nodes, found the end of the text'],
    ['sublinear-ir 1\ngraph @g() -> () {\n}\nx', 'bad.ir:4:1: expected nothing after the graph, found "x"'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%a, %b = f : f32[]\n}', 'bad.ir:3:12: 2 results but 1 type'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%a = f {k=1, k=2} : f32[]\n}', 'bad.ir:3:14: a second attribute "k"'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%a = f {k=1e999} : f32[]\n}', 'bad.ir:3:11: 1e999 is not a double'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%"a = f : f32[]\n}', 'bad.ir:3:2: the string is not closed on this line'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%"\\q" = f : f32[]\n}', 'bad.ir:3:2: not a JSON string'],
    ['sublinear-ir 1\ngraph @g() -> () {\n%a = f : f32[] after(%b)after(%b)\n}', 'bad.ir:3:25: a second after(...)'],
  ])('%j', (text, message) => {
    expect(errorsOf(text)).toContain(message);
  });

  it('show a window of a long line', () => {
    const operands = Array.from({ length: 400 }, () => '%x').join(', ');
    const message = errorsOf(`sublinear-ir 1\ngraph @g(%x: f32[]) -> () {\n  %a = f ${operands}, %z : f32[]\n}`);
    expect(message).toMatch(/^bad\.ir:3:1610: no value is named "z"\n {2}3 \| \.\.\.[^\n]{60}%z : f32\[\]\n[ |]*\^/);
  });

  it('stop after twenty', () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `%a${i} = f %missing${i} : f32[]\n`).join('');
    expect(errorsOf(`sublinear-ir 1\ngraph @g() -> () {\n${lines}}`).match(/no value is named/g)).toHaveLength(20);
  });

  it('are the only way to fail: mutated text parses or says where it does not', () => {
    const seeds = [small, printGraph(odd)];
    const pieces = [
      '%',
      '"',
      '\\',
      '\n',
      '//',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '=',
      '-',
      '9',
      'e',
      '.',
      '\u0000',
      '@',
    ];
    const edit = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 12 }),
      insert: fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 3 })),
    });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }), (seed, edits) => {
        let text = seed;
        for (const { at, remove, insert } of edits) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + insert + text.slice(place + remove);
        }
        let graph: Graph;
        try {
          graph = parseGraph(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SublinearError);
          expect(errorsOf(text)).toMatch(/^bad\.ir:\d+:\d+: /);
          return;
        }
        const printed = printGraph(graph);
        expect(parseGraph(printed)).toStrictEqual(graph);
        expect(printGraph(parseGraph(printed))).toBe(printed);
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});

describe('random graphs', () => {
  const name = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.stringMatching(/^[a-z#.]{1,5}$/));
  const type = fc.record(
    {
      dtype: fc.constantFrom('f32' as const, 'i32' as const, 'i64' as const, 'bool' as const),
      shape: fc.array(fc.nat(), { maxLength: 3 }),
    },
    { noNullPrototype: true },
  );
  const attribute = fc.oneof(fc.double(), fc.boolean(), fc.string({ unit: 'binary' }), fc.array(fc.double()));
  const node = fc.record(
    {
      op: name,
      reads: fc.array(fc.nat(), { maxLength: 3 }),
      attributes: fc.dictionary(name, attribute, { maxKeys: 3, noNullPrototype: true }),
      types: fc.array(type, { minLength: 1, maxLength: 3 }),
      region: fc.constantFrom('forward' as const, 'backward' as const, 'update' as const),
      source: fc.string({ unit: 'binary' }),
      after: fc.array(name, { maxLength: 2 }),
      recompute: name,
      gradientOf: name,
    },
    { requiredKeys: ['op', 'reads', 'attributes', 'types', 'region'], noNullPrototype: true },
  );

  it('come back from their text as they were, and their text from them', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 40, maxLength: 40 }),
        fc.tuple(...Array.from({ length: 4 }, () => fc.array(type, { maxLength: 2 }))),
        fc.array(node, { maxLength: 8 }),
        (names, lists, drawn) => {
          let used = 0;
          const values: Value[] = [];
          const fresh = (valueType: TensorType): Value => {
            const value: Value = { name: names[used++]!, type: valueType };
            values.push(value);
            return value;
          };
          const [inputs, parameters, state, constants] = lists.map((types) => types.map(fresh));
          const nodes = drawn.map(({ reads, types, ...rest }): Node => {
            const operands = values.length === 0 ? [] : reads.map((read) => values[read % values.length]!);
            const results = types.map(fresh);
            return { name: results[0]!.name, operands, results, ...rest };
          });
          const outputs = values.map((value, i) => ({ name: names[i + 1]!, value: value.name }));
          const graph: Graph = {
            name: names[0]!,
            inputs: inputs!,
            parameters: parameters!,
            state: state!,
            constants: constants!,
            nodes,
            outputs,
          };
          const text = printGraph(graph);
          const parsed = parseGraph(text);
          expect(parsed).toStrictEqual(graph);
          expect(printGraph(parsed)).toBe(text);
          expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
        },
      ),
      { numRuns: 500, seed: 11 },
    );
  });
});
