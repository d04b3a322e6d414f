/**
 * Numbers that programs hand over, held against the element type that is to store them: whole numbers where it is one of
 * integers, none that would wrap or be rounded.
 */
import { allocateArray, type DType, type NumberArray } from '../../runtime/memory.ts';

/** Least and largest element of the integer types. An i64 is stored as a double. */
const ranges: Readonly<Record<Exclude<DType, 'f32'>, readonly [number, number]>> = {
  i64: [-(2 ** 63), 2 ** 63],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i16: [-(2 ** 15), 2 ** 15 - 1],
  i8: [-128, 127],
  u8: [0, 255],
  bool: [0, 1],
};

/** Types of which every typed array of the key holds fitting elements only. */
function holdsOnly(data: ArrayLike<unknown>, dtype: DType): boolean {
  if (dtype === 'f32') return data instanceof Float32Array || data instanceof Float64Array;
  return data instanceof Int32Array && (dtype === 'i32' || dtype === 'i64');
}

/** Position of the first element that `dtype` cannot hold; -1 where all fit. A float may be NaN or infinite. */
export function badElement(data: ArrayLike<unknown>, dtype: DType): number {
  if (holdsOnly(data, dtype)) return -1;
  for (let i = 0; i < data.length; i++) if (!fits(data[i], dtype)) return i;
  return -1;
}

function fits(value: unknown, dtype: DType): boolean {
  if (dtype === 'f32') return typeof value === 'number';
  const [least, most] = ranges[dtype];
  if (typeof value === 'bigint') {
    const number = Number(value);
    return number >= least && number <= most && BigInt(number) === value;
  }
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

/** What elements of `dtype` must be, for the hint of an error. */
export function elementRule(dtype: DType): string {
  if (dtype === 'f32') return 'f32 takes numbers';
  if (dtype === 'bool') return 'bool takes 0 and 1';
  if (dtype === 'i64') return 'i64 takes whole numbers that a double holds exactly: all up to 2^53 in magnitude';
  const [least, most] = ranges[dtype];
  return `${dtype} takes whole numbers from ${least} to ${most}`;
}

/** A copy as `dtype` is stored; the elements must fit (see `badElement`). */
export function storedElements(data: ArrayLike<number> | ArrayLike<bigint>, dtype: DType): NumberArray {
  const stored = allocateArray(dtype, data.length);
  for (let i = 0; i < stored.length; i++) stored[i] = Number(data[i]);
  return stored;
}

/** Whether `value` is an array, plain or typed, or another object that counts its elements. */
export function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number';
}

/** Whether `x` is a number that stays finite as a float32. */
export function isFiniteFloat32(x: unknown): x is number {
  return typeof x === 'number' && Number.isFinite(Math.fround(x));
}

/** The shortest decimal of an element, for messages; strings in quotes. */
export function formatElement(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}` : String(value);
}
