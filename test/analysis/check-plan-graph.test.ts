import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPlanGraph, parsePlanGraph, planGraphFormat } from '../../src/analysis/check-plan-graph.ts';
import { indexPlanGraph, type PlanGraph } from '../../src/analysis/plan-graph.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { planGraphs } from '../plan-graphs.ts';

const example = {
  format: 'sublinear-plan-graph/1',
  inputs: [{ name: 'x', bytes: 4096 }],
  nodes: [
    {
      name: 'conv1',
      inputs: ['x'],
      outputs: [{ name: 'h1', bytes: 8192 }],
      cost: 10,
      region: 'forward',
      recomputable: true,
      scratch: 0,
    },
    { name: 'grad', inputs: ['x', 'h1'], outputs: [{ name: 'd_w1', bytes: 64 }], cost: 20, region: 'backward' },
  ],
  outputs: ['d_w1'],
};

interface NodeDraft {
  readonly name: string;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly [field: string]: unknown;
}

/** A node `n` that makes a value `n` of 64 bytes. */
function node(name: string, inputs: readonly string[], more: Readonly<Record<string, unknown>> = {}): NodeDraft {
  const { view, over, parts, bytes = 64, ...fields } = more;
  const given = Object.entries({ view, over, parts }).filter(([, value]) => value !== undefined);
  const sharing = Object.fromEntries(given);
  return { name, inputs, outputs: [{ name, bytes, ...sharing }], ...fields };
}

function graph(nodes: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): unknown {
  return { format: planGraphFormat, inputs: [{ name: 'x', bytes: 64 }], nodes, outputs: [], ...more };
}

function order(json: unknown): string {
  return checkPlanGraph(json, 'test.json')
    .nodes.map((each) => each.name)
    .join(' ');
}

/** The message of the refusal. */
function refusal(json: unknown): string {
  try {
    checkPlanGraph(json, 'test.json');
  } catch (error) {
    if (error instanceof SublinearError) {
      expect(error.exitCode).toBe(1);
      for (const diagnostic of error.diagnostics) expect(diagnostic.source).toBe('test.json');
      return error.message;
    }
    throw error;
  }
  return 'no error';
}

describe('a plan graph from anywhere', () => {
  it('is read, with defaults', () => {
    expect(checkPlanGraph(example, 'test.json')).toEqual({
      inputs: example.inputs,
      nodes: [example.nodes[0], { ...example.nodes[1], recomputable: true, scratch: 0 }],
      outputs: ['d_w1'],
    });
    const [plain, update] = checkPlanGraph(
      graph([node('a', ['x']), node('u', ['x', 'a'], { region: 'update', over: 'x' })]),
      'test.json',
    ).nodes;
    expect(plain).toMatchObject({ cost: 1, region: 'forward', recomputable: true, scratch: 0 });
    expect(update).toMatchObject({ recomputable: false });
  });

  it('comes through as it is if it is valid', () => {
    fc.assert(
      fc.property(planGraphs(), (valid) => {
        const json: unknown = JSON.parse(JSON.stringify({ format: planGraphFormat, ...valid }));
        const checked = checkPlanGraph(json, 'test.json');
        expect(JSON.parse(JSON.stringify(checked))).toEqual(JSON.parse(JSON.stringify(withoutFalse(valid))));
        indexPlanGraph(checked);
      }),
      { numRuns: 50 },
    );
  });

  it('may have its nodes in any order', () => {
    const nodes = [
      node('d', ['c', 'a'], { region: 'backward' }),
      node('c', ['b']),
      node('u', ['x', 'd'], { region: 'update', over: 'x' }),
      node('late', ['x']),
      node('b', ['a']),
      node('a', ['x']),
    ];
    expect(order(graph(nodes))).toBe('late a b c d u');
    // In order already: as it is, though another order would do as well.
    expect(order(graph([node('b', ['x']), node('a', ['x'])]))).toBe('b a');
  });

  it('puts an update behind every other reader of what it writes', () => {
    const nodes = [
      node('x.new', ['x'], { region: 'update', over: 'x' }),
      node('norm', ['x'], { region: 'update' }),
      node('a', ['x']),
    ];
    expect(order(graph(nodes))).toBe('a norm x.new');
  });

  it('ignores what it does not know, but not a slip', () => {
    expect(order(graph([node('a', ['x'], { comment: 'from a tool' })], { author: 'someone' }))).toBe('a');
    expect(refusal(graph([node('a', ['x'], { recomputeable: false })]))).toMatch(
      /has the field "recomputeable".+did you mean "recomputable"/s,
    );
  });
});

describe('what is wrong with a plan graph is said', () => {
  it('cycles, with the path', () => {
    const nodes = [node('a', ['x', 'c']), node('b', ['a']), node('c', ['b']), node('d', ['x'])];
    expect(refusal(graph(nodes))).toMatch(/has a cycle: a -> b -> c -> a\n/);
    expect(refusal(graph([node('a', ['a'])]))).toMatch(/has a cycle: a -> a/);
    const long = Array.from({ length: 100 }, (_, i) => node(`n${i}`, [`n${(i + 99) % 100}`]));
    expect(refusal(graph(long)).length).toBeLessThan(200);
  });

  it('unknown names, with the nearest', () => {
    expect(refusal(graph([node('hidden', ['x']), node('b', ['hiden'])]))).toMatch(
      /node "b" reads "hiden", which nobody makes\n.*at node "b"\n.*test.json\n.*did you mean "hidden"/,
    );
    expect(refusal(graph([], { outputs: ['y'] }))).toMatch(/the graph outputs "y", which nobody makes/);
  });

  it('names that are taken', () => {
    expect(refusal(graph([node('x', [])]))).toMatch(/two values are named "x"/);
    expect(refusal(graph([node('a', []), { name: 'a', inputs: [], outputs: [] }]))).toMatch(/two nodes are named "a"/);
  });

  it('numbers that are none', () => {
    for (const bytes of [-1, 0.5, '64', null, 2 ** 60])
      expect(refusal(graph([node('a', [], { bytes })]))).toMatch(/^bytes of "a" is .*, not a whole/);
    for (const cost of [-1, 1.5, 'x', null])
      expect(refusal(graph([node('a', [], { cost })]))).toMatch(/^cost of node "a" is .*, not a whole/);
    expect(refusal(graph([node('a', [], { scratch: -64 })]))).toMatch(/^scratch of node "a" is -64/);
    expect(refusal(graph([node('a', [], { region: 'sideways' })]))).toMatch(/^region of node "a" is "sideways"/);
    expect(refusal(graph([node('a', [], { recomputable: 1 })]))).toMatch(/^recomputable of node "a" is 1/);
  });

  it('reads against the order of the regions', () => {
    expect(refusal(graph([node('a', ['b']), node('b', ['x'], { region: 'backward' })]))).toMatch(
      /a forward node reads "b", which a backward node makes/,
    );
  });

  it('parts that do not lie beside one another within their whole', () => {
    const joined = (parts: unknown, more = {}): string =>
      refusal(graph([node('a', []), node('b', []), node('c', ['a', 'b'], { bytes: 128, parts, ...more })]));
    const a = { value: 'a', offset: 0 };
    expect(joined([a, { value: 'b', offset: 32 }])).toMatch(/"b" as a part of "c" lies from 32 to 96 of 128 bytes/);
    expect(joined([a, { value: 'b', offset: 65 }])).toMatch(/"b" as a part of "c" lies from 65 to 129 of 128 bytes/);
    expect(joined([{ value: 'b', offset: -64 }])).toMatch(/offset of parts\[0\] of "c" is -64/);
    expect(joined([{ value: 'x', offset: 0 }])).toMatch(/shares storage with "x", which its node does not read/);
    expect(joined([a], { over: 'b' })).toMatch(/"c" has parts, so it is no view and over no input/);
    const good = [node('a', []), node('b', []), node('c', ['a', 'b'], { bytes: 128, parts: [a] })];
    expect(order(graph(good))).toBe('a b c');
  });

  it('storage that cannot be shared', () => {
    expect(refusal(graph([node('a', []), node('b', ['x'], { view: 'a' })]))).toMatch(
      /shares storage with "a", which its node does not read/,
    );
    expect(refusal(graph([node('a', []), node('b', ['a'], { over: 'x' })]))).toMatch(
      /shares storage with "x", which its node/,
    );
    expect(refusal(graph([node('a', []), node('b', ['a'], { over: 'a', bytes: 65 })]))).toMatch(
      /"b" \(65 bytes\) cannot be over "a" \(64 bytes\)/,
    );
    expect(refusal(graph([node('a', []), node('b', ['a'], { over: 'a', view: 'a' })]))).toMatch(/both a view and over/);
    const twice = {
      name: 'n',
      inputs: ['a'],
      outputs: [
        { name: 'p', bytes: 64, over: 'a' },
        { name: 'q', bytes: 64, over: 'a' },
      ],
    };
    expect(refusal(graph([node('a', []), twice]))).toMatch(/"q" is over "a", whose storage "p" shares already/);
    const both = {
      name: 'n',
      inputs: ['a'],
      outputs: [
        { name: 'p', bytes: 64, over: 'a' },
        { name: 'q', bytes: 64, view: 'a' },
      ],
    };
    expect(refusal(graph([node('a', []), both]))).toMatch(/"p" is over "a", whose storage "q" shares already/);
    // Through a view it is the storage behind it that counts; of several candidates, each result may take another.
    expect(
      order(
        graph([
          node('a', [], { bytes: 128 }),
          node('v', ['a'], { view: 'a' }),
          node('b', ['v'], { over: 'v', bytes: 128 }),
        ]),
      ),
    ).toBe('a v b');
    const choice = {
      name: 'n',
      inputs: ['a', 'b'],
      outputs: [
        { name: 'p', bytes: 64, over: ['a', 'b'] },
        { name: 'q', bytes: 64, over: ['a', 'b'] },
      ],
    };
    expect(order(graph([node('a', []), node('b', []), choice]))).toBe('a b n');
  });

  it('two updates of one resident', () => {
    const nodes = [
      node('p', ['x'], { region: 'update', over: 'x' }),
      node('q', ['x'], { region: 'update', over: 'x' }),
    ];
    expect(refusal(graph(nodes))).toMatch(/"x" is written over by "p" too/);
  });

  it('garbage, at once', () => {
    for (const garbage of [
      null,
      3,
      'text',
      [],
      {},
      { format: planGraphFormat },
      { format: 'other/1', inputs: [], nodes: [], outputs: [] },
    ])
      expect(refusal(garbage)).not.toBe('no error');
    expect(refusal(graph([null, 1, 'a', [], {}]))).toMatch(/nodes\[0\] is null, not an object/);
    expect(refusal({ ...example, inputs: 7 })).toMatch(/^inputs is 7, not a list/);
    // Ten megabytes of it: the faults stop at twenty and messages stay short.
    for (const big of [
      graph(new Array(1_000_000).fill(0)),
      { ...example, nodes: 'n'.repeat(10_000_000) },
      'n'.repeat(10_000_000),
    ])
      expect(refusal(big).length).toBeLessThan(4000);
    expect(refusal(graph([node('a', ['n'.repeat(10_000_000)])])).length).toBeLessThan(4000);
    expect(() => parsePlanGraph('{'.repeat(10_000_000), 'test.json')).toThrow(/test.json is not JSON/);
    expect(() => parsePlanGraph('\u0000\u0001'.repeat(5_000_000), 'test.json')).toThrow(SublinearError);
  });

  it('never anything but a SublinearError, on random damage', () => {
    fc.assert(
      fc.property(planGraphs(6), fc.jsonValue(), fc.nat(), (valid, damage, place) => {
        const json: unknown = JSON.parse(JSON.stringify({ format: planGraphFormat, ...valid }));
        const slots: [Record<string, unknown>, string][] = [];
        const visit = (value: unknown): void => {
          if (typeof value !== 'object' || value === null) return;
          const record = value as Record<string, unknown>;
          for (const key of Object.keys(record)) {
            slots.push([record, key]);
            visit(record[key]);
          }
        };
        visit(json);
        const [record, key] = slots[place % slots.length]!;
        record[key] = damage;
        try {
          indexPlanGraph(checkPlanGraph(json, 'test.json'));
        } catch (error) {
          expect(error).toBeInstanceOf(SublinearError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** `expensive: false` is left out of what is read. */
function withoutFalse(valid: PlanGraph): PlanGraph {
  return {
    ...valid,
    nodes: valid.nodes.map(({ expensive, ...rest }) => (expensive === true ? { ...rest, expensive } : rest)),
  };
}
