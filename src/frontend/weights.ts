/** Numbers for the weights of a model: drawn by a rule, or read from a file. */
import { type Diagnostic, nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { badElement } from '../ir/elements.ts';
import { elementCount, formatType, type Model, sameType, type Tensor, type Value } from '../ir/graph.ts';
import { isTensor } from '../ir/input-fault.ts';
import { type ParameterRole, parameterRoles } from './parameter-roles.ts';

/**
 * `he`: uniform with the variance that keeps activations' scale through ReLU (He et al. 2015, arXiv 1502.01852), by
 * seed; biases 0, norm scales 1. `hash`: a fixed rule from each tensor's name, so that other programs can make the same
 * weights; matrices are scaled by `gain`, and the seed plays no part.
 */
export type WeightRule = 'he' | 'hash' | { readonly kind: 'hash'; readonly gain: number };

/**
 * The model with numbers, drawn by `rule`, for the parameters and state values that have none, and for those named in
 * `placeholders` (weights of slimmed models, which are filled with one number).
 */
export function fillWeights(
  model: Model,
  rule: WeightRule,
  seed = 0,
  placeholders: ReadonlySet<string> = new Set(),
): Model {
  const roles = parameterRoles(model.graph);
  const weights = new Map(model.weights);
  for (const value of [...model.graph.parameters, ...model.graph.state]) {
    if (value.type.dtype !== 'f32' || (weights.has(value.name) && !placeholders.has(value.name))) continue;
    const role = roles.get(value.name) ?? { kind: 'other' };
    const { scale, offset } = rule === 'he' ? heRange(role) : hashRange(value, role, rule === 'hash' ? 1 : rule.gain);
    weights.set(value.name, {
      type: value.type,
      data: uniform(value.name, elementCount(value.type.shape), scale, offset, rule === 'he' ? seed : 0),
    });
  }
  return { graph: model.graph, weights };
}

/** Names of the parameters and state values that have no numbers. */
export function missingWeights({ graph, weights }: Model): readonly string[] {
  return [...graph.parameters, ...graph.state].map((value) => value.name).filter((name) => !weights.has(name));
}

/**
 * The model with the numbers of `tensors`, matched by name. Throws `SublinearError` where a type differs, a name is not
 * that of a parameter, state value or constant, or a parameter is left without numbers.
 */
export function loadWeights(model: Model, tensors: ReadonlyMap<string, Tensor>): Model {
  const { parameters, state, constants } = model.graph;
  const targets = new Map([...parameters, ...state, ...constants].map((value) => [value.name, value]));
  const weights = new Map(model.weights);
  const faults: Diagnostic[] = [];
  const nearestTarget = nameSuggester(() => targets.keys());
  const nearestStored = nameSuggester(() => tensors.keys());
  for (const [name, tensor] of tensors) {
    const target = targets.get(name);
    if (target === undefined) faults.push(unknownWeight(name, nearestTarget(name)));
    else if (!isTensor(tensor))
      faults.push({
        code: 'weight-mismatch',
        message: `the weight ${JSON.stringify(name)} was given as no tensor { type, data }`,
      });
    else if (!sameType(target.type, tensor.type))
      faults.push({
        code: 'weight-mismatch',
        message: `the weight ${JSON.stringify(name)} is ${formatType(target.type)}, but the file has ${formatType(tensor.type)}`,
      });
    else if (tensor.data.length !== elementCount(target.type.shape) || badElement(tensor.data, target.type.dtype) >= 0)
      faults.push({
        code: 'weight-mismatch',
        message: `the weight ${JSON.stringify(name)} is ${formatType(target.type)}, but its data are not so many of such elements`,
      });
    else weights.set(name, tensor);
  }
  for (const name of missingWeights({ graph: model.graph, weights }))
    faults.push({
      code: 'missing-weight',
      message: `the file has no weight called ${JSON.stringify(name)}`,
      hint: nearHint(nearestStored(name)),
    });
  if (faults.length > 0) throw new SublinearError(faults);
  return { graph: model.graph, weights };
}

function unknownWeight(name: string, nearest: string | undefined): Diagnostic {
  return {
    code: 'unknown-weight',
    message: `the graph has no weight called ${JSON.stringify(name)}`,
    hint: nearHint(nearest),
  };
}

function nearHint(nearest: string | undefined): string {
  return nearest === undefined
    ? '`sublinear inspect` lists the weights'
    : `the nearest name is ${JSON.stringify(nearest)}`;
}

interface Range {
  readonly scale: number;
  readonly offset: number;
}

function heRange(role: ParameterRole): Range {
  switch (role.kind) {
    case 'matrix':
      return { scale: Math.sqrt(6 / Math.max(1, role.fanIn)), offset: 0 };
    case 'batch-scale':
    case 'scale':
    case 'factor':
    case 'variance':
      return { scale: 0, offset: 1 };
    case 'bias':
    case 'mean':
      return { scale: 0, offset: 0 };
    case 'table':
    case 'other':
      return { scale: 0.02, offset: 0 };
  }
}

function hashRange({ type: { shape } }: Value, role: ParameterRole, gain: number): Range {
  switch (role.kind) {
    case 'matrix':
      return shape.length > 1
        ? { scale: Math.sqrt(6 / elementCount(shape.slice(1))) * gain, offset: 0 }
        : { scale: 0.1, offset: 0 };
    case 'batch-scale':
    case 'factor':
    case 'variance':
      return { scale: 0.1, offset: 1 };
    default:
      return { scale: 0.1, offset: 0 };
  }
}

/** float32(u * scale + offset), u uniform in [-1, 1) from the hash of `name`; a seed of 0 leaves the hash as it is. */
function uniform(name: string, count: number, scale: number, offset: number, seed: number): Float32Array {
  const start = (fnv1a(name) ^ Math.imul(seed, 0x85ebca6b)) >>> 0;
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = hashUniform(start, i) * scale + offset;
  return data;
}

/** `count` numbers in [-1, 1) that depend on `name` alone: the `u` of the hash rule. */
export function hashNumbers(name: string, count: number): Float64Array {
  const start = fnv1a(name);
  return Float64Array.from({ length: count }, (_, i) => hashUniform(start, i));
}

/** 32-bit FNV-1a over the UTF-8 bytes. */
function fnv1a(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function hashUniform(start: number, index: number): number {
  let x = (start + Math.imul(index, 0x9e3779b9)) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  x ^= x >>> 16;
  return (x >>> 8) / 2 ** 23 - 1;
}
