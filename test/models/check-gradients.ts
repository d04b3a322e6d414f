/** One reference model under several strategies: right under the first, bit for bit the same under the rest. */
import { expect } from 'vitest';
import { gradientError, gradientTolerance, largestMagnitude } from '../../src/cli/compare-tensors.ts';
import { compile } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { fifoCheck, placementCheck } from '../differential-checks.ts';
import type { ReferenceModel } from './reference.ts';

/** Those that need no options. `all` is quadratic, and joins them where the graph is small. */
const strategies = ['none', 'memory', 'speed', 'recursive', 'all'] as const;
const smallGraph = 100;

/** What the index of the models states: the loss, and what float32 itself loses of the gradients. */
export interface Expected {
  readonly loss: number;
  readonly float32: number;
}

/** Fails the test where anything is wrong. */
export function checkUnderStrategies(reference: ReferenceModel, expected: Expected): void {
  const { model, loss, gradients, inputs } = reference;
  let plain: ReadonlyMap<string, Tensor> | undefined;
  let nodes = 0;
  for (const strategy of strategies) {
    if (strategy === 'all' && nodes >= smallGraph) continue;
    const compiled = compile(model, { losses: [loss], strategy, wrtValues: [...gradients.keys()] });
    nodes = compiled.planned.nodes.length;
    const execution = createExecution(compiled);
    execution.setInputs(inputs);
    expect(execution.machine.measureArena(), `${strategy}: measured arena`).toBe(compiled.figures.arenaBytes);
    const outputs = execution.outputs();
    if (plain === undefined) {
      plain = outputs;
      checkResults(reference, outputs, expected);
    }
    expect(bitwiseDifferences(plain, outputs), `${strategy}: bits`).toEqual([]);
    expect(placementCheck(compiled.graph, compiled.memory), strategy).toEqual([]);
    expect(fifoCheck(compiled), strategy).toEqual([]);
  }
}

function checkResults(reference: ReferenceModel, outputs: ReadonlyMap<string, Tensor>, expected: Expected): void {
  const loss = outputs.get(reference.lossOutput)!.data[0]!;
  expect(Math.abs(loss - expected.loss) / Math.abs(expected.loss), 'loss').toBeLessThan(1e-4);
  expect(reference.gradients.size).toBeGreaterThan(0);
  const largest = Math.max(...[...reference.gradients.values()].map(largestMagnitude));
  for (const [name, gradient] of reference.gradients) {
    const actual = outputs.get(`d_${name}`);
    expect(actual, `gradient of ${name}`).toBeDefined();
    expect(gradientError(actual!, gradient, largest), `gradient of ${name}`).toBeLessThanOrEqual(
      gradientTolerance(expected.float32),
    );
  }
}
