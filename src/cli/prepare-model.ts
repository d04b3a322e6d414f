/** From MODEL and the shared options to a model with its loss and weights, ready to compile. */
import { rngInputOf } from '../analysis/rng-input.ts';
import { attachCotangents, attachLoss, type ModelWithLoss, parseLoss } from '../frontend/loss.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { globMatcher } from '../ir/glob.ts';
import type { Model, Tensor } from '../ir/graph.ts';
import { applyWeights } from './apply-weights.ts';
import { loadModel } from './load-model.ts';
import { loadOptions, type ModelOptions, openExtent } from './options.ts';
import { numberedFiles } from './step-inputs.ts';
import { resolveTrainable, type Trainable } from './trainable-list.ts';

export interface PreparedModel {
  readonly model: Model;
  readonly losses: readonly string[];
  readonly notes: readonly Diagnostic[];
  /** What the folder of inputs holds, by input. */
  readonly given: ReadonlyMap<string, Tensor>;
  /** Values the model itself marks to be kept by the strategy `manual`. */
  readonly checkpoints: readonly string[];
  /** The outputs that the model's file declares, in order; some may have been left out. */
  readonly declaredOutputs: readonly string[];
  /** What `--trainable` says, its files read. */
  readonly trained: Trainable;
}

export interface PrepareOptions extends ModelOptions {
  /** Folder of inputs; where it holds cotangents and no loss is named, they make the loss. */
  readonly inputs?: string;
}

/** Globs that match nothing, and a folder that gives nothing: no faults, but seldom meant. */
function unusedNotes(
  { graph }: Model,
  given: ReadonlyMap<string, Tensor>,
  options: PrepareOptions,
  trained: Trainable,
): readonly Diagnostic[] {
  const notes: Diagnostic[] = [];
  const floats = [...graph.inputs, ...graph.parameters].map((value) => value.name);
  const globs = [
    ...options.params.map((glob) => ['--params', glob, graph.parameters.map((value) => value.name)] as const),
    ...options.freeze.map((glob) => ['--freeze', glob, floats] as const),
    ...trained.trainable.map((glob) => ['--trainable', glob, floats] as const),
  ];
  for (const [option, glob, names] of globs)
    if (!names.some(globMatcher([glob])))
      notes.push({ code: 'unmatched-glob', message: `${option} ${glob} matches no value` });
  if (options.inputs === undefined) return notes;
  const files = numberedFiles(options.inputs, 'input').length;
  const used = graph.inputs.filter((input) => given.has(input.name) && !/^cotangent_\d+$/.test(input.name)).length;
  if (files > used)
    notes.push({
      code: 'unused-inputs',
      message: `${options.inputs} holds ${files} input files, and the model has ${graph.inputs.length} inputs: ${files - used} are not used`,
    });
  const rng = rngInputOf(graph);
  const drawn = graph.inputs.filter((input) => !given.has(input.name) && input.name !== rng?.name);
  if (drawn.length > 0)
    notes.push({
      code: 'drawn-inputs',
      message: `${options.inputs} does not give ${drawn.map((input) => JSON.stringify(input.name)).join(', ')}: drawn by seed`,
    });
  return notes;
}

/** A graph that has backward nodes is taken as it is: its losses are differentiated already. */
export async function prepareModel(path: string, options: PrepareOptions): Promise<PreparedModel> {
  const open = Object.keys(options.dim).find((name) => options.dim[name] === openExtent);
  if (open !== undefined)
    throw new SublinearError(
      {
        code: 'open-dimension',
        message: `--dim ${open}=? is for fit, which looks for the extent`,
        hint: `write it like ${open}=8`,
      },
      2,
    );
  const loaded = await loadModel(path, {
    ...loadOptions(options),
    ...(options.inputs !== undefined && { inputs: options.inputs }),
  });
  const { given, checkpoints = [], declaredOutputs = [] } = loaded;
  const weighted =
    options.weights === undefined
      ? loaded.model
      : applyWeights(loaded.model, options.weights, options.seed, loaded.placeholders);
  const trained = resolveTrainable(options.trainable, weighted.graph, loaded.aliases ?? new Map());
  const { model, losses, notes } = withLosses(weighted, loaded.losses ?? [], options);
  const said = [...loaded.notes, ...notes, ...unusedNotes(model, given, options, trained)];
  return { model, losses, notes: said, given, checkpoints, trained, declaredOutputs };
}

interface WithLosses {
  readonly model: Model;
  readonly losses: readonly string[];
  readonly notes: readonly Diagnostic[];
}

/** `--loss`, else the cotangents that lie beside the inputs, else what the model itself says. */
function withLosses(model: Model, own: readonly string[], options: PrepareOptions): WithLosses {
  const { graph } = model;
  if (graph.nodes.some((node) => node.region === 'backward')) return { model, losses: [], notes: [] };
  const one = (attached: ModelWithLoss): WithLosses => ({
    model: attached.model,
    losses: [attached.loss],
    notes: attached.notes,
  });
  if (options.loss !== undefined) return one(attachLoss(model, parseLoss(options.loss, graph)));
  const cotangents = options.inputs === undefined ? [] : numberedFiles(options.inputs, 'cotangent');
  if (cotangents.length > 0) return one(attachCotangents(model, cotangents));
  return own.length > 0 ? { model, losses: own, notes: [] } : one(attachLoss(model));
}
