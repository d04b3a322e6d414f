/** Tensors by name into the memory of a step, checked as a whole before anything is written. */
import type { NumberArray } from '../../runtime/memory.ts';
import type { Slot } from '../../runtime/program.ts';
import { copyElements, type Tensors } from '../../runtime/step.ts';
import { describeGiven, isRecord, wrongArgument } from '../ir/arguments.ts';
import { type Diagnostic, nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { badElement, elementRule, formatElement, isArrayLike } from '../ir/elements.ts';
import { elementCount, formatType } from '../ir/graph.ts';

/** Throws `SublinearError` for unknown names, wrong numbers of elements, and elements that a tensor cannot hold. */
export function loadTensors(slots: readonly Slot[], tensors: Tensors, viewOf: (slot: Slot) => NumberArray): void {
  if (!isRecord(tensors))
    throw wrongArgument('load', 'a path, the bytes of what `save` wrote, or an object of tensors by name', tensors);
  const byName = new Map(slots.map((slot) => [slot.name, slot]));
  const faults: Diagnostic[] = [];
  const nearestTo = nameSuggester(() => byName.keys());
  for (const [name, data] of Object.entries(tensors)) {
    const slot = byName.get(name);
    const fault = slot === undefined ? unknown(name, nearestTo(name)) : tensorFault(slot, data);
    if (fault !== undefined) faults.push(fault);
  }
  if (faults.length > 0) throw new SublinearError(faults);
  for (const [name, data] of Object.entries(tensors)) copyElements(viewOf(byName.get(name)!), data);
}

function unknown(name: string, nearest: string | undefined): Diagnostic {
  return {
    code: 'unknown-tensor',
    message: `the step has no tensor ${JSON.stringify(name)} to load`,
    hint:
      nearest === undefined
        ? 'what can be loaded are parameters, state and constants, by their names in the model'
        : `did you mean ${JSON.stringify(nearest)}?`,
  };
}

function tensorFault(slot: Slot, data: unknown): Diagnostic | undefined {
  const label = `${JSON.stringify(slot.name)} is ${formatType(slot)}`;
  if (!isArrayLike(data))
    return { code: 'tensor-mismatch', message: `${label}, but was given no array of numbers: ${describeGiven(data)}` };
  if (data.length !== elementCount(slot.shape))
    return { code: 'tensor-mismatch', message: `${label}, but was given ${data.length} numbers` };
  const at = badElement(data, slot.dtype);
  if (at < 0) return undefined;
  const message = `${label}, but element ${at} is ${formatElement(data[at])}`;
  return { code: 'tensor-mismatch', message, hint: elementRule(slot.dtype) };
}
