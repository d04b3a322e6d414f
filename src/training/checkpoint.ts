/**
 * checkpoint: the library call. A model goes in; its training step comes out, compiled, in memory, ready to run.
 *
 *   const step = checkpoint(model, { strategy: 'memory', optimizer: { kind: 'adamw' } });
 *   const { loss } = step.run({ x, labels, learningRate: 1e-3 });
 *
 * It has the interface of the modules that `--emit ts` writes (runtime/step.ts), so a program can begin with the one and
 * go on with the other; saving, evaluation and the search for NaN need the compiler and are here only.
 */
import type { Slot } from '../../runtime/program.ts';
import type { BackendChoice } from '../../runtime/select-backend.ts';
import type { Step, StepMemory, Tensors } from '../../runtime/step.ts';
import { tensorsOf } from '../codegen/emit/tensors.ts';
import { type Compiled, type CompileOptions, compile } from '../compile.ts';
import { checkSeed, createExecution } from '../execution.ts';
import { readWith } from '../files/read-file.ts';
import { writeFileAtomically } from '../files/write-file.ts';
import { attachLoss, parseLoss } from '../frontend/loss.ts';
import { fillWeights, loadWeights, type WeightRule } from '../frontend/weights.ts';
import {
  isGraph,
  isModel,
  isRecord,
  requireNames,
  requireOptions,
  requireText,
  wrongArgument,
} from '../ir/arguments.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import { storedElements } from '../ir/elements.ts';
import type { Graph, Model, Output, Tensor } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';
import { budgetForThreads } from '../thread-budget.ts';
import { createEvaluator } from './evaluator.ts';
import { causeOfFault, placeOf } from './first-fault.ts';
import { giveInputs, type InputRecord } from './give-inputs.ts';
import { loadTensors } from './load-tensors.ts';
import { type NamedViews, namedFloatViews, namedViews } from './named-views.ts';
import { createUsage } from './step-usage.ts';
import { readTrainingState, writeTrainingState } from './training-state.ts';

export interface CheckpointOptions extends Omit<CompileOptions, 'losses'> {
  /** Scalar values to differentiate; default: those the model names, or its loss. */
  readonly losses?: readonly string[];
  /** As `--loss`: `cross-entropy`, `mse:OUTPUT`, or an output; for models that come without. */
  readonly loss?: string;
  /** Numbers for weights that have none: a rule, or tensors by name. */
  readonly weights?: WeightRule | ReadonlyMap<string, Tensor>;
  /** Of random ops, and of weights made by a rule; default 0. */
  readonly seed?: number;
  /** Kernels and memory; default `auto`. */
  readonly backend?: BackendChoice;
  /** Threads that share the work of a step; default 1. A budget on the peak holds what they need too. */
  readonly threads?: number;
  /** Kernels of relaxed SIMD: faster, and not the same on every machine; default false. */
  readonly fastMath?: boolean;
}

export interface TrainingStep
  extends Step<InputRecord, NamedViews, NamedViews<Float32Array>, NamedViews, NamedViews<Float32Array>> {
  readonly compiled: Compiled;
  /** `peakBytes` holds `threadBytes`, the scratch of threads beyond the first. */
  readonly memory: StepMemory & { readonly threadBytes: number };
  /** Why `auto` fell back to plain kernels or to one thread, where it did. */
  readonly notice?: string;
  /** What there is to know of the losses: scores taken before a softmax that the loss has in it. */
  readonly notes: readonly Diagnostic[];
  /** Runs so far: what random ops draw from, beside the seed. */
  readonly stepCount: number;
  readonly seed: number;
  /** Sum of the losses of the last run, by their weights; NaN before the first. */
  readonly loss: number;
  /**
   * Runs the step once; outputs are live views. Throws `SublinearError`, with parameters and state as they were, for
   * inputs that do not fit, a label or an index out of range, a bad learning rate, and a loss that is not finite: then
   * naming the step and the first node that made such a number.
   */
  run(inputs: InputRecord): NamedViews;
  /**
   * The outputs in evaluation mode: batch norm by its running statistics, no dropout, nothing changed. Inputs may be
   * left out; outputs that need them are then missing.
   */
  forward(inputs: InputRecord): NamedViews;
  /** The loss in evaluation mode, of several by their weights. Takes all inputs. Throws `SublinearError`. */
  evaluate(inputs: InputRecord): number;
  /** The compiled forward step of `forward`, for its figures. */
  evaluation(): Compiled;
  /** Parameters, state, step and seed as a safetensors file; written to `path`, all or nothing, where one is given. */
  save(path?: string): Uint8Array;
  /**
   * A path, or the bytes, of what `save` wrote: training goes on as if it had not been interrupted. Or tensors by name,
   * some of them, as an emitted step takes them. Throws `SublinearError` before it changes anything.
   */
  load(source: string | Uint8Array | Tensors): void;
  /**
   * Ends the step and the threads beyond the caller's, which a process does not wait for. What is called afterwards
   * throws `SublinearError`; parameters, state and gradients can still be read.
   */
  close(): void;
}

/** `source`: a model with or without losses, or a graph. Throws `SublinearError`. */
export function checkpoint(source: Model | Graph, options: CheckpointOptions = {}): TrainingStep {
  const given = modelOf(source);
  checkOptions(options);
  const {
    losses,
    loss,
    weights,
    seed = 0,
    backend = 'auto',
    threads = 1,
    fastMath = false,
    ...compileOptions
  } = options;
  const named = { ...(losses !== undefined && { losses }), ...(loss !== undefined && { loss }) };
  const { model, losses: own, notes } = withLosses(withWeights(given, weights, seed), named);
  const marked = 'checkpoints' in source && isNames(source.checkpoints) ? source.checkpoints : [];
  const planned: CompileOptions = {
    ...compileOptions,
    losses: own,
    ...(options.strategy === 'manual' && { strategyOptions: { values: marked, ...options.strategyOptions } }),
  };
  const compiled = compile(model, budgetForThreads(model, planned, threads));
  return createTrainingStep(withOwnConstants(model), compiled, {
    notes,
    seed,
    backend,
    threads,
    fastMath,
    lossWeights: [...(options.lossWeights ?? [])],
  });
}

function modelOf(source: unknown): Model {
  if (isModel(source)) return source;
  if (isGraph(source)) return { graph: source, weights: new Map() };
  throw wrongArgument('checkpoint', 'a model (what `finish()` of the builder gives), or a graph', source);
}

function checkOptions(options: CheckpointOptions): void {
  requireOptions('checkpoint', options);
  requireNames('checkpoint', 'losses', options.losses);
  if (options.loss !== undefined) requireText('loss of checkpoint', options.loss);
  if (options.seed !== undefined) checkSeed(options.seed);
}

/** Evaluation is compiled when it is first asked for: with the constants as they are now. */
function withOwnConstants({ graph, weights }: Model): Model {
  const own = new Map(weights);
  for (const { name } of graph.constants) {
    const tensor = weights.get(name);
    if (tensor !== undefined)
      own.set(name, { type: tensor.type, data: storedElements(tensor.data, tensor.type.dtype) });
  }
  return { graph, weights: own };
}

interface StepSettings {
  readonly notes: readonly Diagnostic[];
  readonly seed: number;
  readonly backend: BackendChoice;
  readonly threads: number;
  readonly fastMath: boolean;
  /** In the order of the losses. */
  readonly lossWeights: readonly number[];
}

function createTrainingStep(model: Model, compiled: Compiled, settings: StepSettings): TrainingStep {
  const { program, update } = compiled;
  const execution = createExecution(compiled, settings);
  const { machine } = execution;
  const tensors = tensorsOf(program, update?.learningRate);
  const evaluator = createEvaluator(model, tensors.inputs, settings);
  const parameters = namedFloatViews(tensors.parameters, machine);
  const state = namedViews(tensors.state, machine);
  const outputs = namedViews(tensors.outputs, machine);
  const kept: readonly Slot[] = [...program.parameters, ...program.state];
  const keptViews = new Map(kept.map((slot) => [slot.name, machine.view(slot)]));
  const lossSlots = lossOutputs(compiled);
  const lossStep = lastLossStep(compiled);
  const early = writtenUntil(compiled, lossStep).map((name) => {
    const view = keptViews.get(name)!;
    return { view, before: view.slice() };
  });
  let stepCount = 0;
  /** `stepCount` when parameters and state were last given as a whole. */
  let givenAt = 0;
  let { seed } = settings;
  let loss = Number.NaN;

  /** Runs up to the loss. What is written over before it is put back if that fails. */
  const runForward = (): void => {
    for (const { view, before } of early) before.set(view);
    const restore = (): void => {
      for (const { view, before } of early) view.set(before);
    };
    let at = 0;
    try {
      for (; at <= lossStep; at++) machine.runStep(at);
    } catch (error) {
      restore();
      if (!(error instanceof RangeError)) throw error;
      throw new SublinearError({
        code: 'value-out-of-range',
        message: error.message,
        ...placeOf(compiled.graph.nodes[at]),
        hint: 'an integer input holds a label or an index that is out of range',
      });
    }
    const now = lossSlots.reduce((sum, slot, i) => sum + (settings.lossWeights[i] ?? 1) * machine.view(slot)[0]!, 0);
    if (!Number.isFinite(now)) {
      restore();
      const causes = causeOfFault(compiled, machine, lossStep, stepCount > givenAt);
      restore();
      const message = `the loss is ${now} in ${runNumber(stepCount, update?.accumulate ?? 1)}; parameters and state are as they were before it`;
      throw new SublinearError([{ code: 'loss-not-finite', message }, ...causes]);
    }
    loss = now;
  };

  const forward = (inputs: InputRecord): NamedViews => evaluator.forward(inputs, (name) => keptViews.get(name));
  const use = createUsage();

  return {
    compiled,
    parameters,
    state,
    gradients: namedFloatViews(tensors.gradients, machine),
    memory: {
      buffer: machine.buffer,
      arenaBytes: program.arenaBytes,
      residentBytes: program.residentBytes,
      threadBytes: machine.threadBytes,
      peakBytes: program.arenaBytes + program.residentBytes + machine.threadBytes,
    },
    ...(execution.notice !== undefined && { notice: execution.notice }),
    notes: settings.notes,
    get stepCount() {
      return stepCount;
    },
    get seed() {
      return seed;
    },
    get loss() {
      return loss;
    },
    run: use.within('run', (inputs) => {
      giveInputs(machine, tensors.inputs, inputs, update?.learningRate);
      execution.setRandom(seed, stepCount);
      runForward();
      for (let at = lossStep + 1; at < program.steps.length; at++) machine.runStep(at);
      stepCount++;
      return outputs;
    }),
    forward: use.within('forward', forward),
    evaluate: use.within('evaluate', (inputs) => {
      const evaluated = forward(inputs);
      return lossSlots.reduce((sum, { name }, i) => {
        const view = evaluated[name];
        if (view !== undefined) return sum + (settings.lossWeights[i] ?? 1) * view[0]!;
        throw new SublinearError({
          code: 'missing-input',
          message: `the loss ${JSON.stringify(name)} cannot be computed from the inputs given: ${Object.keys(inputs).join(', ')}`,
        });
      }, 0);
    }),
    evaluation: () => evaluator.compiled(),
    save: use.within('save', (path) => {
      if (path !== undefined) requireText('save', path);
      const saved = new Map<string, Tensor>();
      for (const slot of kept) {
        const type = { dtype: slot.dtype, shape: slot.shape };
        saved.set(slot.name, { type, data: keptViews.get(slot.name)! });
      }
      const { optimizer = 'none', accumulate = 1 } = update ?? {};
      const bytes = writeTrainingState({ tensors: saved, step: stepCount, seed, optimizer, accumulate });
      if (path !== undefined) writeFileAtomically(path, bytes);
      return bytes;
    }),
    load: use.within('load', (source) => {
      if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
        loadTensors([...kept, ...program.constants], source, (slot) => machine.view(slot));
        return;
      }
      const expected = {
        types: new Map(kept.map((slot) => [slot.name, { dtype: slot.dtype, shape: slot.shape }])),
        optimizer: update?.optimizer ?? 'none',
        accumulate: update?.accumulate ?? 1,
      };
      const parse = (bytes: Uint8Array) => readTrainingState(bytes, expected);
      const read = typeof source === 'string' ? readWith(source, 'the checkpoint', parse) : parse(source);
      for (const [name, view] of keptViews) view.set(read.tensors.get(name)!.data);
      stepCount = read.step;
      givenAt = read.step;
      seed = read.seed;
      loss = Number.NaN;
    }),
    close() {
      use.end();
      execution.close();
      evaluator.close();
    },
  };
}

/** Steps are updates, as logs count them; of several batches an update, which one it is. */
function runNumber(runs: number, accumulate: number): string {
  const step = `step ${Math.floor(runs / accumulate) + 1}`;
  return accumulate === 1 ? step : `${step}, batch ${(runs % accumulate) + 1} of ${accumulate}`;
}

function withWeights(model: Model, weights: unknown, seed: number): Model {
  if (weights === undefined) return model;
  if (weights instanceof Map) return loadWeights(model, weights);
  if (isRule(weights)) return fillWeights(model, weights, seed);
  throw wrongArgument('checkpoint', '"he", "hash", { kind: "hash", gain } or a Map of tensors as weights', weights);
}

function isRule(weights: unknown): weights is WeightRule {
  if (weights === 'he' || weights === 'hash') return true;
  return isRecord(weights) && weights.kind === 'hash' && Number.isFinite(weights.gain);
}

interface ModelWithLosses {
  readonly model: Model;
  readonly losses: readonly string[];
  readonly notes: readonly Diagnostic[];
}

/** Losses that are no outputs become ones: their numbers are to be read. */
function withLosses(model: Model, options: { losses?: readonly string[]; loss?: string }): ModelWithLosses {
  const { graph, weights } = model;
  let losses = options.losses;
  if (losses === undefined && options.loss === undefined && 'losses' in model && isNames(model.losses))
    losses = model.losses;
  if (losses === undefined || losses.length === 0) {
    const attached = attachLoss(model, options.loss === undefined ? undefined : parseLoss(options.loss, graph));
    return { model: attached.model, losses: [attached.loss], notes: attached.notes };
  }
  const missing = losses.filter((name) => !graph.outputs.some((output) => output.value === name));
  const added = missing.map((name): Output => ({ name, value: name }));
  return {
    model: { graph: { ...graph, outputs: [...graph.outputs, ...added] }, weights },
    losses,
    notes: notesOf(model),
  };
}

/** What the builder has noted. */
function notesOf(model: Model): readonly Diagnostic[] {
  return 'notes' in model && isNotes(model.notes) ? model.notes : [];
}

function isNotes(value: unknown): value is readonly Diagnostic[] {
  return Array.isArray(value) && value.every((note) => isRecord(note) && typeof note.message === 'string');
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}

function lossOutputs({ program, graph, losses }: Compiled): readonly Slot[] {
  return losses.map((name) => {
    const output = graph.outputs.find(({ value }) => value === name)!;
    return program.outputs.find((slot) => slot.name === output.name)!;
  });
}

/** Position of the last node that makes a loss. */
function lastLossStep({ graph, losses }: Compiled): number {
  return graph.nodes.findLastIndex(
    (node) => node.recompute === undefined && node.results.some((result) => losses.includes(result.name)),
  );
}

/** Residents that nodes up to `last` write over: running statistics, whose old values nothing reads any more. */
function writtenUntil({ graph, program }: Compiled, last: number): readonly string[] {
  const written = new Set(
    graph.nodes
      .slice(0, last + 1)
      .flatMap((node) => (opNamed(node.op).writes ?? []).map((operand) => node.operands[operand]!.name)),
  );
  return [...program.parameters, ...program.state].map((slot) => slot.name).filter((name) => written.has(name));
}
