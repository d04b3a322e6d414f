/**
 * The step's tensors as an emitted module shows them: which interface each belongs to, under which identifier, as
 * which typed array. Parameters, inputs, state and constants share one set of identifiers, as they share one graph.
 */
import { bytesPerElement, type DType } from '../../../runtime/memory.ts';
import type { Program, Slot } from '../../../runtime/program.ts';
import { formatType } from '../../ir/graph.ts';
import { identifiersFor } from './identifiers.ts';
import { inComment } from './quote.ts';

export interface NamedTensor {
  readonly slot: Slot;
  /** Its key in the interface. */
  readonly key: string;
  /** Name in the model. */
  readonly name: string;
}

export interface StepTensors {
  readonly inputs: readonly NamedTensor[];
  readonly parameters: readonly NamedTensor[];
  readonly state: readonly NamedTensor[];
  readonly constants: readonly NamedTensor[];
  /** Keyed like the parameter or input each is the gradient of. */
  readonly gradients: readonly NamedTensor[];
  /** Outputs that are not gradients. */
  readonly outputs: readonly NamedTensor[];
  /** Seed and step of random ops, which the step writes itself. */
  readonly random: Slot | undefined;
}

/** `learningRate`: the input that is the learning rate; programs call it so, whatever the graph calls it. */
export function tensorsOf(program: Program, learningRate?: string): StepTensors {
  const gradientSlots = program.outputs.filter((slot) => slot.of !== undefined);
  const { random } = program;
  const inputs = program.inputs.filter((slot) => slot !== random);
  const residents = [...program.parameters, ...inputs, ...program.state, ...program.constants];
  const keys = identifiersFor(residents.map((slot) => slot.name));
  if (learningRate !== undefined && ![...keys.values()].includes('learningRate'))
    keys.set(learningRate, 'learningRate');
  const named = (slots: readonly Slot[], own: ReadonlyMap<string, string> = keys): readonly NamedTensor[] =>
    slots.map((slot) => ({ slot, key: own.get(slot.name)!, name: slot.name }));
  const others = gradientSlots.map((slot) => slot.of!).filter((name) => !keys.has(name));
  const gradientKeys = new Map([...keys, ...identifiersFor(others, new Set(keys.values()))]);
  const gradients = new Map<string, NamedTensor>();
  for (const slot of gradientSlots)
    if (!gradients.has(slot.of!)) gradients.set(slot.of!, { slot, key: gradientKeys.get(slot.of!)!, name: slot.of! });
  const outputs = program.outputs.filter((slot) => slot.of === undefined);
  return {
    inputs: named(inputs),
    parameters: named(program.parameters),
    state: named(program.state),
    constants: named(program.constants),
    gradients: [...gradients.values()],
    outputs: named(outputs, identifiersFor(outputs.map((slot) => slot.name))),
    random,
  };
}

const arrays: Readonly<Record<DType, string>> = {
  f32: 'Float32Array',
  i32: 'Int32Array',
  i64: 'Float64Array',
  bool: 'Uint8Array',
  u8: 'Uint8Array',
  i8: 'Int8Array',
  i16: 'Int16Array',
};

/** `new Float32Array(buffer, 64, 16)` */
export function viewExpression(slot: Slot): string {
  return `new ${arrays[slot.dtype]}(buffer, ${slot.offset}, ${slot.bytes / bytesPerElement[slot.dtype]})`;
}

/** The interface of live views, or of what inputs may be given as. */
export function printInterface(
  name: string,
  doc: string,
  tensors: readonly NamedTensor[],
  typeOf: (slot: Slot) => string = (slot) => arrays[slot.dtype],
): string {
  if (tensors.length === 0) return `/** ${doc} */\nexport type ${name} = Readonly<Record<string, never>>;`;
  const members = tensors.map(
    (tensor) =>
      `  /** ${inComment(tensor.name)}: ${formatType(tensor.slot)} */\n` +
      `  readonly ${tensor.key}: ${typeOf(tensor.slot)};`,
  );
  return `/** ${doc} */\nexport interface ${name} {\n${members.join('\n')}\n}`;
}

/** What an input may be given as; one number where it holds one element. */
export function inputType(slot: Slot): string {
  const elements = slot.bytes / bytesPerElement[slot.dtype];
  return `${slot.dtype === 'i64' ? 'Integers' : 'Numbers'}${elements === 1 ? ' | number' : ''}`;
}
