/** MODEL on the command line: an `.onnx` file, a graph's text (`.ir`), or a module that exports a model. */
import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { assertVerified, inputStage } from '../analysis/verify.ts';
import { readBytes, readText, readWith } from '../files/read-file.ts';
import { onnxInputNames } from '../frontend/onnx/decode.ts';
import { type ImportOptions, importOnnx } from '../frontend/onnx/import.ts';
import { readSafetensors } from '../frontend/safetensors.ts';
import { loadText } from '../frontend/text/load-text.ts';
import { isRecord } from '../ir/arguments.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import type { Graph, Model, Tensor } from '../ir/graph.ts';
import { askedOutputs } from './asked-outputs.ts';
import { numberedFiles, readGiven } from './step-inputs.ts';

export interface LoadOptions {
  readonly dims: Readonly<Record<string, number>>;
  /** Globs over graph inputs that are weights. */
  readonly params: readonly string[];
  /** Folder of TensorProto files for the model's inputs; a model may need their numbers where it computes with shapes. */
  readonly inputs?: string;
  /** Nodes that functions, loops and recurrent layers may be written out to; default as `importOnnx`. */
  readonly expansionLimit?: number;
  /** `--loss`, which says what outputs are asked for. */
  readonly loss?: string;
}

export interface LoadedModel {
  readonly model: Model;
  readonly notes: readonly Diagnostic[];
  /** What the folder of inputs holds, by input. */
  readonly given: ReadonlyMap<string, Tensor>;
  /** Weights of which the file says only the shape. */
  readonly placeholders?: ReadonlySet<string>;
  /** The outputs that an ONNX file declares, in order; some may have been left out. */
  readonly declaredOutputs?: readonly string[];
  /** Parameters by other names that the file has for them. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Losses and checkpoints that a module's model names itself. */
  readonly losses?: readonly string[];
  readonly checkpoints?: readonly string[];
}

/** Before the inputs of a model that does not need them to load are read. */
type PartlyLoaded = Omit<LoadedModel, 'given'> & Partial<Pick<LoadedModel, 'given'>>;

export async function loadModel(path: string, options: LoadOptions): Promise<LoadedModel> {
  const loaded = await loadByKind(path, options);
  if (loaded.given !== undefined) return { ...loaded, given: loaded.given };
  const names = loaded.model.graph.inputs.map((input) => input.name);
  return { ...loaded, given: options.inputs === undefined ? new Map() : readGiven(options.inputs, names) };
}

async function loadByKind(path: string, options: LoadOptions): Promise<PartlyLoaded> {
  const kind = extname(path).toLowerCase();
  switch (kind) {
    case '.onnx': {
      const { dims, params, inputs, loss, expansionLimit } = options;
      const names = inputs === undefined ? [] : readWith(path, 'the model', onnxInputNames);
      const given: ReadonlyMap<string, Tensor> = inputs === undefined ? new Map() : readGiven(inputs, names);
      const cotangents = inputs === undefined ? [] : numberedFiles(inputs, 'cotangent');
      const importOptions: ImportOptions = {
        ...{ dims, params, given, directory: dirname(path) },
        asked: (outputs) => askedOutputs(outputs, loss, cotangents),
        ...(expansionLimit !== undefined && { expansionLimit }),
      };
      const imported = readWith(path, 'the model', (bytes) => importOnnx(bytes, importOptions));
      return { ...imported, given };
    }
    case '.ir': {
      refuseOnnxOptions(path, options);
      const beside = path.replace(/\.ir$/i, '.safetensors');
      const stored = existsSync(beside) ? { weights: readWith(beside, 'the weights', readSafetensors) } : {};
      const model = loadText(readText(path, 'the graph'), { fileName: path, ...stored });
      assertVerified(model.graph, inputStage);
      return { model, notes: [] };
    }
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return loadModule(path, options);
    default:
      throw new SublinearError(
        {
          code: 'unknown-model-kind',
          message: `${path} is no kind of model that can be read`,
          hint: 'models are .onnx files, graphs as text (.ir), or modules (.ts, .js) that export one',
        },
        2,
      );
  }
}

/** Graphs as text, and modules that export a model as it is, have their extents and parameters fixed. Throws `SublinearError` (exit code 2). */
function refuseOnnxOptions(path: string, { dims, params, expansionLimit }: LoadOptions): void {
  const given = [
    ...Object.keys(dims).map((name) => `--dim ${name}`),
    ...params.map((glob) => `--params ${glob}`),
    ...(expansionLimit !== undefined ? [`--expansion-limit ${expansionLimit}`] : []),
  ];
  if (given.length === 0) return;
  throw new SublinearError(
    {
      code: 'onnx-option',
      message: `${given[0]} is for ONNX models; ${path} says itself what its shapes and parameters are`,
    },
    2,
  );
}

/** A module exports `model` (or a default): a model, a graph, or a function of the dimensions that gives one. */
async function loadModule(path: string, options: LoadOptions): Promise<PartlyLoaded> {
  readBytes(path, 'the module');
  const exported = await importModule(path);
  const candidate = exported.model ?? exported.default ?? exported.graph;
  const isFunction = typeof candidate === 'function';
  refuseOnnxOptions(path, { ...options, dims: isFunction ? {} : options.dims });
  const value: unknown = isFunction ? await calledWith(options.dims, (given) => candidate(given), path) : candidate;
  if (isModel(value)) return { model: checked(value, path), notes: notesOf(value), ...namesOf(value) };
  if (isGraph(value)) return { model: checked({ graph: value, weights: new Map() }, path), notes: [] };
  throw new SublinearError({
    code: 'module-without-model',
    message: `${path} exports no model`,
    hint: 'export it as `model`: what `finish()` of the builder gives, or a function that returns that',
  });
}

/** What a function makes of the dimensions. Throws `SublinearError` for one that it does not look at. */
async function calledWith(
  dims: Readonly<Record<string, number>>,
  make: (dims: Readonly<Record<string, number>>) => unknown,
  path: string,
): Promise<unknown> {
  const read = new Set<PropertyKey>();
  const watched = new Proxy(dims, {
    get: (target, name) => {
      read.add(name);
      return Reflect.get(target, name);
    },
  });
  const made = await called(() => make(watched), path);
  const unread = Object.keys(dims).find((name) => !read.has(name));
  if (unread === undefined) return made;
  throw new SublinearError({
    code: 'unknown-dimension',
    message: `the model of ${path} has no dimension named ${JSON.stringify(unread)}`,
    hint: 'its function takes dimensions by name, as in ({ batch = 8 }) => ...',
  });
}

/** A module may hand over anything: what the verifier trips over is no graph. */
function checked(model: Model, path: string): Model {
  try {
    assertVerified(model.graph, inputStage);
    return model;
  } catch (error) {
    if (error instanceof SublinearError) throw error;
    throw new SublinearError({
      code: 'module-without-model',
      message: `what ${path} exports as its model is no graph: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'make it with the ModelBuilder, or read it with parseGraph',
    });
  }
}

/** What a `BuiltModel` says beyond the model. */
function namesOf(value: object): { losses?: readonly string[]; checkpoints?: readonly string[] } {
  const names = (list: unknown): readonly string[] | undefined =>
    Array.isArray(list) && list.every((name) => typeof name === 'string') ? list : undefined;
  const losses = 'losses' in value ? names(value.losses) : undefined;
  const checkpoints = 'checkpoints' in value ? names(value.checkpoints) : undefined;
  return { ...(losses !== undefined && { losses }), ...(checkpoints !== undefined && { checkpoints }) };
}

function notesOf(value: object): readonly Diagnostic[] {
  return 'notes' in value && Array.isArray(value.notes) ? value.notes.filter(isNote) : [];
}

function isNote(note: unknown): note is Diagnostic {
  return isRecord(note) && typeof note.code === 'string' && typeof note.message === 'string';
}

export async function called(make: () => unknown, path: string): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    throw moduleFailed(path, error);
  }
}

function moduleFailed(path: string, error: unknown): SublinearError {
  if (error instanceof SublinearError) return error;
  return new SublinearError({
    code: 'module-failed',
    message: `${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
  });
}

/** What a module exports; TypeScript is loaded through tsx. Throws `SublinearError`. */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  const url = pathToFileURL(resolve(path)).href;
  try {
    if (/\.m?js$/i.test(path)) return await import(url);
    const { tsImport } = await import('tsx/esm/api');
    return await tsImport(url, import.meta.url);
  } catch (error) {
    throw moduleFailed(path, error);
  }
}

function isGraph(value: unknown): value is Graph {
  return (
    typeof value === 'object' &&
    value !== null &&
    'nodes' in value &&
    Array.isArray(value.nodes) &&
    'inputs' in value &&
    Array.isArray(value.inputs) &&
    'outputs' in value &&
    Array.isArray(value.outputs)
  );
}

function isModel(value: unknown): value is Model {
  return (
    typeof value === 'object' &&
    value !== null &&
    'graph' in value &&
    isGraph(value.graph) &&
    'weights' in value &&
    value.weights instanceof Map
  );
}
