/** Inputs of a step as programs give them, checked as a whole before anything is written. */
import type { Machine } from '../../runtime/interpreter.ts';
import { copyElements, type Integers } from '../../runtime/step.ts';
import type { NamedTensor } from '../codegen/emit/tensors.ts';
import { type Diagnostic, nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, sameShape, type Tensor } from '../ir/graph.ts';

/** Numbers in row-major order; one number where the input has one element; or a tensor, whose shape is checked. */
export type InputData = number | Integers | Tensor;
export type InputRecord = Readonly<Record<string, InputData>>;

/**
 * The input that each key of `given` is: its name in the model, or the identifier that emitted modules have for it.
 * Unknown and doubled ones are added to `faults`.
 */
export function matchInputs(
  inputs: readonly NamedTensor[],
  given: InputRecord,
  faults: Diagnostic[],
): ReadonlyMap<NamedTensor, InputData> {
  const byKey = new Map<string, NamedTensor>();
  for (const input of inputs) byKey.set(input.key, input);
  for (const input of inputs) byKey.set(input.name, input);
  const matched = new Map<NamedTensor, InputData>();
  const nearestTo = nameSuggester(() => inputs.map(({ name }) => name));
  for (const [key, data] of Object.entries(given)) {
    const input = byKey.get(key);
    if (input === undefined) {
      const nearest = nearestTo(key);
      faults.push({
        code: 'unknown-input',
        message: `the step has no input ${JSON.stringify(key)}`,
        hint:
          nearest === undefined
            ? `its inputs are ${inputs.map(({ name }) => name).join(', ')}`
            : `did you mean ${JSON.stringify(nearest)}?`,
      });
    } else if (matched.has(input))
      faults.push({ code: 'input-given-twice', message: `the input ${JSON.stringify(input.name)} is given twice` });
    else matched.set(input, data);
  }
  return matched;
}

/**
 * Copies inputs in. `learningRate` names the input that must be a finite number of at least 0. Throws `SublinearError`
 * with all that is wrong, before anything is written.
 */
export function giveInputs(
  machine: Machine,
  inputs: readonly NamedTensor[],
  given: InputRecord,
  learningRate?: string,
): void {
  const faults: Diagnostic[] = [];
  const matched = matchInputs(inputs, given, faults);
  for (const input of inputs) {
    const data = matched.get(input);
    const fault = data === undefined ? missing(input) : faultOf(input, data, input.name === learningRate);
    if (fault !== undefined) faults.push(fault);
  }
  if (faults.length > 0) throw new SublinearError(faults);
  for (const [{ slot }, data] of matched) {
    copyElements(machine.view(slot), typeof data === 'number' ? data : isTensor(data) ? data.data : data);
  }
}

function isTensor(data: InputData): data is Tensor {
  return typeof data === 'object' && 'type' in data && 'data' in data;
}

function elementsOf(data: InputData): ArrayLike<number | bigint> {
  return typeof data === 'number' ? [data] : isTensor(data) ? data.data : data;
}

function missing({ name, slot }: NamedTensor): Diagnostic {
  return { code: 'missing-input', message: `input ${JSON.stringify(name)} (${formatType(slot)}) was not given` };
}

function faultOf({ name, slot }: NamedTensor, data: unknown, isRate: boolean): Diagnostic | undefined {
  const label = `input ${JSON.stringify(name)}`;
  const wanted = formatType(slot);
  const count = elementCount(slot.shape);
  if (!isInputData(data))
    return { code: 'input-type', message: `${label} is ${wanted}, but was given what is no array of numbers` };
  const numbers = elementsOf(data);
  if (isTensor(data) && !sameShape(data.type.shape, slot.shape))
    return { code: 'input-type', message: `${label} is ${wanted}, but was given ${formatType(data.type)}` };
  if (numbers.length !== count)
    return { code: 'input-type', message: `${label} is ${wanted}, ${count} numbers, but was given ${numbers.length}` };
  const at = badElement(numbers, slot.dtype !== 'f32');
  if (at >= 0)
    return {
      code: 'input-type',
      message: `${label} is ${wanted}, but element ${at} is ${String(numbers[at])}`,
      hint: 'floats take numbers, integers take whole ones',
    };
  const rate = Number(numbers[0]);
  if (isRate && !(rate >= 0 && Number.isFinite(rate)))
    return { code: 'bad-learning-rate', message: `the learning rate is ${rate}; it must be a number of at least 0` };
  return undefined;
}

function isInputData(data: unknown): data is InputData {
  if (typeof data === 'number') return true;
  if (typeof data !== 'object' || data === null) return false;
  return 'length' in data ? typeof data.length === 'number' : 'type' in data && 'data' in data;
}

/** Typed arrays of floats hold numbers only, so that a look at each is needed for integers and plain arrays. */
function badElement(numbers: ArrayLike<unknown>, whole: boolean): number {
  if (!whole && (numbers instanceof Float32Array || numbers instanceof Float64Array)) return -1;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    if (whole ? typeof value !== 'bigint' && !Number.isInteger(value) : typeof value !== 'number') return i;
  }
  return -1;
}
