/**
 * Five updates by each optimizer, through compiled steps, against PyTorch's: its numbers in double precision, stored here
 * (version 1.13, `torch.optim`, the same start, gradients and options).
 */
import { describe, expect, it } from 'vitest';
import type { OptimizerOptions } from '../../passes/optimizers.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { type CheckpointOptions, checkpoint, type TrainingStep } from '../../src/training/checkpoint.ts';

const start = [1.5, -0.75];
const gradients = [
  [0.5, -1],
  [-1.25, 0.25],
  [2, 0],
  [0.125, -3],
  [0, 1],
];
const learningRate = 0.1;

// biome-ignore format: numbers as PyTorch prints them, one update a line
const torch: readonly (readonly [options: OptimizerOptions, updates: readonly (readonly number[])[]])[] = [
  [{ kind: 'sgd', weightDecay: 0.02 }, [
    [1.447, -0.6485], [1.5691060000000001, -0.672203], [1.365967788, -0.670858594],
    [1.350735852424, -0.369516876812], [1.3480343807191522, -0.468777843058376]]],
  [{ kind: 'sgd', momentum: 0.9 }, [
    [1.45, -0.65], [1.53, -0.585], [1.4020000000000001, -0.5265], [1.2743000000000002, -0.17384999999999995],
    [1.1593700000000002, 0.043535000000000046]]],
  [{ kind: 'sgd', momentum: 0.9, dampening: 0.3 }, [
    [1.45, -0.65], [1.4925, -0.5775], [1.39075, -0.51225], [1.290425, -0.243525], [1.2001324999999998, -0.0716725]]],
  [{ kind: 'sgd', momentum: 0.5, dampening: 0.9, weightDecay: 0.02 }, [
    [1.447, -0.6485], [1.4327106, -0.6001202999999999], [1.40527935788, -0.57581042594],
    [1.390032680948424, -0.533540326824812], [1.3821313359464464, -0.522298569201853]]],
  [{ kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.02 }, [
    [1.3993, -0.55715], [1.58855266, -0.52031783], [1.262862293892, -0.46369453924599996],
    [1.1240514824660104, 0.1580918895877349], [1.0083735086782546, 0.25626427618702]]],
  [{ kind: 'adam', beta1: 0.8, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.1 }, [
    [1.4000153822488848, -0.6500093014603293], [1.4358244025576126, -0.6007990208168702],
    [1.389158573676852, -0.5608196196948243], [1.3461840907101321, -0.4891577771006539],
    [1.308443948175233, -0.4529221085930706]]],
  [{ kind: 'adamw', beta1: 0.8, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.1 }, [
    [1.3850199960007996, -0.6425099990001], [1.4203151280420756, -0.593686475570667],
    [1.3678781135051958, -0.5567010427595663], [1.321164441163337, -0.48167622599949644],
    [1.2816581965697367, -0.4438959466276734]]],
  [{ kind: 'adagrad', epsilon: 1e-3, weightDecay: 0.02 }, [
    [1.4001883239171375, -0.6500984251968503], [1.4918622298597606, -0.6728145777818407],
    [1.408289987752451, -0.6715249057788346], [1.4019963685245984, -0.5770489314587458],
    [1.4008442777223233, -0.6066495283616363]]],
  [{ kind: 'rmsprop', decay: 0.9, epsilon: 1e-3, weightDecay: 0.02 }, [
    [1.1856478355437012, -0.43475439568954355], [1.477539685098841, -0.5113796401852474],
    [1.2090748787482064, -0.5079570273945304], [1.1883204213598086, -0.20510664082596658],
    [1.1848356071381796, -0.30527353285547226]]],
];

/** The loss is the sum of x * w: its gradient in w is what is given for x. */
function stepOf(optimizer: OptimizerOptions, options: CheckpointOptions = {}): TrainingStep {
  const m = new ModelBuilder('given_gradient');
  m.loss(m.sum(m.multiply(m.input('x', [2]), m.parameter('w', [2]))));
  const weights = new Map([['w', { type: { dtype: 'f32', shape: [2] } as const, data: Float32Array.from(start) }]]);
  return checkpoint(m.finish(), { optimizer, weights, ...options });
}

function update(step: TrainingStep, gradient: readonly number[]): readonly number[] {
  step.run({ x: Float32Array.from(gradient), learningRate });
  return Array.from(step.parameters.w!);
}

function expectAlike(actual: readonly number[], expected: readonly number[], when: string): void {
  for (const [i, value] of expected.entries()) expect(actual[i], when).toBeCloseTo(value, 5);
}

describe.each(['js', 'wasm'] as const)('updates are those of PyTorch, %s', (backend) => {
  it.each(torch)('%j', (optimizer, expected) => {
    const step = stepOf(optimizer, { backend });
    for (const [i, gradient] of gradients.entries())
      expectAlike(update(step, gradient), expected[i]!, `update ${i + 1}`);
  });

  it.each(torch)('%j, of two micro-batches each', (optimizer, expected) => {
    const step = stepOf(optimizer, { backend, accumulate: 2, lossScale: 8 });
    for (const [i, gradient] of gradients.entries()) {
      update(
        step,
        gradient.map((g) => g + 1),
      );
      expectAlike(
        update(
          step,
          gradient.map((g) => g - 1),
        ),
        expected[i]!,
        `update ${i + 1}`,
      );
    }
  });

  it.each(torch)('%j, resumed after each update', (optimizer, expected) => {
    let step = stepOf(optimizer, { backend });
    for (const [i, gradient] of gradients.entries()) {
      const resumed = stepOf(optimizer, { backend });
      resumed.load(step.save());
      step = resumed;
      expectAlike(update(step, gradient), expected[i]!, `update ${i + 1}`);
    }
  });
});
