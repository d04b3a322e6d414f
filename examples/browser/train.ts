/**
 * The training loop of the page: batches of two spirals, one call a step. It knows the step by its interface only, and
 * needs no browser, so that it can be run anywhere.
 */
import type { Step, Tensors } from '../../runtime/step.ts';

export interface SpiralInputs {
  readonly points: Float32Array;
  readonly labels: Int32Array;
  readonly learningRate: number;
}

export type SpiralStep = Pick<
  Step<SpiralInputs, { readonly loss: Float32Array }, object, object, object>,
  'load' | 'run'
>;

export interface TrainOptions {
  readonly weights: Tensors;
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  /** Called after every step. */
  readonly onLoss: (step: number, loss: number) => void;
  /** Lets the page draw; awaited now and then. */
  readonly pause: () => Promise<void>;
}

/** Resolves to the losses, one a step. */
export async function train(step: SpiralStep, options: TrainOptions): Promise<readonly number[]> {
  const { batch, steps, learningRate, onLoss, pause } = options;
  step.load(options.weights);
  const points = new Float32Array(2 * batch);
  const labels = new Int32Array(batch);
  const losses: number[] = [];
  for (let n = 0; n < steps; n++) {
    drawSpirals(n, points, labels);
    const loss = step.run({ points, labels, learningRate }).loss[0] ?? Number.NaN;
    losses.push(loss);
    onLoss(n, loss);
    if (n % 10 === 9) await pause();
  }
  return losses;
}

/** Points of the n-th batch: two arms of one turn each, the golden ratio spreading points along them. */
function drawSpirals(n: number, points: Float32Array, labels: Int32Array): void {
  for (let i = 0; i < labels.length; i++) {
    const along = ((n * labels.length + i) * 0.6180339887498949) % 1;
    const radius = 0.2 + along;
    const angle = 2 * Math.PI * along + Math.PI * (i % 2);
    points[2 * i] = radius * Math.cos(angle);
    points[2 * i + 1] = radius * Math.sin(angle);
    labels[i] = i % 2;
  }
}
