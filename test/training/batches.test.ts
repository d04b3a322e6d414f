import { describe, expect, it } from 'vitest';
import { arrayBatches, numberedBatches, permutation, yieldedBatches } from '../../src/training/batches.ts';
import { tensor } from '../tensors.ts';

const inputs = [
  { name: 'x', type: { dtype: 'f32', shape: [2, 3] } },
  { name: 'labels', type: { dtype: 'i64', shape: [2] } },
] as const;

/** Seven examples; each holds its own number. */
const arrays = new Map([
  [
    'x',
    {
      from: 'x.npy',
      tensor: tensor(
        'f32',
        [7, 3],
        Array.from({ length: 21 }, (_, i) => Math.floor(i / 3)),
      ),
    },
  ],
  ['labels', { from: 'labels.npy', tensor: tensor('i32', [7], [0, 1, 2, 3, 4, 5, 6]) }],
]);

async function labelsOf(source: { at(index: number): unknown }, from: number, to: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = from; i < to; i++) {
    const { labels } = (await source.at(i)) as { labels: ArrayLike<number> };
    all.push(...Array.from(labels));
  }
  return all;
}

describe('permutation', () => {
  it('is one, another in each epoch, the same for the same seed', () => {
    const sorted = Array.from({ length: 100 }, (_, i) => i);
    expect([...permutation(100, 1, 0)].sort((a, b) => a - b)).toEqual(sorted);
    expect(permutation(100, 1, 0)).toEqual(permutation(100, 1, 0));
    expect(permutation(100, 1, 0)).not.toEqual(permutation(100, 1, 1));
    expect(permutation(100, 1, 0)).not.toEqual(permutation(100, 2, 0));
  });
});

describe('arrayBatches', () => {
  it('cuts whole batches in order, and begins again', async () => {
    const source = arrayBatches(inputs, arrays, { shuffleSeed: undefined });
    expect(source.count).toBe(3);
    expect(await labelsOf(source, 0, 4)).toEqual([0, 1, 2, 3, 4, 5, 0, 1]);
    expect(Array.from((await source.at(1)).x as Float64Array)).toEqual([2, 2, 2, 3, 3, 3]);
  });

  it('shuffles examples, all inputs alike, each once an epoch', async () => {
    const source = arrayBatches(inputs, arrays, { shuffleSeed: 5 });
    const first = await labelsOf(source, 0, 3);
    const second = await labelsOf(source, 3, 6);
    expect(new Set(first).size).toBe(6);
    expect(first).not.toEqual(second);
    const { x, labels } = (await source.at(2)) as { x: Float64Array; labels: Float64Array };
    expect([x[0], x[3]]).toEqual([...labels]);
    // A batch is known by its number alone, so a resumed training sees the same ones.
    const other = arrayBatches(inputs, arrays, { shuffleSeed: 5 });
    expect(await labelsOf(other, 4, 6)).toEqual(second.slice(2));
  });

  it('refuses arrays that do not belong together', () => {
    const given = (name: string, own: ReturnType<typeof tensor>) =>
      arrayBatches(inputs, new Map([...arrays, [name, { from: `${name}.npy`, tensor: own }]]), { shuffleSeed: 1 });
    expect(() => given('labels', tensor('i64', [6], [0, 1, 2, 3, 4, 5]))).toThrow(
      /labels.npy has 6 examples .* x.npy has 7/,
    );
    expect(() => given('labels', tensor('f32', [7], [0, 1, 2, 3, 4, 5, 6]))).toThrow(/it takes integers/);
    expect(() => given('x', tensor('f32', [], [1]))).toThrow(/rows do not fit the input "x": f32\[2,3\]/);
  });
});

describe('numberedBatches', () => {
  it('reads each once an epoch', () => {
    const read: number[] = [];
    const source = numberedBatches(4, (index) => ({ x: [read.push(index)] }), { shuffleSeed: 9 });
    for (let i = 0; i < 8; i++) source.at(i);
    expect(read.slice(0, 4).sort()).toEqual([0, 1, 2, 3]);
    expect(read.slice(4).sort()).toEqual([0, 1, 2, 3]);
  });
});

describe('yieldedBatches', () => {
  const batches = [{ labels: [1] }, { labels: [2] }, { labels: [3] }];

  it('begins anew at the end, and goes forward to where a resumed training is', async () => {
    const source = yieldedBatches(() => batches.values(), 'data', true);
    expect(await labelsOf(source, 0, 5)).toEqual([1, 2, 3, 1, 2]);
    expect(
      await labelsOf(
        yieldedBatches(() => batches.values(), 'data', true),
        4,
        6,
      ),
    ).toEqual([2, 3]);
    // And back, for an evaluation that begins with the first batch each time.
    expect(await labelsOf(source, 0, 2)).toEqual([1, 2]);
  });

  it('takes what is yielded in its own time', async () => {
    async function* later() {
      for (const batch of batches) yield await Promise.resolve(batch);
    }
    expect(await labelsOf(yieldedBatches(later, 'data', true), 0, 4)).toEqual([1, 2, 3, 1]);
  });

  it('says when there are no more', async () => {
    const iterator = batches.values();
    const source = yieldedBatches(() => iterator, 'data', false);
    expect(await labelsOf(source, 0, 3)).toEqual([1, 2, 3]);
    await expect(source.at(3)).rejects.toThrow(/data ended after 3 batches/);
    await expect(source.at(0)).rejects.toThrow(/data is past batch 0/);
  });
});
