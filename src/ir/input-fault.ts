/** What is wrong with the data of an input, before any of it is written. */
import { describeGiven, isRecord } from './arguments.ts';
import type { Diagnostic } from './diagnostic.ts';
import { badElement, elementRule, formatElement, isArrayLike } from './elements.ts';
import { elementCount, formatType, sameShape, type Tensor, type TensorType } from './graph.ts';

/** Numbers in row-major order; one number where there is one element; or a tensor, whose shape is checked. */
export type InputData = number | ArrayLike<number> | ArrayLike<bigint> | Tensor;

export function isTensor(data: unknown): data is Tensor {
  return (
    isRecord(data) &&
    isRecord(data.type) &&
    Array.isArray(data.type.shape) &&
    'dtype' in data.type &&
    isArrayLike(data.data)
  );
}

/** The numbers of `data`, in an array. */
export function elementsOf(data: InputData): ArrayLike<number> | ArrayLike<bigint> {
  return typeof data === 'number' ? [data] : isTensor(data) ? data.data : data;
}

/** The fault of `data` as the input `name`; undefined where there is none, and it is `InputData`. */
export function inputFault(name: string, type: TensorType, data: unknown): Diagnostic | undefined {
  const label = `input ${JSON.stringify(name)} is ${formatType(type)}`;
  const fault = (message: string, hint?: string): Diagnostic => ({
    code: 'input-type',
    message: `${label}, ${message}`,
    ...(hint !== undefined && { hint }),
  });
  const tensor = isTensor(data) ? data : undefined;
  const numbers: unknown = tensor?.data ?? (typeof data === 'number' ? [data] : data);
  if (!isArrayLike(numbers)) return fault(`but was given what is no array of numbers: ${describeGiven(data)}`);
  if (tensor !== undefined && !sameShape(tensor.type.shape, type.shape))
    return fault(`but was given ${formatType(tensor.type)}`);
  const count = elementCount(type.shape);
  if (numbers.length !== count) return fault(`${count} numbers, but was given ${numbers.length}`);
  const at = badElement(numbers, type.dtype);
  return at < 0 ? undefined : fault(`but element ${at} is ${formatElement(numbers[at])}`, elementRule(type.dtype));
}
