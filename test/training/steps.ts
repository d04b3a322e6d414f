/** Several steps of a compiled step with its update, and the differential checks over them: state included. */
import type { Compiled } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import {
  fifoCheck,
  graphCheck,
  placementCheck,
  planFileCheck,
  type Results,
  textCheck,
} from '../differential-checks.ts';

export type Batches = (step: number) => ReadonlyMap<string, Tensor>;

/** Strategies that need no list and no budget, and do not search. */
export const plainStrategies = ['none', 'all', 'speed', 'memory', 'recursive'] as const;

const seed = 7;

/** Runs `steps` steps at falling learning rates. */
export function runSteps(compiled: Compiled, batches: Batches, steps = 3, poison?: 'nan' | 'large'): Results {
  const execution = createExecution(compiled, { seed });
  for (let step = 0; step < steps; step++) {
    const inputs = new Map(batches(step));
    const rate = compiled.update?.learningRate;
    if (rate !== undefined) inputs.set(rate, { type: { dtype: 'f32', shape: [] }, data: [0.05 / (1 + step)] });
    execution.setInputs(inputs);
    execution.setRandom(seed, step);
    if (poison === undefined) execution.machine.run();
    else execution.machine.runPoisoned(poison);
  }
  return { outputs: execution.outputs(), state: execution.state() };
}

export function differences(a: Results, b: Results): readonly string[] {
  return [...bitwiseDifferences(a.outputs, b.outputs), ...bitwiseDifferences(a.state, b.state)];
}

/** What is wrong with a step, in words: against `reference`, poisoned, in its arena, in its order and its text. */
export function stepFaults(compiled: Compiled, reference: Results, batches: Batches): readonly string[] {
  const clean = runSteps(compiled, batches);
  const named = (what: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(', ')} differ`];
  const execution = createExecution(compiled, { seed });
  const inputs = new Map(batches(0));
  if (compiled.update !== undefined)
    inputs.set(compiled.update.learningRate, { type: { dtype: 'f32', shape: [] }, data: [0.05] });
  execution.setInputs(inputs);
  const measured = execution.machine.measureArena();
  const { arenaBytes } = compiled.figures;
  return [
    ...named('against ordinary backpropagation', differences(clean, reference)),
    ...(['nan', 'large'] as const).flatMap((pattern) =>
      named(`poisoned with ${pattern}`, differences(runSteps(compiled, batches, 3, pattern), clean)),
    ),
    ...(measured === arenaBytes ? [] : [`measured arena ${measured}, planned ${arenaBytes}`]),
    ...graphCheck(compiled),
    ...textCheck(compiled.graph),
    ...planFileCheck(compiled),
    ...placementCheck(compiled.graph, compiled.memory),
    ...fifoCheck(compiled),
  ];
}
