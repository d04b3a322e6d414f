/**
 * Tensors of a step by name, as live views. Keys are the names of the model; the identifiers that emitted modules show
 * (`layer1_weight`) answer too, but are not listed.
 */
import type { Machine } from '../../runtime/interpreter.ts';
import type { NumberArray } from '../../runtime/memory.ts';
import type { NamedTensor } from '../codegen/emit/tensors.ts';

export type NamedViews<T extends NumberArray = NumberArray> = Readonly<Record<string, T>>;

/** One view a tensor, made once. */
export function namedViews(tensors: readonly NamedTensor[], machine: Machine): NamedViews {
  return named(tensors, ({ slot }) => machine.view(slot));
}

/** As `namedViews`, of tensors that are all f32. */
export function namedFloatViews(tensors: readonly NamedTensor[], machine: Machine): NamedViews<Float32Array> {
  return named(tensors, ({ slot }) => {
    const view = machine.view(slot);
    if (!(view instanceof Float32Array)) throw new TypeError(`${slot.name} is ${slot.dtype}, not f32`);
    return view;
  });
}

function named<T>(tensors: readonly NamedTensor[], make: (tensor: NamedTensor) => T): Readonly<Record<string, T>> {
  // Without a prototype: a tensor may be called `constructor`.
  const record: Record<string, T> = Object.create(null);
  const names = new Set(tensors.map((tensor) => tensor.name));
  for (const tensor of tensors) {
    const value = make(tensor);
    Object.defineProperty(record, tensor.name, { value, enumerable: true, configurable: true });
    if (!names.has(tensor.key)) Object.defineProperty(record, tensor.key, { value });
  }
  return record;
}
