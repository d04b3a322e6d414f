import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../../src/frontend/safetensors.ts';
import { checkpoint, type TrainingStep } from '../../src/training/checkpoint.ts';
import type { InputRecord } from '../../src/training/give-inputs.ts';
import { batchOf, cnn, mlp, transformer } from './models.ts';

const folder = mkdtempSync(join(tmpdir(), 'training-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Build = typeof mlp;
const inputsOf = (build: Build, index: number, learningRate = 0.05): InputRecord => ({
  ...Object.fromEntries(batchOf(build(), index)),
  learningRate,
});

/** Everything that training changes, as plain copies. */
function contents(step: TrainingStep): Record<string, number[]> {
  const all = [...Object.entries(step.parameters), ...Object.entries(step.state)];
  return Object.fromEntries(all.map(([name, view]) => [name, Array.from(view)]));
}

describe('checkpoint', () => {
  it('gives a step whose views are live', () => {
    const step = checkpoint(mlp(), { optimizer: { kind: 'sgd' }, keepGradients: true });
    const weight = step.parameters['linear.weight']!;
    const before = Float32Array.from(weight);
    const { loss, logits } = step.run(inputsOf(mlp, 0, 0.5));
    expect(step.loss).toBe(loss![0]);
    expect(logits).toHaveLength(8 * 3);
    const gradient = step.gradients['linear.weight']!;
    // sgd is one line, so its result is known.
    expect(Array.from(weight)).toEqual(Array.from(before, (w, i) => Math.fround(w - 0.5 * gradient[i]!)));
    expect(step.parameters.linear_weight).toBe(weight);
    expect(Object.keys(step.parameters)).not.toContain('linear_weight');
    weight.fill(0);
    step.run(inputsOf(mlp, 0, 0));
    expect(weight.every((w) => w === 0)).toBe(true);
    expect(step.stepCount).toBe(2);
  });

  it('computes gradients alone without an optimizer', () => {
    const step = checkpoint(mlp());
    const before = contents(step);
    const { learningRate: _rate, ...inputs } = inputsOf(mlp, 0);
    step.run(inputs);
    expect(contents(step)).toEqual(before);
    expect(Object.keys(step.gradients).sort()).toEqual(Object.keys(step.parameters).sort());
    expect(step.gradients['linear.weight']!.some((g) => g !== 0)).toBe(true);
  });

  it('has the gradients of a weighted sum of losses', () => {
    const build = () => {
      const m = new ModelBuilder('two');
      const x = m.input('x', [4]);
      const w = m.parameter('w', [4], [1, 2, 3, 4]);
      m.loss(m.sum(m.multiply(x, w)), 'first');
      m.loss(m.sum(m.square(w)), 'second');
      return m.finish();
    };
    const step = checkpoint(build(), { lossWeights: [2, -0.5] });
    step.run({ x: [1, 1, 1, 1] });
    expect(Array.from(step.gradients.w!)).toEqual([1, 0, -1, -2]);
    expect(step.loss).toBe(2 * 10 - 0.5 * 30);
  });

  it('is the same with a scaled loss, where the scale is a power of two', () => {
    const plain = checkpoint(transformer(), { optimizer: { kind: 'adam' } });
    const scaled = checkpoint(transformer(), { optimizer: { kind: 'adam' }, lossScale: 1024 });
    for (let i = 0; i < 3; i++) {
      plain.run(inputsOf(transformer, i));
      scaled.run(inputsOf(transformer, i));
    }
    expect(contents(scaled)).toEqual(contents(plain));
  });

  it('takes inputs as numbers, tensors and 64-bit integers, by name of the model', () => {
    const labels = Array.from(batchOf(mlp(), 0).get('labels')!.data);
    const x = Array.from(batchOf(mlp(), 0).get('x')!.data);
    const run = (inputs: InputRecord): number => {
      const step = checkpoint(mlp(), { optimizer: { kind: 'sgd' } });
      step.run(inputs);
      return step.loss;
    };
    const expected = run(inputsOf(mlp, 0));
    expect(run({ x, labels, learning_rate: 0.05 })).toBe(expected);
    expect(run({ x: Float64Array.from(x), labels: BigInt64Array.from(labels, BigInt), learningRate: [0.05] })).toBe(
      expected,
    );
  });
});

describe('gradient accumulation', () => {
  /** Rows `from` to `to` of a batch. */
  const rows = (from: number, to: number): InputRecord => {
    const whole = batchOf(mlp(8), 0);
    const part = (name: string): number[] => {
      const { data } = whole.get(name)!;
      const width = data.length / 8;
      return Array.from(data).slice(from * width, to * width);
    };
    return { x: part('x'), labels: part('labels'), learningRate: 0.005 };
  };

  it.each(['sgd', 'adam', 'adamw', 'adagrad', 'rmsprop'])(
    'over four micro-batches is %s on a batch of four times the size',
    (kind) => {
      const whole = checkpoint(mlp(8), { optimizer: { kind } });
      const parts = checkpoint(mlp(2), { optimizer: { kind }, accumulate: 4 });
      for (let update = 0; update < 3; update++) {
        whole.run(rows(0, 8));
        for (let i = 0; i < 4; i++) parts.run(rows(2 * i, 2 * i + 2));
      }
      for (const [name, expected] of Object.entries(whole.parameters))
        expected.forEach((value, i) => {
          expect(Math.abs(parts.parameters[name]![i]! - value), name).toBeLessThan(1e-5);
        });
      if (kind === 'adam') expect(parts.state.update_count![0]).toBe(3);
    },
  );

  it('changes nothing before the last micro-batch', () => {
    const step = checkpoint(mlp(2), { optimizer: { kind: 'adam' }, accumulate: 2 });
    const before = Array.from(step.parameters['linear.weight']!);
    step.run(rows(0, 2));
    expect(Array.from(step.parameters['linear.weight']!)).toEqual(before);
    expect(step.state.update_count![0]).toBe(0);
    step.run(rows(2, 4));
    expect(Array.from(step.parameters['linear.weight']!)).not.toEqual(before);
    expect(step.state.update_count![0]).toBe(1);
  });
});

describe('clipping', () => {
  it('bounds the norm of all gradients together, and leaves smaller ones alone', () => {
    const norm = (bound: number | undefined): number => {
      const step = checkpoint(mlp(), {
        optimizer: { kind: 'sgd' },
        keepGradients: true,
        ...(bound !== undefined && { clipNorm: bound }),
      });
      step.run(inputsOf(mlp, 0));
      const squares = Object.values(step.gradients).flatMap((gradient) => Array.from(gradient, (g) => g * g));
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    };
    const free = norm(undefined);
    expect(norm(free / 4)).toBeCloseTo(free / 4, 6);
    expect(norm(free * 4)).toBe(free);
  });

  it('bounds each element by value', () => {
    const step = checkpoint(mlp(), { optimizer: { kind: 'sgd' }, keepGradients: true, clipValue: 0.01 });
    step.run(inputsOf(mlp, 0));
    const all = Object.values(step.gradients).flatMap((gradient) => Array.from(gradient));
    expect(Math.max(...all)).toBe(Math.fround(0.01));
    expect(Math.min(...all)).toBe(Math.fround(-0.01));
  });
});

describe('random ops', () => {
  it('draw anew in each step, and alike for the same seed', () => {
    const losses = (seed: number): number[] => {
      const step = checkpoint(cnn(), { seed });
      const { learningRate: _rate, ...inputs } = inputsOf(cnn, 0);
      return [0, 1, 2].map(() => {
        step.run(inputs);
        return step.loss;
      });
    };
    expect(losses(1)).toEqual(losses(1));
    expect(losses(1)).not.toEqual(losses(2));
    expect(new Set(losses(1)).size).toBe(3);
  });
});

describe('evaluation', () => {
  it('predicts by running statistics, without dropout, in an arena of its own, and changes nothing', () => {
    const step = checkpoint(cnn(), { optimizer: { kind: 'sgd' } });
    for (let i = 0; i < 3; i++) step.run(inputsOf(cnn, i));
    const before = contents(step);
    const { learningRate: _rate, ...inputs } = inputsOf(cnn, 9);
    const first = Array.from(step.forward(inputs).logits!);
    step.run(inputsOf(cnn, 5, 0));
    // The batch norm statistics moved; back to where they were, the same numbers come out.
    step.load(Object.fromEntries(Object.entries(before)));
    expect(Array.from(step.forward(inputs).logits!)).toEqual(first);
    expect(contents(step)).toEqual(before);
    const ops = new Set(step.evaluation().graph.nodes.map((node) => node.op));
    expect(ops.has('batch_norm_inference')).toBe(true);
    for (const op of ['batch_norm', 'batch_norm_update', 'dropout']) expect(ops.has(op)).toBe(false);
    expect(step.evaluation().figures.arenaBytes).toBeLessThan(step.memory.arenaBytes);
  });

  it('does with one example at a time what it does with many', () => {
    // By running statistics an example does not depend on its neighbours.
    const step = checkpoint(cnn(), { optimizer: { kind: 'sgd' } });
    for (let i = 0; i < 2; i++) step.run(inputsOf(cnn, i));
    const x = Array.from(batchOf(cnn(), 3).get('x')!.data);
    const one = x.slice(0, 64);
    const many = Array.from(step.forward({ x }).logits!).slice(0, 3);
    const alone = Array.from(step.forward({ x: [...one, ...one, ...one, ...one] }).logits!).slice(0, 3);
    expect(alone).toEqual(many);
  });

  it('computes what the given inputs allow', () => {
    const step = checkpoint(mlp());
    const { x, labels } = inputsOf(mlp, 0);
    expect(Object.keys(step.forward({ x: x!, labels: labels! })).sort()).toEqual(['logits', 'loss']);
    expect(Object.keys(step.forward({ x: x! }))).toEqual(['logits']);
    expect(() => step.forward({ labels: labels! })).toThrow(/no output can be computed from labels/);
    expect(() => step.forward({ y: x! })).toThrow(/no input "y"/);
  });
});

describe('a saved training', () => {
  it.each([
    ['mlp', mlp, { optimizer: { kind: 'adam' } }],
    ['cnn', cnn, { optimizer: { kind: 'sgd', momentum: 0.9 } }],
    ['transformer', transformer, { optimizer: { kind: 'lion' }, accumulate: 2, clipNorm: 1 }],
  ] as const)('goes on bit for bit as if it had not been interrupted: %s', (name, build, options) => {
    const whole = checkpoint(build(), { ...options, seed: 5 });
    for (let i = 0; i < 5; i++) whole.run(inputsOf(build, i));
    const first = checkpoint(build(), { ...options, seed: 5, strategy: 'none' });
    for (let i = 0; i < 3; i++) first.run(inputsOf(build, i));
    const path = join(folder, `${name}.safetensors`);
    const bytes = first.save(path);
    expect(Array.from(readFileSync(path))).toEqual(Array.from(bytes));
    const second = checkpoint(build(), options);
    second.load(path);
    expect([second.stepCount, second.seed]).toEqual([3, 5]);
    for (let i = 3; i < 5; i++) second.run(inputsOf(build, i));
    expect(contents(second)).toEqual(contents(whole));
    expect(second.loss).toBe(whole.loss);
    expect(Array.from(second.save())).toEqual(Array.from(whole.save()));
  });

  it('is refused, and nothing changed, where it is not of this training', () => {
    const step = checkpoint(mlp(), { optimizer: { kind: 'adam' } });
    step.run(inputsOf(mlp, 0));
    const good = step.save();
    const rewritten = (
      change: (tensors: Map<string, ReturnType<typeof tensorAt>>, texts: Map<string, string>) => void,
    ) => {
      const tensors = new Map(readSafetensors(good));
      const texts = new Map(readSafetensorsMetadata(good));
      change(tensors, texts);
      return writeSafetensors(tensors, texts);
    };
    const tensorAt = (name: string) => readSafetensors(good).get(name)!;
    const other = checkpoint(cnn(), { optimizer: { kind: 'adam' } }).save();
    const sgd = checkpoint(mlp(), { optimizer: { kind: 'sgd', momentum: 0.5 } }).save();
    const huge = Uint8Array.from(good);
    huge.fill(0xff, 0, 6);
    const garbled = Uint8Array.from(good);
    garbled.fill(0x20, 8, 40);
    const cases: readonly [Uint8Array, RegExp][] = [
      [other, /of another model/],
      [sgd, /a training with sgd, this one is with adam/],
      [good.subarray(0, good.length - 4), /ends at byte/],
      [good.subarray(0, 30), /header of \d+ bytes runs past the end/],
      [good.subarray(0, 5), /header's length takes 8/],
      [huge, /runs past the end/],
      [garbled, /header is not JSON/],
      [rewritten((tensors) => tensors.delete('linear.bias')), /has no "linear.bias"/],
      [rewritten((tensors) => tensors.set('linear.bia', tensorAt('linear.bias'))), /"linear.bia" is no parameter/],
      [rewritten((tensors) => tensors.set('linear.bias', tensorAt('update_count'))), /is f32\[8\], but i32\[\]/],
      [rewritten((_, texts) => texts.delete('format')), /is no checkpoint of training/],
      [rewritten((_, texts) => texts.set('format', 'sublinear-training/9')), /of the format "sublinear-training\/9"/],
      [rewritten((_, texts) => texts.set('step', '-1')), /step is "-1", not a whole number/],
    ];
    step.run(inputsOf(mlp, 1));
    const before = contents(step);
    for (const [bytes, message] of cases) {
      expect(() => step.load(bytes)).toThrow(message);
      expect(contents(step)).toEqual(before);
      expect(step.stepCount).toBe(2);
    }
    step.load(good);
    expect(step.stepCount).toBe(1);
  });

  it('is not written where it cannot be', () => {
    const step = checkpoint(mlp());
    writeFileSync(join(folder, 'a file'), '');
    const count = readdirSync(folder).length;
    expect(() => step.save(join(folder, 'a file', 'state.safetensors'))).toThrow(/cannot write/);
    expect(readdirSync(folder)).toHaveLength(count);
  });
});

describe('bad input', () => {
  const good = inputsOf(cnn, 0);
  const x = Array.from(batchOf(cnn(), 0).get('x')!.data);
  const cases: readonly [string, InputRecord, RegExp][] = [
    [
      'a batch of another shape',
      { ...good, x: x.slice(64) },
      /input "x" is f32\[4,1,8,8\], 256 numbers, but was given 192/,
    ],
    [
      'a tensor of another shape',
      { ...good, x: { type: { dtype: 'f32', shape: [4, 8, 8] }, data: x } },
      /input "x" is f32\[4,1,8,8\], but was given f32\[4,8,8\]/,
    ],
    [
      'a label out of range',
      { ...good, labels: [0, 1, 3, 2] },
      /label 3 at index 2 is not one of 3 classes[\s\S]*at node/,
    ],
    ['a label that is no whole number', { ...good, labels: [0, 1, 0.5, 2] }, /element 2 is 0.5/],
    ['an unknown input', { ...good, y: 1 }, /no input "y"/],
    ['an input that is misspelt', { ...good, label: [0] }, /did you mean "labels"\?/],
    ['a missing input', { x: good.x! }, /input "labels" \(i64\[4\]\) was not given[\s\S]*"learning_rate"/],
    ['an input given twice', { ...good, learning_rate: 1 }, /"learning_rate" is given twice/],
    ['a learning rate that is NaN', { ...good, learningRate: Number.NaN }, /learning rate is NaN/],
    ['a learning rate below 0', { ...good, learningRate: -1 }, /learning rate is -1/],
  ];

  it.each(cases)('%s is an error that changes nothing', (_, inputs, message) => {
    const step = checkpoint(cnn(), { optimizer: { kind: 'adam' } });
    step.run(good);
    const before = contents(step);
    expect(() => step.run(inputs)).toThrow(message);
    expect(contents(step)).toEqual(before);
    expect(step.stepCount).toBe(1);
    // The step goes on as if the bad batch had not been.
    const twin = checkpoint(cnn(), { optimizer: { kind: 'adam' } });
    twin.run(good);
    step.run(good);
    twin.run(good);
    expect(contents(step)).toEqual(contents(twin));
  });

  it('a loss that is NaN names the step and the first node that made it, and changes nothing', () => {
    const build = () => {
      const m = new ModelBuilder('logs');
      const h = m.batchNorm(m.linear(m.input('x', [4, 3]), 3));
      const logarithm = m.apply('log', [m.apply('square', [m.input('z', [4, 3])], {})[0]!], {}, 'logarithm')[0]!;
      m.loss(m.mean(m.multiply(h, m.apply('sqrt', [logarithm], {}, 'root')[0]!)));
      return m.finish();
    };
    const step = checkpoint(build(), { optimizer: { kind: 'adam' } });
    const x = batchOf(build(), 0).get('x')!;
    step.run({ x, z: new Float32Array(12).fill(2), learningRate: 0.1 });
    const before = contents(step);
    const bad = () => step.run({ x, z: new Float32Array(12).fill(0.5), learningRate: 0.1 });
    expect(bad).toThrow(/the loss is NaN in step 2; .*\nthe first node that made NaN is sqrt\n {2}at node "root"/);
    expect(contents(step)).toEqual(before);
    step.parameters['linear.weight']!.fill(Number.NaN, 4, 5);
    expect(() => step.run({ x, z: new Float32Array(12).fill(2), learningRate: 0.1 })).toThrow(
      /the parameter "linear.weight" held NaN before the step, first at element 4/,
    );
  });
});
