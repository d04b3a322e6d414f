/**
 * What a training step shows to the program that uses it, and the checks it makes. Emitted modules carry this file
 * over like kernels, so that an emitted step and one made by the library behave alike.
 */
import type { NumberArray } from './memory.ts';

/** Anything that holds numbers: typed arrays, arrays. */
export type Numbers = ArrayLike<number>;

/** Whole numbers, also as BigInt64Array. */
export type Integers = ArrayLike<number> | ArrayLike<bigint>;

/** Tensors by name of the model, elements in row-major order. */
export type Tensors = Readonly<Record<string, Integers>>;

export interface StepOptions {
  /** Memory to run in, a multiple of 8 bytes; default: a new ArrayBuffer of just the bytes that are needed. */
  readonly buffer?: ArrayBufferLike;
  /** Seed of what is drawn at random (dropout); default 0. */
  readonly seed?: number;
}

/** Options of a step whose kernels run in WebAssembly. */
export interface WasmStepOptions {
  /**
   * Memory to run in, which nobody may grow while the step is in use; default: a new one of just the pages of 65536 bytes
   * that are needed, and of no more.
   */
  readonly memory?: WebAssembly.Memory;
  /** Seed of what is drawn at random (dropout); default 0. */
  readonly seed?: number;
}

export interface Step<Inputs, Outputs, Parameters, State, Gradients> {
  /** Live views: what is written to them, the next run reads. */
  readonly parameters: Parameters;
  readonly state: State;
  /** Live views of what the last run left. */
  readonly gradients: Gradients;
  readonly memory: StepMemory;
  /** Copies tensors in. Throws for unknown names and wrong numbers of elements, before it writes anything. */
  load(tensors: Tensors): void;
  /**
   * Runs the step once. The outputs are live views: each run returns the same object and overwrites what they show.
   * Throws for missing, unknown and misshapen inputs, before it writes anything.
   */
  run(inputs: Inputs): Outputs;
}

/** The memory of a step: `[arena | resident]`. */
export interface StepMemory {
  readonly buffer: ArrayBufferLike;
  readonly arenaBytes: number;
  readonly residentBytes: number;
  /** arena + resident */
  readonly peakBytes: number;
}

/** Throws `RangeError` where `buffer` is given and too short. */
export function stepMemory(arenaBytes: number, residentBytes: number, buffer?: ArrayBufferLike): StepMemory {
  const peakBytes = arenaBytes + residentBytes;
  const given = buffer ?? new ArrayBuffer(peakBytes);
  if (given.byteLength < peakBytes || given.byteLength % 8 !== 0)
    throw new RangeError(`the buffer has ${given.byteLength} bytes; the step needs ${peakBytes}, and a multiple of 8`);
  return { buffer: given, arenaBytes, residentBytes, peakBytes };
}

/** Throws `TypeError` where `inputs` is no object, `RangeError` for a key that is not among `names`. */
export function checkNames(inputs: object, names: ReadonlySet<string>): void {
  if (typeof inputs !== 'object' || inputs === null) throw new TypeError('run takes an object of inputs by name');
  for (const name in inputs)
    if (!names.has(name)) throw new RangeError(`the step has no input ${name}; it takes ${[...names].join(', ')}`);
}

/** Least and largest elements of a type as it is written, `i32[8]`; undefined for others than integers. */
function integerRange(type: string): readonly [number, number] | undefined {
  if (type.startsWith('bool')) return [0, 1];
  const bits = /^([iu])(\d+)/.exec(type);
  if (bits === null) return undefined;
  const values = 2 ** Number(bits[2]);
  return bits[1] === 'u' ? [0, values - 1] : [-values / 2, values / 2 - 1];
}

/** Throws, naming the first element that is no whole number or would wrap, where `type` is one of integers. */
function checkIntegers(kind: string, name: string, type: string, data: Integers): void {
  const range = integerRange(type);
  if (range === undefined) return;
  for (let i = 0; i < data.length; i++) {
    const element = Number(data[i]);
    if (!Number.isInteger(element) || element < range[0] || element > range[1])
      throw new RangeError(`${kind} ${name}: ${type} cannot hold element ${i}, ${data[i]}`);
  }
}

/**
 * Throws, naming the tensor, unless `data` holds `count` elements, and where the type is one of integers none that it
 * cannot hold. One element may be a plain number.
 */
export function checkElements(kind: string, name: string, type: string, count: number, data: unknown): void {
  if (data === undefined || data === null) throw new TypeError(`${kind} ${name}: ${type} is missing`);
  const elements = typeof data === 'number' && count === 1 ? [data] : data;
  if (!isElements(elements)) throw new TypeError(`${kind} ${name}: ${type} must be an array of numbers`);
  if (elements.length !== count)
    throw new RangeError(`${kind} ${name}: ${type} takes ${count} elements, but was given ${elements.length}`);
  checkIntegers(kind, name, type, elements);
}

function isElements(data: unknown): data is Integers {
  return typeof data === 'object' && data !== null && 'length' in data && typeof data.length === 'number';
}

/** Integers of 64 bits become doubles. */
export function copyElements(target: NumberArray, source: Integers | number): void {
  if (typeof source === 'number') target[0] = source;
  else if (target instanceof Float32Array && source instanceof Float32Array) target.set(source);
  else for (let i = 0; i < target.length; i++) target[i] = Number(source[i]);
}

/** Copies `tensors` into the views of their names, and takes these from `pending`. */
export function loadTensors(views: ReadonlyMap<string, NumberArray>, pending: Set<string>, tensors: Tensors): void {
  for (const [name, data] of Object.entries(tensors)) {
    const view = views.get(name);
    if (view === undefined) throw new RangeError(`the step has no tensor ${name} to load`);
    checkElements('tensor', name, view.constructor.name, view.length, data);
  }
  for (const [name, data] of Object.entries(tensors)) {
    const view = views.get(name);
    if (view !== undefined) copyElements(view, data);
    pending.delete(name);
  }
}

/** Throws where constants that a module does not carry itself have not been loaded. */
export function checkLoaded(pending: ReadonlySet<string>): void {
  if (pending.size === 0) return;
  throw new Error(`load must be given these constants before the first run: ${[...pending].join(', ')}`);
}
