/**
 * Activation functions. Each op stands beside the op of its gradient, which reads the result wherever the result
 * determines f'. Of sigmoid, tanh and softsign, f' from the result is right to a float's last place in absolute terms:
 * far out, where it is nearly 0, its own digits go. Exponential units read the operand: their f' is alpha e^x, of which
 * y, close to -alpha, tells nothing.
 */
import * as kernels from '../../runtime/kernels/activation.ts';
import * as gradients from '../../runtime/kernels/activation-grad.ts';
import type { AttributeSpec, NoAttributes, Op } from '../ir/op.ts';
import { unaryGradOp, unaryOp } from './unary-op.ts';

type Alpha = { alpha: number };

const float = (doc: string): AttributeSpec => ({ kind: 'float', doc });

const reluGrad: Op<NoAttributes> = unaryGradOp({
  name: 'relu_grad',
  doc: 'dy where y = relu(x) is positive, else 0.',
  attributes: {},
  kernel: gradients.reluGrad,
  flops: 1,
  cases: [{}],
});

export const relu: Op<NoAttributes> = unaryOp({
  name: 'relu',
  doc: 'max(x, 0).',
  attributes: {},
  kernel: kernels.relu,
  flops: 1,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(reluGrad, [g.cotangents[0]!, g.results[0]!], {}),
  cases: [{}],
});

const sigmoidGrad: Op<NoAttributes> = unaryGradOp({
  name: 'sigmoid_grad',
  doc: 'dy * y * (1 - y), from y = sigmoid(x).',
  attributes: {},
  kernel: gradients.sigmoidGrad,
  flops: 3,
  cases: [{}],
});

export const sigmoid: Op<NoAttributes> = unaryOp({
  name: 'sigmoid',
  doc: '1 / (1 + exp(-x)).',
  attributes: {},
  kernel: kernels.sigmoid,
  flops: 12,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(sigmoidGrad, [g.cotangents[0]!, g.results[0]!], {}),
  cases: [{}],
  range: [-4, 4],
});

const softplusGrad: Op<NoAttributes> = unaryGradOp({
  name: 'softplus_grad',
  doc: 'dy * (1 - exp(-y)), from y = softplus(x).',
  attributes: {},
  kernel: gradients.softplusGrad,
  flops: 11,
  cases: [{}],
  range: [0.01, 4],
});

export const softplus: Op<NoAttributes> = unaryOp({
  name: 'softplus',
  doc: 'log(1 + exp(x)).',
  attributes: {},
  kernel: kernels.softplus,
  flops: 22,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(softplusGrad, [g.cotangents[0]!, g.results[0]!], {}),
  cases: [{}],
  range: [-4, 4],
});

const softsignGrad: Op<NoAttributes> = unaryGradOp({
  name: 'softsign_grad',
  doc: 'dy * (1 - |y|)^2, from y = softsign(x).',
  attributes: {},
  kernel: gradients.softsignGrad,
  flops: 4,
  cases: [{}],
  range: [-0.9, 0.9],
});

export const softsign: Op<NoAttributes> = unaryOp({
  name: 'softsign',
  doc: 'x / (1 + |x|).',
  attributes: {},
  kernel: kernels.softsign,
  flops: 3,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(softsignGrad, [g.cotangents[0]!, g.results[0]!], {}),
  cases: [{}],
});

const mishGrad: Op<NoAttributes> = unaryGradOp({
  name: 'mish_grad',
  doc: "dy * mish'(x).",
  attributes: {},
  kernel: gradients.mishGrad,
  flops: 44,
  cases: [{}],
});

export const mish: Op<NoAttributes> = unaryOp({
  name: 'mish',
  doc: 'x * tanh(softplus(x)).',
  attributes: {},
  kernel: kernels.mish,
  flops: 32,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(mishGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  cases: [{}],
  range: [-4, 4],
});

const hardSwishGrad: Op<NoAttributes> = unaryGradOp({
  name: 'hard_swish_grad',
  doc: "dy * hard_swish'(x).",
  attributes: {},
  kernel: gradients.hardSwishGrad,
  flops: 5,
  cases: [{}],
  range: [-5, 5],
});

export const hardSwish: Op<NoAttributes> = unaryOp({
  name: 'hard_swish',
  doc: 'x * max(0, min(1, x / 6 + 1/2)).',
  attributes: {},
  kernel: kernels.hardSwish,
  flops: 5,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(hardSwishGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  cases: [{}],
  range: [-5, 5],
});

const hardSigmoidGrad: Op<Alpha> = unaryGradOp({
  name: 'hard_sigmoid_grad',
  doc: 'dy * alpha where y = hard_sigmoid(x) lies strictly between 0 and 1, else 0.',
  attributes: { alpha: float('slope') },
  kernel: gradients.hardSigmoidGrad,
  flops: 2,
  cases: [{ alpha: 0.4 }],
});

export const hardSigmoid: Op<{ alpha: number; beta: number }> = unaryOp({
  name: 'hard_sigmoid',
  doc: 'max(0, min(1, alpha * x + beta)).',
  attributes: { alpha: float('slope'), beta: float('value at 0') },
  kernel: kernels.hardSigmoid,
  flops: 4,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(hardSigmoidGrad, [g.cotangents[0]!, g.results[0]!], { alpha: g.attributes.alpha }),
  cases: [{ alpha: 0.4, beta: 0.5 }],
});

const leakyReluGrad: Op<Alpha> = unaryGradOp({
  name: 'leaky_relu_grad',
  doc: 'dy where s is positive, else dy * alpha; s is x, or leaky_relu(x) where alpha is not negative.',
  attributes: { alpha: float('slope below 0') },
  kernel: gradients.leakyReluGrad,
  flops: 1,
  cases: [{ alpha: 0.1 }],
});

/** Below 0 the result tells the sign of x only if alpha is not negative; otherwise the gradient reads x. */
export const leakyRelu: Op<Alpha> = unaryOp({
  name: 'leaky_relu',
  doc: 'x, or alpha * x below 0.',
  attributes: { alpha: float('slope below 0') },
  kernel: kernels.leakyRelu,
  flops: 1,
  gradientReads: { operands: [0], results: [0] },
  gradient: (g) =>
    g.emit(leakyReluGrad, [g.cotangents[0]!, g.attributes.alpha >= 0 ? g.results[0]! : g.operands[0]!], g.attributes),
  cases: [{ alpha: 0.1 }, { alpha: -0.5 }],
});

const eluGrad: Op<Alpha> = unaryGradOp({
  name: 'elu_grad',
  doc: 'dy where x is positive, else dy * alpha * exp(x).',
  attributes: { alpha: float('limit below 0, negated') },
  kernel: gradients.eluGrad,
  flops: 11,
  cases: [{ alpha: 1 }, { alpha: -0.5 }],
});

export const elu: Op<Alpha> = unaryOp({
  name: 'elu',
  doc: 'x, or alpha * (exp(x) - 1) below 0.',
  attributes: { alpha: float('limit below 0, negated') },
  kernel: kernels.elu,
  flops: 11,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(eluGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: [{ alpha: 1 }, { alpha: -0.5 }],
});

const celuGrad: Op<Alpha> = unaryGradOp({
  name: 'celu_grad',
  doc: 'dy where x is positive, else dy * exp(x / alpha).',
  attributes: { alpha: float('limit below 0, negated; not 0') },
  kernel: gradients.celuGrad,
  flops: 12,
  cases: [{ alpha: 2 }, { alpha: -1.5 }],
});

export const celu: Op<Alpha> = unaryOp({
  name: 'celu',
  doc: 'x, or alpha * (exp(x / alpha) - 1) below 0.',
  attributes: { alpha: float('limit below 0, negated; not 0') },
  kernel: kernels.celu,
  flops: 12,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(celuGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: [{ alpha: 2 }, { alpha: -1.5 }],
});

type Selu = { alpha: number; gamma: number };

const seluAttributes = { alpha: float('as of elu'), gamma: float('scale') };

const seluCases = [
  { alpha: 1.6, gamma: 1.05 },
  { alpha: -0.5, gamma: 2 },
];

const seluGrad: Op<Selu> = unaryGradOp({
  name: 'selu_grad',
  doc: 'dy * gamma where x is positive, else dy * gamma * alpha * exp(x).',
  attributes: seluAttributes,
  kernel: gradients.seluGrad,
  flops: 12,
  cases: seluCases,
});

export const selu: Op<Selu> = unaryOp({
  name: 'selu',
  doc: 'gamma * x, or gamma * alpha * (exp(x) - 1) below 0.',
  attributes: seluAttributes,
  kernel: kernels.selu,
  flops: 12,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(seluGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: seluCases,
});

const thresholdedReluGrad: Op<Alpha> = unaryGradOp({
  name: 'thresholded_relu_grad',
  doc: 'dy where x is above alpha, else 0.',
  attributes: { alpha: float('threshold') },
  kernel: gradients.thresholdedReluGrad,
  flops: 1,
  cases: [{ alpha: 0.5 }, { alpha: -0.5 }],
});

export const thresholdedRelu: Op<Alpha> = unaryOp({
  name: 'thresholded_relu',
  doc: 'x where it is above alpha, else 0.',
  attributes: { alpha: float('threshold') },
  kernel: kernels.thresholdedRelu,
  flops: 1,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(thresholdedReluGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: [{ alpha: 0.5 }, { alpha: -0.5 }],
});

const shrinkGrad: Op<{ lambda: number }> = unaryGradOp({
  name: 'shrink_grad',
  doc: 'dy where |x| is above lambda, else 0.',
  attributes: { lambda: float('threshold') },
  kernel: gradients.shrinkGrad,
  flops: 1,
  cases: [{ lambda: 0.5 }],
});

export const shrink: Op<{ bias: number; lambda: number }> = unaryOp({
  name: 'shrink',
  doc: 'x moved by bias toward 0, and 0 where |x| is at most lambda.',
  attributes: { bias: float('distance moved'), lambda: float('threshold') },
  kernel: kernels.shrink,
  flops: 2,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(shrinkGrad, [g.cotangents[0]!, g.operands[0]!], { lambda: g.attributes.lambda }),
  cases: [{ bias: 0.3, lambda: 0.5 }],
});

const swishGrad: Op<Alpha> = unaryGradOp({
  name: 'swish_grad',
  doc: "dy * swish'(x).",
  attributes: { alpha: float('steepness') },
  kernel: gradients.swishGrad,
  flops: 16,
  cases: [{ alpha: 1 }, { alpha: -0.7 }],
});

export const swish: Op<Alpha> = unaryOp({
  name: 'swish',
  doc: 'x * sigmoid(alpha * x).',
  attributes: { alpha: float('steepness') },
  kernel: kernels.swish,
  flops: 14,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(swishGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: [{ alpha: 1 }, { alpha: -0.7 }],
});

type Gelu = { approximate: string };

const approximate: AttributeSpec = { kind: 'string', doc: "'none' (by the error function) or 'tanh'" };

const geluGrad: Op<Gelu> = unaryGradOp({
  name: 'gelu_grad',
  doc: "dy * gelu'(x).",
  attributes: { approximate },
  kernel: gradients.geluErfGrad,
  select: (attributes) => (attributes.approximate === 'tanh' ? gradients.geluTanhGrad : gradients.geluErfGrad),
  flops: 35,
  cases: [{ approximate: 'none' }, { approximate: 'tanh' }],
});

export const gelu: Op<Gelu> = unaryOp({
  name: 'gelu',
  doc: 'x * Phi(x), Phi the integral of the normal distribution.',
  attributes: { approximate },
  kernel: kernels.geluErf,
  select: (attributes) => (attributes.approximate === 'tanh' ? kernels.geluTanh : kernels.geluErf),
  flops: 24,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(geluGrad, [g.cotangents[0]!, g.operands[0]!], g.attributes),
  cases: [{ approximate: 'none' }, { approximate: 'tanh' }],
});

export const activationOps: readonly Op[] = [
  relu,
  reluGrad,
  sigmoid,
  sigmoidGrad,
  softplus,
  softplusGrad,
  softsign,
  softsignGrad,
  mish,
  mishGrad,
  hardSwish,
  hardSwishGrad,
  hardSigmoid,
  hardSigmoidGrad,
  leakyRelu,
  leakyReluGrad,
  elu,
  eluGrad,
  celu,
  celuGrad,
  selu,
  seluGrad,
  thresholdedRelu,
  thresholdedReluGrad,
  shrink,
  shrinkGrad,
  swish,
  swishGrad,
  gelu,
  geluGrad,
];
