import { describe, expect, it } from 'vitest';
import { erfValue } from '../../../runtime/kernels/erf.ts';
import { wasm, wasmKernels } from './twins.ts';

const count = 1 << 16;
const bits = new DataView(new ArrayBuffer(4));

/** Distance of neighbouring floats at the size of `value`. */
function ulpOf(value: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(value))));
  return 2 ** (exponent - 23);
}

/** Largest error of a kernel over floats in [low, high], evenly spread over their bit patterns, in ulp of the result. */
function largestError(name: string, exact: (x: number) => number, low: number, high: number): number {
  const x = wasm.f32.subarray(0, count);
  const pattern = (value: number): number => {
    bits.setFloat32(0, Math.abs(value));
    return value < 0 ? -bits.getInt32(0) : bits.getInt32(0);
  };
  const [first, last] = [pattern(low), pattern(high)];
  for (let i = 0; i < count; i++) {
    const at = Math.round(first + ((last - first) * i) / (count - 1));
    bits.setInt32(0, Math.abs(at));
    x[i] = at < 0 ? -bits.getFloat32(0) : bits.getFloat32(0);
  }
  wasmKernels.get(name)!(wasm, 0, 4 * count, count);
  let worst = 0;
  for (let i = 0; i < count; i++) {
    const wanted = exact(x[i]!);
    if (Math.abs(wanted) < 2 ** -126) continue;
    worst = Math.max(worst, Math.abs(wasm.f32[count + i]! - wanted) / ulpOf(wanted));
  }
  return worst;
}

describe('elementary functions', () => {
  it.each([
    ['exp', Math.exp, -87.3, 88.7, 1.2],
    ['log', Math.log, 1e-44, 3e38, 1.5],
    ['tanh', Math.tanh, -20, 20, 2],
    ['sigmoid', (x: number) => 1 / (1 + Math.exp(-x)), -87, 87, 2.5],
    ['erf', erfValue, -6, 6, 2.5],
  ] as const)('%s is as exact as stated', (name, exact, low, high, bound) => {
    expect(largestError(name, exact, low, high)).toBeLessThan(bound);
  });

  it('keep their limits', () => {
    const x = [Number.NaN, Infinity, -Infinity, 0, -0, 200, -200];
    const values = (name: string): number[] => {
      wasm.f32.set(x, 0);
      wasmKernels.get(name)!(wasm, 0, 64, x.length);
      // The sign of zero is not kept.
      return [...wasm.f32.subarray(16, 16 + x.length)].map((value) => value + 0);
    };
    expect(values('exp')).toEqual([Number.NaN, Infinity, 0, 1, 1, Infinity, 0]);
    expect(values('log')).toEqual([
      Number.NaN,
      Infinity,
      Number.NaN,
      -Infinity,
      -Infinity,
      Math.fround(Math.log(200)),
      Number.NaN,
    ]);
    expect(values('tanh')).toEqual([Number.NaN, 1, -1, 0, 0, 1, -1]);
    expect(values('sigmoid')).toEqual([Number.NaN, 1, 0, 0.5, 0.5, 1, 0]);
    expect(values('erf')).toEqual([Number.NaN, 1, -1, 0, 0, 1, -1]);
  });
});
