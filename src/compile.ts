/**
 * compile: a model with its losses, through a pipeline of passes, to a Program and its figures. The library call and
 * every CLI command that executes go through here.
 */

import type { MemoryPlan } from '../passes/memory-plan.ts';
import type { OptimizeOptions, UpdateInfo } from '../passes/optimize.ts';
import { printOptimizeOptions } from '../passes/optimize-pass.ts';
import type { OptimizerOptions } from '../passes/optimizers.ts';
import type { Compilation, PassOptionValue } from '../passes/pass.ts';
import { type PipelineOptions, runPipeline } from '../passes/pass-manager.ts';
import { type PipelineStage, parsePipeline, printPipeline } from '../passes/pipeline.ts';
import { type Plan, planFromSequence } from '../passes/plan/plan.ts';
import type { SearchSettings } from '../passes/plan/strategy.ts';
import type { Program } from '../runtime/program.ts';
import { type WorkFigures, workFigures } from './analysis/figures.ts';
import { indexPlanGraph } from './analysis/plan-graph.ts';
import type { Wrt } from './analysis/select-gradients.ts';
import { toPlanGraph } from './analysis/to-plan-graph.ts';
import { lowerToProgram } from './codegen/lower.ts';
import { isRecord, requireModel, requireNames, requireOptions, requireText, wrongArgument } from './ir/arguments.ts';
import { type Diagnostic, SublinearError } from './ir/diagnostic.ts';
import { isFiniteFloat32 } from './ir/elements.ts';
import type { Graph, Model } from './ir/graph.ts';

export interface CompileOptions extends PipelineOptions {
  /** Names of scalar f32 values; their sum is differentiated. None: the forward graph alone is compiled. */
  readonly losses: readonly string[];
  /** Which gradients are asked for; default `parameters`. */
  readonly wrt?: Wrt;
  /** Exactly these values, in place of `wrt`, `freeze`, `trainable` and `trainOnly`. */
  readonly wrtValues?: readonly string[];
  /** Globs of values that get no gradient. */
  readonly freeze?: readonly string[];
  /** Globs of parameters that are trained though the rule leaves them out. */
  readonly trainable?: readonly string[];
  /** Names of the parameters to train, in place of the rule; `trainable` adds to them. */
  readonly trainOnly?: readonly string[];
  /** What each loss is multiplied by, in their order; default 1. */
  readonly lossWeights?: readonly number[];
  /** Compiles the update of the parameters into the step. The options down to `accumulate` need it. */
  readonly optimizer?: OptimizerOptions;
  /** Whether gradients stay outputs of a step with an optimizer; without one they always are. */
  readonly keepGradients?: boolean;
  /** Cuts the elements of gradients to [-clipValue, clipValue]. */
  readonly clipValue?: number;
  /** Scales all gradients down together to at most this norm; all of them are alive until it is known. */
  readonly clipNorm?: number;
  /** Multiplies the losses before differentiation, and divides the gradients after it. */
  readonly lossScale?: number;
  /** Steps whose mean gradient makes one update. */
  readonly accumulate?: number;
  /** Default `memory`. */
  readonly strategy?: string;
  /** Options of the strategy by name: `segments`, `checkpoints`, `budget`, ... */
  readonly strategyOptions?: Readonly<Record<string, PassOptionValue>>;
  /** `roofline` (default), `unit`, or the path of a costs file that `run --profile` wrote. */
  readonly costs?: string;
  /** How a search for a plan is watched and helped; `solver` (see `loadSolver`) tightens its bounds. */
  readonly search?: SearchSettings;
  /** A whole pipeline in place of the default one. */
  readonly pipeline?: string;
}

export interface Figures extends WorkFigures {
  readonly residentBytes: number;
  readonly liveBytes: number;
  readonly arenaBytes: number;
  /** resident + arena */
  readonly peakBytes: number;
  /** In units of the cost model. */
  readonly cost: number;
  readonly recomputeCost: number;
}

export interface Compiled {
  /** The scheduled graph. */
  readonly graph: Graph;
  /** The graph before the recompute rewrite. */
  readonly planned: Graph;
  readonly plan: Plan;
  readonly memory: MemoryPlan;
  readonly program: Program;
  /** Numbers of parameters, state and constants. */
  readonly weights: Model['weights'];
  readonly losses: readonly string[];
  /** Of a step with an optimizer. */
  readonly update?: UpdateInfo;
  /** What the user should know of what is trained: constants that may be among it. */
  readonly notes: readonly Diagnostic[];
  readonly pipeline: string;
  readonly figures: Figures;
}

/**
 * The stages that `options` ask for. A graph that comes differentiated is only planned; one that comes rewritten (the
 * text of a compiled step) is only placed.
 */
export function pipelineOf(graph: Graph, options: CompileOptions): readonly PipelineStage[] {
  if (options.pipeline !== undefined) return parsePipeline(options.pipeline);
  const selection: Record<string, PassOptionValue> = {};
  if (options.wrt !== undefined) selection.wrt = options.wrt;
  if (options.wrtValues !== undefined) selection.values = options.wrtValues;
  if (options.freeze !== undefined && options.freeze.length > 0) selection.freeze = options.freeze;
  if (options.trainable !== undefined && options.trainable.length > 0) selection.trainable = options.trainable;
  if (options.trainOnly !== undefined) selection.trainOnly = options.trainOnly;
  const weights = seedWeights(options);
  if (weights !== undefined) selection.weights = weights.map(String);
  const plan: Record<string, PassOptionValue> = { strategy: options.strategy ?? 'memory', ...options.strategyOptions };
  if (options.costs !== undefined) plan.costs = options.costs;
  const stage = (pass: string, own: Readonly<Record<string, PassOptionValue>> = {}): PipelineStage => ({
    pass,
    options: own,
  });
  const optimization = updateOptions(options);
  if (isRewritten(graph)) {
    if (optimization === undefined) return [stage('memory-plan')];
    throw usage('the graph is planned already, so no optimizer can be compiled into it');
  }
  const optimizing = optimization === undefined ? [] : [stage('optimize', printOptimizeOptions(optimization))];
  const planning = [stage('plan', plan), stage('recompute'), stage('memory-plan')];
  if (graph.nodes.some((node) => node.region === 'backward') && options.wrtValues !== undefined)
    throw new SublinearError({
      code: 'gradient-of-gradient',
      message: 'the graph comes with its backward pass: gradients of gradients are not supported',
      hint: 'differentiate the forward graph it was made from, by all values that are wanted at once',
    });
  if (graph.nodes.some((node) => node.region === 'backward'))
    return optimizing.length === 0 ? planning : [...optimizing, stage('dce'), ...planning];
  if (options.losses.length === 0 && optimization !== undefined) throw usage('an optimizer needs a loss');
  const differentiation = options.losses.length === 0 ? [] : [stage('autodiff', selection), ...optimizing];
  return [stage('fold'), stage('canonicalize'), stage('cse'), ...differentiation, stage('dce'), ...planning];
}

/** Options checked, with lists of their own: the caller's may change afterwards. */
function ownOptions(given: CompileOptions): CompileOptions {
  if (!isRecord(given)) throw wrongArgument('compile', 'an object of options with the names of the losses', given);
  if (!Array.isArray(given.losses)) throw wrongArgument('compile', 'a list of names as losses', given.losses);
  const options: CompileOptions = { ...given };
  for (const name of ['losses', 'wrtValues', 'freeze', 'trainable', 'trainOnly'] as const)
    requireNames('compile', name, options[name]);
  for (const name of ['optimizer', 'strategyOptions'] as const) requireOptions(`${name} of compile`, options[name]);
  if (options.strategy !== undefined) requireText('strategy of compile', options.strategy);
  if (options.lossWeights !== undefined && !Array.isArray(options.lossWeights))
    throw wrongArgument('compile', 'a list of numbers as lossWeights', options.lossWeights);
  return copyLists(options);
}

/** A copy in which no list and no plain record is the caller's. */
function copyLists<Options extends object>(options: Options): Options {
  const copy = { ...options };
  for (const name in copy) {
    const value = copy[name];
    if (Array.isArray(value)) Object.assign(copy, { [name]: value.slice() });
    else if (isRecord(value) && Object.getPrototypeOf(value) === Object.prototype && name !== 'search')
      Object.assign(copy, { [name]: copyLists(value) });
  }
  return copy;
}

/** What `optimize` is to do, if anything. Throws `SublinearError` for options that mean nothing without an optimizer. */
function updateOptions(options: CompileOptions): OptimizeOptions | undefined {
  const { optimizer, keepGradients, clipValue, clipNorm, lossScale, accumulate } = options;
  const shared = { keepGradients, clipValue, clipNorm, lossScale, accumulate };
  const given = Object.entries(shared).filter(([, value]) => value !== undefined && value !== false);
  if (optimizer !== undefined) return { optimizer, ...Object.fromEntries(given) };
  if (given.length > 0) throw usage(`${given.map(([name]) => name).join(', ')} can only be given with an optimizer`);
  return undefined;
}

/** The weights of the losses with the loss scale in them. */
function seedWeights({ losses, lossWeights, lossScale = 1 }: CompileOptions): readonly number[] | undefined {
  if (lossWeights === undefined) return lossScale === 1 ? undefined : losses.map(() => lossScale);
  if (lossWeights.length !== losses.length)
    throw usage(`${losses.length} losses take as many weights, not [${lossWeights.join(', ')}]`);
  const weights = lossWeights.map((weight) => weight * lossScale);
  const bad = weights.findIndex((weight) => !isFiniteFloat32(weight));
  if (bad >= 0)
    throw usage(
      `the weight ${lossWeights[bad]} of the loss ${JSON.stringify(losses[bad])} is no finite float32 number${lossScale === 1 ? '' : `, with the loss scale ${lossScale} in it`}`,
    );
  return weights;
}

function usage(message: string): SublinearError {
  return new SublinearError({ code: 'bad-option', message }, 2);
}

function watched(options: CompileOptions): Pick<Compilation, 'search'> {
  return options.search === undefined ? {} : { search: options.search };
}

function isRewritten(graph: Graph): boolean {
  return graph.nodes.some((node) => node.recompute !== undefined);
}

/** The plan of a graph that comes rewritten: its own order. */
function planAsGiven(graph: Graph): Plan {
  const index = indexPlanGraph(toPlanGraph(graph));
  const about = { strategy: 'as given', options: {}, costModel: 'roofline' };
  const plan = planFromSequence(index, Int32Array.from(graph.nodes.keys()), about);
  const base = graph.nodes.reduce((total, node, n) => total + (node.recompute === undefined ? index.cost[n]! : 0), 0);
  return { ...plan, baseCost: base, lowerBound: base };
}

/** A pipeline that has run, to its end or to `stopAfter`. */
export interface PipelineRun {
  readonly compilation: Compilation;
  readonly pipeline: string;
}

/** Runs the pipeline, and finishes nothing: it may have stopped before there is a step. */
export function runCompilation(model: Model, given: CompileOptions): PipelineRun {
  requireModel('compile', model);
  const options = ownOptions(given);
  const stages = pipelineOf(model.graph, options);
  const rewritten = isRewritten(model.graph) ? { plan: planAsGiven(model.graph), planned: model.graph } : {};
  const compilation = runPipeline(
    { ...watched(options), model, losses: options.losses, ...rewritten },
    stages,
    options,
  );
  return { compilation, pipeline: printPipeline(stages) };
}

/** Throws `SublinearError` for faults of the model or the options, `PassFailure` for ours. */
export function compile(model: Model, options: CompileOptions): Compiled {
  const { compilation, pipeline } = runCompilation(model, options);
  return finishCompilation(compilation, pipeline);
}

/**
 * Compiles with a plan made elsewhere, for exactly the graph that planning would see; `planOf` checks that it is that
 * graph.
 */
export function compileWithPlan(model: Model, given: CompileOptions, planOf: (planned: Graph) => Plan): Compiled {
  requireModel('compileWithPlan', model);
  const options = ownOptions(given);
  const stages = pipelineOf(model.graph, options);
  const split = stages.findIndex((stage) => stage.pass === 'plan');
  const before = split < 0 ? stages : stages.slice(0, split);
  const rest = ['recompute', 'memory-plan'].map((pass): PipelineStage => ({ pass, options: {} }));
  const differentiated = runPipeline({ ...watched(options), model, losses: options.losses }, before, options);
  const planned = differentiated.model.graph;
  const compilation = runPipeline({ ...differentiated, planned, plan: planOf(planned) }, rest, options);
  return finishCompilation(compilation, printPipeline([...before, ...rest]));
}

export function finishCompilation(compilation: Compilation, pipeline: string): Compiled {
  const { model, plan, memory, planned, update, notes = [] } = compilation;
  if (plan === undefined || memory === undefined)
    throw new SublinearError(
      {
        code: 'incomplete-pipeline',
        message: `the pipeline ${pipeline} ends without ${plan === undefined ? 'a plan' : 'a memory plan'}, so there is no step to run`,
        hint: 'end it with plan,recompute,memory-plan, or ask only for --emit ir',
      },
      2,
    );
  return {
    graph: model.graph,
    planned: planned ?? model.graph,
    plan,
    memory,
    program: lowerToProgram(model.graph, memory),
    weights: model.weights,
    losses: compilation.losses,
    ...(update !== undefined && { update }),
    notes,
    pipeline,
    figures: {
      ...workFigures(model.graph),
      residentBytes: memory.residentBytes,
      liveBytes: memory.liveBytes,
      arenaBytes: memory.arenaBytes,
      peakBytes: memory.residentBytes + memory.arenaBytes,
      cost: plan.cost,
      recomputeCost: plan.cost - plan.baseCost,
    },
  };
}
