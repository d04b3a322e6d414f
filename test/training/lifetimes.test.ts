/** Long runs, many steps, and calls at the wrong time: nothing grows, and what may not be called says so. */
import { describe, expect, it, vi } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { checkpoint, type TrainingStep } from '../../src/training/checkpoint.ts';
import type { InputRecord } from '../../src/training/give-inputs.ts';
import { heapBytes, threadCount } from './heap.ts';
import { batchOf, mlp } from './models.ts';

const built = mlp();
const inputs: InputRecord = { ...Object.fromEntries(batchOf(built, 0)), learningRate: 0.01 };
const { learningRate: _rate, ...noRate } = inputs;
const stepOf = (threads = 1): TrainingStep => checkpoint(built, { optimizer: { kind: 'adam' }, threads });
/** Runs between two looks at the heap. */
const runs = 700;
/** Bytes. Less than any object that every run left behind would add. */
const slack = 10 * runs;

/**
 * Bytes that the heap has grown by over `runs` runs, at the least of several looks: what the engine adds once, as it
 * compiles what is hot, is left behind in some of them, and an object of every run in all.
 */
async function growth(run: (count: number) => void): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let before = await heapBytes();
  for (let look = 0; look < 4 && least >= slack; look++) {
    run(runs);
    const after = await heapBytes();
    least = Math.min(least, after - before);
    before = after;
  }
  return least;
}

describe('the heap', () => {
  it.each(['js', 'wasm'] as const)('is flat over thousands of steps on %s kernels', async (backend) => {
    const step = checkpoint(built, { optimizer: { kind: 'adam' }, backend });
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) step.run(inputs);
    };
    run(1000);
    expect(await growth(run)).toBeLessThan(slack);
    step.close();
  });

  it('is flat over steps that are made and dropped', async () => {
    const compiled = compile(built, { losses: built.losses, strategy: 'memory' });
    const { arenaBytes, residentBytes } = compiled.program;
    const make = (count: number): void => {
      for (let i = 0; i < count; i++) createExecution(compiled, { backend: i % 2 === 0 ? 'wasm' : 'js' }).machine.run();
    };
    make(100);
    const one = Math.max(arenaBytes + residentBytes, 65536);
    expect(await growth((count) => make(count / 5))).toBeLessThan(slack + one);
  });
});

describe.skipIf(threadCount() === undefined)('threads', () => {
  it('end with the step they are of, closed or dropped', async () => {
    const before = await settled();
    for (let i = 0; i < 5; i++) {
      const step = stepOf(2);
      step.run(inputs);
      step.close();
      step.close();
    }
    await vi.waitFor(() => expect(threadCount()).toBeLessThanOrEqual(before), 20_000);
    (() => {
      for (let i = 0; i < 5; i++) stepOf(2).run(inputs);
    })();
    expect(threadCount()).toBeGreaterThan(before);
    await vi.waitFor(
      async () => {
        await heapBytes();
        // The last one may still be in sight of the stack.
        expect(threadCount()).toBeLessThanOrEqual(before + 1);
      },
      { timeout: 20_000, interval: 100 },
    );
  });
});

/** Threads once those of earlier tests are gone, and those of the engine are there. */
async function settled(): Promise<number> {
  const step = stepOf(2);
  step.run(inputs);
  step.close();
  await heapBytes();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return threadCount()!;
}

describe('a step', () => {
  const calls: readonly (readonly [string, (step: TrainingStep) => unknown])[] = [
    ['run', (step) => step.run(inputs)],
    ['forward', (step) => step.forward(noRate)],
    ['evaluate', (step) => step.evaluate(noRate)],
    ['save', (step) => step.save()],
    ['load', (step) => step.load({})],
  ];

  it.each(calls)('that is closed refuses %s, and shows its parameters', (name, call) => {
    const step = stepOf();
    step.run(inputs);
    const weights = Float32Array.from(step.parameters['linear.weight']!);
    step.close();
    expect(() => call(step)).toThrow(`${name} was called on a step that is closed\n  hint: close it last`);
    expect(step.parameters['linear.weight']).toEqual(weights);
  });

  it.each([...calls, ['close', (step: TrainingStep) => step.close()] as const])(
    'refuses %s from within a run of its own, and goes on',
    (name, call) => {
      const step = stepOf();
      const x = Array.from({ length: 48 }, () => 0.5);
      // What a program gives may run code of its own.
      const sly = new Proxy(x, {
        get: (target, key) => {
          if (key === '5') call(step);
          return Reflect.get(target, key);
        },
      });
      expect(() => step.run({ ...inputs, x: sly })).toThrow(`${name} was called from within run of the same step`);
      const { loss } = step.run({ ...inputs, x });
      expect(step.stepCount).toBe(1);
      expect(loss).toEqual(stepOf().run({ ...inputs, x }).loss);
    },
  );

  it('is not run again by what watches it run', () => {
    const compiled = compile(built, { losses: built.losses, strategy: 'memory' });
    const execution = createExecution(compiled);
    execution.setInputs(new Map(batchOf(built, 0)));
    const { machine } = execution;
    machine.run();
    const clean = execution.outputs();
    const again = [
      () => machine.run(),
      () => machine.runStep(0),
      () => machine.trace(() => undefined),
      () => machine.runPoisoned('nan'),
      () => machine.measureArena(),
    ];
    for (const call of again) expect(() => machine.trace(call)).toThrow('the step is running');
    machine.run();
    expect(execution.outputs()).toEqual(clean);
  });
});
