/** Options of the parameter update, shared by the commands that compile a step: `--optimizer` and what goes with it. */
import { type Command, InvalidArgumentError } from 'commander';
import { type OptimizerOptions, optimizers, resolveOptimizer } from '../../passes/optimizers.ts';
import type { Compiled, CompileOptions } from '../compile.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { isFiniteFloat32 } from '../ir/elements.ts';
import type { Tensor } from '../ir/graph.ts';
import { wholeNumber } from './options.ts';

export interface UpdateOptions {
  readonly optimizer?: string;
  readonly lr?: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly decay?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly keepGradients?: boolean;
  readonly clipValue?: number;
  readonly clipNorm?: number;
  readonly lossScale?: number;
  readonly lossWeights?: readonly number[];
  readonly accumulate?: number;
}

/** What is an option of the optimizer itself. */
const hyperparameters = [
  'momentum',
  'dampening',
  'nesterov',
  'beta1',
  'beta2',
  'decay',
  'epsilon',
  'weightDecay',
] as const;

/** A parser of float32 numbers of at least 0; `NaN` and the like are refused with the word as it was given. */
function amount(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || Number.isNaN(number) || number < 0)
    throw new InvalidArgumentError('It must be a number of at least 0.');
  if (!isFiniteFloat32(number)) throw new InvalidArgumentError('It is beyond float32: at most 3.4e38.');
  return number;
}

function amounts(value: string): readonly number[] {
  const numbers = value.split(',').map(Number);
  if (!numbers.every(isFiniteFloat32) || value.split(',').some((word) => word.trim() === ''))
    throw new InvalidArgumentError('Write them like 1,0.5.');
  return numbers;
}

export function addUpdateOptions(command: Command): Command {
  return addOptimizerOptions(command).option('--lr <RATE>', 'learning rate', amount);
}

/** Those that change the step itself: a learning rate is only given to it. */
export function addOptimizerOptions(command: Command): Command {
  return command
    .option('--optimizer <NAME>', `compile the update in: ${[...optimizers.keys()].join(', ')}`)
    .option('--momentum <SHARE>', 'sgd: share of the old velocity', amount)
    .option('--dampening <SHARE>', 'sgd: share of a gradient, but the first, that does not enter the velocity', amount)
    .option('--nesterov', 'sgd: Nesterov momentum')
    .option('--beta1 <SHARE>', 'adam, adamw, lion: share of the old first moment', amount)
    .option('--beta2 <SHARE>', 'adam, adamw, lion: share of the old second moment', amount)
    .option('--decay <SHARE>', 'rmsprop: share of the old mean of squares', amount)
    .option('--epsilon <NUMBER>', 'adam, adamw, adagrad, rmsprop: added to what is divided by', amount)
    .option('--weight-decay <NUMBER>', 'weight decay', amount)
    .option('--keep-gradients', 'keep gradients to the end of the step')
    .option('--clip-value <BOUND>', 'cut the elements of gradients', amount)
    .option(
      '--clip-norm <BOUND>',
      'bound the norm of all gradients together; they all stay alive until it is known',
      amount,
    )
    .option('--loss-scale <FACTOR>', 'multiply losses, and divide gradients', amount)
    .option('--loss-weights <LIST>', 'what each of several losses is multiplied by, with commas', amounts)
    .option('--accumulate <N>', 'update by the mean gradient of N batches', wholeNumber(1));
}

/** Options of the optimizer; undefined where none is asked for. Throws `SublinearError` (exit code 2). */
export function optimizerOptions(options: UpdateOptions): OptimizerOptions | undefined {
  const given = hyperparameters.filter((name) => options[name] !== undefined);
  if (options.optimizer === undefined) {
    const first = given[0] ?? (options.lr === undefined ? undefined : 'lr');
    if (first === undefined) return undefined;
    throw new SublinearError(
      { code: 'no-optimizer', message: `--${flagOf(first)} means nothing without --optimizer` },
      2,
    );
  }
  const own: OptimizerOptions = {
    kind: options.optimizer,
    ...Object.fromEntries(given.map((name) => [name, options[name]])),
  };
  resolveOptimizer(own);
  return own;
}

/** The part of the options of a compilation that is about the update. Throws `SublinearError` (exit code 2). */
export function updateOptions(options: UpdateOptions): Partial<CompileOptions> {
  const optimizer = optimizerOptions(options);
  const { keepGradients, clipValue, clipNorm, lossScale, lossWeights, accumulate } = options;
  return {
    ...(optimizer !== undefined && { optimizer }),
    ...(keepGradients !== undefined && { keepGradients }),
    ...(clipValue !== undefined && { clipValue }),
    ...(clipNorm !== undefined && { clipNorm }),
    ...(lossScale !== undefined && { lossScale }),
    ...(lossWeights !== undefined && { lossWeights }),
    ...(accumulate !== undefined && { accumulate }),
  };
}

/** `--lr`, or the optimizer's own. */
export function learningRateOf(options: UpdateOptions, kind: string): number {
  return options.lr ?? optimizers.get(kind)?.learningRate ?? 0.01;
}

/** The inputs of a step with its update in it: `--lr`, or the optimizer's own rate, is one of them. */
export function withLearningRate(
  tensors: ReadonlyMap<string, Tensor>,
  { update }: Compiled,
  options: UpdateOptions,
): ReadonlyMap<string, Tensor> {
  if (update === undefined) return tensors;
  const rate: Tensor = { type: { dtype: 'f32', shape: [] }, data: [learningRateOf(options, update.optimizer)] };
  return new Map([...tensors, [update.learningRate, rate]]);
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
