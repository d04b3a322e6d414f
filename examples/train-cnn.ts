/**
 * Trains a small convolutional net, on data it makes itself, with and without recomputation: the losses are the same
 * numbers, the memory is not.
 *
 * An image is noise with a short stroke somewhere in it, light or dark; which of four ways the stroke leans is to be
 * told. A stroke at any place and of either sign averages out to nothing, so a linear model has nothing to go by; a
 * convolution finds strokes wherever they are.
 */
import { type BuiltModel, checkpoint, ModelBuilder, type TrainingStep } from '../src/index.ts';
import { isMain } from './compare.ts';

const size = 12;
const batch = 32;
const steps = 120;
const classes = ['-', '|', '\\', '/'];

/** The direction of each class, as rows and columns from one dot of a stroke to the next. */
const directions = [
  [0, 1],
  [1, 0],
  [1, 1],
  [1, -1],
] as const;

interface Batch {
  readonly x: Float32Array;
  readonly labels: Int32Array;
}

/** A batch by its number. A multiplicative generator (Lehmer's) makes it the same on any machine. */
function makeBatch(index: number): Batch {
  let state = 1 + ((index * 7919) % 2147483646);
  const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 8; i++) random();
  const below = (bound: number): number => Math.floor(random() * bound);
  const x = new Float32Array(batch * size * size).map(() => 0.3 * (2 * random() - 1));
  const labels = new Int32Array(batch);
  for (let n = 0; n < batch; n++) {
    const label = below(classes.length);
    const [down, right] = directions[label]!;
    const sign = random() < 0.5 ? 1 : -1;
    const row = 2 + below(size - 4);
    const column = 2 + below(size - 4);
    for (let dot = -2; dot < 2; dot++) x[(n * size + row + dot * down) * size + column + dot * right]! += sign;
    labels[n] = label;
  }
  return { x, labels };
}

export function convolutional(): BuiltModel {
  const m = new ModelBuilder('strokes');
  let h = m.input('x', [batch, 1, size, size]);
  for (const channels of [8, 8, 16]) h = m.relu(m.batchNorm(m.conv2d(h, channels, 3)));
  h = m.reshape(m.maxPool2d(h, size), [batch, 16]);
  const logits = m.output(m.linear(m.dropout(h, 0.1), classes.length), 'logits');
  m.loss(m.crossEntropy(logits, m.input('labels', [batch], 'i32')));
  return m.finish();
}

export function linear(): BuiltModel {
  const m = new ModelBuilder('linear');
  const pixels = m.reshape(m.input('x', [batch, 1, size, size]), [batch, size * size]);
  const logits = m.output(m.linear(pixels, classes.length), 'logits');
  m.loss(m.crossEntropy(logits, m.input('labels', [batch], 'i32')));
  return m.finish();
}

/** The losses of all steps. The rate falls in a straight line: schedules are the caller's. */
function train(step: TrainingStep): number[] {
  return Array.from({ length: steps }, (_, i) => {
    step.run({ ...makeBatch(i), learningRate: 0.01 * (1 - i / steps) });
    return step.loss;
  });
}

/** Share of held-out examples told right, in evaluation mode. */
function accuracy(step: TrainingStep): number {
  let right = 0;
  const batches = 32;
  for (let i = 0; i < batches; i++) {
    const { x, labels } = makeBatch(1_000_000 + i);
    const logits = step.forward({ x }).logits!;
    labels.forEach((label, n) => {
      const own = Array.from(logits.slice(n * classes.length, (n + 1) * classes.length));
      if (own.indexOf(Math.max(...own)) === label) right++;
    });
  }
  return right / (batches * batch);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Throws if checkpointing changes a loss, or the net does not learn. */
export function main(): void {
  const options = { optimizer: { kind: 'adamw' }, seed: 1, backend: 'js' } as const;
  const plainModel = checkpoint(linear(), { ...options, strategy: 'none' });
  train(plainModel);
  console.log(`linear model: ${percent(accuracy(plainModel))} of held-out examples right (chance is 25 %)`);

  const runs = ['none', 'memory'].map((strategy) => {
    const step = checkpoint(convolutional(), { ...options, strategy });
    const losses = train(step);
    const { recomputedNodes } = step.compiled.figures;
    const share = accuracy(step);
    console.log(
      `convolutional net, ${strategy.padEnd(6)}: ${percent(share)} right, last loss ${losses.at(-1)}, arena ${step.memory.arenaBytes} bytes, ${recomputedNodes} nodes recomputed`,
    );
    return { losses, share };
  });
  const [plain, checkpointed] = runs;
  const differs = plain!.losses.findIndex((loss, i) => loss !== checkpointed!.losses[i]);
  if (differs >= 0) throw new Error(`the losses differ from step ${differs + 1} on`);
  if (plain!.share < 0.95) throw new Error(`only ${percent(plain!.share)} right`);
  console.log(`all ${steps} losses are equal, bit for bit`);
}

if (isMain(import.meta.url)) main();
