/**
 * The verifier. Each case is a graph in text form; a node's remark `error: CODE ...` says which errors the verifier must
 * find there, and nothing else may be found.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { checkCollapseLaw, collapse } from '../../src/analysis/collapse.ts';
import { formatWithContext } from '../../src/analysis/verify/format-with-context.ts';
import { assertVerified, verifyGraph } from '../../src/analysis/verify.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Graph, Node, TensorType, Value } from '../../src/ir/graph.ts';
import type { Op } from '../../src/ir/op.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';

vi.mock('../../src/ops/table.ts', async (importOriginal) => {
  const table = await importOriginal<typeof import('../../src/ops/table.ts')>();
  const base = {
    doc: 'For this test only.',
    attributes: {},
    infer: (operands: readonly TensorType[]) => operands.slice(0, 1),
    flops: () => 0,
    lower: () => [],
    examples: [],
  };
  const typed: Op<{ to: string; axes: readonly number[]; axis: number; factor: number; weights: readonly number[] }> = {
    ...base,
    name: 'test_typed',
    effect: 'pure',
    attributes: {
      to: { kind: 'dtype', doc: 'element type' },
      axes: { kind: 'ints', doc: 'axes' },
      axis: { kind: 'int', doc: 'axis' },
      factor: { kind: 'float', doc: 'factor' },
      weights: { kind: 'floats', doc: 'weights' },
    },
  };
  const more: readonly Op[] = [
    { ...base, name: 'test_peek', effect: 'view' },
    typed,
    { ...base, name: 'test_set', effect: 'update', writes: [0] },
    { ...base, name: 'test_tick', effect: 'state', writes: [0] },
    { ...base, name: 'test_set_two', effect: 'update', writes: [0, 1], infer: (operands) => operands.slice(0, 2) },
  ];
  return { ...table, ops: new Map([...table.ops, ...more.map((op) => [op.name, op] as const)]) };
});

/** `code at node` for what is found, and for what the remarks expect. */
function check(graph: Graph): { found: readonly string[]; expected: readonly string[] } {
  const found = verifyGraph(graph).map(({ code, node }) => `${code} at ${node}`);
  const expected = graph.nodes.flatMap(({ name, source }) =>
    source?.startsWith('error: ') ? [...source.slice(7).split(' ')].map((code) => `${code} at ${name}`) : [],
  );
  return { found: found.sort(), expected: expected.sort() };
}

const header = 'sublinear-ir 1\ngraph @g(%x: f32[2,3]) params(%w: f32[2,3]) state(%m: f32[2,3]) consts(%c: f32[2,3])';

const faults: Readonly<Record<string, string>> = {
  'results take names that are taken': `
    %y = add %x, %w : f32[2,3]
    %y = add %x, %w : f32[2,3] // error: duplicate-name
    %w = add %x, %w : f32[2,3] // error: duplicate-name`,
  'a value is read before it is made': `
    %a = add %b, %x : f32[2,3] // error: use-before-definition
    %b = add %x, %x : f32[2,3] after(%d) // error: use-before-definition
    %d = add %x, %x : f32[2,3] after(%nowhere) // error: unknown-node`,
  'nodes need each other': `
    %a = add %x, %c1 : f32[2,3] // error: cycle
    %b = add %a, %x : f32[2,3]
    %c1 = add %b, %d : f32[2,3] // error: use-before-definition
    %d = add %x, %x : f32[2,3]
    %e = add %e, %x : f32[2,3] // error: cycle
    %f = add %x, %x : f32[2,3] after(%f) // error: cycle`,
  'the op is not in the table': `
    %a = ad %x, %w : f32[2,3] // error: unknown-op`,
  'attributes are missing, superfluous or of the wrong kind': `
    %a = broadcast_to %x : f32[2,3] // error: missing-attribute
    %b = add %x, %w {shape=[2]} : f32[2,3] // error: unknown-attribute
    %d = broadcast_to %x {shape=2} : f32[2,3] // error: attribute-kind
    %e = broadcast_to %x {shape=[2,3.5]} : f32[2,3] // error: attribute-kind
    %f = test_typed %x {to="f16",axes=[1],axis=0.5,factor=true,weights=[nan,inf]} : f32[2,3] // error: attribute-kind attribute-kind attribute-kind
    %g = test_typed %x {to="i64",axes=[],axis=-1,factor=inf,weights=[]} : f32[2,3]
    %h = add %x, %w {constructor=1} : f32[2,3] // error: unknown-attribute`,
  'shapes do not fit': `
    %a = broadcast_to %x {shape=[4]} : f32[4] // error: shape-mismatch
    %b = add %x : f32[2,3] // error: shape-mismatch
    %d = add %x, %w : f32[2,4] // error: result-type
    %e = add %x, %w : i32[2,3] // error: result-type
    %f, %f2 = add %x, %w : f32[2,3], f32[2,3] // error: result-count`,
  'regions are out of order': `
    backward:
    %a = add %x, %w : f32[2,3]
    %s = test_set %m, %a : f32[2,3] // error: update-region
    forward:
    %b = add %x, %x : f32[2,3] // error: region-order
    %a.r1 = add %x, %w : f32[2,3] recompute(%a)
    update:
    %u = test_set %w, %a : f32[2,3]
    backward:
    %d = add %x, %x : f32[2,3]`,
  'clones are not copies of their originals': `
    %z.r1 = add %x, %w : f32[2,3] recompute(%z) // error: unknown-original
    %b.r1 = add %x, %w : f32[2,3] recompute(%b) // error: clone-before-original
    %b = add %x, %w : f32[2,3]
    %d = add %b, %w : f32[2,3]
    %s = broadcast_to %d {shape=[1,2,3]} : f32[1,2,3]
    %b.r2 = add %x, %w : f32[2,3] recompute(%b)
    %b.r3 = add %x, %w : f32[2,3] recompute(%b.r2) // error: clone-of-clone
    %b.r4 = multiply %x, %w : f32[2,3] recompute(%b) // error: clone-differs
    %b.r5 = add %w, %x : f32[2,3] recompute(%b) // error: clone-differs
    %d.r1 = add %b.r2, %w : f32[2,3] recompute(%d)
    %d.r2 = add %d.r1, %w : f32[2,3] recompute(%d) // error: clone-differs
    %s.r1 = broadcast_to %d.r1 {shape=[1,2,3]} : f32[1,2,3] recompute(%s)
    %s.r2 = broadcast_to %d.r1 {shape=[2,2,3]} : f32[2,2,3] recompute(%s) // error: clone-differs
    %e = add %d.r1, %x : f32[2,3]
    %e.r1 = add %d, %x : f32[2,3] recompute(%e)`,
  'what has an effect is cloned': `
    %t = test_tick %m : f32[2,3]
    %t.r1 = test_tick %m : f32[2,3] recompute(%t) // error: clone-of-effect read-after-write`,
  'what may not be written over is written over': `
    %y = add %x, %w : f32[2,3]
    update:
    %a = test_set %x : f32[2,3] // error: write-target
    %b = test_set %c : f32[2,3] // error: write-target
    %d = test_set %y : f32[2,3] // error: write-target
    %e, %e2 = test_set_two %m, %m : f32[2,3], f32[2,3] // error: written-twice`,
  'old contents are read after they were written over': `
    %y = add %x, %w : f32[2,3]
    %v = test_peek %w : f32[2,3]
    %v2 = test_peek %v : f32[2,3]
    update:
    %w.new = test_set %w, %y : f32[2,3]
    %p = add %w.new, %x : f32[2,3]
    %q = add %w, %x : f32[2,3] // error: read-after-write
    %r = add %v2, %x : f32[2,3] // error: read-after-write
    %y.r1 = add %x, %w : f32[2,3] recompute(%y) // error: read-after-write
    %w.newer = test_set %w, %y : f32[2,3] // error: read-after-write`,
};

describe('verifyGraph finds that', () => {
  it.each(Object.entries(faults))('%s', (_, lines) => {
    const { found, expected } = check(parseGraph(`${header} -> () {${lines}\n}`));
    expect(found).toEqual(expected);
    expect(found.length).toBeGreaterThan(0);
  });

  it('outputs are missing, share a name, or do not have the type of what they are gradients of', () => {
    const graph = parseGraph(
      `${header} -> (%y, %x as "y", %s of %x) {
  %y = add %x, %w : f32[2,3]
  %s = sum_to %y {shape=[3]} : f32[3]
}`,
    );
    expect(verifyGraph(graph).map(({ code }) => code)).toEqual(['duplicate-output', 'gradient-type']);
    const missing: Graph = {
      ...graph,
      outputs: [
        { name: 'a', value: 'yy' },
        { name: 'b', value: 'y', of: 'q' },
      ],
    };
    expect(verifyGraph(missing).map(({ message, hint }) => [message, hint])).toEqual([
      ['the output "a" is %yy, which nothing defines', 'did you mean %y?'],
      ['the output "b" is the gradient of %q, which nothing defines', undefined],
    ]);
  });

  it('an output is bound to a clone', () => {
    const graph = parseGraph(
      `${header} -> (%y.r1) {\n%y = add %x, %w : f32[2,3]\n%y.r1 = add %x, %w : f32[2,3] recompute(%y)\n}`,
    );
    expect(verifyGraph(graph)).toEqual([
      {
        code: 'output-of-clone',
        message: 'the output "y.r1" is bound to the clone %y.r1',
        node: 'y.r1',
        hint: 'outputs are bound to first copies: %y',
      },
    ]);
  });

  it('an output is the old contents of what is written over', () => {
    const graph = parseGraph(`${header} -> (%w) {\nupdate:\n  %u = test_set %w, %x : f32[2,3]\n}`);
    expect(verifyGraph(graph).map(({ code }) => code)).toEqual(['read-after-write']);
    expect(verifyGraph({ ...graph, outputs: [{ name: 'w', value: 'u' }] })).toEqual([]);
  });

  it('residents share a name, and types are not static', () => {
    const x: Value = { name: 'x', type: { dtype: 'f32', shape: [-1] } };
    const y: Value = { name: 'y', type: { dtype: 'f32', shape: [0.5] } };
    const node: Node = { name: 'z', op: 'add', operands: [], attributes: {}, results: [y], region: 'forward' };
    const empty: Node = { ...node, name: 'e', results: [] };
    const graph: Graph = {
      name: 'g',
      inputs: [x],
      parameters: [x],
      state: [],
      constants: [],
      nodes: [node, empty],
      outputs: [],
    };
    const codes = verifyGraph(graph).map(({ code }) => code);
    expect(codes).toEqual([
      'duplicate-name',
      'node-name',
      'no-results',
      'bad-type',
      'bad-type',
      'bad-type',
      'shape-mismatch',
      'shape-mismatch',
    ]);
  });

  it('an operand is read as a type it does not have, or is not there', () => {
    const graph = parseGraph(`${header} -> () {\n%y = add %x, %x : f32[2,3]\n}`);
    const with1 = (operand: Value): Graph => ({
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, operands: [operand, node.operands[1]!] })),
    });
    const wrong = verifyGraph(with1({ name: 'x', type: { dtype: 'f32', shape: [1, 3] } }));
    expect(wrong.map(({ message }) => message)).toEqual(['%y: reads %x as f32[1,3], but it is f32[2,3]']);
    const gone = verifyGraph(with1({ name: 'ww', type: { dtype: 'f32', shape: [2, 3] } }));
    expect(gone).toEqual([
      {
        code: 'unknown-value',
        message: '%y: reads %ww, which nothing defines',
        node: 'y',
        hint: 'did you mean %w?',
      },
    ]);
  });
});

describe('verifyGraph', () => {
  it('names the path of a cycle', () => {
    const graph = parseGraph(
      `${header} -> () {\n%a = add %d, %x : f32[2,3]\n%b = add %a, %a : f32[2,3]\n%d = add %b, %b : f32[2,3]\n}`,
    );
    expect(verifyGraph(graph).map(({ message }) => message)).toEqual(['%a: needs itself: %a -> %d -> %b -> %a']);
  });

  it('is linear on deep graphs, cyclic ones too', () => {
    const type = { dtype: 'f32', shape: [2, 3] } as const;
    const value = (i: number): Value => ({ name: `h${i}`, type });
    const nodes = Array.from({ length: 100_000 }, (_, i): Node => {
      const operand = value(i === 0 ? 100_000 : i);
      return {
        name: `h${i + 1}`,
        op: 'add',
        operands: [operand, operand],
        attributes: {},
        results: [value(i + 1)],
        region: 'forward',
      };
    });
    const cyclic: Graph = { name: 'g', inputs: [], parameters: [], state: [], constants: [], nodes, outputs: [] };
    expect(verifyGraph(cyclic).map(({ message }) => message)).toEqual([
      '%h1: needs itself: %h1 -> %h100000 -> %h99999 -> %h99998 -> %h99997 -> %h99996 -> %h99995 -> %h99994 -> %h99993 -> %h99992 -> (99990 more) -> %h1',
    ]);
    expect(verifyGraph({ ...cyclic, inputs: [value(0)], nodes: nodes.slice(1), parameters: [value(1)] })).toEqual([]);
  });
});

describe('assertVerified', () => {
  const graph = parseGraph(
    `${header} -> () {
  %a = add %x, %w : f32[2,3]
  %b = add %a, %w : f32[2,3]
  %d = add %b, %x : f32[2,4] // layer.ts:7
  %e = add %b, %b : f32[2,3]
}`,
  );

  it('shows the lines around the fault', () => {
    expect(() => assertVerified(graph, 'the pass cse')).toThrowErrorMatchingInlineSnapshot(`
      [SublinearError: the graph is not valid after the pass cse:
      %d: is given as f32[2,4], but add(f32[2,3], f32[2,3]) makes f32[2,3]
        at node "d"
        from layer.ts:7
          %a = add %x, %w : f32[2,3]
          %b = add %a, %w : f32[2,3]
        > %d = add %b, %x : f32[2,4] // layer.ts:7
          %e = add %b, %b : f32[2,3]]
    `);
    expect(formatWithContext(graph, { code: 'other', message: 'no node' })).toBe('no node');
  });

  it("calls a fault of the input the user's, any other ours", () => {
    const thrown = (stage: string): unknown => {
      try {
        assertVerified(graph, stage);
      } catch (error) {
        return error instanceof SublinearError ? [error.exitCode, error.diagnostics.length] : error;
      }
      return undefined;
    };
    expect(thrown('the input')).toEqual([1, 1]);
    expect(thrown('the pass cse')).toEqual([70, 1]);
  });
});

describe('the collapse law', () => {
  const before = parseGraph(
    `${header} -> (%d_w of %w) {
forward:
  %a = multiply %x, %w : f32[2,3]
  %b = multiply %a, %a : f32[2,3]
backward:
  %one = broadcast_to %c {shape=[2,3]} : f32[2,3]
  %d_a = multiply %one, %a : f32[2,3]
  %d_w = multiply %d_a, %b : f32[2,3]
}`,
  );
  const afterText = `${header} -> (%d_w of %w) {
forward:
  %a = multiply %x, %w : f32[2,3]
  %b = multiply %a, %a : f32[2,3]
backward:
  %one = broadcast_to %c {shape=[2,3]} : f32[2,3]
  %a.r1 = multiply %x, %w : f32[2,3] recompute(%a) after(%one)
  %d_a = multiply %one, %a.r1 : f32[2,3]
  %b.r1 = multiply %a.r1, %a.r1 : f32[2,3] recompute(%b)
  %d_w = multiply %d_a, %b.r1 : f32[2,3] after(%d_a)
}`;
  const after = parseGraph(afterText);

  it('gives the graph before the rewrite', () => {
    expect(printGraph(collapse(after))).toBe(printGraph(before));
    expect(checkCollapseLaw(before, after)).toEqual([]);
    expect(verifyGraph(after, { original: before })).toEqual([]);
  });

  it('holds between the golden files', () => {
    const read = (name: string): Graph =>
      parseGraph(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8'), name);
    const original = read('chain-step.ir');
    expect(verifyGraph(original)).toEqual([]);
    expect(verifyGraph(read('chain-step.recomputed.ir'), { original })).toEqual([]);
    expect(collapse(read('chain-step.recomputed.ir'))).toStrictEqual(original);
    expect(verifyGraph(read('names.ir'))).toEqual([]);
  });

  it('leaves the order of nodes aside', () => {
    const [a, b, one, ...rest] = after.nodes;
    expect(checkCollapseLaw(before, { ...after, nodes: [one!, a!, b!, ...rest] })).toEqual([]);
  });

  it.each([
    ['%d_w = multiply %d_a, %b.r1', '%d_w = multiply %d_a, %a.r1', '%d_w read %d_a, %b and reads %d_a, %a'],
    ['%d_w = multiply', '%d_w = add', '%d_w was multiply and is add'],
    ['shape=[2,3]', 'shape=[2,3,1]', '%one has other attributes'],
    [' recompute(%b)', '', '%b.r1 is new and no clone'],
    [
      '%d_a = multiply %one',
      '%d_a = multiply %b, %b : f32[2,3]\n  %d_z = multiply %one',
      '%d_a read %one, %a and reads %b, %b',
    ],
    ['%d_w of %w', '%d_w', 'the outputs were %d_w as "d_w" of %w and are %d_w as "d_w"'],
    ['consts(%c: f32[2,3])', 'consts(%c: f32[3])', 'the rewrite changed the constants'],
    ['(%d_w of %w)', '(%b.r1 as "d_w" of %w)', 'the output "d_w" is bound to the clone %b.r1, not to %b'],
  ])('is broken where %j becomes %j', (from, to, message) => {
    const broken = parseGraph(afterText.replace(from, to));
    expect(checkCollapseLaw(before, broken).map((diagnostic) => diagnostic.message)).toContain(message);
  });

  it('holds through clones of clones, and does not hang where they go round', () => {
    const chained = parseGraph(
      afterText.replace('%b.r1 = multiply', '%a.r2 = multiply %x, %w : f32[2,3] recompute(%a.r1)\n  %b.r1 = multiply'),
    );
    expect(printGraph(collapse(chained))).toBe(printGraph(before));
    const round = parseGraph(
      afterText.replace('recompute(%a)', 'recompute(%b.r1)').replace('recompute(%b)', 'recompute(%a.r1)'),
    );
    expect(checkCollapseLaw(before, round).length).toBeGreaterThan(0);
    expect(verifyGraph(round).length).toBeGreaterThan(0);
  });
});
