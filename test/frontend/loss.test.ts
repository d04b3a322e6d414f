/** Losses that are attached to a model: what they are of, what they come to, and what is said where they cannot be. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { attachLoss, parseLoss } from '../../src/frontend/loss.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Model, Value } from '../../src/ir/graph.ts';
import { checkpoint } from '../../src/training/checkpoint.ts';

const scores = [2, -1, 0.5, -3, 40, 0];
const labels = [2, 0];

type Write = (m: ModelBuilder, z: Value) => Value;

/** A model [2, 3] whose output `y` is written from the scores `z`, a parameter. */
function ends(write: Write): Model {
  const m = new ModelBuilder('ends');
  m.output(write(m, m.parameter('z', [2, 3], scores)), 'y');
  return m.finish();
}

/** The loss and its gradient in `z`. */
function train(model: Model, loss: string, target: readonly number[]) {
  const attached = attachLoss(model, parseLoss(loss, model.graph));
  const compiled = compile(attached.model, { losses: [attached.loss], wrtValues: ['z'] });
  const execution = createExecution(compiled);
  const slot = compiled.program.inputs.find(({ name }) => name === 'target')!;
  execution.setInputs(new Map([['target', { type: { dtype: slot.dtype, shape: slot.shape }, data: target }]]));
  execution.machine.run();
  const outputs = execution.outputs();
  return {
    loss: outputs.get('loss')!.data[0]!,
    gradient: Array.from(outputs.get('d_z')!.data),
    notes: attached.notes.map(({ message }) => message),
  };
}

/** Mean over rows of log sum exp z - z[label], in double precision. */
function crossEntropy(): number {
  const rows = [scores.slice(0, 3), scores.slice(3)];
  const each = rows.map((row, i) => Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[labels[i]!]!);
  return (each[0]! + each[1]!) / 2;
}

const softmax: Write = (m, z) => m.softmax(z, 1);

describe('cross-entropy', () => {
  const plain = train(
    ends((_, z) => z),
    'cross-entropy',
    labels,
  );

  it('of scores is that of their softmax, and says nothing', () => {
    expect(Math.abs(plain.loss / crossEntropy() - 1)).toBeLessThan(1e-6);
    expect(plain.notes).toEqual([]);
  });

  const endings: readonly (readonly [string, Write])[] = [
    ['softmax', softmax],
    ['log_softmax', (m, z) => m.apply('log_softmax', [z], { axis: 1 })[0]!],
    ['log of softmax', (m, z) => m.apply('log', [softmax(m, z)], {})[0]!],
    ['softmax behind a reshape', (m, z) => m.reshape(m.softmax(m.reshape(z, [2, 1, 3])), [2, 3])],
    ['softmax behind a transpose', (m, z) => m.transpose(m.softmax(m.transpose(z, [1, 0]), 0), [1, 0])],
    ['softmax behind a cast to its own type', (m, z) => m.apply('cast', [softmax(m, z)], { to: 'f32' })[0]!],
    [
      'a reshape, a logarithm, a transpose',
      (m, z) => {
        const p = m.transpose(m.softmax(m.transpose(z, [1, 0]), 0), [1, 0]);
        return m.reshape(m.apply('log', [m.reshape(p, [2, 3, 1])], {})[0]!, [2, 3]);
      },
    ],
  ];
  it.each(endings)('of the result of %s takes the scores before it, and says so', (_, write) => {
    const { loss, gradient, notes } = train(ends(write), 'cross-entropy', labels);
    expect(loss).toBe(plain.loss);
    expect(gradient).toEqual(plain.gradient);
    expect(notes).toEqual([expect.stringMatching(/softmax.* the loss takes the scores before, "/)]);
  });

  it('leaves a softmax over another dimension, and one that more than moves lies behind', () => {
    for (const write of [
      (m, z) => m.softmax(z, 0),
      (m, z) => m.scale(m.softmax(z, 1), 2),
      (m, z) => m.reshape(m.softmax(m.reshape(z, [6]), 0), [2, 3]),
      (m, z) => m.apply('log', [m.apply('log_softmax', [z], { axis: 1 })[0]!], {})[0]!,
    ] satisfies Write[])
      expect(attachLoss(ends(write), { kind: 'cross-entropy' }).notes).toEqual([]);
  });

  it('has the classes of images in dimension 1', () => {
    const image: Write = (m, z) => m.transpose(m.softmax(m.transpose(m.reshape(z, [1, 3, 2]), [0, 2, 1])), [0, 2, 1]);
    const bare: Write = (m, z) => m.reshape(z, [1, 3, 2]);
    const expected = train(ends(bare), 'cross-entropy', labels);
    expect(train(ends(image), 'cross-entropy', labels)).toMatchObject({
      loss: expected.loss,
      gradient: expected.gradient,
    });
  });

  it('of the result of a sigmoid warns', () => {
    const { notes } = attachLoss(
      ends((m, z) => m.sigmoid(z)),
      { kind: 'cross-entropy' },
    );
    expect(notes).toEqual([expect.objectContaining({ code: 'sigmoid-scores' })]);
  });

  it('of one class is refused with what to use', () => {
    const one = ends((m, z) => m.mean(z, [1]));
    const column = ends((m, z) => m.reshape(m.mean(z, [1]), [2, 1]));
    expect(() => attachLoss(column, { kind: 'cross-entropy' })).toThrow(/0 for ever.*\n.*binary-cross-entropy/);
    expect(() => attachLoss(one, { kind: 'cross-entropy' })).toThrow(/needs scores \[batch, classes/);
    const m = new ModelBuilder('m');
    expect(() => m.crossEntropy(m.input('x', [4, 1]), m.input('t', [4], 'i64'))).toThrow(/0 for ever/);
  });

  it('of the builder takes the scores before a softmax too, and notes it', () => {
    const build = (write: Write) => {
      const m = new ModelBuilder('own');
      m.loss(m.crossEntropy(write(m, m.parameter('z', [2, 3], scores)), m.constant([2], labels, 'i64')));
      return m.finish();
    };
    const run = (model: Model) => {
      const step = checkpoint(model);
      step.run({});
      return step;
    };
    expect(run(build(softmax)).loss).toBe(run(build((_, z) => z)).loss);
    expect(run(build(softmax)).notes).toEqual([expect.objectContaining({ code: 'scores-taken' })]);
    expect(run(build((_, z) => z)).notes).toEqual([]);
  });
});

describe('binary-cross-entropy', () => {
  const targets = [1, 0, 0.25, 0, 1, 1];
  const expected = (() => {
    const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
    return scores.reduce((sum, z, i) => sum + (targets[i]! * softplus(-z) + (1 - targets[i]!) * softplus(z)) / 6, 0);
  })();

  it.each<readonly [string, Write]>([
    ['scores', (_, z) => z],
    ['their sigmoid', (m, z) => m.sigmoid(z)],
    ['their sigmoid behind a reshape', (m, z) => m.reshape(m.sigmoid(m.reshape(z, [3, 2])), [2, 3])],
  ])('of %s', (_, write) => {
    const { loss, gradient } = train(ends(write), 'binary-cross-entropy', targets);
    expect(loss).toBeCloseTo(expected, 6);
    scores.forEach((z, i) => {
      expect(gradient[i]).toBeCloseTo((1 / (1 + Math.exp(-z)) - targets[i]!) / 6, 7);
    });
  });

  it('keeps the digits of small losses and gradients', () => {
    const m = new ModelBuilder('far');
    m.output(m.parameter('z', [1], [20]), 'y');
    const { loss, gradient } = train(m.finish(), 'binary-cross-entropy', [1]);
    expect(Math.abs(loss / Math.log1p(Math.exp(-20)) - 1)).toBeLessThan(1e-6);
    expect(Math.abs(gradient[0]! / (-1 / (1 + Math.exp(20))) - 1)).toBeLessThan(1e-6);
  });
});

describe('what a loss is of', () => {
  function several(): Model {
    const m = new ModelBuilder('several');
    const x = m.input('x', [4, 8]);
    const hidden = m.tanh(m.linear(x, 6, { name: 'hidden' }));
    m.output(m.linear(hidden, 3, { name: 'scores' }), 'logits');
    m.output(hidden, 'features');
    m.output(m.constant([4], [1, 2, 3, 4], 'i64'), 'ids');
    return m.finish();
  }

  it('may be a value within the model, or an output by its own name', () => {
    const { graph } = several();
    expect(attachLoss(several(), parseLoss('mse:hidden', graph)).loss).toBe('loss');
    expect(attachLoss(several(), parseLoss('cross-entropy:scores', graph)).loss).toBe('loss');
    expect(attachLoss(several(), parseLoss('sum:logits', graph)).loss).toBe('loss');
  });

  it('may be a scalar within the model, which then leaves it', () => {
    const m = new ModelBuilder('scalar');
    const total = m.sum(m.parameter('w', [2], [3, 4]));
    m.output(m.square(total), 'y');
    const model = m.finish();
    const { model: attached, loss } = attachLoss(model, parseLoss(total.name, model.graph));
    expect(loss).toBe(total.name);
    const step = checkpoint(attached, { losses: [loss] });
    step.run({});
    expect(step.loss).toBe(7);
  });

  const integers = (): Model => {
    const m = new ModelBuilder('integers');
    m.output(m.input('ids', [4], 'i64'), 'ids');
    return m.finish();
  };
  const refused: readonly (readonly [string, Model, RegExp])[] = [
    ['mse', several(), /2 outputs of floats to take the mse of: logits f32\[4,3\], features f32\[4,6\]\n.*mse:logits/],
    ['mse:ids', several(), /is i64\[4\], and the loss mse is of floats\n.*logits f32\[4,3\]/],
    ['mse:logit', several(), /no output "logit", and no value of that name\n.*did you mean "logits"\?/],
    [
      'mse:nothing_like_it',
      several(),
      /no output "nothing_like_it", and no value of that name\n.*its outputs are logits f32\[4,3\]/,
    ],
    ['mse', integers(), /no output of the model is of floats.*ids i64\[4\]\n.*--loss mse:VALUE/],
    ['cross-entropy', integers(), /no output of the model is of floats/],
    ['crossentropy:logits', several(), /did you mean "cross-entropy:logits"\? kinds are/],
    ['logit', several(), /did you mean "logits"\?/],
  ];
  it.each(refused)('--loss %s is refused with what there is', (loss, model, message) => {
    const attach = () => attachLoss(model, parseLoss(loss, model.graph));
    expect(attach).toThrow(SublinearError);
    expect(attach).toThrow(message);
  });

  it.each(['bce', 'ce', 'l1', 'nll', 'hinge', ''])('--loss %s lists the kinds, and suggests none', (loss) => {
    const attempt = () => parseLoss(loss, several().graph);
    expect(attempt).toThrow(/kinds are cross-entropy, binary-cross-entropy, mse, sum/);
    expect(attempt).not.toThrow(/did you mean/);
  });

  it('a model without outputs of one number says what could be made', () => {
    expect(() => attachLoss(several())).toThrow(/its outputs are logits: f32\[4,3\]/);
    expect(() => attachLoss(integers())).toThrow(/a float value within the model/);
  });
});
