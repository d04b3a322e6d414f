/**
 * `--data`: a folder of TensorProto batches, `.npy` files, or a module that yields batches.
 *
 * Folder: either `input_i.pb` itself, one batch; or folders of those, one a batch, in the order of the numbers in their
 * names. `.npy`: a file an input, with commas, in the order of the inputs; a file named after an input is that one's.
 * Module: exports `batches` (an array, an iterable, or a function that gives one) or `batch(index)`; and for evaluation
 * `evaluation`, like `batches`.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { readBytes, readWith } from '../files/read-file.ts';
import { readNpy } from '../frontend/npy.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { Value } from '../ir/graph.ts';
import {
  arrayBatches,
  asBatch,
  type BatchSource,
  type NamedArray,
  numberedBatches,
  type ShuffleOptions,
  yieldedBatches,
} from '../training/batches.ts';
import { importModule } from './load-model.ts';
import { numberedFiles, readGiven } from './step-inputs.ts';

export interface TrainingData {
  readonly batches: BatchSource;
  /** What a module offers for evaluation. */
  readonly evaluation?: BatchSource;
}

const moduleKinds: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs']);

/** `inputs`: those of the model that batches give. Throws `SublinearError`. */
export async function openData(text: string, inputs: readonly Value[], options: ShuffleOptions): Promise<TrainingData> {
  if (text.split(',').every((path) => extname(path) === '.npy'))
    return { batches: arrayBatches(inputs, readArrays(text.split(','), inputs), options) };
  if (moduleKinds.has(extname(text))) return openModule(text);
  const stats = statSync(text, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return { batches: openFolder(text, inputs, options) };
  throw new SublinearError({
    code: 'cannot-read',
    message: stats === undefined ? `there is no data at ${text}` : `${text} is no kind of data that can be read`,
    hint: 'data are a folder of TensorProto batches, .npy files with commas between, or a module (.ts, .js)',
  });
}

function readArrays(paths: readonly string[], inputs: readonly Value[]): ReadonlyMap<string, NamedArray> {
  const arrays = new Map<string, NamedArray>();
  if (paths.length > inputs.length)
    throw new SublinearError({
      code: 'data-mismatch',
      message: `${paths.length} .npy files were given for ${inputs.length} inputs: ${inputs.map(({ name }) => name).join(', ')}`,
    });
  paths.forEach((path, i) => {
    const stem = basename(path, '.npy');
    const input = inputs.find(({ name }) => name === stem) ?? inputs[i]!;
    if (arrays.has(input.name))
      throw new SublinearError({
        code: 'data-mismatch',
        message: `${path} and ${arrays.get(input.name)!.from} are both for the input ${JSON.stringify(input.name)}`,
        hint: `name files after their inputs, or give them in the order ${inputs.map(({ name }) => name).join(', ')}`,
      });
    arrays.set(input.name, { from: path, tensor: readWith(path, 'the data', readNpy) });
  });
  return arrays;
}

function openFolder(directory: string, inputs: readonly Value[], options: ShuffleOptions): BatchSource {
  const names = inputs.map(({ name }) => name);
  const folders = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name))
    .filter((folder) => numberedFiles(folder, 'input').length > 0)
    .sort(byNumbers);
  const batches = folders.length > 0 ? folders : numberedFiles(directory, 'input').length > 0 ? [directory] : [];
  if (batches.length === 0)
    throw new SublinearError({
      code: 'no-data',
      message: `${directory} holds no batches`,
      hint: 'a batch is a folder of input_0.pb, input_1.pb, ... (TensorProto), in the order of the inputs',
    });
  return numberedBatches(batches.length, (index) => Object.fromEntries(readGiven(batches[index]!, names)), options);
}

/** `batch_2` before `batch_10`. */
function byNumbers(a: string, b: string): number {
  const parts = (text: string): readonly string[] => text.split(/(\d+)/);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    const difference = Number(left[i]) - Number(right[i]);
    if (i % 2 === 1 && difference !== 0) return difference;
    return left[i]! < right[i]! ? -1 : 1;
  }
  return left.length - right.length;
}

async function openModule(path: string): Promise<TrainingData> {
  readBytes(path, 'the module of data');
  const exported = await importModule(path);
  const evaluation =
    exported.evaluation === undefined ? {} : { evaluation: sourceOf(exported.evaluation, `${path}: evaluation`) };
  const { batch } = exported;
  if (typeof batch === 'function') {
    const at = async (index: number) => asBatch(await batch(index), `${path}: batch(${index})`);
    return { batches: { count: undefined, at }, ...evaluation };
  }
  const { batches } = exported;
  if (batches === undefined)
    throw new SublinearError({
      code: 'module-without-batches',
      message: `${path} exports no batches`,
      hint: 'export `batches` (an array, or a function that gives an iterable) or `batch(index)`',
    });
  return { batches: sourceOf(batches, `${path}: batches`), ...evaluation };
}

function sourceOf(exported: unknown, from: string): BatchSource {
  if (Array.isArray(exported))
    return { ...yieldedBatches(() => exported[Symbol.iterator](), from, true), count: exported.length };
  const open = (): AsyncIterator<unknown> | Iterator<unknown> => {
    const iterable: unknown = typeof exported === 'function' ? exported() : exported;
    if (isAsyncIterable(iterable)) return iterable[Symbol.asyncIterator]();
    if (isIterable(iterable)) return iterable[Symbol.iterator]();
    throw new SublinearError({ code: 'bad-batches', message: `${from} is neither iterable nor gives an iterable` });
  };
  return yieldedBatches(open, from, typeof exported === 'function');
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
