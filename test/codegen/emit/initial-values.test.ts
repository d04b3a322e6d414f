/** Numbers that an emitted module carries are those that it was given, in every bit. */
import { describe, expect, it } from 'vitest';
import { initialValue } from '../../../src/codegen/emit/initial-values.ts';
import type { DType } from '../../../src/ir/graph.ts';
import { randomSource } from '../../random-model.ts';

/** What the emitted statement leaves in an array of zeros; `undefined` where the numbers have to be loaded. */
function carried(dtype: DType, data: readonly number[]): Float32Array | Float64Array | undefined {
  const type = { dtype, shape: [data.length] };
  const slot = { name: 'c', ...type, offset: 0, bytes: 4 * data.length };
  const text = initialValue('  ', 'view', { key: 'c', name: 'c', slot }, { type, data });
  if (text === undefined) return undefined;
  const view = dtype === 'f32' ? new Float32Array(data.length) : new Float64Array(data.length);
  new Function('view', text)(view);
  return view;
}

const bits = (data: Iterable<number>): readonly number[] => [...new Uint32Array(Float32Array.from(data).buffer)];

describe('numbers in an emitted module', () => {
  it.each([
    ['a fill of -0', [-0, -0, -0]],
    ['a fill of 0', [0, 0, 0]],
    ['zeros of both signs', [0, -0, 0]],
    ['infinities', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['a fill that takes nine digits', [16777217.5, 16777217.5].map(Math.fround)],
    ['the ends of the range', [2 ** -149, 2 ** -126, 3.4028234663852886e38, -(2 ** -149)]],
    ['neighbours that seven digits cannot tell apart', [0.1, 0.10000000894069672, 0.09999999403953552]],
  ])('%s', (_, data) => {
    expect(bits(carried('f32', data)!)).toEqual(bits(data));
  });

  it('of any bits', () => {
    const random = randomSource(5);
    for (let round = 0; round < 200; round++) {
      const words = Uint32Array.from({ length: 16 }, () => Math.floor(random() * 2 ** 32));
      const data = [...new Float32Array(words.buffer)].filter((value) => !Number.isNaN(value));
      expect(bits(carried('f32', data)!)).toEqual(bits(data));
    }
  });

  it('that are integers beyond single precision', () => {
    const data = [2 ** 53 - 1, -(2 ** 31) - 1, 16777217];
    expect([...carried('i64', data)!]).toEqual(data);
  });

  it('that are not numbers, or many, are loaded', () => {
    expect(carried('f32', [Number.NaN])).toBeUndefined();
    expect(
      carried(
        'f32',
        Array.from({ length: 65 }, (_, i) => i),
      ),
    ).toBeUndefined();
  });
});
