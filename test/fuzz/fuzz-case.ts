/** One case of the harness: a model with its numbers, and how it is trained. A number says all of it. */
import type { Model } from '../../src/ir/graph.ts';
import type { Inputs } from '../differential-checks.ts';
import { randomJoins } from '../random-joins.ts';
import { type RandomModel, randomModel, randomSource } from '../random-model.ts';
import { randomShapes } from '../random-shapes.ts';
import { drawTraining, type Training } from '../random-training.ts';

/** Which generator: the op table's examples, awkward shapes, values side by side, the same on long vectors. */
export type CaseKind = 'table' | 'shapes' | 'joins' | 'long';

export interface FuzzCase {
  readonly kind: CaseKind;
  readonly model: Model;
  /** None: the forward pass alone is compiled. */
  readonly losses: readonly string[];
  readonly inputs: Inputs;
  /** Empty: gradients of everything are outputs, and nothing is updated. */
  readonly training: Training;
  /** Of budgets and random ops. */
  readonly seed: number;
}

function drawKind(random: () => number): CaseKind {
  const share = random();
  return share < 0.45 ? 'table' : share < 0.8 ? 'shapes' : share < 0.98 ? 'joins' : 'long';
}

function drawModel(kind: CaseKind, seed: number, size: number): RandomModel {
  if (kind === 'table') return randomModel(seed, size);
  if (kind === 'shapes') return randomShapes(seed, 2 * size);
  return kind === 'joins' ? randomJoins(seed, size) : randomJoins(seed, size, 1024);
}

export function drawCase(seed: number): FuzzCase {
  const random = randomSource(seed);
  const kind = drawKind(random);
  const size = 1 + Math.floor(random() * (kind === 'long' ? 6 : 9));
  const { losses, ...drawn } = drawModel(kind, Math.floor(random() * 2 ** 30), size);
  const forward = random() < 0.12;
  const training = forward || random() < 0.45 ? {} : drawTraining(random);
  return { kind, ...drawn, losses: forward ? [] : losses, training, seed };
}
