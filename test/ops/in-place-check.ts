/**
 * Runs an op in place with operands that share storage in every way that the planner lets through, against the same call
 * with its results apart: on the plain kernels, on the WebAssembly ones, and in the parts that threads take, last first.
 */
import { type Memory, viewMemory } from '../../runtime/memory.ts';
import type { KernelCall } from '../../runtime/program.ts';
import { splits } from '../../runtime/threads/split-table.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import {
  type Attributes,
  alignUp,
  byteLength,
  elementCount,
  type Graph,
  type Node,
  sameType,
  type TensorType,
  type Value,
} from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import { type Op, type OpExample, ShapeError } from '../../src/ir/op.ts';
import { readTensor, writeTensor } from '../../src/ops/evaluate.ts';
import { slice, viewSlice } from '../../src/ops/slice.ts';
import { drawTensor, numbers } from '../op-check.ts';

/** Where each operand lies: an element of storage `base`, which all operands of that base share. */
interface Position {
  readonly base: number;
  readonly element: number;
  /** A value of its own, though it may lie where another does; else the value that fills the base. */
  readonly view: boolean;
}

/** How operands lie to one another. The first element of the donor is number `element` of its base. */
export interface Arrangement {
  readonly name: string;
  readonly positions: readonly Position[];
}

export interface InPlaceCase {
  readonly example: OpExample;
  readonly donor: number;
  readonly result: number;
  readonly arrangement: Arrangement;
}

export interface InPlaceReport {
  /** In words, one for each call that differs. */
  readonly faults: readonly string[];
  /** The arrangements in which the planner let the op run in place: `same 0 1`, for operand 1 given as operand 0. */
  readonly taken: ReadonlySet<string>;
  /** The arrangements that were asked for. */
  readonly tried: ReadonlySet<string>;
}

/** Whether a result may take over the storage of an operand. */
export type Permits = (graph: Graph, result: number, donor: number) => boolean;

/** What the planner says of the last node. */
export const plannerPermits: Permits = (graph, result, donor) => {
  const node = toPlanGraph(graph).nodes.at(-1)!;
  const { over } = node.outputs[result]!;
  return over !== undefined && [over].flat().includes(graph.nodes.at(-1)!.operands[donor]!.name);
};

const wasmMemory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const wasmKernels = createWasmKernels(wasmMemory);
const plainMemory = viewMemory(new ArrayBuffer(wasmMemory.buffer.byteLength));

const shapes: readonly (readonly number[])[] = [[4], [2, 2], [1, 4], [4, 1], [2], [1, 2], [2, 1], [1], []];
/** Ops of many operands are tried on fewer shapes. */
const fewShapes: readonly (readonly number[])[] = [[4], [1, 4], [2], [1, 2], []];

/** Applications of the op to small operands of every mix of shapes that it takes, with the attributes of its examples. */
function applications(op: Op): readonly OpExample[] {
  const found = new Map<string, OpExample>();
  for (const example of op.examples) {
    found.set(keyOf(example), example);
    const choices = example.operands.length > 3 ? fewShapes : shapes;
    const most = choices.length ** example.operands.length;
    for (let pick = 0; pick < most; pick++) {
      let rest = pick;
      const operands = example.operands.map(({ dtype }): TensorType => {
        const shape = choices[rest % choices.length]!;
        rest = Math.floor(rest / choices.length);
        return { dtype, shape };
      });
      const drawn = { ...example, operands };
      if (!found.has(keyOf(drawn)) && applies(op, operands, example.attributes)) found.set(keyOf(drawn), drawn);
    }
  }
  return [...found.values()];
}

const keyOf = (example: OpExample): string => JSON.stringify([example.operands, example.attributes]);

function applies(op: Op, operands: readonly TensorType[], attributes: Attributes): boolean {
  try {
    return op.infer(operands, attributes).length > 0;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

/** The ways in which the others may lie in the donor's storage. */
function arrangements(operands: readonly TensorType[], donor: number): readonly Arrangement[] {
  const apart = operands.map((_, i): Position => ({ base: i, element: 0, view: false }));
  const at = (position: number, changed: Position): readonly Position[] => apart.with(position, changed);
  const type = operands[donor]!;
  const list: Arrangement[] = [
    { name: `apart ${donor}`, positions: apart },
    { name: `begins ${donor}`, positions: at(donor, { base: donor, element: 0, view: true }) },
    { name: `inside ${donor}`, positions: at(donor, { base: donor, element: 1, view: true }) },
  ];
  operands.forEach((other, i) => {
    if (i === donor || other.dtype !== type.dtype) return;
    const counts = [elementCount(type.shape), elementCount(other.shape)] as const;
    const beside = (name: string, element: number, view: boolean): void => {
      list.push({ name: `${name} ${donor} ${i}`, positions: at(i, { base: donor, element, view }) });
    };
    if (sameType(type, other)) beside('same', 0, false);
    if (counts[0] === counts[1]) beside('alias', 0, true);
    if (counts[0] > counts[1]) {
      beside('start', 0, true);
      beside('end', counts[0] - counts[1], true);
    }
    if (counts[0] < counts[1]) {
      const whole: Position = { base: donor, element: 0, view: true };
      list.push({ name: `within ${donor} ${i}`, positions: at(i, whole).with(donor, whole) });
    }
    const [first, shifted]: readonly Position[] = [
      { base: donor, element: 0, view: true },
      { base: donor, element: 1, view: true },
    ];
    list.push({ name: `shifted ${donor} ${i}`, positions: at(i, shifted!).with(donor, first!) });
  });
  const equal = operands.map((other): Position | undefined =>
    sameType(other, type) ? { base: donor, element: 0, view: false } : undefined,
  );
  if (equal.filter((position) => position !== undefined).length > 2)
    list.push({ name: `all ${donor}`, positions: apart.map((position, i) => equal[i] ?? position) });
  return list;
}

/** One case of each kind: which operands share, how, and of which types. */
function casesOf(op: Op): readonly InPlaceCase[] {
  const chosen = new Map<string, InPlaceCase>();
  const examples = applications(op);
  for (const example of examples) {
    const types = op.infer(example.operands, example.attributes);
    op.inPlace!.forEach((donors, result) => {
      for (const donor of donors) {
        const type = example.operands[donor];
        if (type === undefined || byteLength(type) !== byteLength(types[result]!)) continue;
        for (const arrangement of arrangements(example.operands, donor)) {
          const kind = `${JSON.stringify(example.attributes)} ${type.dtype} ${result} ${arrangement.name}`;
          const larger =
            elementCount(type.shape) > elementCount(chosen.get(kind)?.example.operands[donor]?.shape ?? [0]);
          if (larger) chosen.set(kind, { example, donor, result, arrangement });
        }
      }
    });
  }
  return [...chosen.values()];
}

/** The op applied as the arrangement says; its bases are copies of inputs, so that they may be taken over. */
function buildGraph(op: Op, { example, arrangement }: InPlaceCase): Graph {
  const builder = new GraphBuilder('in_place');
  const bases = new Map<number, Value>();
  const types = baseTypes(example, arrangement);
  const operands = example.operands.map((type, i) => {
    const { base, element, view } = arrangement.positions[i]!;
    let value = bases.get(base);
    if (value === undefined) {
      const given = builder.resident('input', `x${base}`, types.get(base)!);
      value = builder.emit(slice, [given], { axes: [], starts: [], ends: [], steps: [] }, `base${base}`);
      bases.set(base, value);
    }
    return view ? builder.emit(viewSlice, [value], { offset: element, shape: type.shape }, `view${i}`) : value;
  });
  builder.emitAll(op, operands, example.attributes, 'y');
  return builder.finish();
}

/** A base is the operand of its number, or a run of elements with one behind the last that is looked at. */
function baseTypes({ operands }: OpExample, { positions }: Arrangement): ReadonlyMap<number, TensorType> {
  const types = new Map<number, TensorType>();
  for (const { base } of positions) {
    const { dtype, shape } = operands[base]!;
    const ends = positions.map((position, i) =>
      position.base === base ? position.element + elementCount(operands[i]!.shape) : 0,
    );
    types.set(base, { dtype, shape: positions[base]!.view ? [Math.max(...ends) + 1] : shape });
  }
  return types;
}

type Run = (calls: readonly KernelCall[]) => void;

const wasmViews = viewMemory(wasmMemory.buffer);

/** Every way of running calls, with the memory that they run in. */
const backends: readonly { name: string; memory: Memory; run: Run }[] = [
  { name: 'js', memory: plainMemory, run: (calls) => runCalls(plainMemory, calls, false, false) },
  { name: 'wasm', memory: wasmViews, run: (calls) => runCalls(wasmViews, calls, true, false) },
  { name: 'parts', memory: wasmViews, run: (calls) => runCalls(wasmViews, calls, true, true) },
];

function runCalls(memory: Memory, calls: readonly KernelCall[], wasm: boolean, parted: boolean): void {
  for (const { kernel, args } of calls) {
    const own = (wasm ? wasmKernels.get(kernel.name) : undefined) ?? kernel;
    const parts = parted && own !== kernel ? splits.get(kernel.name)?.cut(2, ...args) : undefined;
    for (const list of parts?.toReversed().flat() ?? [args]) own(memory, ...list);
  }
}

/** Runs every case that `permits` lets through. */
export function checkInPlace(op: Op, permits: Permits = plannerPermits): InPlaceReport {
  const faults: string[] = [];
  const taken = new Set<string>();
  const tried = new Set<string>();
  for (const each of casesOf(op)) {
    const graph = buildGraph(op, each);
    tried.add(each.arrangement.name);
    if (!permits(graph, each.result, each.donor)) continue;
    taken.add(each.arrangement.name);
    for (let seed = 1; seed <= 3; seed++)
      for (const backend of backends) {
        const [apart, inPlace] = [false, true].map((placed) =>
          runCase(op, graph.nodes.at(-1)!, each, backend, placed, seed),
        );
        if (apart === inPlace) continue;
        const types = each.example.operands.map((type) => `${type.dtype}[${type.shape}]`).join(' ');
        const about = `${op.name}(${types}) ${JSON.stringify(each.example.attributes)} with ${each.arrangement.name}`;
        faults.push(`${about} on ${backend.name}: ${inPlace} in place, not ${apart}`);
      }
  }
  return { faults, taken, tried };
}

/** The results, as text; `placed`: with the result at the start of the storage that its donor lies in, as planned steps have it. */
function runCase(
  op: Op,
  node: Node,
  { example, donor, result, arrangement }: InPlaceCase,
  { memory, run }: { memory: Memory; run: Run },
  placed: boolean,
  seed: number,
): string {
  let used = 0;
  const place = (bytes: number): number => {
    const offset = used;
    used += alignUp(bytes);
    return offset;
  };
  const next = numbers(seed);
  const bases = new Map<number, number>();
  for (const [base, type] of baseTypes(example, arrangement)) {
    const offset = place(byteLength(type));
    bases.set(base, offset);
    writeTensor(memory, type, offset, drawTensor(type, next, rangeOf(example, donor, base)).data);
  }
  const from = example.operands.map((type, i) => {
    const { base, element } = arrangement.positions[i]!;
    return bases.get(base)! + byteLength({ dtype: type.dtype, shape: [element] });
  });
  const start = bases.get(arrangement.positions[donor]!.base)!;
  const to = node.results.map((value, i) => (placed && i === result ? start : place(byteLength(value.type))));
  const scratch = place(op.scratch?.(node) ?? 0);
  try {
    run(op.lower(node, { operand: (i) => from[i]!, result: (i) => to[i]!, scratch }));
  } catch (error) {
    // An index that was written over points anywhere.
    return error instanceof Error ? error.message : String(error);
  }
  const show = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));
  return node.results
    .map((value, i) => `[${Array.from(readTensor(memory, value.type, to[i]!), show).join(', ')}]`)
    .join(' ');
}

/** Integers are indices below every extent of what is taken over; other numbers are what the example draws. */
function rangeOf(example: OpExample, donor: number, operand: number): readonly [number, number] | undefined {
  const range = example.ranges?.[operand];
  const { dtype } = example.operands[operand]!;
  if (dtype === 'f32') return range ?? example.range;
  if (dtype === 'bool' || (range !== undefined && range[0] > 0)) return range;
  return [0, Math.max(1, Math.min(...example.operands[donor]!.shape)) - 1];
}
