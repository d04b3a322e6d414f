/**
 * Optimizer updates, as ops that write over their parameter and their state.
 *
 * Operands: parameter, gradient, learning rate (f32[]), state of the parameter's type, the number of updates so far
 * (i32[]) for Adam and for dampening; and last, where gradients are accumulated, a bool[] that says whether this step updates. Results are the new
 * parameter and the new state, each over the old.
 */
import {
  accumulate as accumulateKernel,
  adagrad as adagradKernel,
  adam as adamKernel,
  increment as incrementKernel,
  lion as lionKernel,
  rmsprop as rmspropKernel,
  sgd as sgdKernel,
  sgdMomentum as sgdMomentumKernel,
} from '../../runtime/kernels/optimizers.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameType, type TensorType } from '../ir/graph.ts';
import { type Addresses, type AttributeSpec, type Op, type OpExample, ShapeError } from '../ir/op.ts';
import { bool, f32, i32 } from './types.ts';

const float = (doc: string): AttributeSpec => ({ kind: 'float', doc });
const weightDecaySpec = float('share of the parameter added to its gradient');
const decoupledDecaySpec = float('share of the parameter, times the learning rate, taken off it');
const epsilonSpec = float('added to what is divided by');

/** Operands of an update: after parameter, gradient and learning rate, `states` of the parameter's type, then counters. */
function checkUpdate(operands: readonly TensorType[], states: number, counters = 0): readonly TensorType[] {
  const [parameter, gradient, rate, ...rest] = operands;
  const least = 3 + states + counters;
  if (parameter === undefined || gradient === undefined || rate === undefined)
    throw new ShapeError(`takes at least ${least} operands, not ${operands.length}`);
  if (operands.length !== least && operands.length !== least + 1)
    throw new ShapeError(`takes ${least} operands, or one more, not ${operands.length}`);
  if (parameter.dtype !== 'f32') throw new ShapeError(`the parameter is ${formatType(parameter)}; only f32 is trained`);
  if (!sameType(parameter, gradient))
    throw new ShapeError(
      `the gradient is ${formatType(gradient)}, but the parameter is ${formatType(parameter)}`,
      'a parameter and its gradient have one shape',
    );
  if (!sameType(rate, f32())) throw new ShapeError(`the learning rate must be f32[], not ${formatType(rate)}`);
  for (const state of rest.slice(0, states))
    if (!sameType(state, parameter))
      throw new ShapeError(`state of type ${formatType(state)} does not fit the parameter ${formatType(parameter)}`);
  for (const counter of rest.slice(states, states + counters))
    if (!sameType(counter, i32())) throw new ShapeError(`a counter must be i32[], not ${formatType(counter)}`);
  const apply = rest[states + counters];
  if (apply !== undefined && !sameType(apply, bool()))
    throw new ShapeError(`whether to update must be bool[], not ${formatType(apply)}`);
  return [parameter, ...rest.slice(0, states)];
}

/** Offset of the last operand where there is one more than `least`, else -1. */
function applyOffset(operands: readonly unknown[], least: number, at: Addresses): number {
  return operands.length > least ? at.operand(least) : -1;
}

type Application = { readonly operands: readonly { readonly type: TensorType }[] };
const count = ({ operands }: Application): number => elementCount(operands[0]!.type.shape);

/** The example without the last operand, and with it. */
function withApply<A>(
  operands: readonly TensorType[],
  attributes: A,
  ranges: Readonly<Record<number, readonly [number, number]>> = {},
): readonly OpExample<A>[] {
  const rate = { 2: [0.01, 0.1] as const, ...ranges };
  return [
    { operands, attributes, ranges: rate },
    { operands: [...operands, bool()], attributes, ranges: { ...rate, [operands.length]: [0, 1] } },
  ];
}

export const sgd: Op<{ weight_decay: number }> = {
  name: 'sgd',
  doc: 'Stochastic gradient descent, as in PyTorch.',
  attributes: { weight_decay: weightDecaySpec },
  effect: 'update',
  writes: [0],
  infer: (operands) => checkUpdate(operands, 0),
  flops: (application) => 4 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      sgdKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      applyOffset(operands, 3, at),
      at.result(0),
      count({ operands }),
      attributes.weight_decay,
    ),
  ],
  examples: withApply([f32(3, 4), f32(3, 4), f32()], { weight_decay: 0.01 }),
};

/** Dampening needs the number of updates: it leaves the first alone. */
const dampeningCounters = (dampening: number): number => (dampening === 0 ? 0 : 1);

export const sgdMomentum: Op<{ momentum: number; dampening: number; nesterov: boolean; weight_decay: number }> = {
  name: 'sgd_momentum',
  doc: 'Stochastic gradient descent with a velocity, which starts as the first gradient, not dampened (as in PyTorch).',
  attributes: {
    momentum: float('share of the old velocity'),
    dampening: float('share of the gradient that does not enter the velocity'),
    nesterov: { kind: 'bool', doc: "whether to step by the gradient and the velocity's next share" },
    weight_decay: weightDecaySpec,
  },
  effect: 'update',
  writes: [0, 3],
  infer: (operands, { dampening }) => checkUpdate(operands, 1, dampeningCounters(dampening)),
  flops: (application) => 8 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      sgdMomentumKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      dampeningCounters(attributes.dampening) === 0 ? -1 : at.operand(4),
      applyOffset(operands, 4 + dampeningCounters(attributes.dampening), at),
      at.result(0),
      at.result(1),
      count({ operands }),
      attributes.momentum,
      attributes.dampening,
      attributes.nesterov ? 1 : 0,
      attributes.weight_decay,
    ),
  ],
  examples: [
    ...[false, true].flatMap((nesterov) =>
      withApply([f32(3, 4), f32(3, 4), f32(), f32(3, 4)], {
        momentum: 0.9,
        dampening: 0,
        nesterov,
        weight_decay: 0.01,
      }),
    ),
    ...withApply(
      [f32(3, 4), f32(3, 4), f32(), f32(3, 4), i32()],
      { momentum: 0.9, dampening: 0.1, nesterov: false, weight_decay: 0.01 },
      { 4: [0, 3] },
    ),
  ],
};

type AdamAttributes = { beta1: number; beta2: number; epsilon: number; weight_decay: number };

function adamOp(name: string, doc: string, decoupled: boolean): Op<AdamAttributes> {
  return {
    name,
    doc,
    attributes: {
      beta1: float('share of the old first moment'),
      beta2: float('share of the old second moment'),
      epsilon: epsilonSpec,
      weight_decay: decoupled ? decoupledDecaySpec : weightDecaySpec,
    },
    effect: 'update',
    writes: [0, 3, 4],
    infer: (operands) => checkUpdate(operands, 2, 1),
    flops: (application) => 16 * count(application),
    lower: ({ operands, attributes }, at) => [
      call(
        adamKernel,
        at.operand(0),
        at.operand(1),
        at.operand(2),
        at.operand(3),
        at.operand(4),
        at.operand(5),
        applyOffset(operands, 6, at),
        at.result(0),
        at.result(1),
        at.result(2),
        count({ operands }),
        attributes.beta1,
        attributes.beta2,
        attributes.epsilon,
        attributes.weight_decay,
        decoupled ? 1 : 0,
      ),
    ],
    examples: withApply(
      [f32(3, 4), f32(3, 4), f32(), f32(3, 4), f32(3, 4), i32()],
      { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.01 },
      { 4: [0.1, 2], 5: [0, 50] },
    ),
  };
}

export const adam: Op<AdamAttributes> = adamOp(
  'adam',
  'Adam: steps by the first moment of the gradient over the root of the second, both corrected for their start at 0.',
  false,
);

export const adamW: Op<AdamAttributes> = adamOp(
  'adamw',
  'Adam, with weight decay (times the learning rate) apart from the gradient.',
  true,
);

export const adagrad: Op<{ epsilon: number; weight_decay: number }> = {
  name: 'adagrad',
  doc: 'Adagrad: steps by the gradient over the root of the sum of its squares, from 0 on; epsilon outside the root.',
  attributes: { epsilon: epsilonSpec, weight_decay: weightDecaySpec },
  effect: 'update',
  writes: [0, 3],
  infer: (operands) => checkUpdate(operands, 1),
  flops: (application) => 9 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      adagradKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      applyOffset(operands, 4, at),
      at.result(0),
      at.result(1),
      count({ operands }),
      attributes.epsilon,
      attributes.weight_decay,
    ),
  ],
  examples: withApply([f32(3, 4), f32(3, 4), f32(), f32(3, 4)], { epsilon: 1e-6, weight_decay: 0.01 }, { 3: [0.1, 2] }),
};

export const rmsprop: Op<{ decay: number; epsilon: number; weight_decay: number }> = {
  name: 'rmsprop',
  doc: 'RMSprop: steps by the gradient over the root of the running mean of its squares, from 0 on; epsilon outside the root.',
  attributes: { decay: float('share of the old mean'), epsilon: epsilonSpec, weight_decay: weightDecaySpec },
  effect: 'update',
  writes: [0, 3],
  infer: (operands) => checkUpdate(operands, 1),
  flops: (application) => 11 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      rmspropKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      applyOffset(operands, 4, at),
      at.result(0),
      at.result(1),
      count({ operands }),
      attributes.decay,
      attributes.epsilon,
      attributes.weight_decay,
    ),
  ],
  examples: withApply(
    [f32(3, 4), f32(3, 4), f32(), f32(3, 4)],
    { decay: 0.99, epsilon: 1e-6, weight_decay: 0.01 },
    { 3: [0.1, 2] },
  ),
};

export const lion: Op<{ beta1: number; beta2: number; weight_decay: number }> = {
  name: 'lion',
  doc: 'Lion: steps by the sign of a blend of gradient and momentum (from 0 on); weight decay apart from the gradient.',
  attributes: {
    beta1: float('share of the momentum in the direction'),
    beta2: float('share of the old momentum'),
    weight_decay: decoupledDecaySpec,
  },
  effect: 'update',
  writes: [0, 3],
  infer: (operands) => checkUpdate(operands, 1),
  flops: (application) => 10 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      lionKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.operand(3),
      applyOffset(operands, 4, at),
      at.result(0),
      at.result(1),
      count({ operands }),
      attributes.beta1,
      attributes.beta2,
      attributes.weight_decay,
    ),
  ],
  examples: withApply([f32(3, 4), f32(3, 4), f32(), f32(3, 4)], { beta1: 0.9, beta2: 0.99, weight_decay: 0.1 }),
};

export const accumulate: Op<{ every: number }> = {
  name: 'accumulate',
  doc: 'Mean of the gradients of `every` micro-batches: operands sum, gradient, and the number of the micro-batch.',
  attributes: { every: { kind: 'int', doc: 'micro-batches an update' } },
  effect: 'update',
  writes: [0],
  infer: (operands, { every }) => {
    const [sum, gradient, phase] = operands;
    if (sum === undefined || gradient === undefined || phase === undefined || operands.length !== 3)
      throw new ShapeError(`takes three operands, not ${operands.length}`);
    if (sum.dtype !== 'f32' || !sameType(sum, gradient))
      throw new ShapeError(`the gradient ${formatType(gradient)} cannot be added to ${formatType(sum)}`);
    if (!sameType(phase, i32())) throw new ShapeError(`the micro-batch number must be i32[], not ${formatType(phase)}`);
    if (every < 1) throw new ShapeError(`every ${every} micro-batches is not a number of them`);
    return [sum];
  },
  flops: (application) => 2 * count(application),
  lower: ({ operands, attributes }, at) => [
    call(
      accumulateKernel,
      at.operand(0),
      at.operand(1),
      at.operand(2),
      at.result(0),
      count({ operands }),
      attributes.every,
    ),
  ],
  examples: [{ operands: [f32(3, 4), f32(3, 4), i32()], attributes: { every: 3 }, ranges: { 2: [0, 2] } }],
};

export const increment: Op<{ modulus: number }> = {
  name: 'increment',
  doc: 'Counts on by one: operands a counter and, if it may stand still, whether it counts.',
  attributes: { modulus: { kind: 'int', doc: 'where the counter starts again at 0; 0: nowhere' } },
  effect: 'update',
  writes: [0],
  infer: (operands) => {
    const [counter, apply] = operands;
    if (counter === undefined || operands.length > 2) throw new ShapeError(`takes one or two operands`);
    if (!sameType(counter, i32())) throw new ShapeError(`a counter must be i32[], not ${formatType(counter)}`);
    if (apply !== undefined && !sameType(apply, bool()))
      throw new ShapeError(`whether to count must be bool[], not ${formatType(apply)}`);
    return [counter];
  },
  flops: () => 1,
  lower: ({ operands, attributes }, at) => [
    call(incrementKernel, at.operand(0), applyOffset(operands, 1, at), at.result(0), attributes.modulus),
  ],
  examples: [
    { operands: [i32()], attributes: { modulus: 0 }, ranges: { 0: [0, 9] } },
    { operands: [i32(), bool()], attributes: { modulus: 4 }, ranges: { 0: [0, 3] } },
  ],
};

export const optimizerOps: readonly Op[] = [
  sgd,
  sgdMomentum,
  adam,
  adamW,
  adagrad,
  rmsprop,
  lion,
  accumulate,
  increment,
];
