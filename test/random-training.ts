/** How a random model is trained: optimizers of every kind, and what stands between gradients and their updates. */
import { optimizers } from '../passes/optimizers.ts';
import type { CompileOptions } from '../src/compile.ts';

export type Training = Pick<
  CompileOptions,
  'optimizer' | 'accumulate' | 'clipNorm' | 'clipValue' | 'keepGradients' | 'lossScale'
>;

const kinds = [...optimizers.keys()];

export function drawTraining(random: () => number): Training {
  const momentum = random() < 0.5 ? { momentum: 0.9 } : {};
  const kind = kinds[Math.floor(random() * kinds.length)]!;
  return {
    optimizer: { kind, ...(kind === 'sgd' && momentum) },
    ...(random() < 0.6 && { accumulate: 2 }),
    ...(random() < 0.6 && { clipNorm: 0.5 }),
    ...(random() < 0.3 && { clipValue: 0.25 }),
    ...(random() < 0.3 && { keepGradients: true }),
    ...(random() < 0.3 && { lossScale: 8 }),
  };
}
