/** Options that several commands share, and the values they parse to. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { passes } from '../../passes/passes.ts';
import { parsePipeline, printPipeline } from '../../passes/pipeline.ts';
import { strategies } from '../../passes/plan/strategies.ts';
import { strategyNamed } from '../../passes/plan-pass.ts';
import { defaultExpansionLimit } from '../frontend/onnx/expansion-budget.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { LoadOptions } from './load-model.ts';

/** What is differentiated of which graph. */
export interface GraphOptions {
  readonly loss?: string;
  readonly dim: Readonly<Record<string, number>>;
  readonly params: readonly string[];
  readonly trainable: readonly string[];
  readonly freeze: readonly string[];
  readonly wrt: string;
  readonly expansionLimit?: number;
}

export interface ModelOptions extends GraphOptions {
  readonly weights?: string;
  readonly seed: number;
}

export interface StrategyOptions {
  readonly strategy: string;
  readonly segments?: number;
  readonly checkpoint: readonly string[];
}

export interface BudgetOptions {
  readonly budget?: string;
  readonly arenaBudget?: string;
}

export interface SearchOptions {
  readonly effort?: string;
  readonly costs: string;
}

export interface PlanOptions extends StrategyOptions, BudgetOptions, SearchOptions {
  readonly passes?: string;
  readonly verify?: string;
  readonly stopAfter?: string;
  readonly printAfter?: string;
  readonly timings?: boolean;
}

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

/** An option that may be given several times. */
function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect).default([], 'none');
}

/** What `NAME=?` stands for: the extent that `fit` looks for. */
export const openExtent = -1;

function collectDimension(value: string, previous: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const match = /^(.+)=(\d+|\?)$/.exec(value);
  const extent = match?.[2] === '?' ? openExtent : Number(match?.[2]);
  if (match === null || (extent !== openExtent && (!Number.isSafeInteger(extent) || extent < 1)))
    throw new InvalidArgumentError('Write it like batch=8.');
  if (Object.hasOwn(previous, match[1]!)) throw new InvalidArgumentError(`${match[1]} is given twice.`);
  return { ...previous, [match[1]!]: extent };
}

/** A parser of whole numbers of at least `least`. */
export function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < least)
      throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
    return number;
  };
}

export function addGraphOptions(command: Command): Command {
  return command
    .option(
      '--loss <LOSS>',
      'cross-entropy, binary-cross-entropy, mse or sum, with :VALUE where it is not of the only output; or a scalar VALUE',
    )
    .addOption(
      new Option('--dim <NAME=N>', 'extent of a symbolic dimension (repeatable)')
        .argParser(collectDimension)
        .default({}, 'none'),
    )
    .addOption(repeatable('--params <GLOB>', 'graph inputs that are weights (repeatable)'))
    .option(
      '--expansion-limit <N>',
      `nodes that functions, loops and recurrent layers are written out to at most (${defaultExpansionLimit})`,
      wholeNumber(1),
    )
    .addOption(
      repeatable('--trainable <WHAT>', 'GLOB: train these parameters too; FILE: exactly those it lists (repeatable)'),
    )
    .addOption(repeatable('--freeze <GLOB>', 'do not train these (repeatable)'))
    .addOption(
      new Option('--wrt <WHAT>', 'gradients asked for').choices(['parameters', 'inputs', 'all']).default('parameters'),
    );
}

/** What of the options is about reading MODEL. */
export function loadOptions({ dim, params, loss, expansionLimit }: GraphOptions): Omit<LoadOptions, 'inputs'> {
  return {
    ...{ dims: dim, params },
    ...(loss !== undefined && { loss }),
    ...(expansionLimit !== undefined && { expansionLimit }),
  };
}

/** Those of the graph, and of the numbers a step runs on. */
export function addModelOptions(command: Command): Command {
  return addGraphOptions(command)
    .option('--weights <RULE>', 'he, hash[:GAIN], or FILE.safetensors, for weights the model does not carry')
    .option('--seed <N>', 'seed of drawn inputs, weights and dropout', wholeNumber(0), 0);
}

/** Options that a whole pipeline says in its own words: `autodiff{freeze=...},plan{strategy=...}`. */
const saidInPipelines = [
  ...['strategy', 'segments', 'checkpoint', 'costs', 'wrt', 'freeze', 'trainable'],
  ...['optimizer', 'keepGradients', 'clipValue', 'clipNorm', 'lossScale', 'lossWeights', 'accumulate'],
];

export function addStrategyOptions(command: Command, strategy: string): Command {
  return command
    .addOption(
      new Option('-s, --strategy <NAME>', `one of ${[...strategies.keys()].join(', ')}`)
        .argParser((name) => strategyNamed(name).name)
        .default(strategy),
    )
    .option('--segments <K>', 'memory: number of segments', wholeNumber(1))
    .addOption(repeatable('--checkpoint <NAME>', 'manual: a value to keep (repeatable)'));
}

export function addBudgetOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--budget <SIZE>', 'plan within this peak: 64MiB, or 40% of ordinary training')
        .conflicts('arenaBudget')
        .implies({ strategy: 'budget' }),
    )
    .addOption(new Option('--arena-budget <SIZE>', 'plan within this arena').implies({ strategy: 'budget' }));
}

export function addEffortOption(command: Command): Command {
  return command.addOption(
    new Option('--effort <HOW>', 'budget, auto: moves of the search').choices(['fast', 'default', 'max']),
  );
}

/** How the search of any command goes about it. */
export function addSearchOptions(command: Command): Command {
  return addEffortOption(command).option(
    '--costs <MODEL>',
    'cost model: roofline, unit, or a file that run --profile wrote',
    'roofline',
  );
}

export function addPlanOptions(command: Command): Command {
  return addSearchOptions(addBudgetOptions(addStrategyOptions(command, 'memory')))
    .addOption(
      new Option('--passes <PIPELINE>', 'a whole pipeline in place of the default one')
        .argParser((text) => printPipeline(parsePipeline(text)))
        .conflicts(saidInPipelines),
    )
    .addOption(
      new Option('--verify <WHEN>', 'verify after each pass, or at both ends')
        .choices(['each', 'ends'])
        .default('ends'),
    )
    .addOption(new Option('--stop-after <PASS>', 'last pass to run').choices([...passes.keys()]))
    .addOption(
      new Option(
        '--print-after <PASS>',
        "print the graph after this pass ('changed': after each that changed it)",
      ).choices([...passes.keys(), 'changed']),
    )
    .option('--timings', 'print the seconds each pass took');
}

/** For commands that plan in one way only. */
export const planDefaults: PlanOptions = { strategy: 'memory', checkpoint: [], costs: 'roofline' };

/** Options of the strategy. `marked` are checkpoints that the model names itself; `--checkpoint` overrides them. */
export function strategyOptions(
  options: StrategyOptions & BudgetOptions & Pick<SearchOptions, 'effort'>,
  marked: readonly string[],
): Readonly<Record<string, string | readonly string[]>> {
  if (options.checkpoint.length > 0 && options.strategy !== 'manual')
    throw new SublinearError(
      {
        code: 'checkpoint-without-manual',
        message: `--checkpoint means nothing to the strategy ${options.strategy}`,
        hint: 'add --strategy manual, which keeps exactly the values listed',
      },
      2,
    );
  const named = options.checkpoint.length > 0 ? options.checkpoint : marked;
  return {
    ...(options.budget !== undefined && { budget: options.budget }),
    ...(options.arenaBudget !== undefined && { arena: options.arenaBudget }),
    ...(options.effort !== undefined && { effort: options.effort }),
    ...(options.segments !== undefined && { segments: String(options.segments) }),
    ...(options.strategy === 'manual' && { values: named }),
  };
}
