/** A loss that is not finite: the first cause is named, in the data, in the numbers given, in an update, or in a node. */
import { describe, expect, it } from 'vitest';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { type CheckpointOptions, checkpoint } from '../../src/training/checkpoint.ts';

const { POSITIVE_INFINITY, NEGATIVE_INFINITY, NaN: nan } = Number;

interface Numbers {
  readonly w?: readonly number[];
  readonly mask?: readonly number[];
  readonly x?: readonly number[];
}

/** mean(exp(softmax(x w + mask) * gain)), and a mean of logarithms of x beside it. */
function stepOf({ w = [1, 2, 3, 4], mask = [0, 0, 0, 0] }: Numbers, options: CheckpointOptions = {}) {
  const m = new ModelBuilder('masked');
  const x = m.input('x', [2, 2]);
  const scores = m.add(m.matmul(x, m.parameter('w', [2, 2])), m.parameter('mask', [2, 2]));
  const weighted = m.multiply(m.softmax(scores), m.input('gain', [2, 2]));
  const grown = m.apply('exp', [weighted], {}, 'grown')[0]!;
  m.loss(m.mean(grown));
  const type = { dtype: 'f32', shape: [2, 2] } as const;
  const weights = new Map([
    ['w', { type, data: Float32Array.from(w) }],
    ['mask', { type, data: Float32Array.from(mask) }],
  ]);
  return checkpoint(m.finish(), { weights, optimizer: { kind: 'sgd' }, ...options });
}

function run(step: ReturnType<typeof stepOf>, x: readonly number[], gain = 1): () => unknown {
  return () => step.run({ x: Float32Array.from(x), gain: new Float32Array(4).fill(gain), learningRate: 0.1 });
}

const good = [1, -1, 0.5, 2];

describe('a loss that is not finite', () => {
  it('NaN in the data', () => {
    expect(run(stepOf({}), [1, nan, 1, 1])).toThrow(
      /the loss is NaN in step 1; .*\nthe input "x" held NaN, first at element 1\n {2}hint: the data hold it: mend the batch/,
    );
  });

  it('infinity in the data: where it came from, and the node that made NaN of it', () => {
    expect(run(stepOf({}), [1, 1, NEGATIVE_INFINITY, 1])).toThrow(
      /the input "x" held an infinite number, first at element 2\n {2}hint: .*\nthe first node that made NaN is (softmax|matmul)/,
    );
  });

  it('NaN in a parameter from the start, first step and later', () => {
    expect(run(stepOf({ w: [1, 1, 1, nan] }), good)).toThrow(
      /the parameter "w" held NaN from the start, first at element 3\n {2}hint: it came with the model's numbers/,
    );
  });

  it('a row of a mask that leaves nothing: the mask, not the learning rate', () => {
    const step = stepOf({ mask: [0, NEGATIVE_INFINITY, 0, 0] });
    expect(step.compiled.update!.trained).toEqual(['w']);
    run(step, good)();
    step.parameters.mask!.fill(POSITIVE_INFINITY);
    const message = /the parameter "mask" held an infinite number from the start|before the step/;
    expect(run(step, good)).toThrow(message);
    expect(run(step, good)).not.toThrow(/learning rate/);
  });

  it('a mask is not blamed for what another node made', () => {
    const step = stepOf({ mask: [0, NEGATIVE_INFINITY, 0, 0] });
    expect(run(step, good, 1e3)).toThrow(
      /the loss is Infinity in step 1; .*\nthe first node that made an infinite number is exp\n {2}at node "grown"\n[\s\S]*hint: all it read was finite/,
    );
    expect(run(step, good, 1e3)).not.toThrow(/mask/);
  });

  it('a parameter that an update made so', () => {
    const step = stepOf({});
    run(step, good)();
    step.parameters.w!.fill(nan, 2, 3);
    expect(run(step, good)).toThrow(
      /the parameter "w" held NaN before the step, first at element 2\n {2}hint: an update before made it: a lower learning rate/,
    );
  });

  it('a parameter that was loaded so: from the start, in the first step after', () => {
    const step = stepOf({});
    run(step, good)();
    step.parameters.w!.fill(nan, 2, 3);
    const other = stepOf({});
    other.load(step.save());
    expect(run(other, good)).toThrow(/the parameter "w" held NaN from the start/);
  });

  it('counts steps as updates are counted', () => {
    const step = stepOf({}, { accumulate: 3 });
    for (let i = 0; i < 4; i++) run(step, good)();
    expect(run(step, [nan, 1, 1, 1])).toThrow(/the loss is NaN in step 2, batch 2 of 3;/);
  });

  it('infinite numbers in a mask that nobody trains stay, and the loss is finite', () => {
    const step = stepOf({ mask: [0, NEGATIVE_INFINITY, 0, 0] });
    for (let i = 0; i < 5; i++) run(step, good)();
    expect(step.loss).toBeGreaterThan(0);
    expect(Array.from(step.parameters.mask!)).toEqual([0, NEGATIVE_INFINITY, 0, 0]);
  });

  it.each(['sgd', 'adam', 'adamw', 'adagrad', 'rmsprop', 'lion'])(
    '%s asked to train that mask leaves its infinity',
    (kind) => {
      const step = stepOf(
        { mask: [0, NEGATIVE_INFINITY, 0, 0] },
        { trainable: ['mask'], optimizer: { kind, weightDecay: 0 } },
      );
      expect(step.compiled.update!.trained).toEqual(['w', 'mask']);
      for (let i = 0; i < 3; i++) run(step, good)();
      expect(step.parameters.mask![1]).toBe(NEGATIVE_INFINITY);
      expect(step.parameters.mask!.every((value) => !Number.isNaN(value))).toBe(true);
    },
  );
});
