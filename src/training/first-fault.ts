/** Runs a step that failed again, node by node, and follows its loss back to where it stopped to be finite. */
import type { Machine } from '../../runtime/interpreter.ts';
import type { Slot } from '../../runtime/program.ts';
import type { Compiled } from '../compile.ts';
import type { Diagnostic } from '../ir/diagnostic.ts';
import { byteLength, type Node, type Value } from '../ir/graph.ts';

interface Fault {
  readonly kind: 'NaN' | 'an infinite number';
  /** Of the first such element. */
  readonly element: number;
}

/**
 * Why the loss of steps 0 up to `last` is not finite, the first cause first: the input, the parameter or the state that
 * held such a number, or the node that made it of finite ones; and where NaN came of an infinite number, the node that
 * made it. Values that do not reach the loss so (a mask over a softmax) play no part. `updated`: whether anything has
 * been written since the numbers were given. Memory of the arena is overwritten.
 */
export function causeOfFault(
  compiled: Compiled,
  machine: Machine,
  last: number,
  updated: boolean,
): readonly Diagnostic[] {
  const nodes = compiled.graph.nodes.slice(0, last + 1);
  const faults = new Map<string, Fault>();
  const record = (name: string, slot: Slot): void => {
    const fault = findFault(machine, slot);
    if (fault !== undefined) faults.set(name, fault);
  };
  const { inputs, parameters, state, constants } = compiled.program;
  for (const slot of [...inputs, ...parameters, ...state, ...constants]) record(slot.name, slot);
  const producers = new Map<string, Node>();
  nodes.forEach((node, step) => {
    machine.runStep(step);
    for (const result of node.results) {
      if (!producers.has(result.name)) producers.set(result.name, node);
      record(result.name, slotOf(compiled, result));
    }
  });

  const loss = compiled.losses.find((each) => faults.has(each));
  if (loss === undefined)
    return [{ code: 'not-finite', message: 'the losses are finite, and their sum by the loss weights is not' }];
  let name = loss;
  let turned: Diagnostic | undefined;
  for (;;) {
    const fault: Fault = faults.get(name)!;
    const node: Node | undefined = producers.get(name);
    if (node === undefined) return [residentFault(compiled, name, fault, updated), ...(turned ? [turned] : [])];
    const operands = node.operands.filter((operand) => faults.has(operand.name));
    const next: Value | undefined =
      operands.find((operand) => faults.get(operand.name)!.kind === fault.kind) ?? operands[0];
    if (next === undefined) return [madeFault(node, fault, updated), ...(turned ? [turned] : [])];
    if (faults.get(next.name)!.kind !== fault.kind)
      turned = {
        code: 'not-finite',
        message: `the first node that made ${fault.kind} is ${node.op}`,
        ...placeOf(node),
      };
    name = next.name;
  }
}

/** Name and source, for a diagnostic. */
export function placeOf(node: Node | undefined): { node?: string; source?: string } {
  if (node === undefined) return {};
  return { node: node.name, ...(node.source !== undefined && { source: node.source }) };
}

function madeFault(node: Node, { kind }: Fault, updated: boolean): Diagnostic {
  const cause =
    kind === 'NaN'
      ? 'a point where the operator has no value (the root of a negative number, 0 / 0)'
      : 'a division by 0, the logarithm of 0, or a result beyond float32';
  return {
    code: 'not-finite',
    message: `the first node that made ${kind} is ${node.op}`,
    ...placeOf(node),
    hint: `all it read was finite: ${cause}${updated ? '; if the loss grew before, a lower learning rate may help' : ''}`,
  };
}

function residentFault(
  { program, weights, update, graph }: Compiled,
  name: string,
  { kind, element }: Fault,
  updated: boolean,
): Diagnostic {
  const quoted = JSON.stringify(name);
  const first = `first at element ${element}`;
  const has = (slots: readonly Slot[]): boolean => slots.some((slot) => slot.name === name);
  if (has(program.inputs))
    return {
      code: 'not-finite',
      message: `the input ${quoted} held ${kind}, ${first}`,
      hint: 'the data hold it: mend the batch, or leave it out; nothing was changed by it',
    };
  const resident = `the ${has(program.parameters) ? 'parameter' : has(program.state) ? 'state' : 'constant'} ${quoted}`;
  const given = weights.get(name)?.data[element];
  if (!updated || (given !== undefined && !Number.isFinite(given)))
    return {
      code: 'not-finite',
      message: `${resident} held ${kind} from the start, ${first}`,
      hint:
        kind === 'NaN'
          ? "it came with the model's numbers: give others with --weights, or mend them"
          : "it came with the model's numbers: a mask may hold it where it leaves each row of a softmax one finite number",
    };
  const byUpdate = update?.trained.includes(name) === true || graph.state.some((value) => value.name === name);
  return {
    code: 'not-finite',
    message: `${resident} held ${kind} before the step, ${first}`,
    hint: byUpdate
      ? 'an update before made it: a lower learning rate, or clipping, may help'
      : 'no update writes to it: it was loaded or set so',
  };
}

function slotOf(compiled: Compiled, { name, type }: Node['results'][number]): Slot {
  const offset = compiled.memory.offsets.get(name) ?? 0;
  return { name, dtype: type.dtype, shape: type.shape, offset, bytes: byteLength(type) };
}

/** NaN, if there is any, before infinite numbers. */
function findFault(machine: Machine, slot: Slot): Fault | undefined {
  if (slot.dtype !== 'f32') return undefined;
  const view = machine.view(slot);
  const first = view.findIndex((value) => !Number.isFinite(value));
  if (first < 0) return undefined;
  const nan = view.findIndex((value) => Number.isNaN(value));
  return nan < 0 ? { kind: 'an infinite number', element: first } : { kind: 'NaN', element: nan };
}
