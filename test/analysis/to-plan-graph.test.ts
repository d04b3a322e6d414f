import { describe, expect, it } from 'vitest';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { allChecks, compileWith, runOnce } from '../differential-checks.ts';
import { everyStrategy } from '../every-strategy.ts';

const order = 'graph @g(%i: i64[4]) params(%w: f32[4]) -> (%loss, %s)';
const loss = `
  %t = tanh %s : f32[4]
  %loss = reduce_sum %t {axes=[0], keep_dims=false} : f32[]`;

/** Steps that write the tanh of four weights back to front over itself, as one value or through views of it. */
const reversals: readonly (readonly [name: string, text: string])[] = [
  ['one value', `%s = scatter_elements %h, %i, %h {axis=0, reduction="none"} : f32[4]`],
  [
    'a view as updates',
    `%v = view_slice %h {offset=0, shape=[4]} : f32[4]
  %s = scatter_elements %h, %i, %v {axis=0, reduction="none"} : f32[4]`,
  ],
  [
    'a view as data',
    `%v = reshape %h {shape=[4]} : f32[4]
  %s = scatter_elements %v, %i, %h {axis=0, reduction="none"} : f32[4]`,
  ],
];

const inputs = new Map<string, Tensor>([['i', { type: { dtype: 'i64', shape: [4] }, data: [3, 2, 1, 0] }]]);
const weights = new Map<string, Tensor>([['w', { type: { dtype: 'f32', shape: [4] }, data: [0.1, 0.2, 0.3, 0.4] }]]);
const reversed = [0.4, 0.3, 0.2, 0.1].map((w) => Math.tanh(Math.fround(w)));

describe.each(reversals)('a scatter of a value into itself, given as %s', (_, scatter) => {
  const graph = parseGraph(`sublinear-ir 1\n${order} {\nforward:\n  %h = tanh %w : f32[4]\n  ${scatter}${loss}\n}\n`);
  const model = { graph, weights };

  it.each(['js', 'wasm'] as const)('reverses it, forward alone, on %s', (backend) => {
    const execution = createExecution(compile(model, { losses: [] }), { backend });
    execution.setInputs(inputs);
    execution.machine.run();
    const { data } = execution.outputs().get('s')!;
    reversed.forEach((value, k) => {
      expect(data[k]).toBeCloseTo(value, 6);
    });
  });

  it('is the same under every strategy', () => {
    const reference = runOnce(compileWith(model, ['loss'], 'none'), inputs);
    for (const { strategy } of everyStrategy(0))
      expect(allChecks(compileWith(model, ['loss'], strategy), reference, inputs)).toEqual([]);
  });
});

describe('a result in place', () => {
  const overOf = (body: string): unknown =>
    toPlanGraph(
      parseGraph(
        `sublinear-ir 1\ngraph @g() params(%w: f32[32]) -> (%y) {\nforward:\n  %h = tanh %w : f32[32]\n${body}\n}\n`,
      ),
    ).nodes.at(-1)!.outputs[0]!.over;

  it('takes over an operand that is given twice, where the op reads each element before it writes it', () => {
    expect(overOf('  %y = multiply %h, %h : f32[32]')).toEqual(['h', 'h']);
    expect(overOf('  %v = reshape %h {shape=[32]} : f32[32]\n  %y = multiply %h, %v : f32[32]')).toEqual(['h', 'v']);
  });

  it('takes over no part of a storage, and none of which another operand is a part', () => {
    const part = '  %v = view_slice %h {offset=16, shape=[16]} : f32[16]\n';
    expect(overOf(`${part}  %y = tanh %v : f32[16]`)).toBeUndefined();
    const rows = '  %m = reshape %h {shape=[2, 16]} : f32[2,16]\n';
    expect(overOf(`${part}${rows}  %y = multiply %m, %v : f32[2,16]`)).toBeUndefined();
  });

  it('takes over no resident, through a view of it either', () => {
    expect(overOf('  %y = tanh %w : f32[32]')).toBeUndefined();
    expect(overOf('  %v = reshape %w {shape=[32]} : f32[32]\n  %y = tanh %v : f32[32]')).toBeUndefined();
  });
});
