/** Inputs of a step as programs give them, checked as a whole before anything is written. */
import type { Machine } from '../../runtime/interpreter.ts';
import { copyElements } from '../../runtime/step.ts';
import type { NamedTensor } from '../codegen/emit/tensors.ts';
import { isRecord, wrongArgument } from '../ir/arguments.ts';
import { type Diagnostic, nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { isFiniteFloat32 } from '../ir/elements.ts';
import { formatType } from '../ir/graph.ts';
import { elementsOf, type InputData, inputFault } from '../ir/input-fault.ts';

export type { InputData };
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
  if (!isRecord(given)) throw wrongArgument('a step', 'an object of inputs by name', given);
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
            ? inputs.length === 0
              ? 'it takes no inputs: leave it out'
              : `its inputs are ${inputs.map(({ name }) => name).join(', ')}`
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
    copyElements(machine.view(slot), elementsOf(data));
  }
}

function missing({ name, slot }: NamedTensor): Diagnostic {
  return { code: 'missing-input', message: `input ${JSON.stringify(name)} (${formatType(slot)}) was not given` };
}

function faultOf({ name, slot }: NamedTensor, data: InputData, isRate: boolean): Diagnostic | undefined {
  const fault = inputFault(name, slot, data);
  if (fault !== undefined || !isRate) return fault;
  const rate = Number(elementsOf(data)[0]);
  if (rate >= 0 && isFiniteFloat32(rate)) return undefined;
  return {
    code: 'bad-learning-rate',
    message: `the learning rate is ${rate}; it must be a number of at least 0 that float32 holds`,
  };
}
