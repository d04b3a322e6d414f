/**
 * The optimizers by the names people give them: hyperparameters with their defaults, the state each keeps for a
 * parameter, and the op that makes its update.
 */
import { isRecord, wrongArgument } from '../src/ir/arguments.ts';
import { type Diagnostic, nearestName, SublinearError } from '../src/ir/diagnostic.ts';
import type { Value } from '../src/ir/graph.ts';
import type { Emitter } from '../src/ir/op.ts';
import { adagrad, adam, adamW, lion, rmsprop, sgd, sgdMomentum } from '../src/ops/optimizers.ts';

/** Hyperparameters by name; flags are 0 or 1. What is left out takes its default. */
export interface OptimizerOptions {
  /** `sgd`, `adam`, `adamw`, `adagrad`, `rmsprop` or `lion`. */
  readonly kind: string;
  readonly [hyperparameter: string]: string | number | boolean | undefined;
}

export interface Hyperparameter {
  readonly doc: string;
  readonly default: number;
  /** Its values are `least <= x < below`; a flag is 0 or 1. */
  readonly least: number;
  readonly below: number;
  readonly flag?: boolean;
  /** Not 0 either, which gradients of 0 would be divided by. */
  readonly positive?: boolean;
}

export type Hyperparameters = Readonly<Record<string, number>>;

/** What one update reads and how its result is to be called. */
export interface UpdateOperands {
  readonly parameter: Value;
  readonly gradient: Value;
  readonly learningRate: Value;
  /** In the order of `state`. */
  readonly state: readonly Value[];
  /** Updates made so far, where `counts`. */
  readonly steps: Value | undefined;
  /** Whether to update, where gradients are accumulated. */
  readonly apply: Value | undefined;
  readonly name: string;
}

export interface Optimizer {
  readonly kind: string;
  readonly summary: string;
  /** A learning rate to begin with. */
  readonly learningRate: number;
  readonly hyperparameters: Readonly<Record<string, Hyperparameter>>;
  /** Suffixes of the names of what it keeps for each parameter. */
  state(values: Hyperparameters): readonly string[];
  /** Whether it reads the number of updates. */
  counts(values: Hyperparameters): boolean;
  emit(emitter: Emitter, operands: UpdateOperands, values: Hyperparameters): void;
}

const share = (doc: string, value: number): Hyperparameter => ({ doc, default: value, least: 0, below: 1 });
const amount = (doc: string, value: number): Hyperparameter => ({
  doc,
  default: value,
  least: 0,
  below: Number.POSITIVE_INFINITY,
});
const divisor = (doc: string, value: number): Hyperparameter => ({ ...amount(doc, value), positive: true });
const weightDecay = (value: number): Hyperparameter => amount('weight decay', value);

function operandsOf({ parameter, gradient, learningRate, state, steps, apply }: UpdateOperands): readonly Value[] {
  return [parameter, gradient, learningRate, ...state, ...(steps ? [steps] : []), ...(apply ? [apply] : [])];
}

const sgdOptimizer: Optimizer = {
  kind: 'sgd',
  summary: 'stochastic gradient descent, with momentum if it is not 0',
  learningRate: 0.01,
  hyperparameters: {
    momentum: share('share of the old velocity', 0),
    dampening: share('share of a gradient, but the first, that does not enter the velocity', 0),
    nesterov: { doc: 'Nesterov momentum', default: 0, least: 0, below: 2, flag: true },
    weightDecay: weightDecay(0),
  },
  state: ({ momentum }) => (momentum === 0 ? [] : ['velocity']),
  counts: ({ momentum, dampening }) => momentum !== 0 && dampening !== 0,
  emit(emitter, operands, { momentum, dampening, nesterov, weightDecay: decay }) {
    if (momentum === 0) emitter.emitAll(sgd, operandsOf(operands), { weight_decay: decay! }, operands.name);
    else
      emitter.emitAll(
        sgdMomentum,
        operandsOf(operands),
        { momentum: momentum!, dampening: dampening!, nesterov: nesterov === 1, weight_decay: decay! },
        operands.name,
      );
  },
};

function adamOptimizer(kind: string, summary: string, op: typeof adam, decay: number): Optimizer {
  return {
    kind,
    summary,
    learningRate: 1e-3,
    hyperparameters: {
      beta1: share('share of the old first moment', 0.9),
      beta2: share('share of the old second moment', 0.999),
      epsilon: divisor('added to the root of the second moment', 1e-8),
      weightDecay: weightDecay(decay),
    },
    state: () => ['first_moment', 'second_moment'],
    counts: () => true,
    emit(emitter, operands, { beta1, beta2, epsilon, weightDecay: own }) {
      const attributes = { beta1: beta1!, beta2: beta2!, epsilon: epsilon!, weight_decay: own! };
      emitter.emitAll(op, operandsOf(operands), attributes, operands.name);
    },
  };
}

const adagradOptimizer: Optimizer = {
  kind: 'adagrad',
  summary: 'rates that fall with the sum of squared gradients',
  learningRate: 0.01,
  hyperparameters: {
    epsilon: divisor('added to the root of the sum', 1e-10),
    weightDecay: weightDecay(0),
  },
  state: () => ['sum_of_squares'],
  counts: () => false,
  emit(emitter, operands, { epsilon, weightDecay: decay }) {
    emitter.emitAll(adagrad, operandsOf(operands), { epsilon: epsilon!, weight_decay: decay! }, operands.name);
  },
};

const rmspropOptimizer: Optimizer = {
  kind: 'rmsprop',
  summary: 'rates that fall with the running mean of squared gradients',
  learningRate: 1e-3,
  hyperparameters: {
    decay: share('share of the old mean of squares', 0.99),
    epsilon: divisor('added to the root of the mean', 1e-8),
    weightDecay: weightDecay(0),
  },
  state: () => ['mean_square'],
  counts: () => false,
  emit(emitter, operands, { decay, epsilon, weightDecay: own }) {
    const attributes = { decay: decay!, epsilon: epsilon!, weight_decay: own! };
    emitter.emitAll(rmsprop, operandsOf(operands), attributes, operands.name);
  },
};

const lionOptimizer: Optimizer = {
  kind: 'lion',
  summary: 'steps of one size, by the sign of a momentum',
  learningRate: 1e-4,
  hyperparameters: {
    beta1: share('share of the momentum in the direction', 0.9),
    beta2: share('share of the old momentum', 0.99),
    weightDecay: weightDecay(0),
  },
  state: () => ['momentum'],
  counts: () => false,
  emit(emitter, operands, { beta1, beta2, weightDecay: decay }) {
    const attributes = { beta1: beta1!, beta2: beta2!, weight_decay: decay! };
    emitter.emitAll(lion, operandsOf(operands), attributes, operands.name);
  },
};

export const optimizers: ReadonlyMap<string, Optimizer> = new Map(
  [
    sgdOptimizer,
    adamOptimizer('adam', 'first moment over the root of the second; weight decay in the gradient', adam, 0),
    adamOptimizer('adamw', 'Adam, with weight decay apart from the gradient', adamW, 0.01),
    adagradOptimizer,
    rmspropOptimizer,
    lionOptimizer,
  ].map((optimizer) => [optimizer.kind, optimizer]),
);

/** The optimizer and all its hyperparameters. Throws `SublinearError` (exit code 2) that names every fault. */
export function resolveOptimizer(options: OptimizerOptions): {
  readonly optimizer: Optimizer;
  readonly values: Hyperparameters;
} {
  if (!isRecord(options)) throw wrongArgument('optimizer', 'options with a kind: { kind: "adam" }', options);
  const optimizer = optimizers.get(options.kind);
  if (optimizer === undefined)
    throw new SublinearError(
      {
        code: 'unknown-optimizer',
        message: `unknown optimizer ${JSON.stringify(options.kind)}`,
        hint: near(options.kind, optimizers.keys()),
      },
      2,
    );
  const faults: Diagnostic[] = [];
  const values: Record<string, number> = {};
  for (const [name, spec] of Object.entries(optimizer.hyperparameters)) values[name] = spec.default;
  for (const [name, given] of Object.entries(options)) {
    if (name === 'kind' || given === undefined) continue;
    const spec = optimizer.hyperparameters[name];
    if (spec === undefined)
      faults.push({
        code: 'unknown-hyperparameter',
        message: `the optimizer ${optimizer.kind} has no hyperparameter ${JSON.stringify(name)}`,
        hint: near(name, Object.keys(optimizer.hyperparameters)),
      });
    else {
      const value = typeof given === 'boolean' ? Number(given) : Number(given === '' ? Number.NaN : given);
      if (isWithin(value, spec)) values[name] = value;
      else
        faults.push({
          code: 'bad-hyperparameter',
          message: `${name} of ${optimizer.kind} is ${given}; it must be ${rangeText(spec)}`,
        });
    }
  }
  if (optimizer.kind === 'sgd' && values.nesterov === 1 && (values.momentum === 0 || values.dampening !== 0))
    faults.push({
      code: 'bad-hyperparameter',
      message: `Nesterov momentum needs a momentum above 0 and no dampening; they are ${values.momentum} and ${values.dampening}`,
    });
  if (faults.length > 0) throw new SublinearError(faults, 2);
  return { optimizer, values };
}

/** Kernels compute with float32, so a number is what it is as one. */
function isWithin(value: number, { least, below, flag, positive }: Hyperparameter): boolean {
  const rounded = Math.fround(value);
  if (flag === true) return value === 0 || value === 1;
  return value >= least && rounded < below && (positive !== true || rounded > 0);
}

function rangeText({ least, below, flag, positive }: Hyperparameter): string {
  if (flag === true) return '0 or 1';
  if (positive === true) return 'above 0 as a float32: what is 0 would be divided by it';
  return Number.isFinite(below)
    ? `at least ${least} and below ${below}`
    : `a number of at least ${least} that float32 holds`;
}

function near(name: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const nearest = nearestName(name, all);
  return nearest === undefined ? `there are ${all.join(', ')}` : `did you mean ${JSON.stringify(nearest)}?`;
}
