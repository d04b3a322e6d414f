/**
 * Lowers a scheduled and placed graph to a Program: kernels, byte offsets, numbers. Nothing of the graph is left in it
 * but names, for people.
 */

import type { MemoryPlan } from '../../passes/memory-plan.ts';
import type { OutputSlot, Program, ProgramStep, Slot } from '../../runtime/program.ts';
import { rngInputOf } from '../analysis/rng-input.ts';
import { byteLength, formatType, type Graph, type Value, valuesByName } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

export function lowerToProgram(graph: Graph, memory: MemoryPlan): Program {
  const offsetOf = (name: string): number => {
    const offset = memory.offsets.get(name);
    if (offset === undefined) throw new RangeError(`the memory plan has no place for ${JSON.stringify(name)}`);
    return offset;
  };
  const slot = (value: Value): Slot => ({
    name: value.name,
    dtype: value.type.dtype,
    shape: value.type.shape,
    offset: offsetOf(value.name),
    bytes: byteLength(value.type),
  });
  const steps = graph.nodes.map((node, n): ProgramStep => {
    const op = opNamed(node.op);
    const at = {
      operand: (i: number) => offsetOf(node.operands[i]!.name),
      result: (i: number) => offsetOf(node.results[i]!.name),
      scratch: memory.scratch.get(node.name) ?? 0,
    };
    return {
      name: node.name,
      op: node.op,
      region: node.region,
      ...(node.recompute !== undefined && { recompute: node.recompute }),
      calls: op.lower(node, at),
      comment: node.results.map((result) => `${result.name}: ${formatType(result.type)}`).join(', '),
      liveBytes: memory.liveAt[n]!,
      frees: memory.frees[n]!,
    };
  });
  const values = valuesByName(graph);
  const outputs = graph.outputs.map(
    (output): OutputSlot => ({
      ...slot(values.get(output.value)!),
      name: output.name,
      ...(output.of !== undefined && { of: output.of }),
    }),
  );
  const inputs = graph.inputs.map(slot);
  const rng = rngInputOf(graph);
  const random = inputs.find(({ name }) => name === rng?.name);
  return {
    name: graph.name,
    arenaBytes: memory.arenaBytes,
    residentBytes: memory.residentBytes,
    steps,
    inputs,
    parameters: graph.parameters.map(slot),
    state: graph.state.map(slot),
    constants: graph.constants.map(slot),
    outputs,
    ...(random !== undefined && { random }),
  };
}
