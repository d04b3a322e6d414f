/**
 * What the nodes of a forward graph do with its parameters. Exported models hold constants among their weights: masks,
 * tables of positions, means of the data. They are told by how they are read: no weight-bearing op (a product, a
 * convolution, a normalization, a lookup by an input) reads them. That is a suspicion, not a proof: a learned table of
 * positions is read like a fixed one.
 */
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { add, divide, multiply, subtract } from '../ops/binary.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { cast } from '../ops/cast.ts';
import { concat } from '../ops/concat.ts';
import { gather, gatherElements, gatherNd } from '../ops/gather.ts';
import { matmul } from '../ops/matmul.ts';
import { pad } from '../ops/pad.ts';
import { maximum, minimum } from '../ops/power.ts';
import { reshape } from '../ops/reshape.ts';
import { addScalar, scale } from '../ops/scalar.ts';
import { slice, viewSlice } from '../ops/slice.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { split, splitView } from '../ops/split.ts';
import { opNamed } from '../ops/table.ts';
import { tile } from '../ops/tile.ts';
import { transpose } from '../ops/transpose.ts';
import { cos, negate, sin } from '../ops/unary.ts';
import { where } from '../ops/where.ts';

/** A use that constants are put to; `weight` is any other. */
export type ParameterUse = 'mask' | 'added' | 'multiplied' | 'chosen' | 'input' | 'angle' | 'setting' | 'weight';

/** One node that reads a parameter, through nodes that only move or combine parameters and constants. */
export interface ParameterReading {
  readonly node: Node;
  readonly use: ParameterUse;
}

type AnyOp = Pick<Op, 'name'>;
const named = (...ops: readonly AnyOp[]): ReadonlySet<string> => new Set(ops.map((op) => op.name));

/** Their results hold the elements of operand 0, moved, repeated or mapped by fixed numbers. */
const moving = named(
  ...[reshape, transpose, slice, viewSlice, split, splitView, broadcastTo, tile, pad, cast, scale, addScalar, negate],
);
const lookups = named(gather, gatherElements, gatherNd);
const sums = named(add, subtract);
const ratios = named(multiply, divide, minimum, maximum);
/** Of which everything is a constant where all operands are. */
const combining = named(add, subtract, multiply, divide, minimum, maximum, concat, where);
const softmaxes = named(softmax, logSoftmax);
const angles = named(sin, cos);

/** Every reading of every float parameter in the forward graph, in graph order. */
export function parameterReadings(graph: Graph): ReadonlyMap<string, readonly ParameterReading[]> {
  const forward = graph.nodes.filter((node) => node.region === 'forward');
  const flow = new Flow(graph, forward);
  const readings = new Map<string, ParameterReading[]>();
  for (const node of forward) {
    if (flow.isConstant(node)) continue;
    node.operands.forEach((operand, i) => {
      for (const origin of flow.origins.get(operand.name) ?? []) {
        const own = readings.get(origin.name) ?? [];
        readings.set(origin.name, own);
        own.push({ node, use: useOf(flow, node, i, origin) });
      }
    });
  }
  return readings;
}

function useOf(flow: Flow, node: Node, operand: number, origin: Value): ParameterUse {
  if (opNamed(node.op).settings?.includes(operand) === true) return 'setting';
  if (angles.has(node.op) || flow.becomesAngles(node)) return 'angle';
  const other = node.operands[operand === 0 ? 1 : 0];
  const isBias = node.op === matmul.name && operand === 2;
  if (isBias) return flow.isProductOfActivations(node) ? 'mask' : 'weight';
  // A bias or a scale is a number a channel; a table varies along several dimensions.
  const isTable = origin.type.shape.filter((extent) => extent > 1).length > 1;
  if (node.op === where.name) return !isTable ? 'weight' : flow.leadsToSoftmax(node) ? 'mask' : 'chosen';
  if (!sums.has(node.op) && !ratios.has(node.op)) return 'weight';
  if (operand === 1 && flow.rawness(other) !== undefined && (node.op === subtract.name || node.op === divide.name))
    return 'input';
  if (flow.rawness(other) === 'normalized') return 'input';
  if (sums.has(node.op) && flow.leadsToSoftmax(node) && (isTable || flow.comesFromScores(other))) return 'mask';
  if (!isTable) return 'weight';
  return sums.has(node.op) ? 'added' : 'multiplied';
}

/** Where values come from and lead to; answers are kept by name. */
class Flow {
  /** Of values that are made of parameters and constants alone: the parameters. */
  readonly origins = new Map<string, readonly Value[]>();
  private readonly constants: Set<string>;
  private readonly producers = new Map<string, Node>();
  private readonly readers = new Map<string, Node[]>();
  private readonly raw = new Map<string, 'bare' | 'normalized'>();
  private readonly outputs: ReadonlySet<string>;

  constructor(graph: Graph, forward: readonly Node[]) {
    this.outputs = new Set(graph.outputs.map((output) => output.value));
    this.constants = new Set(graph.constants.map((value) => value.name));
    for (const value of graph.parameters) if (value.type.dtype === 'f32') this.origins.set(value.name, [value]);
    for (const value of graph.inputs) this.raw.set(value.name, 'bare');
    for (const node of forward) this.enter(node);
  }

  /** Whether the node is passed through: what it makes is a constant of the model. */
  isConstant(node: Node): boolean {
    return this.origins.has(node.results[0]!.name) || this.constants.has(node.results[0]!.name);
  }

  /** Whether `value` is an input of the graph, moved at most, or after constants were taken off or divided out. */
  rawness(value: Value | undefined): 'bare' | 'normalized' | undefined {
    return value === undefined ? undefined : this.raw.get(value.name);
  }

  /** Whether all that comes of the node's result, by moves and arithmetic with constants, is read by a softmax. */
  leadsToSoftmax(node: Node): boolean {
    return this.endsIn(node, (reader) => softmaxes.has(reader.op));
  }

  /** Whether both sine and cosine, and nothing else, are taken of what the node's product leads to. */
  becomesAngles(node: Node): boolean {
    if (node.op !== matmul.name && node.op !== multiply.name) return false;
    const met = new Set<string>();
    const ends = this.endsIn(node, (reader) => angles.has(reader.op) && met.add(reader.op) !== undefined);
    return ends && met.size === angles.size;
  }

  isProductOfActivations({ op, operands }: Node): boolean {
    return op === matmul.name && operands.slice(0, 2).every(({ name }) => !this.isFixed(name));
  }

  /** Whether `value` is a product of two activations, moved or scaled. */
  comesFromScores(value: Value | undefined): boolean {
    for (let at = value; at !== undefined; ) {
      const node: Node | undefined = this.producers.get(at.name);
      if (node === undefined) return false;
      if (this.isProductOfActivations(node)) return true;
      if (!moving.has(node.op) && !combining.has(node.op)) return false;
      at = node.operands.find(({ name }) => !this.isFixed(name));
    }
    return false;
  }

  private isFixed(name: string): boolean {
    return this.origins.has(name) || this.constants.has(name);
  }

  private enter(node: Node): void {
    for (const result of node.results) this.producers.set(result.name, node);
    for (const { name } of node.operands) {
      const readers = this.readers.get(name) ?? [];
      this.readers.set(name, readers);
      readers.push(node);
    }
    const floats = node.operands.filter(({ type }) => type.dtype === 'f32');
    const passes =
      moving.has(node.op) || combining.has(node.op) || (lookups.has(node.op) && this.isFixed(node.operands[1]!.name));
    if (passes && floats.length > 0 && floats.every(({ name }) => this.isFixed(name))) {
      const origins = new Set(floats.flatMap(({ name }) => this.origins.get(name) ?? []));
      for (const { name } of node.results) {
        if (origins.size > 0) this.origins.set(name, [...origins]);
        else this.constants.add(name);
      }
    } else if (node.operands.every(({ name }) => this.constants.has(name)))
      for (const { name } of node.results) this.constants.add(name);
    else this.enterRaw(node);
  }

  private enterRaw(node: Node): void {
    const [first, second] = node.operands;
    const kind = this.rawness(first);
    const isScaled = moving.has(node.op);
    const isShifted = (sums.has(node.op) || ratios.has(node.op)) && second !== undefined && this.isFixed(second.name);
    if (kind === undefined || !(isScaled || isShifted)) return;
    const normalizes = kind === 'normalized' || node.op === subtract.name || node.op === divide.name;
    if (isShifted && !normalizes) return;
    for (const { name } of node.results) this.raw.set(name, isShifted ? 'normalized' : kind);
  }

  /** Follows the node's results to readers that neither move nor combine it: whether all satisfy `isEnd`. */
  private endsIn(node: Node, isEnd: (reader: Node) => boolean): boolean {
    const seen = new Set([node]);
    const queue = [node];
    let found = false;
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      for (const { name } of next.results) {
        if (this.outputs.has(name)) return false;
        for (const reader of this.readers.get(name) ?? []) {
          if (seen.has(reader)) continue;
          seen.add(reader);
          if (isEnd(reader)) found = true;
          else if (moving.has(reader.op) || this.isCombination(reader)) queue.push(reader);
          else return false;
        }
      }
    return found;
  }

  private isCombination({ op, operands }: Node): boolean {
    if (op === concat.name) return new Set(operands.map(({ name }) => name)).size === 1;
    if (sums.has(op)) return true;
    const floats = operands.filter(({ type }) => type.dtype === 'f32');
    return combining.has(op) && floats.filter(({ name }) => !this.isFixed(name)).length <= 1;
  }
}
