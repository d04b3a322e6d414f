/**
 * PlanGraph: a graph of bare costs. Every strategy plans on it, so a graph from anywhere can be planned (DESIGN
 * section 8). `indexPlanGraph` gives the form that algorithms work on: integers and typed arrays.
 */

import type { Region } from '../../runtime/program.ts';
import { isRecord, wrongArgument } from '../ir/arguments.ts';
import { alignUp } from '../ir/graph.ts';

export interface PlanValue {
  readonly name: string;
  /** Bytes, not yet rounded up. */
  readonly bytes: number;
}

export interface PlanResult extends PlanValue {
  /** Shares the storage of this input of its node. */
  readonly view?: string;
  /**
   * Takes over the storage of this input (or the first of these inputs) if this is the last read of it; otherwise it
   * needs its own. In region `update` the input may be resident: the result is then written over it and costs no bytes.
   */
  readonly over?: string | readonly string[];
  /**
   * Inputs that lie in this result as they are, one beside another (a concatenation). One whose last read this is, and
   * which fills a storage of its own, can have been made there: the result then takes over its bytes.
   */
  readonly parts?: readonly PlanPart[];
}

export interface PlanPart {
  /** An input of the node that makes the result. */
  readonly value: string;
  /** Bytes from the start of the result. */
  readonly offset: number;
}

export interface PlanNode {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly PlanResult[];
  readonly cost: number;
  readonly region: Region;
  readonly recomputable: boolean;
  /** Bytes alive only while the node runs. */
  readonly scratch: number;
  /** Matrix product or convolution: what the strategy `speed` keeps. */
  readonly expensive?: boolean;
}

export interface PlanGraph {
  /** Resident: they cost no arena bytes. */
  readonly inputs: readonly PlanValue[];
  /** In source order; regions in the order forward, backward, update. */
  readonly nodes: readonly PlanNode[];
  /** Values alive to the end. */
  readonly outputs: readonly string[];
}

export const forwardRegion = 0;
export const backwardRegion = 1;
export const updateRegion = 2;

/**
 * A plan graph in integers. Values are numbered: inputs first, then results in node order, so that node n's results are
 * `resultStart[n] .. resultStart[n + 1]`. Lists are in compressed rows: node n reads `reads[readStart[n] ..
 * readStart[n + 1]]` (distinct, in operand order).
 */
export interface PlanIndex {
  readonly graph: PlanGraph;
  readonly nodeCount: number;
  readonly valueCount: number;
  readonly inputCount: number;
  /** Rounded up to 64; 0 for inputs, for views, and for update results written over a resident input. */
  readonly bytes: Float64Array;
  /** Node that makes a value; -1 for inputs. */
  readonly producer: Int32Array;
  readonly resultStart: Int32Array;
  readonly readStart: Int32Array;
  readonly reads: Int32Array;
  /** Nodes that read a value, in source order. */
  readonly readerStart: Int32Array;
  readonly readers: Int32Array;
  /** The value a value is a view of (after update-over-resident is folded in); -1 if it is none. */
  readonly view: Int32Array;
  /** Candidates whose storage a value may take over. */
  readonly overStart: Int32Array;
  readonly over: Int32Array;
  /** Values that a value may be made of, the largest first, and where in it they begin. */
  readonly partStart: Int32Array;
  readonly parts: Int32Array;
  readonly partOffset: Float64Array;
  /** Bytes of each part's storage, rounded up: one of another length is not taken over. */
  readonly partBytes: Float64Array;
  readonly cost: Float64Array;
  /** Rounded up to 64. */
  readonly scratch: Float64Array;
  readonly region: Uint8Array;
  readonly recomputable: Uint8Array;
  readonly expensive: Uint8Array;
  /** 1 for values bound as outputs. */
  readonly isOutput: Uint8Array;
  /** For an update node, the input values it writes over (else empty): no read of them may come later. */
  readonly writeStart: Int32Array;
  readonly writes: Int32Array;
}

/** The plan graph must be valid (see `checkPlanGraph`): unknown names throw a RangeError here. */
export function indexPlanGraph(graph: PlanGraph): PlanIndex {
  if (!isRecord(graph) || ![graph.inputs, graph.nodes, graph.outputs].every(Array.isArray))
    throw wrongArgument('indexPlanGraph', 'a plan graph: what `parsePlanGraph` gives', graph);
  const ids = new Map<string, number>();
  for (const input of graph.inputs) ids.set(input.name, ids.size);
  const inputCount = ids.size;
  for (const node of graph.nodes) for (const output of node.outputs) ids.set(output.name, ids.size);
  const id = (name: string): number => {
    const found = ids.get(name);
    if (found === undefined) throw new RangeError(`unknown value ${JSON.stringify(name)}`);
    return found;
  };
  const nodeCount = graph.nodes.length;
  const valueCount = ids.size;
  const bytes = new Float64Array(valueCount);
  const producer = new Int32Array(valueCount).fill(-1);
  const view = new Int32Array(valueCount).fill(-1);
  const isOutput = new Uint8Array(valueCount);
  const resultStart = new Int32Array(nodeCount + 1);
  const readStart = new Int32Array(nodeCount + 1);
  const writeStart = new Int32Array(nodeCount + 1);
  const overStart = new Int32Array(valueCount + 1);
  const partStart = new Int32Array(valueCount + 1);
  const reads: number[] = [];
  const writes: number[] = [];
  const over: number[] = [];
  const parts: IndexedPart[] = [];
  const cost = new Float64Array(nodeCount);
  const scratch = new Float64Array(nodeCount);
  const region = new Uint8Array(nodeCount);
  const recomputable = new Uint8Array(nodeCount);
  const expensive = new Uint8Array(nodeCount);
  const readerCount = new Int32Array(valueCount + 1);
  let value = inputCount;
  graph.nodes.forEach((node, n) => {
    cost[n] = node.cost;
    scratch[n] = alignUp(node.scratch);
    region[n] = node.region === 'forward' ? forwardRegion : node.region === 'backward' ? backwardRegion : updateRegion;
    recomputable[n] = node.recomputable ? 1 : 0;
    expensive[n] = node.expensive === true ? 1 : 0;
    const start = reads.length;
    for (const name of node.inputs) {
      const read = id(name);
      let known = false;
      for (let k = start; k < reads.length; k++) known ||= reads[k] === read;
      if (!known) {
        reads.push(read);
        readerCount[read + 1] = readerCount[read + 1]! + 1;
      }
    }
    readStart[n + 1] = reads.length;
    resultStart[n] = value;
    for (const output of node.outputs) {
      producer[value] = n;
      bytes[value] = alignUp(output.bytes);
      if (output.view !== undefined) {
        view[value] = id(output.view);
        bytes[value] = 0;
      } else {
        const candidates =
          output.over === undefined ? [] : typeof output.over === 'string' ? [output.over] : output.over;
        for (const candidate of candidates) {
          const donor = id(candidate);
          if (region[n] === updateRegion && donor < inputCount) {
            view[value] = donor;
            bytes[value] = 0;
            writes.push(donor);
          } else over.push(donor);
        }
        if (output.parts !== undefined) parts.push(...indexedParts(output.parts, id, bytes, view));
      }
      value++;
      overStart[value] = over.length;
      partStart[value] = parts.length;
    }
    resultStart[n + 1] = value;
    writeStart[n + 1] = writes.length;
  });
  for (let v = 0; v < inputCount; v++) overStart[v + 1] = 0;
  for (const name of graph.outputs) isOutput[id(name)] = 1;
  for (let v = 0; v < valueCount; v++) readerCount[v + 1] = readerCount[v + 1]! + readerCount[v]!;
  const readerStart = readerCount.slice();
  const readers = new Int32Array(reads.length);
  const cursor = readerStart.slice();
  for (let n = 0; n < nodeCount; n++)
    for (let k = readStart[n]!; k < readStart[n + 1]!; k++) {
      const read = reads[k]!;
      readers[cursor[read]!] = n;
      cursor[read] = cursor[read]! + 1;
    }
  return {
    graph,
    nodeCount,
    valueCount,
    inputCount,
    bytes,
    producer,
    resultStart,
    readStart,
    reads: Int32Array.from(reads),
    readerStart,
    readers,
    view,
    overStart,
    over: Int32Array.from(over),
    partStart,
    parts: Int32Array.from(parts, (part) => part.value),
    partOffset: Float64Array.from(parts, (part) => part.offset),
    partBytes: Float64Array.from(parts, (part) => part.bytes),
    cost,
    scratch,
    region,
    recomputable,
    expensive,
    isOutput,
    writeStart,
    writes: Int32Array.from(writes),
  };
}

interface IndexedPart {
  readonly value: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The largest first: what is rounded up need not all fit, and then the smallest are left out. */
function indexedParts(
  parts: readonly PlanPart[],
  id: (name: string) => number,
  bytes: Float64Array,
  view: Int32Array,
): IndexedPart[] {
  return parts
    .map(({ value, offset }) => {
      const part = id(value);
      let root = part;
      while (view[root]! >= 0) root = view[root]!;
      return { value: part, offset, bytes: bytes[root]! };
    })
    .sort((a, b) => b.bytes - a.bytes || a.offset - b.offset);
}
