/**
 * What programs hand to the library, checked at the door: an argument of a wrong kind is said in our words, with what
 * is expected, before anything trips over it.
 */
import { SublinearError } from './diagnostic.ts';
import type { Graph, Model, Tensor } from './graph.ts';

/** `null`, `the number 5`, `an array of 3`: what was given, for messages. */
export function describeGiven(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value !== 'object') return `the ${typeof value} ${String(value)}`;
  if (value instanceof Map) return `a Map of ${value.size}`;
  if (ArrayBuffer.isView(value)) return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 5).join(', ')}`;
}

/** `call` takes `wanted`, as in `compile takes a model`. */
export function wrongArgument(call: string, wanted: string, given: unknown): SublinearError {
  return new SublinearError(
    { code: 'wrong-argument', message: `${call} takes ${wanted}, but was given ${describeGiven(given)}` },
    2,
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Map)
  );
}

const graphLists = ['inputs', 'parameters', 'state', 'constants', 'nodes', 'outputs'];

export function isGraph(value: unknown): value is Graph {
  return isRecord(value) && typeof value.name === 'string' && graphLists.every((list) => Array.isArray(value[list]));
}

export function isModel(value: unknown): value is Model {
  return isRecord(value) && isGraph(value.graph) && value.weights instanceof Map;
}

export function requireGraph(call: string, value: unknown): asserts value is Graph {
  if (!isGraph(value)) throw wrongArgument(call, 'a graph (of a model, `model.graph`)', value);
}

export function requireModel(call: string, value: unknown): asserts value is Model {
  if (!isModel(value))
    throw wrongArgument(call, 'a model: what `finish()` of the builder, or `importOnnx(bytes).model`, gives', value);
}

export function requireBytes(call: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrongArgument(call, 'bytes (a Uint8Array)', value);
}

export function requireText(call: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw wrongArgument(call, 'text', value);
}

/** Options may be left out; otherwise they are an object. */
export function requireOptions(call: string, value: unknown): void {
  if (value !== undefined && !isRecord(value)) throw wrongArgument(call, 'an object of options', value);
}

/** A list of names, or nothing. */
export function requireNames(call: string, option: string, value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.every((name) => typeof name === 'string'))) return;
  throw wrongArgument(call, `a list of names as ${option}`, value);
}

export function requireTensors(call: string, value: unknown): asserts value is ReadonlyMap<string, Tensor> {
  if (!(value instanceof Map)) throw wrongArgument(call, 'a Map of tensors by name', value);
}
