/** Looks through a step that failed, node by node, for where it began. */
import type { Machine } from '../../runtime/interpreter.ts';
import type { Slot } from '../../runtime/program.ts';
import type { Compiled } from '../compile.ts';
import type { Diagnostic } from '../ir/diagnostic.ts';
import { byteLength, type Node } from '../ir/graph.ts';

/**
 * The first value that is not finite when steps 0 up to `last` run again, in words: a resident that was so before, or
 * else the result of a node; NaN alone counts where `onlyNaN`. Memory of the arena is overwritten.
 */
export function firstNonFinite(compiled: Compiled, machine: Machine, last: number, onlyNaN: boolean): Diagnostic {
  const isFault = onlyNaN ? Number.isNaN : (value: number) => !Number.isFinite(value);
  const what = onlyNaN ? 'NaN' : 'an infinite number';
  const { program } = compiled;
  const kinds = [
    ['the input', program.inputs],
    ['the parameter', program.parameters],
    ['the state', program.state],
  ] as const;
  for (const [kind, slots] of kinds)
    for (const slot of slots) {
      const at = findFault(machine, slot, isFault);
      if (at >= 0)
        return {
          code: 'not-finite',
          message: `${kind} ${JSON.stringify(slot.name)} held ${what} before the step, first at element ${at}`,
          hint:
            kind === 'the parameter' ? 'the update before made it: a lower learning rate, or clipping, may help' : '',
        };
    }
  for (let step = 0; step <= last; step++) {
    const node = compiled.graph.nodes[step]!;
    machine.runStep(step);
    if (node.results.some((result) => findFault(machine, slotOf(compiled, result), isFault) >= 0))
      return {
        code: 'not-finite',
        message: `the first node that made ${what} is ${node.op}`,
        ...placeOf(node),
      };
  }
  return { code: 'not-finite', message: `no node before the loss made ${what}` };
}

/** Name and source, for a diagnostic. */
export function placeOf(node: Node | undefined): { node?: string; source?: string } {
  if (node === undefined) return {};
  return { node: node.name, ...(node.source !== undefined && { source: node.source }) };
}

function slotOf(compiled: Compiled, { name, type }: Node['results'][number]): Slot {
  const offset = compiled.memory.offsets.get(name) ?? 0;
  return { name, dtype: type.dtype, shape: type.shape, offset, bytes: byteLength(type) };
}

/** Position of the first element at fault; -1 where there is none. */
function findFault(machine: Machine, slot: Slot, isFault: (value: number) => boolean): number {
  return slot.dtype === 'f32' ? machine.view(slot).findIndex(isFault) : -1;
}
