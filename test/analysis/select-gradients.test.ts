/** What is trained by default, what is suspected to be a constant, and what only when asked for. */
import { describe, expect, it } from 'vitest';
import { type GradientSelection, selectGradients } from '../../src/analysis/select-gradients.ts';
import { selectionNotes } from '../../src/analysis/selection-notes.ts';
import { attachLoss } from '../../src/frontend/loss.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import {
  floats,
  initializer,
  input,
  integers,
  type ModelParts,
  modelBytes,
  node,
  ramp,
} from '../frontend/onnx-models.ts';

const { NEGATIVE_INFINITY: infinity, NaN: nan } = Number;

function choose(parts: Omit<ModelParts, 'outputs'>, selection: GradientSelection = {}) {
  const { model } = importOnnx(modelBytes({ ...parts, outputs: ['y'] }));
  const attached = attachLoss(model, { kind: 'sum', output: 'y' });
  const choices = selectGradients(attached.model, [attached.loss], selection);
  return {
    choices: new Map(choices.map((choice) => [choice.value.name, choice])),
    notes: selectionNotes(choices, selection).map(({ message, hint }) => `${message}; ${hint}`),
  };
}

const trained = ({ choices }: ReturnType<typeof choose>): readonly string[] =>
  [...choices.values()].filter((choice) => choice.trainable).map(({ value }) => value.name);

const suspected = ({ choices }: ReturnType<typeof choose>): readonly string[] =>
  [...choices.values()].filter((choice) => choice.suspicion !== undefined).map(({ value }) => value.name);

/** x w, scores of the rows with each other, plus a mask, over a softmax. */
function attention(
  mask: readonly number[],
  add = node('Add', ['scaled', 'mask'], 'masked'),
): Omit<ModelParts, 'outputs'> {
  return {
    inputs: [input('x', [2, 3, 4])],
    initializers: [
      initializer('w', ramp(4, 4)),
      initializer('b', ramp(4)),
      initializer('root', floats([], 2)),
      initializer('mask', floats([3, 3], ...mask)),
    ],
    nodes: [
      node('MatMul', ['x', 'w'], 'xw'),
      node('Add', ['xw', 'b'], 'h'),
      node('Transpose', ['h'], 'k', { perm: [0, 2, 1] }),
      node('MatMul', ['h', 'k'], 'scores'),
      node('Div', ['scores', 'root'], 'scaled'),
      add,
      node('Softmax', ['masked'], 'p', { axis: -1 }),
      node('MatMul', ['p', 'h'], 'y'),
    ],
  };
}

describe('numbers that no weight holds', () => {
  it.each([
    ['minus infinity', infinity, /holds an infinite number/],
    ['infinity', -infinity, /holds an infinite number/],
    ['NaN', nan, /holds NaN/],
  ])('%s: not a parameter unless asked for', (_, value, reason) => {
    const parts = attention([0, value, value, 0, 0, value, 0, 0, 0]);
    const chosen = choose(parts);
    expect(trained(chosen)).toEqual(['w', 'b']);
    expect(chosen.choices.get('mask')).toMatchObject({ chosen: false, reason: expect.stringMatching(reason) });
    expect(chosen.notes).toEqual([
      `"mask" holds infinite numbers or NaN, as masks do: taken for a constant, not trained; --trainable 'mask' trains it all the same`,
    ]);
    const asked = choose(parts, { trainable: ['mask'] });
    expect(trained(asked)).toEqual(['w', 'b', 'mask']);
    expect(asked.notes).toEqual([]);
    expect(choose(parts, { freeze: ['mask'] }).notes).toEqual([]);
    expect(trained(choose(parts, { wrt: 'all' }))).toEqual(['w', 'b']);
  });
});

describe('suspects are trained, and named', () => {
  const low = -3.4e38;
  const finite = [0, low, low, 0, 0, low, 0, 0, 0];

  it('a finite mask, only added to what a softmax reads', () => {
    const chosen = choose(attention(finite));
    expect(trained(chosen)).toEqual(['w', 'b', 'mask']);
    expect(chosen.notes).toEqual([
      `"mask" is only added to what a softmax reads, as a mask is; trained all the same; --freeze 'mask' leaves it as it is; --trainable 'mask' says that it is a weight`,
    ]);
    expect(choose(attention(finite), { freeze: ['mask'] }).notes).toEqual([]);
    expect(choose(attention(finite), { trainable: ['mask'] }).notes).toEqual([]);
  });

  it('a mask that is sliced, or stands in a Where, or is multiplied in', () => {
    const sliced = attention(finite);
    const nodes = [node('Unsqueeze', ['mask', 'axes'], 'mask3'), ...sliced.nodes];
    const added = nodes.map((one) => (one.output[0] === 'masked' ? node('Add', ['mask3', 'scaled'], 'masked') : one));
    const initializers = [...(sliced.initializers ?? []), initializer('axes', integers(0))];
    expect(suspected(choose({ ...sliced, nodes: added, initializers }))).toEqual(['mask']);
    const bool = { type: { dtype: 'bool', shape: [3, 3] } as const, data: [1, 0, 0, 1, 1, 0, 1, 1, 1] };
    const where = attention(finite, node('Where', ['keep', 'scaled', 'mask'], 'masked'));
    const kept = [...(where.initializers ?? []), initializer('keep', bool)];
    expect(suspected(choose({ ...where, initializers: kept }))).toEqual(['mask']);
    expect(suspected(choose(attention(finite, node('Mul', ['scaled', 'mask'], 'masked'))))).toEqual(['mask']);
  });

  it('a mask of one number a column: it is added to scores, not to what a weight made', () => {
    const parts = attention([]);
    const initializers = [...(parts.initializers ?? []).slice(0, 3), initializer('mask', floats([3], 0, 0, low))];
    expect(suspected(choose({ ...parts, initializers }))).toEqual(['mask']);
  });

  it('a table of positions that is added, or read by constant indices', () => {
    const position = initializer('positions', ramp(8, 4));
    const word = initializer('words', ramp(9, 4));
    const dense = initializer('w', ramp(4, 4));
    const nodes = (position: string) => [
      node('Gather', ['words', 'ids'], 'h'),
      node('Add', ['h', position], 'sum'),
      node('MatMul', ['sum', 'w'], 'y'),
    ];
    const inputs = [input('ids', [2, 3], 7)];
    const gathered = [node('Gather', ['positions', 'first'], 'own'), ...nodes('own')];
    const indices = initializer('first', integers(0, 1, 2));
    const initializers = [position, word, dense, indices];
    const chosen = choose({ inputs, initializers, nodes: gathered });
    expect(suspected(chosen)).toEqual(['positions']);
    expect(trained(chosen)).toEqual(['positions', 'words', 'w']);
    expect(
      suspected(choose({ inputs, initializers: [initializer('own', ramp(3, 4)), word, dense], nodes: nodes('own') })),
    ).toEqual(['own']);
  });

  it('mean and deviation of the data', () => {
    const chosen = choose({
      inputs: [input('x', [2, 3, 4, 4])],
      initializers: [
        initializer('mean', ramp(1, 3, 1, 1)),
        initializer('deviation', ramp(1, 3, 1, 1)),
        initializer('w', ramp(2, 3, 1, 1)),
        initializer('b', ramp(2)),
      ],
      nodes: [
        node('Sub', ['x', 'mean'], 'centred'),
        node('Div', ['centred', 'deviation'], 'normal'),
        node('Conv', ['normal', 'w', 'b'], 'y'),
      ],
    });
    expect(suspected(chosen)).toEqual(['mean', 'deviation']);
    expect(chosen.notes[0]).toMatch(/^"mean" and "deviation" each is only applied to an input/);
  });

  it('frequencies of rotary positions', () => {
    const chosen = choose({
      inputs: [input('position', [3, 1])],
      initializers: [initializer('frequencies', ramp(1, 2)), initializer('w', ramp(4, 2))],
      nodes: [
        node('MatMul', ['position', 'frequencies'], 'angle'),
        node('Sin', ['angle'], 's'),
        node('Cos', ['angle'], 'c'),
        node('Concat', ['s', 'c'], 'both', { axis: 1 }),
        node('MatMul', ['both', 'w'], 'y'),
      ],
    });
    expect(suspected(chosen)).toEqual(['frequencies']);
  });

  it('says at most a few names', () => {
    const names = Array.from({ length: 7 }, (_, i) => `table${i}`);
    const nodes = names.map((name, i) => node('Add', [i === 0 ? 'h' : `h${i - 1}`, name], i === 6 ? 'y' : `h${i}`));
    const { notes } = choose({
      inputs: [input('x', [2, 3])],
      initializers: [initializer('w', ramp(3, 3)), ...names.map((name) => initializer(name, ramp(2, 3)))],
      nodes: [node('MatMul', ['x', 'w'], 'h'), ...nodes],
    });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('"table0", "table1", "table2", "table3" and 3 more each is only added');
  });
});

describe('weights are not suspected', () => {
  it('biases before a softmax, scales of decomposed norms, tables read by an input, a factor of a layer', () => {
    const chosen = choose({
      inputs: [input('ids', [2, 3], 7)],
      initializers: [
        initializer('words', ramp(9, 4)),
        initializer('gamma', ramp(4)),
        initializer('beta', ramp(4)),
        initializer('w', ramp(4, 5)),
        initializer('b', ramp(5)),
        initializer('slope', ramp(4)),
        initializer('token', ramp(1, 1, 4)),
        initializer('shape', integers(2, 1, 4)),
      ],
      nodes: [
        node('Gather', ['words', 'ids'], 'h'),
        node('Expand', ['token', 'shape'], 'tokens'),
        node('Concat', ['tokens', 'h'], 'all', { axis: 1 }),
        node('Mul', ['all', 'gamma'], 'scaled'),
        node('Add', ['scaled', 'beta'], 'normed'),
        node('PRelu', ['normed', 'slope'], 'active'),
        node('MatMul', ['active', 'w'], 'product'),
        node('Add', ['product', 'b'], 'logits'),
        node('Softmax', ['logits'], 'y', { axis: -1 }),
      ],
    });
    expect(suspected(chosen)).toEqual([]);
    expect(trained(chosen)).toEqual(['words', 'gamma', 'beta', 'w', 'b', 'slope', 'token']);
  });

  it('a table that is read by a product elsewhere', () => {
    const chosen = choose({
      inputs: [input('x', [3, 3])],
      initializers: [initializer('t', ramp(3, 3))],
      nodes: [node('MatMul', ['x', 't'], 'h'), node('Add', ['h', 't'], 'y')],
    });
    expect(suspected(chosen)).toEqual([]);
  });
});

describe('what the rule leaves out', () => {
  it.each([[[]], [[4]]] as const)('exponents of shape %j, unless asked for', (shape) => {
    const parts = {
      inputs: [input('x', [2, 4])],
      initializers: [initializer('w', ramp(4, 4)), initializer('p', ramp(...shape))],
      nodes: [node('MatMul', ['x', 'w'], 'h'), node('Pow', ['h', 'p'], 'y')],
    };
    const chosen = choose(parts);
    expect(chosen.choices.get('p')).toMatchObject({
      chosen: false,
      trainable: false,
      reason: 'an exponent, so trained only with --trainable',
    });
    expect(trained(chosen)).toEqual(['w']);
    expect(choose(parts, { trainable: ['p'] }).choices.get('p')).toMatchObject({ chosen: true, trainable: true });
  });

  it('an exponent that is a weight elsewhere is one', () => {
    const chosen = choose({
      inputs: [input('x', [2, 4])],
      initializers: [initializer('p', ramp(4))],
      nodes: [node('Pow', ['x', 'p'], 'h'), node('PRelu', ['h', 'p'], 'y')],
    });
    expect(trained(chosen)).toEqual(['p']);
  });

  it('running statistics that a normalization reads as given', () => {
    const parameters = ['scale', 'bias', 'mean', 'variance'];
    const parts = {
      inputs: [input('x', [2, 3, 4])],
      initializers: parameters.map((name) => initializer(name, ramp(3))),
      nodes: [node('BatchNormalization', ['x', ...parameters], 'y')],
    };
    const chosen = choose(parts);
    expect(trained(chosen)).toEqual(['scale', 'bias']);
    expect(chosen.choices.get('mean')).toMatchObject({
      chosen: false,
      reason: 'running statistics of a normalization',
    });
    expect(trained(choose(parts, { wrt: 'all' }))).toEqual(['scale', 'bias']);
    expect(trained(choose(parts, { trainable: ['mean'] }))).toEqual(['scale', 'bias', 'mean']);
  });
});

describe('a list of what is trained', () => {
  const parts = attention([0, infinity, 0, 0, 0, 0, 0, 0, 0]);

  it('stands in place of the rule, and is said', () => {
    const chosen = choose(parts, { trainOnly: ['b', 'mask'] });
    expect(trained(chosen)).toEqual(['b', 'mask']);
    expect(chosen.choices.get('w')).toMatchObject({ chosen: false, reason: 'not in the list of what is trained' });
    expect(chosen.notes[0]).toContain('trained are "b" and "mask", and nothing else');
    expect(trained(choose(parts, { trainOnly: ['b'], trainable: ['root'], freeze: ['b'] }))).toEqual(['root']);
  });

  it('names parameters only', () => {
    expect(() => choose(parts, { trainOnly: ['maks', 'x'] })).toThrow(
      /no float parameter "maks" to train\n {2}hint: did you mean "mask"\?\nthe model has no float parameter "x"/,
    );
  });
});

it('graphs as text have no numbers to look at, and are chosen from all the same', () => {
  const graph = parseGraph(`sublinear-ir 1
graph @g(%x: f32[2,3]) params(%w: f32[3,3]) -> (%loss) {
forward:
  %h = matmul %x, %w {transpose_a=false, transpose_b=false} : f32[2,3]
  %loss = reduce_sum %h {axes=[0, 1], keep_dims=false} : f32[]
}
`);
  const choices = selectGradients({ graph, weights: new Map() }, ['loss'], {});
  expect(choices.map(({ value, trainable }) => [value.name, trainable])).toEqual([
    ['x', false],
    ['w', true],
  ]);
});
