/** The figures of a compiled step that are printed and promised. */
import { alignUp, byteLength, type Graph, residents, valuesByName } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

export interface WorkFigures {
  readonly nodes: number;
  /** Nodes that compute again what was computed before. */
  readonly recomputedNodes: number;
  /** Floating-point operations of the whole step, recomputation included. */
  readonly flops: number;
  readonly recomputeFlops: number;
}

export function workFigures(graph: Graph): WorkFigures {
  let recomputedNodes = 0;
  let flops = 0;
  let recomputeFlops = 0;
  for (const node of graph.nodes) {
    const own = opNamed(node.op).flops(node);
    flops += own;
    if (node.recompute === undefined) continue;
    recomputedNodes++;
    recomputeFlops += own;
  }
  return { nodes: graph.nodes.length, recomputedNodes, flops, recomputeFlops };
}

export interface ResidentFigures {
  /** Rounded bytes by kind. */
  readonly inputs: number;
  readonly parameters: number;
  readonly state: number;
  readonly constants: number;
}

export function residentFigures(graph: Graph): ResidentFigures {
  const sum = (values: readonly { readonly type: Graph['inputs'][number]['type'] }[]): number =>
    values.reduce((total, value) => total + alignUp(byteLength(value.type)), 0);
  return {
    inputs: sum(graph.inputs),
    parameters: sum(graph.parameters),
    state: sum(graph.state),
    constants: sum(graph.constants),
  };
}

export interface ActivationFigures {
  /** Bytes (not rounded) of all results of forward nodes; views own none. */
  readonly activations: number;
  /** Of those, the bytes that backward nodes read: what ordinary training keeps. */
  readonly kept: number;
}

export function activationFigures(graph: Graph): ActivationFigures {
  const root = new Map<string, string>();
  const made = new Set<string>();
  let activations = 0;
  for (const node of graph.nodes) {
    if (node.region !== 'forward') continue;
    for (const result of node.results) {
      if (opNamed(node.op).effect === 'view') {
        const base = node.operands[0]!.name;
        root.set(result.name, root.get(base) ?? base);
      } else {
        made.add(result.name);
        activations += byteLength(result.type);
      }
    }
  }
  const values = valuesByName(graph);
  const readLater = new Set<string>();
  for (const node of graph.nodes)
    if (node.region !== 'forward')
      for (const operand of node.operands) readLater.add(root.get(operand.name) ?? operand.name);
  let kept = 0;
  for (const name of readLater) if (made.has(name)) kept += byteLength(values.get(name)!.type);
  return { activations, kept };
}

/** Resident bytes, each value rounded up. */
export function residentBytes(graph: Graph): number {
  return residents(graph).reduce((total, value) => total + alignUp(byteLength(value.type)), 0);
}
