/** Two steps that run in turns in one process: their times as medians, and the median of the ratios turn by turn. */
import { stepInputs } from '../../src/cli/step-inputs.ts';
import type { Compiled } from '../../src/compile.ts';
import { createExecution, type Execution } from '../../src/execution.ts';

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** The step in memory with inputs drawn by seed and a small learning rate, so that numbers stay tame; run once. */
export function warmExecution(compiled: Compiled): Execution {
  const execution = createExecution(compiled);
  const inputs = new Map(stepInputs(compiled.graph, new Map(), 1).tensors);
  const rate = inputs.get('learning_rate');
  if (rate !== undefined) inputs.set('learning_rate', { ...rate, data: Float32Array.of(1e-4) });
  execution.setInputs(inputs);
  execution.machine.run();
  return execution;
}

function secondsOf({ machine }: Execution): number {
  const started = performance.now();
  machine.run();
  return (performance.now() - started) / 1000;
}

export interface TurnTimes {
  /** Median of the second one's steps. */
  readonly seconds: number;
  /** Median over the turns of its time by the first one's. */
  readonly timesPlain: number;
}

/** Runs `plain` and `own` in turns; where they are the same it runs alone. */
export function timeInTurns(plain: Execution, own: Execution, turns: number): TurnTimes {
  const seconds: number[] = [];
  const ratios: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const before = plain === own ? undefined : secondsOf(plain);
    const after = secondsOf(own);
    seconds.push(after);
    ratios.push(before === undefined ? 1 : after / before);
  }
  return { seconds: median(seconds), timesPlain: median(ratios) };
}
