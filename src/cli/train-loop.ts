/** The loop of `sublinear train`: batches in, updates, evaluation and checkpoints in between. */
import type { BatchSource } from '../training/batches.ts';
import type { TrainingStep } from '../training/checkpoint.ts';
import type { TrainLog } from './train-log.ts';

export interface LoopSettings {
  /** Updates to have been made in the end, those before a resume included. */
  readonly steps: number;
  readonly learningRate: number;
  readonly evalEvery: number | undefined;
  readonly evaluation: Evaluation | undefined;
  readonly saveEvery: number | undefined;
  /** Writes a checkpoint. */
  save(): void;
  /** Whether to end after the step that is running. */
  stopped(): boolean;
}

export interface Evaluation {
  readonly source: BatchSource;
  /** Batches an evaluation. */
  readonly count: number;
}

/** Updates a step has made. */
export function updatesOf(step: TrainingStep): number {
  return Math.floor(step.stepCount / (step.compiled.update?.accumulate ?? 1));
}

/** Throws what the batches and the step throw; the step is then as it was before that batch. */
export async function trainLoop(
  step: TrainingStep,
  batches: BatchSource,
  log: TrainLog,
  settings: LoopSettings,
): Promise<void> {
  const every = step.compiled.update?.accumulate ?? 1;
  const rateName = step.compiled.update?.learningRate ?? 'learning_rate';
  const started = performance.now();
  try {
    while (updatesOf(step) < settings.steps && !settings.stopped()) {
      const losses: number[] = [];
      let rate = settings.learningRate;
      do {
        const batch = await batches.at(step.stepCount);
        const { [rateName]: own, learningRate: alias, ...inputs } = batch;
        const given = own ?? alias ?? rate;
        step.run({ ...inputs, [rateName]: given });
        if (typeof given === 'number') rate = given;
        losses.push(step.loss);
      } while (step.stepCount % every !== 0);
      const done = updatesOf(step);
      const evaluates = settings.evalEvery !== undefined && done % settings.evalEvery === 0;
      const evalLoss = evaluates && settings.evaluation ? await evaluate(step, settings.evaluation) : undefined;
      const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const seconds = (performance.now() - started) / 1000;
      log.record({ step: done, loss, evalLoss, learningRate: rate, seconds });
      if (settings.saveEvery !== undefined && done % settings.saveEvery === 0 && done < settings.steps) settings.save();
      // Signals arrive between turns of the event loop only.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    log.end();
  }
}

/** Mean loss over the evaluation's batches. */
async function evaluate(step: TrainingStep, { source, count }: Evaluation): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += step.evaluate(await source.at(i));
  return sum / count;
}
