/**
 * Where a training's batches come from. A batch is asked for by its number, counted from the start of the training, so
 * that a resumed training goes on with the batches that would have come.
 */
import { randomKey, uniformAt } from '../../runtime/rng.ts';
import { isRecord, requireOptions, requireTensors, wrongArgument } from '../ir/arguments.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { elementCount, formatType, type Tensor, type Value } from '../ir/graph.ts';
import type { InputRecord } from './give-inputs.ts';

export interface BatchSource {
  /** Batches of an epoch; undefined where that is not known. */
  readonly count: number | undefined;
  /** Batch `index`, from 0 on; after the last of an epoch comes the first of the next. Throws `SublinearError`. */
  at(index: number): InputRecord | Promise<InputRecord>;
}

export interface ShuffleOptions {
  /** Another order in each epoch; undefined: as they come. */
  readonly shuffleSeed: number | undefined;
}

/** Tag of the permutations among what is drawn from a seed. */
const shuffleSite = 0x5f1e;

/** A permutation of 0 to count - 1 that depends on seed and epoch alone (Fisher and Yates). */
export function permutation(count: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const key = randomKey(seed, epoch, shuffleSite);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(key, i) * (i + 1));
    const taken = order[i]!;
    order[i] = order[j]!;
    order[j] = taken;
  }
  return order;
}

/** The permutation of each epoch, made once an epoch. */
function epochOrder(count: number, { shuffleSeed }: ShuffleOptions): (epoch: number, position: number) => number {
  let known = -1;
  let order: Int32Array | undefined;
  return (epoch, position) => {
    if (shuffleSeed === undefined) return position;
    if (epoch !== known) order = permutation(count, shuffleSeed, epoch);
    known = epoch;
    return order![position]!;
  };
}

/** `count` batches that are read by number, in an order of their own in each epoch. */
export function numberedBatches(
  count: number,
  read: (index: number) => InputRecord,
  options: ShuffleOptions,
): BatchSource {
  const order = epochOrder(count, options);
  return { count, at: (index) => read(order(Math.floor(index / count), index % count)) };
}

export interface NamedArray {
  /** Where it came from, for messages. */
  readonly from: string;
  readonly tensor: Tensor;
}

/**
 * Batches of consecutive (or, shuffled, of random) rows of arrays, one an input, whose first extents are examples. What
 * is left over at the end of an epoch is not used. Throws `SublinearError` for arrays that do not fit the inputs.
 */
export function arrayBatches(
  inputs: readonly Value[],
  arrays: ReadonlyMap<string, NamedArray>,
  options: ShuffleOptions = { shuffleSeed: undefined },
): BatchSource {
  if (!Array.isArray(inputs) || !inputs.every((input) => isRecord(input) && isRecord(input.type)))
    throw wrongArgument('arrayBatches', 'a list of inputs (`model.graph.inputs`)', inputs);
  requireTensors('arrayBatches', arrays);
  requireOptions('arrayBatches', options);
  const parts = inputs.flatMap((input) => {
    const array = arrays.get(input.name);
    return array === undefined ? [] : [{ input, ...array, ...fitRows(input, array) }];
  });
  const first = parts[0];
  if (first === undefined) throw new SublinearError({ code: 'no-data', message: 'no array of data was given' });
  for (const { from, input, rows, batch } of parts)
    if (rows !== first.rows || batch !== first.batch)
      throw new SublinearError({
        code: 'data-mismatch',
        message: `${from} has ${rows} examples in batches of ${batch} (${JSON.stringify(input.name)}), but ${first.from} has ${first.rows} in batches of ${first.batch}`,
      });
  const { rows, batch } = first;
  const count = Math.floor(rows / batch);
  if (count === 0)
    throw new SublinearError({
      code: 'data-mismatch',
      message: `${first.from} has ${rows} examples, fewer than a batch of ${batch}`,
      hint: 'give more data, or compile the model for a smaller batch with --dim',
    });
  const order = epochOrder(rows, options);
  const buffers = parts.map(({ batch, width }) => new Float64Array(batch * width));
  return {
    count,
    at(index) {
      const epoch = Math.floor(index / count);
      const start = (index % count) * batch;
      const entries = parts.map(({ input, tensor, width }, p): [string, Float64Array] => {
        const buffer = buffers[p]!;
        for (let row = 0; row < batch; row++) {
          const from = order(epoch, start + row) * width;
          for (let i = 0; i < width; i++) buffer[row * width + i] = tensor.data[from + i]!;
        }
        return [input.name, buffer];
      });
      return Object.fromEntries(entries);
    },
  };
}

/** Examples of the array, elements of one, and how many the input takes. */
function fitRows(input: Value, { from, tensor }: NamedArray): { rows: number; width: number; batch: number } {
  const [batch, ...own] = input.type.shape;
  const [rows, ...given] = tensor.type.shape;
  const width = elementCount(own);
  const sameRow = elementCount(given) === width && (given.length !== own.length || given.every((e, i) => e === own[i]));
  const whole = input.type.dtype === 'f32' || tensor.type.dtype !== 'f32';
  if (batch !== undefined && rows !== undefined && sameRow && whole) return { rows, width, batch };
  throw new SublinearError({
    code: 'data-mismatch',
    message: `${from} holds ${formatType(tensor.type)}, whose rows do not fit the input ${JSON.stringify(input.name)}: ${formatType(input.type)}`,
    hint: whole
      ? 'its first extent counts examples, and the others must be those of the input'
      : 'it takes integers: save them as such, with array.astype(numpy.int64)',
  });
}

/**
 * Batches that an iterable yields one by one. `open` begins it anew: at its end, and where a training is resumed. An
 * iterable that yields nothing, or ends and cannot begin anew, is an error.
 */
export function yieldedBatches(
  open: () => AsyncIterator<unknown> | Iterator<unknown>,
  from: string,
  restarts: boolean,
): BatchSource {
  let iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  /** Number of the batch that comes next. */
  let next = 0;
  let sinceStart = 0;
  const pull = async (): Promise<InputRecord> => {
    iterator ??= open();
    let item = await iterator.next();
    if (item.done === true) {
      if (sinceStart === 0) throw noBatch(`${from} yields no batches`);
      if (!restarts)
        throw noBatch(
          `${from} ended after ${next} batches`,
          'export a function that begins anew each time it is called',
        );
      iterator = open();
      sinceStart = 0;
      item = await iterator.next();
      if (item.done === true) throw noBatch(`${from} yields no batches the second time`);
    }
    next++;
    sinceStart++;
    return asBatch(item.value, from);
  };
  return {
    count: undefined,
    async at(index) {
      if (index < next) {
        if (!restarts) throw noBatch(`${from} is past batch ${index}, and cannot begin anew`);
        iterator = undefined;
        next = 0;
        sinceStart = 0;
      }
      while (next < index) await pull();
      return pull();
    },
  };
}

/** An object of inputs; what is in them is checked where they are given to the step. */
export function asBatch(value: unknown, from: string): InputRecord {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value))
    return Object.fromEntries(Object.entries(value));
  throw noBatch(`${from} gave what is no batch`, 'a batch is an object: { x, labels }, each an array of numbers');
}

function noBatch(message: string, hint?: string): SublinearError {
  return new SublinearError({ code: 'bad-batches', message, ...(hint !== undefined && { hint }) });
}
