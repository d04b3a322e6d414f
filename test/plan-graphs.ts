/**
 * Plan graphs for tests of planners (chains, random DAGs), and a slow replay of a sequence that shares no code with the
 * simulator: it keeps buffers, looks ahead naively for the next read, and poisons what it frees or writes over.
 */
import fc from 'fast-check';
import type { PlanGraph, PlanNode, PlanResult } from '../src/analysis/plan-graph.ts';
import { indexPlanGraph } from '../src/analysis/plan-graph.ts';

export const unit = 64;

export interface ChainOptions {
  /** A scalar `loss` that is an output (and costs 64 bytes) and seeds the backward pass; else ones do. */
  readonly loss?: boolean;
  /** Forward layers may write over their operand (default true). */
  readonly inPlace?: boolean;
  readonly bytes?: number;
}

/**
 * A chain of `layers` tanh from input a0: `a1 .. an`; backward, in place on the gradient: `d(i-1) = tanh_grad(di, ai)`.
 * The output is d0.
 */
export function chain(layers: number, { loss = false, inPlace = true, bytes = unit }: ChainOptions = {}): PlanGraph {
  const nodes: PlanNode[] = [];
  for (let i = 1; i <= layers; i++)
    nodes.push(forward(`a${i}`, [`a${i - 1}`], bytes, i > 1 && inPlace ? { over: `a${i - 1}` } : {}));
  if (loss) nodes.push(forward('loss', [`a${layers}`], 4));
  nodes.push(backward(`d${layers}`, loss ? ['loss'] : [], bytes));
  for (let i = layers; i >= 1; i--) nodes.push(backward(`d${i - 1}`, [`d${i}`, `a${i}`], bytes, { over: `d${i}` }));
  return { inputs: [{ name: 'a0', bytes }], nodes, outputs: loss ? ['loss', 'd0'] : ['d0'] };
}

/** Two chains of `layers` tanh each, from a0 and b0, joined by an add; the outputs are their gradients. */
export function twoChains(layers: number): PlanGraph {
  const nodes: PlanNode[] = [];
  for (const side of ['a', 'b'])
    for (let i = 1; i <= layers; i++)
      nodes.push(forward(`${side}${i}`, [`${side}${i - 1}`], unit, i > 1 ? { over: `${side}${i - 1}` } : {}));
  nodes.push(forward('sum', [`a${layers}`, `b${layers}`], unit));
  nodes.push(backward('d', [], unit));
  for (const side of ['b', 'a'])
    for (let i = layers; i >= 1; i--) {
      const dy = i === layers ? 'd' : `d${side}${i}`;
      nodes.push(backward(`d${side}${i - 1}`, [dy, `${side}${i}`], unit, { over: dy }));
    }
  return {
    inputs: ['a0', 'b0'].map((name) => ({ name, bytes: unit })),
    nodes,
    outputs: ['da0', 'db0'],
  };
}

function forward(
  name: string,
  inputs: readonly string[],
  bytes: number,
  result: Partial<PlanResult> = {},
  node: Partial<PlanNode> = {},
): PlanNode {
  return {
    name,
    inputs,
    outputs: [{ name, bytes, ...result }],
    cost: 1,
    region: 'forward',
    recomputable: true,
    scratch: 0,
    ...node,
  };
}

function backward(
  name: string,
  inputs: readonly string[],
  bytes: number,
  result: Partial<PlanResult> = {},
  node: Partial<PlanNode> = {},
): PlanNode {
  return forward(name, inputs, bytes, result, { region: 'backward', ...node });
}

/** A source of numbers `0 <= x < below`: fast-check's in property tests, a counter in tests of scale. */
export type Draw = (below: number) => number;

/** Repeatable numbers without fast-check. */
export function counterDraw(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

/** How far back a random node reads, at most; undefined: anywhere. */
export interface RandomOptions {
  readonly reach?: number;
  readonly updates?: boolean;
  /** Some forward nodes put others' results one beside another (default false). */
  readonly parts?: boolean;
}

/**
 * A random training step: forward nodes with several readers, views, in-place results, several results, scratch, state
 * nodes; a backward node for each forward node in reverse order that reads gradients and some of what its forward node
 * read or made; updates over parameters.
 */
export function randomPlanGraph(
  draw: Draw,
  forwardNodes: number,
  { reach, updates = true, parts = false }: RandomOptions = {},
): PlanGraph {
  const inputs = [{ name: 'x', bytes: 64 * (1 + draw(4)) }];
  const nodes: PlanNode[] = [];
  const values: string[] = ['x'];
  const sizeOf = new Map<string, number>([['x', inputs[0]!.bytes]]);
  const gradientsOf = new Map<string, string[]>();
  /** Values that are as large as the storage they lie in, which is no resident. */
  const filling = new Set<string>();
  const parameters: string[] = [];
  const fresh = (name: string): string => {
    const bytes = 1 + draw(8 * 64);
    sizeOf.set(name, bytes);
    return name;
  };
  const overOf = (name: string, donors: readonly string[]): { over?: readonly string[] } => {
    const fitting = donors.filter((donor) => sizeOf.get(donor)! >= sizeOf.get(name)! && draw(2) === 0);
    return fitting.length === 0 ? {} : { over: fitting };
  };
  const pick = (): string =>
    values[reach === undefined ? draw(values.length) : Math.max(0, values.length - 1 - draw(reach))]!;
  for (let i = 0; i < forwardNodes; i++) {
    const name = `f${i}`;
    const reads = [draw(3) > 0 ? values[values.length - 1]! : pick()];
    for (let extra = draw(3); extra > 0; extra--) reads.push(pick());
    if (parts && draw(4) === 0) {
      const joined = [...new Set(reads.filter((read) => filling.has(read)))];
      if (joined.length > 0) {
        let offset = 0;
        const laid = joined.map((value) => {
          const part = { value, offset };
          offset += sizeOf.get(value)!;
          return part;
        });
        sizeOf.set(name, offset + draw(2) * draw(200));
        filling.add(name);
        nodes.push(forward(name, reads, sizeOf.get(name)!, { parts: laid }));
        values.push(name);
        continue;
      }
    }
    const kind = draw(10);
    if (kind === 0) {
      sizeOf.set(name, sizeOf.get(reads[0]!)!);
      nodes.push(forward(name, reads, sizeOf.get(name)!, { view: reads[0]! }, { cost: 0 }));
      if (filling.has(reads[0]!)) filling.add(name);
      values.push(name);
      continue;
    }
    if (kind === 1) {
      parameters.push(`w${i}`);
      inputs.push({ name: `w${i}`, bytes: 64 });
      sizeOf.set(`w${i}`, 64);
      reads.push(`w${i}`);
    }
    const results = [fresh(name), ...(kind === 2 ? [fresh(`${name}.1`)] : [])];
    nodes.push({
      ...forward(name, reads, 0),
      outputs: results.map((result) => ({ name: result, bytes: sizeOf.get(result)!, ...overOf(result, reads) })),
      cost: 1 + draw(5),
      scratch: draw(3) === 0 ? draw(300) : 0,
      recomputable: kind !== 3,
      expensive: kind === 1 || kind === 4,
    });
    values.push(...results);
    for (const result of results) filling.add(result);
  }
  const outputs = [nodes[forwardNodes - 1]!.outputs[0]!.name];
  const backwards: PlanNode[] = [backward('seed', [], 64)];
  sizeOf.set('seed', 64);
  const final = nodes[forwardNodes - 1]!.outputs[0]!.name;
  gradientsOf.set(final, ['seed']);
  for (let i = forwardNodes - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const dy = node.outputs.flatMap((result) => gradientsOf.get(result.name) ?? []);
    if (dy.length === 0) continue;
    const wanted = [...node.inputs, ...node.outputs.map((result) => result.name)].filter(() => draw(2) === 0);
    [...new Set(node.inputs)].forEach((input, k) => {
      const name = fresh(`b${i}_${k}`);
      backwards.push(backward(name, [...dy, ...wanted], sizeOf.get(name)!, overOf(name, dy), { cost: 1 + draw(5) }));
      gradientsOf.set(input, [...(gradientsOf.get(input) ?? []), name]);
    });
  }
  const updateNodes: PlanNode[] = [];
  for (const parameter of parameters) {
    const gradients = gradientsOf.get(parameter);
    if (gradients === undefined) continue;
    if (!updates) {
      outputs.push(gradients[0]!);
      continue;
    }
    const decayed = `${parameter}.decayed`;
    updateNodes.push({ ...forward(decayed, [parameter], 64), region: 'update', recomputable: false });
    updateNodes.push({
      ...forward(`${parameter}.new`, [parameter, decayed, ...gradients], 64, { over: parameter }),
      region: 'update',
      recomputable: false,
    });
    outputs.push(`${parameter}.new`);
  }
  if (outputs.length === 1) outputs.push(backwards[backwards.length - 1]!.name);
  return { inputs, nodes: [...nodes, ...backwards, ...updateNodes], outputs };
}

/** fast-check arbitrary of random training steps of 2 to `most` forward nodes. */
export function planGraphs(most = 24, options: RandomOptions = {}): fc.Arbitrary<PlanGraph> {
  return fc
    .tuple(fc.integer({ min: 2, max: most }), fc.array(fc.nat({ max: 0xffff }), { minLength: 40, maxLength: 400 }))
    .map(([size, numbers]) => {
      let next = 0;
      return randomPlanGraph((below) => numbers[next++ % numbers.length]! % below, size, { parts: true, ...options });
    });
}

/** What breaks DESIGN section 8's rules for the sequences of planners; empty if it is legal. */
export function illegalities(graph: PlanGraph, sequence: readonly string[]): string[] {
  const faults: string[] = [];
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const seen = new Map<string, number>();
  let backwardSeen = false;
  for (const name of sequence) {
    const node = nodes.get(name)!;
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    if (node.region === 'backward') backwardSeen = true;
    if (node.region !== 'forward' && times > 0) faults.push(`${node.region} node ${name} appears again`);
    if (node.region === 'forward' && times === 0 && backwardSeen)
      faults.push(`${name} first appears after backward began`);
    if (!node.recomputable && times > 0) faults.push(`${name} may not be recomputed`);
  }
  for (const node of graph.nodes) if (!seen.has(node.name)) faults.push(`${node.name} is missing`);
  return faults;
}

interface Buffer {
  readonly bytes: number;
  /** Counts writes; a copy is intact while its buffer's count is what it was. */
  written: number;
  freed: boolean;
  pinned: boolean;
}

interface Copy {
  readonly buffer: Buffer;
  readonly written: number;
}

export interface Replay {
  readonly liveBytes: number;
  readonly liveAt: readonly number[];
  readonly cost: number;
}

/** Runs `sequence` on buffers. Throws if a step reads what is absent, freed or written over. Quadratic. */
export function replay(graph: PlanGraph, sequence: readonly string[]): Replay {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const round = (bytes: number): number => bytes + ((64 - (bytes % 64)) % 64);
  const copies = new Map<string, Copy>();
  const bound = new Set<string>();
  const residents = new Set<Buffer>();
  for (const input of graph.inputs) {
    const buffer = { bytes: 0, written: 0, freed: false, pinned: true };
    residents.add(buffer);
    copies.set(input.name, { buffer, written: 0 });
  }
  const live = new Set<Buffer>();
  /** Whether a step after `s` reads the copy of `value` that is the most recent one after step `s`. */
  const readAfter = (value: string, s: number): boolean => {
    for (let t = s + 1; t < sequence.length; t++) {
      const node = nodes.get(sequence[t]!)!;
      if (node.inputs.includes(value)) return true;
      if (node.outputs.some((result) => result.name === value)) return false;
    }
    return false;
  };
  const neededAfter = (buffer: Buffer, s: number, made: readonly string[]): boolean => {
    if (buffer.pinned) return true;
    for (const [value, copy] of copies)
      if (copy.buffer === buffer && !made.includes(value) && readAfter(value, s)) return true;
    return false;
  };
  const liveAt: number[] = [];
  let cost = 0;
  sequence.forEach((name, s) => {
    const node = nodes.get(name)!;
    cost += node.cost;
    const read = new Map<string, Copy>();
    for (const input of node.inputs) {
      const copy = copies.get(input);
      if (copy === undefined) throw new Error(`step ${s} (${name}) reads ${input}, which is absent`);
      if (copy.buffer.freed) throw new Error(`step ${s} (${name}) reads ${input}, which is freed`);
      if (copy.written !== copy.buffer.written)
        throw new Error(`step ${s} (${name}) reads ${input}, which is written over`);
      read.set(input, copy);
    }
    const results = node.outputs.map((result) => result.name);
    const taken = new Set<Buffer>();
    const made: [string, Copy][] = [];
    /** Buffers of dying parts that lie in the result from now on: the largest first, while they fit. */
    const partsTaken = (bytes: number, { parts = [] }: PlanResult): Buffer[] => {
      const sizes = new Map(
        graph.nodes.flatMap((other) => other.outputs.map((o) => [o.name, round(o.bytes)] as const)),
      );
      let room = bytes;
      const found: Buffer[] = [];
      const sorted = [...parts].sort((a, b) => sizes.get(b.value)! - sizes.get(a.value)! || a.offset - b.offset);
      for (const { value } of sorted) {
        const part = read.get(value)!.buffer;
        if (residents.has(part) || taken.has(part) || found.includes(part) || neededAfter(part, s, results)) continue;
        if (part.bytes !== sizes.get(value) || part.bytes > room) continue;
        room -= part.bytes;
        found.push(part);
      }
      return found;
    };
    for (const result of node.outputs) {
      let buffer: Buffer | undefined;
      if (result.view !== undefined) buffer = (read.get(result.view) ?? copies.get(result.view)!).buffer;
      else {
        const donors = typeof result.over === 'string' ? [result.over] : (result.over ?? []);
        for (const donor of donors) {
          const candidate = read.get(donor)!.buffer;
          if (residents.has(candidate)) {
            if (node.region !== 'update' || !graph.inputs.some((input) => input.name === donor)) continue;
          } else if (
            taken.has(candidate) ||
            candidate.bytes < round(result.bytes) ||
            neededAfter(candidate, s, results) ||
            node.outputs.some((other) => other.view !== undefined && read.get(other.view)?.buffer === candidate)
          )
            continue;
          buffer = candidate;
          buffer.written++;
          taken.add(buffer);
          break;
        }
        if (buffer === undefined) {
          buffer = { bytes: round(result.bytes), written: 0, freed: false, pinned: false };
          for (const part of partsTaken(buffer.bytes, result)) {
            taken.add(part);
            live.delete(part);
            part.freed = true;
          }
          live.add(buffer);
        }
      }
      made.push([result.name, { buffer, written: buffer.written }]);
    }
    for (const [value, copy] of made) {
      copies.set(value, copy);
      if (graph.outputs.includes(value) && !bound.has(value)) copy.buffer.pinned = true;
      bound.add(value);
    }
    let bytes = round(node.scratch);
    for (const buffer of live) bytes += buffer.bytes;
    liveAt.push(bytes);
    for (const buffer of [...live])
      if (!neededAfter(buffer, s, [])) {
        buffer.freed = true;
        live.delete(buffer);
      }
  });
  return { liveBytes: Math.max(0, ...liveAt), liveAt, cost };
}

/** Names of a sequence of node numbers. */
export function namesOf(graph: PlanGraph, sequence: ArrayLike<number>): string[] {
  return Array.from(sequence, (n) => graph.nodes[n]!.name);
}

/** Numbers of values by name, as a kept set. */
export function keptSet(graph: PlanGraph, names: readonly string[]): Uint8Array {
  const index = indexPlanGraph(graph);
  const kept = new Uint8Array(index.valueCount);
  let v = graph.inputs.length;
  for (const node of graph.nodes)
    for (const result of node.outputs) {
      kept[v] = names.includes(result.name) ? 1 : 0;
      v++;
    }
  return kept;
}
