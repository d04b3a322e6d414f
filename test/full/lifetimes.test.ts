/** 100,000 runs of one step, and 2,000 steps that are made, run and dropped: the heap stays as it was. */
import { describe, expect, it } from 'vitest';
import { checkpoint } from '../../src/training/checkpoint.ts';
import { heapBytes } from '../training/heap.ts';
import { batchOf, mlp } from '../training/models.ts';

const built = mlp();
const inputs = { ...Object.fromEntries(batchOf(built, 0)), learningRate: 0.01 };
/** What the engine keeps of code that it has seen, and a few bytes a run would be more. */
const slack = 1_000_000;

describe('the heap', () => {
  it.each(['js', 'wasm'] as const)('is flat over 100,000 runs on %s kernels', async (backend) => {
    const step = checkpoint(built, { optimizer: { kind: 'adam' }, backend });
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) step.run(inputs);
    };
    run(5000);
    const before = await heapBytes();
    run(100_000);
    expect((await heapBytes()) - before).toBeLessThan(slack);
  });

  it('is flat over 2,000 steps', async () => {
    const make = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const step = checkpoint(built, { optimizer: { kind: 'adam' } });
        step.run(inputs);
        if (i % 2 === 0) step.close();
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await make(200);
    const before = await heapBytes();
    await make(2000);
    expect((await heapBytes()) - before).toBeLessThan(3 * slack);
  });
});
