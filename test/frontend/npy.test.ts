import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/frontend/npy.ts';
import { npyBytes } from './npy-bytes.ts';

describe('readNpy', () => {
  it.each([
    ['<f4', new Float32Array([1.5, -2]), 'f32', [1.5, -2]],
    ['<f8', new Float64Array([0.1, 2]), 'f32', [Math.fround(0.1), 2]],
    ['<f2', new Uint16Array([0x3c00, 0xc000]), 'f32', [1, -2]],
    ['<i8', new BigInt64Array([-3n, 9007199254740991n]), 'i64', [-3, 9007199254740991]],
    ['<i4', new Int32Array([1, -1]), 'i32', [1, -1]],
    ['<i2', new Int16Array([1, -1]), 'i16', [1, -1]],
    ['|i1', new Int8Array([1, -1]), 'i8', [1, -1]],
    ['|u1', new Uint8Array([1, 255]), 'u8', [1, 255]],
    ['|b1', new Uint8Array([1, 0]), 'bool', [1, 0]],
  ] as const)('reads %s', (descr, data, dtype, expected) => {
    const { type, data: read } = readNpy(npyBytes(descr, [2], data));
    expect(type).toEqual({ dtype, shape: [2] });
    expect(Array.from(read)).toEqual(expected);
  });

  it('reads shapes of any rank, the wide header, and bytes at any offset', () => {
    expect(readNpy(npyBytes('<f4', [], new Float32Array([7]))).type.shape).toEqual([]);
    expect(readNpy(npyBytes('<f4', [0, 3], new Float32Array(0))).type.shape).toEqual([0, 3]);
    const bytes = npyBytes('<f4', [1, 2, 3], new Float32Array([1, 2, 3, 4, 5, 6]), { version: 2 });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const { type, data } = readNpy(shifted.subarray(1));
    expect(type.shape).toEqual([1, 2, 3]);
    expect(Array.from(data)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes Fortran order where it is the same', () => {
    expect(readNpy(npyBytes('<f4', [1, 3], new Float32Array(3), { fortran: true })).type.shape).toEqual([1, 3]);
  });

  const good = npyBytes('<f4', [2], new Float32Array(2));
  it.each([
    ['another file', new TextEncoder().encode('PK\u0003\u0004 and so on'), /does not begin like one/],
    ['an empty file', new Uint8Array(0), /does not begin like one/],
    ['a cut header', good.subarray(0, 40), /header runs past the end/],
    ['cut elements', good.subarray(0, good.length - 1), /has 7 bytes of elements, but \[2\] takes 8/],
    ['Fortran order', npyBytes('<f4', [2, 2], new Float32Array(4), { fortran: true }), /Fortran order/],
    ['big-endian elements', npyBytes('>f4', [2], new Float32Array(2)), /big-endian/],
    ['complex numbers', npyBytes('<c8', [1], new Float64Array(1)), /element type is c8/],
    ['text', npyBytes('<U3', [1], new Float64Array(1)), /element type is U3/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(message);
  });
});
