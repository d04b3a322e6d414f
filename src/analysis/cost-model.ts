/**
 * Cost models: what one run of a node is worth, as an integer (DESIGN section 8). They describe a fixed nominal
 * machine, so that plans are the same everywhere; measured costs come in by a file (`src/analysis/costs-file.ts`).
 */
import { attributesKey, byteLength, type Node } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';

export type CostModelName = 'roofline' | 'unit';

/** Measured costs in nanoseconds by `costKey`. */
export interface MeasuredCosts {
  readonly costs: Readonly<Record<string, number>>;
  /**
   * What a nanosecond of the nominal machine takes on the measured one; default 1. A node that was not measured costs so
   * many times its roofline, so that both kinds of cost can stand in one plan.
   */
  readonly slowdown?: number;
}

export type CostModel = CostModelName | MeasuredCosts;

/** Nominal machine: 40 floating-point operations and 10 bytes a nanosecond. */
const flopsPerNanosecond = 40;
const bytesPerNanosecond = 10;

/** Bytes read and written by one run; none for a view. */
export function bytesMoved(op: Op, node: Node): number {
  if (op.effect === 'view') return 0;
  if (op.bytesMoved !== undefined) return op.bytesMoved(node);
  let bytes = 0;
  for (const operand of node.operands) bytes += byteLength(operand.type);
  for (const result of node.results) bytes += byteLength(result.type);
  return bytes;
}

/** Nanoseconds on the nominal machine, rounded up. */
export function rooflineCost(op: Op, node: Node): number {
  return Math.ceil(Math.max(op.flops(node) / flopsPerNanosecond, bytesMoved(op, node) / bytesPerNanosecond));
}

export function nodeCost(model: CostModel, op: Op, node: Node): number {
  if (op.effect === 'view') return 0;
  if (model === 'unit') return op.expensive === true ? 10 : 1;
  if (model === 'roofline') return rooflineCost(op, node);
  return measuredCost(model, node) ?? Math.ceil(rooflineCost(op, node) * (model.slowdown ?? 1));
}

/** Undefined where no node of this kind was measured. */
export function measuredCost({ costs }: MeasuredCosts, node: Node): number | undefined {
  const key = costKey(node);
  return Object.hasOwn(costs, key) ? costs[key] : undefined;
}

/** What a measured cost is filed under: op, attributes and types, so that equal work is measured once. */
export function costKey(node: Node): string {
  const types = [...node.operands, ...node.results].map(({ type }) => `${type.dtype}[${type.shape.join(',')}]`);
  return `${node.op} ${attributesKey(node.attributes)} ${types.join(' ')}`;
}
