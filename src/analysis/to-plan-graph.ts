/** From the IR to bare costs: the plan graph of a graph, node for node, in the same order. */
import { byteLength, type Graph, type Node, residents, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { opNamed } from '../ops/table.ts';
import { type CostModel, nodeCost } from './cost-model.ts';
import type { PlanGraph, PlanNode, PlanPart, PlanResult } from './plan-graph.ts';

/** Where a value lies within the storage it shares: the value that owns the storage, and bytes from its start. */
interface Place {
  readonly root: string;
  readonly offset: number;
  /** Bytes of the storage. */
  readonly length: number;
}

/** Throws `SublinearError` for an op that is not in the table. */
export function toPlanGraph(graph: Graph, costModel: CostModel = 'roofline'): PlanGraph {
  const inputs = residents(graph);
  const places = new Map<string, Place>();
  const resident = new Set(inputs.map((value) => value.name));
  const nodes: PlanNode[] = [];
  for (const node of graph.nodes) {
    const op = opNamed(node.op);
    recordPlaces(op, node, places);
    nodes.push({
      name: node.name,
      inputs: node.operands.map((operand) => operand.name),
      outputs: node.results.map((result, i) => planResult(op, node, result, i, places, resident)),
      cost: nodeCost(costModel, op, node),
      region: node.region,
      recomputable: op.effect !== 'state' && op.effect !== 'update',
      scratch: op.scratch?.(node) ?? 0,
      expensive: op.expensive === true,
    });
  }
  return {
    inputs: inputs.map((value) => ({ name: value.name, bytes: byteLength(value.type) })),
    nodes,
    outputs: [...new Set(graph.outputs.map((output) => output.value))].filter((name) => !resident.has(name)),
  };
}

function recordPlaces(op: Op, node: Node, places: Map<string, Place>): void {
  if (op.effect !== 'view') return;
  const base = placeOf(node.operands[0]!, places);
  node.results.forEach((result, i) => {
    places.set(result.name, { ...base, offset: base.offset + (op.viewOffset?.(node, i) ?? 0) });
  });
}

function placeOf({ name, type }: Value, places: ReadonlyMap<string, Place>): Place {
  return places.get(name) ?? { root: name, offset: 0, length: byteLength(type) };
}

function planResult(
  op: Op,
  node: Node,
  result: Value,
  index: number,
  places: ReadonlyMap<string, Place>,
  resident: ReadonlySet<string>,
): PlanResult {
  const bytes = byteLength(result.type);
  if (op.effect === 'view') return { name: result.name, bytes, view: node.operands[0]!.name };
  const written = op.writes?.[index];
  if (written !== undefined) return { name: result.name, bytes, over: node.operands[written]!.name };
  const parts = index === 0 ? partsOf(op, node, places, resident) : [];
  if (parts.length > 0) return { name: result.name, bytes, parts };
  const candidates = (op.inPlace?.[index] ?? [])
    .filter((operand) => mayTakeOver(op, node, operand, bytes, places, resident))
    .map((operand) => node.operands[operand]!.name);
  if (candidates.length === 0) return { name: result.name, bytes };
  return { name: result.name, bytes, over: candidates };
}

/** The operands that lie in the result as they are, and fill a storage that is no resident: each storage once. */
function partsOf(
  op: Op,
  node: Node,
  places: ReadonlyMap<string, Place>,
  resident: ReadonlySet<string>,
): readonly PlanPart[] {
  if (op.partOffset === undefined) return [];
  const parts: PlanPart[] = [];
  const taken = new Set<string>();
  node.operands.forEach((operand, i) => {
    const offset = op.partOffset?.(node, i);
    const { root, offset: within, length } = placeOf(operand, places);
    if (offset === undefined || within !== 0 || length !== byteLength(operand.type)) return;
    if (resident.has(root) || taken.has(root)) return;
    taken.add(root);
    parts.push({ value: operand.name, offset });
  });
  return parts;
}

/**
 * A kernel in place writes where it reads, so the donor must begin its storage, and what else lies in that storage could
 * be overwritten before it is read: only operands that the op allows to, and only exactly where the donor lies.
 */
function mayTakeOver(
  op: Op,
  node: Node,
  donor: number,
  bytes: number,
  places: ReadonlyMap<string, Place>,
  resident: ReadonlySet<string>,
): boolean {
  const value = node.operands[donor];
  if (value === undefined || byteLength(value.type) !== bytes || resident.has(value.name)) return false;
  const { root, offset } = placeOf(value, places);
  if (offset !== 0 || resident.has(root)) return false;
  return node.operands.every((other, position) => {
    const place = placeOf(other, places);
    if (position === donor || place.root !== root) return true;
    return op.mayAlias?.includes(position) === true && place.offset === 0 && byteLength(other.type) === bytes;
  });
}
