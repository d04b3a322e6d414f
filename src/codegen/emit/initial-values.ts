/**
 * Which numbers an emitted module carries itself: constants and state of few elements, or all of one value. Weights
 * and larger tables would be megabytes of digits; they are loaded.
 */
import type { Tensor } from '../../ir/graph.ts';
import { printNumber } from './kernel-calls.ts';
import { layOutNumbers } from './layout.ts';
import type { NamedTensor } from './tensors.ts';

/** Most elements that are written out one by one. */
const inlineLimit = 64;

/** A statement that sets `view` to the tensor's numbers; undefined where they have to be loaded. */
export function initialValue(indent: string, view: string, tensor: NamedTensor, data: Tensor | undefined) {
  if (data === undefined) return undefined;
  const numbers = Array.from(data.data);
  const [first] = numbers;
  if (first === undefined) return '';
  const isFloat = tensor.slot.dtype === 'f32';
  // Which NaN it is would be lost in digits.
  if (numbers.some(Number.isNaN)) return undefined;
  if (numbers.every((number) => Object.is(number, first))) {
    if (Object.is(first, 0)) return '';
    return `${indent}${view}.fill(${isFloat ? printFloat(first) : printNumber(first)});`;
  }
  if (numbers.length > inlineLimit) return undefined;
  return layOutNumbers(indent, `${view}.set([`, numbers.map(isFloat ? printFloat : printNumber), ']);');
}

/** The shortest decimal that rounds to the same single-precision number. */
function printFloat(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return printNumber(value);
  const single = Math.fround(value);
  for (let digits = 1; digits < 17; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === single) return printNumber(short);
  }
  return printNumber(value);
}
