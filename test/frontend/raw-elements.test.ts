import { describe, expect, it } from 'vitest';
import { decodeRaw, encodeRaw, type RawFormat } from '../../src/frontend/raw-elements.ts';
import type { DType } from '../../src/ir/graph.ts';

describe('raw elements', () => {
  const stored: readonly [DType, readonly number[]][] = [
    ['f32', [1.5, -0, Number.POSITIVE_INFINITY]],
    ['i64', [-1, 2 ** 40, 0]],
    ['i32', [-1, 7, 2 ** 31 - 1]],
    ['i16', [-5, 300]],
    ['i8', [-128, 127]],
    ['u8', [0, 255]],
    ['bool', [0, 1, 1]],
  ];
  it.each(stored)('come back as they were stored: %s', (dtype, data) => {
    expect([...decodeRaw(dtype, encodeRaw(dtype, data))]).toEqual(data);
  });

  it('are read from bytes that are not aligned', () => {
    const bytes = encodeRaw('f32', [1, 2]);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([...decodeRaw('f32', shifted.subarray(1))]).toEqual([1, 2]);
  });

  const halves: readonly [RawFormat, readonly number[], readonly number[]][] = [
    ['f16', [0x3c00, 0xc000, 0x0001, 0x7c00, 0x7bff], [1, -2, 2 ** -24, Number.POSITIVE_INFINITY, 65504]],
    ['bf16', [0x3f80, 0xc040, 0x7f80], [1, -3, Number.POSITIVE_INFINITY]],
  ];
  it.each(halves)('of half width become f32: %s', (format, patterns, values) => {
    const bytes = new Uint8Array(Uint16Array.from(patterns).buffer);
    expect([...decodeRaw(format, bytes)]).toEqual(values);
  });

  it('of half width keep their NaN', () => {
    expect(decodeRaw('f16', new Uint8Array(Uint16Array.of(0x7e00).buffer))[0]).toBeNaN();
  });

  it('of double width are rounded to f32', () => {
    expect([...decodeRaw('f64', new Uint8Array(Float64Array.of(0.1).buffer))]).toEqual([Math.fround(0.1)]);
  });
});
