/**
 * Random graphs trained under random budgets: optimizers of every kind, accumulation, clipping and running statistics
 * beside parameters without a gradient. The plan is legal by a checker of its own, and steps change nothing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compiled, type CompileOptions, compile } from '../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../src/execution.ts';
import { SublinearError } from '../src/ir/diagnostic.ts';
import type { Model, Tensor } from '../src/ir/graph.ts';
import { parseGraph } from '../src/ir/parse.ts';
import { arenaCheck, graphCheck, type Inputs, placementCheck, type Results } from './differential-checks.ts';
import { illegalSteps } from './legal-sequence.ts';
import { type RandomModel, randomModel, randomSource } from './random-model.ts';
import { drawTraining, type Training } from './random-training.ts';

const rate: Tensor = { type: { dtype: 'f32', shape: [] }, data: [0.05] };

/** Outputs and state after three steps: with accumulation over two, one of them updates. */
function trained(compiled: Compiled, inputs: Inputs): Results {
  const execution = createExecution(compiled, { backend: 'js', seed: 3 });
  execution.setInputs(inputs);
  for (let step = 0; step < 3; step++) {
    execution.setRandom(3, step);
    execution.machine.run();
  }
  return { outputs: execution.outputs(), state: execution.state() };
}

/** `undefined` where the model leaves nothing to train, or the budget nothing to plan. */
function compiledOr(model: Model, options: CompileOptions, refusals: readonly string[]): Compiled | undefined {
  try {
    return compile(model, options);
  } catch (error) {
    if (error instanceof SublinearError && refusals.includes(error.diagnostics[0]!.code)) return undefined;
    throw error;
  }
}

function stepFaults({ model, losses, inputs }: RandomModel, options: Training, seed: number): readonly string[] {
  const random = randomSource(seed);
  const settings: CompileOptions = { ...options, losses, wrt: 'parameters', verify: 'each' };
  const refusals = ['nothing-to-train', 'nothing-to-differentiate', 'output-of-parameter'];
  const plain = compiledOr(model, { ...settings, strategy: 'none' }, refusals);
  if (plain === undefined) return [];
  const given = plain.update === undefined ? inputs : new Map([...inputs, [plain.update.learningRate, rate]]);
  const reference = trained(plain, given);
  const smaller = compile(model, { ...settings, strategy: 'memory' });
  const room = plain.figures.arenaBytes - smaller.figures.arenaBytes;
  const budgets = [0, random(), 1].map((share) => Math.floor(smaller.figures.arenaBytes + share * room));
  const within = budgets.map((arena) =>
    compiledOr(model, { ...settings, strategy: 'budget', strategyOptions: { arena: String(arena), effort: 'fast' } }, [
      'budget-infeasible',
    ]),
  );
  const whole = compile(model, { ...settings, strategy: 'budget', strategyOptions: { arena: '100%', effort: 'fast' } });
  const share = whole.plan.budget === plain.figures.arenaBytes && whole.figures.recomputeCost === 0;
  if (!share) return [`100% of ${plain.figures.arenaBytes} bytes is ${whole.plan.budget}, met by recomputation`];
  return [plain, smaller, ...within].flatMap((compiled) => {
    if (compiled === undefined) return [];
    const results = trained(compiled, given);
    const differing = [
      ...bitwiseDifferences(results.outputs, reference.outputs),
      ...bitwiseDifferences(results.state, reference.state),
    ];
    return [
      ...illegalSteps(compiled.planned, compiled.plan.sequence),
      ...graphCheck(compiled),
      ...placementCheck(compiled.graph, compiled.memory),
      ...arenaCheck(compiled, given),
      ...differing.map((name) => `${name} differs under ${compiled.plan.strategy}`),
    ];
  });
}

describe('random graphs with optimizers', () => {
  it('train alike under every budget', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), fc.integer({ min: 1, max: 8 }), (seed, size) => {
        expect(stepFaults(randomModel(seed, size), drawTraining(randomSource(seed)), seed)).toEqual([]);
      }),
      { numRuns: 16 },
    );
  });

  it('move their state alike where nothing is differentiated', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), fc.integer({ min: 1, max: 8 }), (seed, size) => {
        expect(stepFaults({ ...randomModel(seed, size), losses: [] }, {}, seed)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it.each([17, 41])('with a gradient that is a constant of zeros, clipped by norm: seed %i', (seed) => {
    const training = { optimizer: { kind: 'adamw' }, accumulate: 3, clipNorm: 1 };
    expect(stepFaults(randomModel(seed, 1 + (seed % 9)), training, seed)).toEqual([]);
  });
});

describe('the checker of sequences', () => {
  const graph = parseGraph(`sublinear-ir 1
graph @g(%x: f32[4], %r: f32[]) params(%w: f32[4]) -> (%loss) {
forward:
  %h = multiply %x, %w : f32[4]
  %loss = reduce_sum %h {axes=[0], keep_dims=false} : f32[]
backward:
  %d = multiply %h, %x : f32[4]
update:
  %w.new = sgd %w, %d, %r {weight_decay=0} : f32[4]
}
`);
  const faultsOf = (sequence: string): readonly string[] => illegalSteps(graph, sequence.split(' '));

  it('accepts a recomputation, and refuses what cannot run', () => {
    expect(faultsOf('h loss d w.new')).toEqual([]);
    expect(faultsOf('h loss h d w.new')).toEqual([]);
    expect(faultsOf('h loss d')).toEqual(['w.new never runs']);
    expect(faultsOf('loss h d w.new')).toEqual(['loss reads h, which is not made yet']);
    expect(faultsOf('h loss d w.new h')).toEqual(['h reads w, but w was written over']);
    expect(faultsOf('h d loss w.new')).toEqual(['loss runs first after a backward node']);
    expect(faultsOf('h loss d w.new w.new')[0]).toContain('w.new runs twice');
  });
});
