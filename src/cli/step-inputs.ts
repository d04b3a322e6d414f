/**
 * Inputs of a step on the command line: TensorProto files `input_i.pb` (inputs in graph order), or numbers drawn by
 * seed: floats uniform in [-1, 1), integers within what their readers accept.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allocateArray } from '../../runtime/memory.ts';
import { rngInput } from '../execution.ts';
import { readTensorProto } from '../frontend/tensor-proto.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Graph, sameType, type Tensor, type Value } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';
import { readBytes } from './read-file.ts';

/** i of every `PREFIX_i.pb` in a folder, in order; none where there is no folder. */
export function numberedFiles(directory: string, prefix: string): readonly number[] {
  if (!existsSync(directory))
    throw new SublinearError({ code: 'cannot-read', message: `there is no folder ${directory}` });
  const expression = new RegExp(`^${prefix}_(\\d+)\\.pb$`);
  return readdirSync(directory)
    .flatMap((name) => {
      const match = expression.exec(name);
      return match === null ? [] : [Number(match[1])];
    })
    .sort((a, b) => a - b);
}

export interface StepInputs {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly notes: readonly Diagnostic[];
}

/** Reads `input_i.pb` (and `cotangent_i.pb`) for the graph's inputs; what has no file is drawn by seed. */
export function readStepInputs(graph: Graph, directory: string | undefined, seed: number): StepInputs {
  const tensors = new Map<string, Tensor>();
  const notes: Diagnostic[] = [];
  const plain = graph.inputs.filter((input) => input.name !== rngInput && !/^cotangent_\d+$/.test(input.name));
  for (const input of graph.inputs) {
    if (input.name === rngInput) continue;
    const position = plain.indexOf(input);
    const file = position >= 0 ? `input_${position}.pb` : `${input.name}.pb`;
    const path = directory === undefined ? undefined : join(directory, file);
    const tensor =
      path !== undefined && existsSync(path)
        ? readInput(path, input, plain, directory!)
        : drawInput(graph, input, seed);
    const bad = findNaN(tensor);
    if (bad >= 0)
      notes.push({
        code: 'nan-in-input',
        message: `input ${JSON.stringify(input.name)} holds NaN (first at element ${bad}); results will too`,
      });
    tensors.set(input.name, tensor);
  }
  return { tensors, notes };
}

/** A file whose tensor carries the name of another input is that input's: names win over numbers. */
function readInput(path: string, input: Value, plain: readonly Value[], directory: string): Tensor {
  const read = readTensorProto(readBytes(path, 'the input'));
  let { tensor } = read;
  if (read.name !== input.name && plain.some((other) => other.name === read.name)) {
    const own = plain
      .map((_, i) => join(directory, `input_${i}.pb`))
      .filter((other) => existsSync(other))
      .map((other) => readTensorProto(readBytes(other, 'the input')))
      .find((other) => other.name === input.name);
    if (own !== undefined) tensor = own.tensor;
  }
  return checkInput(tensor, input, path);
}

/** The tensor as the input's type: integer types are interchangeable, shapes are not. Throws `SublinearError`. */
export function checkInput(tensor: Tensor, input: Value, from: string): Tensor {
  if (sameType(tensor.type, input.type)) return tensor;
  const integers = tensor.type.dtype !== 'f32' && input.type.dtype !== 'f32';
  if (integers && sameType({ ...tensor.type, dtype: input.type.dtype }, input.type))
    return { ...tensor, type: input.type };
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
  const data = allocateArray(input.type.dtype, count);
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

/** FNV-1a. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The smallest bound that a reader of the input, or of a view of it, sets; 2 where none does. */
function integerBound(graph: Graph, input: Value): number {
  const aliases = new Set([input.name]);
  let bound = Number.POSITIVE_INFINITY;
  for (const node of graph.nodes)
    node.operands.forEach((operand, i) => {
      if (!aliases.has(operand.name)) return;
      const op = opNamed(node.op);
      bound = Math.min(bound, op.indexBound?.(node, i) ?? Number.POSITIVE_INFINITY);
      if (op.effect === 'view') for (const result of node.results) aliases.add(result.name);
    });
  return Number.isFinite(bound) ? Math.max(bound, 1) : 2;
}
