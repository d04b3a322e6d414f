/**
 * Inputs of a step on the command line: TensorProto files `input_i.pb` (inputs in graph order), or numbers drawn by
 * seed: floats uniform in [-1, 1), integers within what their readers accept.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { allocateArray, type NumberArray } from '../../runtime/memory.ts';
import { rngInputOf } from '../analysis/rng-input.ts';
import { readWith } from '../files/read-file.ts';
import { readTensorProto } from '../frontend/tensor-proto.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Graph, sameType, type Tensor, type Value } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';

/** i of every `PREFIX_i.pb` in a folder, in order; none where there is no folder. */
export function numberedFiles(directory: string, prefix: string): readonly number[] {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory())
    throw new SublinearError({
      code: 'cannot-read',
      message: stats === undefined ? `there is no folder ${directory}` : `${directory} is not a folder`,
    });
  const expression = new RegExp(`^${prefix}_(\\d+)\\.pb$`);
  return readdirSync(directory)
    .flatMap((name) => {
      const match = expression.exec(name);
      return match === null ? [] : [Number(match[1])];
    })
    .sort((a, b) => a - b);
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Every `PREFIX_i.pb` of a folder by its i. */
export function readNumbered(directory: string, prefix: string): ReadonlyMap<number, NamedTensor> {
  return new Map(
    numberedFiles(directory, prefix).map((i) => [
      i,
      readWith(join(directory, `${prefix}_${i}.pb`), 'the tensor', readTensorProto),
    ]),
  );
}

/** Tensors by input: the input a tensor names, else (its name being none of theirs) the one in its place. */
export function nameInputs(
  names: readonly string[],
  files: ReadonlyMap<number, NamedTensor>,
): ReadonlyMap<string, Tensor> {
  const given = new Map<string, Tensor>();
  for (const [i, { name, tensor }] of files) {
    const own = names.includes(name) ? name : names[i];
    if (own !== undefined) given.set(own, tensor);
  }
  return given;
}

/** What a folder of TensorProto files gives to inputs called `names`: `input_i.pb`, and `cotangent_i.pb` as they are. */
export function readGiven(directory: string, names: readonly string[]): ReadonlyMap<string, Tensor> {
  const given = new Map(nameInputs(names, readNumbered(directory, 'input')));
  for (const [i, { tensor }] of readNumbered(directory, 'cotangent')) given.set(`cotangent_${i}`, tensor);
  return given;
}

export interface StepInputs {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly notes: readonly Diagnostic[];
}

/** A tensor for each of the graph's inputs: the given one, checked, or one drawn by seed. */
export function stepInputs(graph: Graph, given: ReadonlyMap<string, Tensor>, seed: number): StepInputs {
  const tensors = new Map<string, Tensor>();
  const notes: Diagnostic[] = [];
  const rng = rngInputOf(graph);
  for (const input of graph.inputs) {
    if (input.name === rng?.name) continue;
    const tensor = given.get(input.name);
    const checked =
      tensor === undefined ? drawInput(graph, input, seed) : checkInput(tensor, input, 'the given tensor');
    const bad = findNaN(checked);
    if (bad >= 0)
      notes.push({
        code: 'nan-in-input',
        message: `input ${JSON.stringify(input.name)} holds NaN (first at element ${bad}); results will too`,
      });
    tensors.set(input.name, checked);
  }
  return { tensors, notes };
}

/** The tensor as the input's type: integer types are interchangeable, shapes only of single numbers. Throws `SublinearError`. */
export function checkInput(tensor: Tensor, input: Value, from: string): Tensor {
  if (sameType(tensor.type, input.type)) return tensor;
  const integers = tensor.type.dtype !== 'f32' && input.type.dtype !== 'f32';
  if (integers && sameType({ ...tensor.type, dtype: input.type.dtype }, input.type))
    return { ...tensor, type: input.type };
  const single = elementCount(tensor.type.shape) === 1 && elementCount(input.type.shape) === 1;
  if (single && tensor.type.dtype === input.type.dtype) return { ...tensor, type: input.type };
  throw new SublinearError({
    code: 'input-type',
    message: `${from} holds ${formatType(tensor.type)}, but input ${JSON.stringify(input.name)} is ${formatType(input.type)}`,
  });
}

function findNaN(tensor: Tensor): number {
  if (tensor.type.dtype !== 'f32') return -1;
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) return i;
  return -1;
}

function drawInput(graph: Graph, input: Value, seed: number): Tensor {
  const count = elementCount(input.type.shape);
  const data = allocate(input, count);
  let state = (seed ^ hashName(input.name)) >>> 0;
  const bound = integerBound(graph, input);
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const unit = ((x ^ (x >>> 16)) >>> 8) / 2 ** 24;
    data[i] = input.type.dtype === 'f32' ? 2 * unit - 1 : Math.floor(unit * bound);
  }
  return { type: input.type, data };
}

function allocate(input: Value, count: number): NumberArray {
  try {
    return allocateArray(input.type.dtype, count);
  } catch {
    throw new SublinearError({
      code: 'out-of-memory',
      message: `input ${JSON.stringify(input.name)} (${formatType(input.type)}) is too large to be held in memory`,
    });
  }
}

/** FNV-1a. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The smallest bound that a reader of the input sets, or of what its elements are moved to; 2 where none does. */
function integerBound(graph: Graph, input: Value): number {
  const aliases = new Set([input.name]);
  let bound = Number.POSITIVE_INFINITY;
  for (const node of graph.nodes)
    node.operands.forEach((operand, i) => {
      if (!aliases.has(operand.name)) return;
      const op = opNamed(node.op);
      bound = Math.min(bound, op.indexBound?.(node, i) ?? Number.POSITIVE_INFINITY);
      if (op.effect === 'view' || op.passesOn?.(i) === true)
        for (const result of node.results) aliases.add(result.name);
    });
  return Number.isFinite(bound) ? Math.max(bound, 1) : 2;
}
