/** DOT: what Graphviz is told, that it accepts any name, and that training graphs stay drawable. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDot } from '../../src/inspect/dot.ts';
import { renderSvg } from '../../src/inspect/svg.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Graph, Node, Region, Value } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';

const step = parseGraph(`sublinear-ir 1
graph @step(%x: f32[4,8]) params(%w: f32[8]) consts(%one: f32[4,8]) -> (%c) {
forward:
  %a = multiply %x, %w : f32[4,8]
  %b = tanh %a : f32[4,8]
  %c = multiply %b, %b : f32[4,8]
backward:
  %b.r1 = tanh %a : f32[4,8] recompute(%b) after(%c)
  %d_b = multiply %one, %b.r1 : f32[4,8] gradient(%c)
  %d_a = tanh_grad %d_b, %b.r1 : f32[4,8] gradient(%b)
  %d_w = sum_to %d_a {shape=[8]} : f32[8] gradient(%a)
update:
  %w.new = sgd %w, %d_w : f32[8]
}`);

/** Attributes of the box whose second line is `name`. */
function boxOf(dot: string, name: string): string {
  return dot.split('\n').find((line) => line.includes(`\\n${name}\\n`)) ?? '';
}

function idOf(dot: string, name: string): string {
  return /b\d+/.exec(boxOf(dot, name))?.[0] ?? '';
}

/** The edge line between two named boxes, as it stands. */
function edgeOf(dot: string, from: string, to: string): string | undefined {
  const arrow = `${idOf(dot, from)} -> ${idOf(dot, to)}`;
  return dot
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line === `${arrow};` || line.startsWith(`${arrow} `));
}

/** A chain of `length` forward and as many backward nodes, each of which reads a saved activation. */
function trainingChain(length: number, nameOf: (i: number) => string): Graph {
  const type = { dtype: 'f32', shape: [16] } as const;
  const value = (name: string): Value => ({ name, type });
  const node = (name: string, operands: readonly string[], region: Region, gradientOf?: string): Node => ({
    name,
    op: 'multiply',
    operands: operands.map(value),
    attributes: {},
    results: [value(name)],
    region,
    ...(gradientOf !== undefined && { gradientOf }),
  });
  const nodes: Node[] = [];
  for (let i = 0; i < length; i++) nodes.push(node(nameOf(i), [i === 0 ? 'x' : nameOf(i - 1)], 'forward'));
  let gradient = nameOf(length - 1);
  for (let i = length - 1; i >= 0; i--) {
    const name = `d_${nameOf(i)}`;
    nodes.push(node(name, [gradient, i === 0 ? 'x' : nameOf(i - 1)], 'backward', nameOf(i)));
    gradient = name;
  }
  return {
    name: 'chain',
    inputs: [value('x')],
    parameters: [],
    state: [],
    constants: [],
    nodes,
    outputs: [{ name: 'd_x', value: gradient }],
  };
}

describe('toDot', () => {
  const dot = toDot(step);

  it('labels a box with op, name, type and bytes, in the colour of its kind', () => {
    expect(boxOf(dot, 'b')).toContain('label="tanh\\nb\\nf32[4,8]  128 B"');
    const color = (name: string): string | undefined => /fillcolor="(#\w+)"/.exec(boxOf(dot, name))?.[1];
    expect(color('a')).toBe(color('c'));
    expect(new Set(['x', 'a', 'd_b', 'b.r1', 'w.new'].map(color)).size).toBe(5);
    for (const kind of ['resident', 'forward', 'backward', 'recompute', 'update', 'kept for backward'])
      expect(dot).toContain(`>${kind}</TD>`);
  });

  it('marks the activations that are kept for the backward pass, and no others', () => {
    const kept = ['a', 'b', 'c', 'b.r1', 'd_b', 'x'].filter((name) => boxOf(dot, name).includes('penwidth=2.5'));
    expect(kept).toEqual(['a']);
  });

  it('puts backward, recomputed and update boxes into the rank of their forward box', () => {
    const ids = (...names: string[]): string => names.map((name) => `${idOf(dot, name)};`).join(' ');
    expect(dot).toContain(`{ rank=same; ${ids('a', 'd_w', 'w.new')} }`);
    expect(dot).toContain(`{ rank=same; ${ids('b', 'b.r1', 'd_a')} }`);
    expect(dot).toContain(`{ rank=same; ${ids('c', 'd_b')} }`);
  });

  it('lays the backward chain out in reverse and lets edges to saved activations constrain nothing', () => {
    expect(edgeOf(dot, 'a', 'b')).toMatch(/;$/);
    expect(edgeOf(dot, 'a', 'b')).not.toContain('constraint');
    expect(edgeOf(dot, 'd_b', 'd_a')).toBeUndefined();
    expect(edgeOf(dot, 'd_a', 'd_b')).toContain('dir=back');
    expect(edgeOf(dot, 'a', 'b.r1')).toContain('constraint=false');
    expect(edgeOf(dot, 'b.r1', 'd_b')).toContain('constraint=false');
    expect(edgeOf(dot, 'c', 'b.r1')).toContain('style=dotted');
  });

  it('draws the same graph the same way, and an empty one', async () => {
    expect(toDot(step)).toBe(dot);
    const empty: Graph = { ...step, inputs: [], parameters: [], constants: [], nodes: [], outputs: [] };
    expect(await renderSvg(toDot(empty))).toContain('<svg');
  });
});

describe('toDot beyond collapseAbove', () => {
  it('joins nodes to blocks by the leading parts of their names', () => {
    const graph = trainingChain(400, (i) => `net.layer${Math.floor(i / 20)}.part${Math.floor(i / 2)}.op${i}`);
    const dot = toDot(graph, { collapseAbove: 100 });
    expect(dot).toContain('label="net/layer0\\n20 nodes  1.25 KiB\\nkept 1.25 KiB"');
    expect(dot.match(/label="net\/layer\d+\\n20 nodes/g)).toHaveLength(40);
    expect(dot.match(/rank=same/g)).toHaveLength(20);
  });

  it('joins them to runs of equal length where names have no parts', () => {
    const dot = toDot(trainingChain(3000, (i) => `h${i}`));
    expect(dot.match(/\[label="h\d+\\n20 nodes/g)).toHaveLength(300);
  });

  it('stays small and drawable at 100,000 nodes', async () => {
    const dot = toDot(trainingChain(50_000, (i) => `h${i}`));
    expect(dot.length).toBeLessThan(200_000);
    expect(await renderSvg(dot)).toContain('</svg>');
  });
});

describe('renderSvg', () => {
  it('draws a training chain of 1,000 nodes', async () => {
    const svg = await renderSvg(toDot(trainingChain(500, (i) => `h${i}`)));
    expect(svg.match(/<g id="node\d+" class="node">/g)).toHaveLength(1001);
  });

  it.each([
    '"',
    '\\',
    'a\\"b',
    '</TD>',
    '&amp;',
    '<b>',
    '{|}',
    '%N\\N\\G',
    '\n\r\t',
    '\u0000',
    '\ud800',
    '/m/x:0',
    'größe 模型',
    ']]>',
    ';//#',
  ])('draws a node called %j', async (name) => {
    const graph = trainingChain(2, (i) => `${name}${i}`);
    const svg = await renderSvg(toDot({ ...graph, name }));
    expect(svg.match(/class="node"/g)).toHaveLength(5);
  });

  it('shows names as they are', async () => {
    const svg = await renderSvg(toDot(trainingChain(1, () => 'a"b\\c &amp; <d>')));
    expect(svg).toMatch(/>a(&quot;|")b\\c(&#160;| )&amp;amp;(&#160;| )&lt;d&gt;</);
  });

  it('draws any names', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 4, maxLength: 4 }),
        async (names) => {
          const graph = trainingChain(2, (i) => `${names[i]}${i}`);
          for (const collapseAbove of [0, 100])
            expect(await renderSvg(toDot({ ...graph, name: names[3]! }, { collapseAbove }))).toContain('</svg>');
        },
      ),
      { numRuns: 20, seed: 3 },
    );
  });

  it('turns what Graphviz refuses into an error of ours', async () => {
    await expect(renderSvg('digraph {')).rejects.toThrow(SublinearError);
    await expect(renderSvg('digraph {')).rejects.toThrow('Graphviz cannot draw the graph: syntax error');
  });
});
