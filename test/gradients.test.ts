import { describe, expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import { createExecution } from '../src/execution.ts';
import { ModelBuilder } from '../src/frontend/builder/model-builder.ts';
import { type Gradients, gradients } from '../src/gradients.ts';
import { SublinearError } from '../src/ir/diagnostic.ts';
import type { Tensor, Value } from '../src/ir/graph.ts';

function outputsOf({ compiled }: Gradients, inputs: Readonly<Record<string, Tensor>> = {}) {
  const execution = createExecution(compiled);
  execution.setInputs(new Map(Object.entries(inputs)));
  execution.machine.run();
  return execution.outputs();
}

/** A chain of tanh of `w`, whose middle is worth keeping. */
function chain() {
  const m = new ModelBuilder('chain');
  const w = m.parameter('w', [3], [1, 2, 3]);
  const hs = [w];
  for (let i = 0; i < 8; i++) hs.push(m.tanh(hs.at(-1)!));
  return { w, middle: hs[4]!, loss: m.sum(hs.at(-1)!) };
}

/** sum(w^2 * v), w = [1, 2, 3], v = [4, 5, 6]; a value `apart` that it does not depend on, and a number of batches. */
function parts() {
  const m = new ModelBuilder('parts');
  const w = m.parameter('w', [3], [1, 2, 3]);
  const v = m.parameter('v', [3], [4, 5, 6]);
  const apart = m.parameter('apart', [2], [7, 8]);
  const count = m.constant([2], [1, 2], 'i64');
  const inner = m.square(w);
  const loss = m.sum(m.multiply(inner, v));
  return { m, w, v, apart, count, inner, loss };
}

describe('gradients', () => {
  it('gives a value that is listed twice its gradient twice', () => {
    const { w, v, loss } = parts();
    const result = gradients(loss, [w, v, w]);
    expect(result.values.map(({ name }) => name)).toEqual(['d_w', 'd_v', 'd_w']);
    const outputs = outputsOf(result);
    expect(Array.from(outputs.get('d_w')!.data)).toEqual([8, 20, 36]);
    expect(Array.from(outputs.get('d_v')!.data)).toEqual([1, 4, 9]);
  });

  it('takes lists that change afterwards', () => {
    const { w, middle, loss } = chain();
    const lists: Value[][] = [[loss], [w], [middle]];
    const result = gradients(lists[0]!, lists[1]!, { checkpoints: lists[2]! });
    const expected = outputsOf(result).get('d_w')!.data;
    for (const list of lists) list.length = 0;
    expect(result.compiled.losses).toEqual([loss.name]);
    expect(result.compiled.plan.options.values).toEqual([middle.name]);
    expect(outputsOf(result).get('d_w')!.data).toEqual(expected);
  });

  it('adds a loss that is listed twice up twice', () => {
    const { w, loss } = parts();
    expect(Array.from(outputsOf(gradients([loss, loss], [w])).get('d_w')!.data)).toEqual([16, 40, 72]);
  });

  it('takes a checkpoint that is listed twice as one', () => {
    const { w, middle, loss } = chain();
    const once = gradients(loss, [w], { checkpoints: [middle] });
    const twice = gradients(loss, [w], { checkpoints: [middle, middle] });
    expect(twice.compiled.plan.sequence).toEqual(once.compiled.plan.sequence);
  });

  it('of what the loss does not depend on are zeros', () => {
    const { apart, w, loss } = parts();
    const result = gradients(loss, [apart, w]);
    expect(Array.from(outputsOf(result).get(result.compiled.graph.outputs[0]!.name)!.data)).toEqual([0, 0]);
  });

  it('leave an output of the model that is called like one alone', () => {
    const { m, w, loss } = parts();
    m.output(m.relu(w), 'd_w');
    const outputs = outputsOf(gradients(loss, [w]));
    expect(Array.from(outputs.get('d_w')!.data)).toEqual([1, 2, 3]);
    expect(Array.from(outputs.get('d_w.1')!.data)).toEqual([8, 20, 36]);
  });

  it('can be asked for again, by other values of the same builder', () => {
    const { w, v, loss } = parts();
    gradients(loss, [w]);
    expect(Array.from(outputsOf(gradients(loss, [v])).get('d_v')!.data)).toEqual([1, 4, 9]);
  });
});

describe('gradients that cannot be had', () => {
  const { m, w, count, inner, loss } = parts();
  const [first] = gradients(loss, [w]).values;
  const other = parts();
  const notSupported = /gradients of gradients are not supported/;
  const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['a gradient as loss', () => gradients(first!, [w]), notSupported],
    ['by a gradient', () => gradients(loss, [first!]), notSupported],
    ['a loss made of a gradient', () => gradients(m.sum(m.square(first!)), [w]), notSupported],
    [
      'a graph that comes differentiated',
      () => compile(compiledModel(gradients(loss, [w])), { losses: [loss.name], wrtValues: ['d_w'] }),
      notSupported,
    ],
    ['a value of another builder', () => gradients(loss, [other.w]), /"w" belongs to another model than the loss/],
    ['a value that no builder made', () => gradients(loss, [{ ...w }]), /"w" was not made by a ModelBuilder/],
    ['a loss of several numbers', () => gradients(inner, [w]), /f32\[3\]; a loss is one f32 number/],
    ['by integers', () => gradients(loss, [count]), /only f32 values have gradients/],
    ['by nothing', () => gradients(loss, []), /an empty list of values/],
    ['no loss', () => gradients([], [w]), /no loss/],
    [
      'a strategy that is none',
      () => Reflect.apply(gradients, undefined, [loss, [w], { checkpoints: 'best' }]),
      /"best"/,
    ],
    ['no list of values', () => Reflect.apply(gradients, undefined, [loss, w]), /takes a list of values/],
  ];
  it.each(refused)('%s: says so, and what to do', (_, call, message) => {
    expect(call).toThrow(SublinearError);
    expect(call).toThrow(message);
  });
});

function compiledModel({ compiled }: Gradients) {
  return { graph: compiled.graph, weights: compiled.weights };
}
