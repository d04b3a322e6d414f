import { describe, expect, it } from 'vitest';
import type { Program } from '../../../runtime/program.ts';
import { shareCall } from '../../../runtime/threads/split-table.ts';
import { threadBytes } from '../../../runtime/threads/thread-bytes.ts';
import { stepInputs } from '../../../src/cli/step-inputs.ts';
import { type Compiled, type CompileOptions, compile } from '../../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../../src/execution.ts';
import { ModelBuilder } from '../../../src/frontend/builder/model-builder.ts';
import type { Model, Tensor } from '../../../src/ir/graph.ts';
import { budgetForThreads } from '../../../src/thread-budget.ts';
import { checkpoint } from '../../../src/training/checkpoint.ts';
import { loadReferenceModel } from '../../models/reference.ts';
import { sharedData } from '../../shared-data.ts';

/** Residual blocks with everything that keeps a convolutional net in shape. */
function convolutional() {
  const m = new ModelBuilder('conv');
  let h = m.relu(m.batchNorm(m.conv2d(m.input('x', [6, 3, 24, 24]), 24, 3, { stride: 2, bias: false })));
  for (let block = 0; block < 2; block++)
    h = m.relu(m.add(h, m.batchNorm(m.conv2d(m.relu(m.batchNorm(m.conv2d(h, 24, 3))), 24, 3, { groups: 2 }))));
  h = m.dropout(m.reshape(m.maxPool2d(h, 2), [6, 24 * 36]), 0.3);
  m.loss(m.crossEntropy(m.linear(h, 40), m.input('labels', [6], 'i64')));
  return m.finish();
}

function perceptron() {
  const m = new ModelBuilder('mlp');
  let h = m.input('x', [65, 130]);
  for (let layer = 0; layer < 4; layer++) h = m.dropout(m.gelu(m.layerNorm(m.linear(h, 130))), 0.1);
  m.loss(m.crossEntropy(h, m.input('labels', [65], 'i64')));
  return m.finish();
}

/** Halves that are made beside each other; 65 rows of 131 numbers begin the second at no multiple of 16 bytes. */
function joined() {
  const m = new ModelBuilder('joined');
  const x = m.input('x', [65, 131]);
  const h = m.concat([m.tanh(m.linear(x, 131)), m.gelu(m.linear(x, 131)), m.dropout(m.linear(x, 131), 0.1)], 0);
  m.loss(m.crossEntropy(m.linear(m.gelu(h), 40), m.input('labels', [195], 'i64')));
  return m.finish();
}

/** Calls of a program that `threads` threads share. */
function sharedCalls(program: Program, threads: number): number {
  return program.steps.flatMap((step) => step.calls).filter((call) => shareCall(call, threads) !== undefined).length;
}

/** Outputs, parameters and state after each of three steps. */
function runSteps(
  compiled: Compiled,
  inputs: ReadonlyMap<string, Tensor>,
  threads: number,
): readonly ReadonlyMap<string, Tensor>[] {
  const execution = createExecution(compiled, { backend: 'wasm', threads });
  expect(execution.machine.threads).toBe(threads);
  expect(execution.machine.threadBytes).toBe(threadBytes(compiled.program, threads));
  execution.setInputs(stepInputs(compiled.graph, inputs, 7).tensors);
  const left = [0, 1, 2].map((step) => {
    execution.setRandom(5, step);
    execution.machine.run();
    return new Map([...execution.outputs(), ...execution.state()]);
  });
  execution.close();
  return left;
}

function expectSame(model: Model, options: CompileOptions, inputs: ReadonlyMap<string, Tensor> = new Map()): void {
  const compiled = compile(model, options);
  const alone = runSteps(compiled, inputs, 1);
  for (const threads of [2, 3]) {
    expect(sharedCalls(compiled.program, threads)).toBeGreaterThan(3);
    const together = runSteps(compiled, inputs, threads);
    expect(together.map((step, i) => bitwiseDifferences(alone[i]!, step))).toEqual([[], [], []]);
  }
}

describe('a training step on two and three threads is that of one, bit for bit', () => {
  const models = { convolutional: convolutional(), perceptron: perceptron(), joined: joined() };
  for (const [name, model] of Object.entries(models))
    for (const kind of ['sgd', 'adamw'] as const)
      it(`${name}, dropout and ${kind}`, () => {
        expectSame(model, { losses: model.losses, optimizer: { kind }, strategy: 'memory', keepGradients: true });
      });

  const zoo = sharedData('models/zoo');
  it.skipIf(zoo === undefined).each(['resnet18', 'gpt2_12l', 'mobilenet_v3_small'])('%s', (name) => {
    const { model, loss, inputs } = loadReferenceModel(`${zoo}/${name}`);
    expectSame(model, { losses: [loss], optimizer: { kind: 'rmsprop' } }, inputs);
  });
});

describe('the arena', () => {
  it('is the same, and nothing behind it is touched', () => {
    const model = convolutional();
    const compiled = compile(model, { losses: model.losses });
    const execution = createExecution(compiled, { backend: 'wasm', threads: 2 });
    execution.setInputs(stepInputs(compiled.graph, new Map(), 7).tensors);
    expect(execution.machine.measureArena()).toBeLessThanOrEqual(compiled.figures.arenaBytes);
    execution.close();
  });

  it('holds no value that a dead one could change', () => {
    const model = perceptron();
    const compiled = compile(model, { losses: model.losses });
    const execution = createExecution(compiled, { backend: 'wasm', threads: 2 });
    execution.setInputs(stepInputs(compiled.graph, new Map(), 7).tensors);
    execution.machine.run();
    const clean = execution.outputs();
    for (const pattern of ['nan', 'large'] as const) {
      execution.machine.runPoisoned(pattern);
      expect(bitwiseDifferences(clean, execution.outputs())).toEqual([]);
    }
    execution.close();
  });
});

describe('the scratch of threads', () => {
  const model = perceptron();
  const options: CompileOptions = { losses: model.losses };
  const plain = compile(model, { ...options, strategy: 'none' });

  it('is that of the largest shared call for each thread beyond the first, whatever the plan', () => {
    const one = threadBytes(plain.program, 2);
    expect(one).toBeGreaterThan(0);
    expect(one % 64).toBe(0);
    expect(threadBytes(plain.program, 1)).toBe(0);
    expect(threadBytes(compile(model, { ...options, strategy: 'recursive' }).program, 2)).toBe(one);
  });

  it('is taken off a budget', () => {
    const needed = threadBytes(plain.program, 2);
    const budget = plain.figures.peakBytes + needed - 1;
    const own = { ...options, strategy: 'budget', strategyOptions: { budget: String(budget), effort: 'fast' } };
    expect(budgetForThreads(model, own, 1)).toBe(own);
    expect(budgetForThreads(model, own, 2).strategyOptions).toMatchObject({ budget: String(budget - needed) });
    const share = { ...own, strategyOptions: { budget: '90%' } };
    const ninety = Math.floor(0.9 * plain.figures.peakBytes);
    expect(budgetForThreads(model, share, 2).strategyOptions).toEqual({ budget: String(ninety - needed) });
    const step = checkpoint(model, { ...own, threads: 2 });
    expect(step.memory.threadBytes).toBe(needed);
    expect(step.memory.peakBytes).toBeLessThanOrEqual(budget);
    step.close();
  });

  it('may be all of it', () => {
    const own = { ...options, strategy: 'budget', strategyOptions: { budget: '64' } };
    expect(() => budgetForThreads(model, own, 2)).toThrow(/taken up by the scratch of 2 threads: \d+ bytes/);
  });
});
