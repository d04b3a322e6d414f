/** The rewrites of `canonicalize`. Each is tried at nodes of its last op, in this order; the first that applies wins. */
import { type AttributeValue, elementCount, type Node, sameShape, type Value } from '../src/ir/graph.ts';
import type { Op } from '../src/ir/op.ts';
import { gelu } from '../src/ops/activation.ts';
import { add, divide, multiply, subtract } from '../src/ops/binary.ts';
import { conv } from '../src/ops/conv.ts';
import { convTranspose } from '../src/ops/conv-transpose.ts';
import { nllLoss, softmaxCrossEntropy } from '../src/ops/cross-entropy.ts';
import { layerNorm } from '../src/ops/layer-norm.ts';
import { matmul } from '../src/ops/matmul.ts';
import { reduceMean, reduceSum } from '../src/ops/reduce.ts';
import { reshape } from '../src/ops/reshape.ts';
import { addScalar, scale } from '../src/ops/scalar.ts';
import { logSoftmax } from '../src/ops/softmax.ts';
import { erf, normRoot, sqrt, square } from '../src/ops/unary.ts';
import { logarithmRules } from './logarithm-rules.ts';
import type { Matcher, Rewritten, Rule } from './rewrite-rule.ts';

/** Both orders of a commutative node's operands. */
function orders({ operands: [a, b] }: Node): readonly (readonly [Value, Value])[] {
  return [
    [a!, b!],
    [b!, a!],
  ];
}

/** The node of `op` that makes `value` for nobody else. */
function inner(matcher: Matcher, value: Value, op: Op): Node | undefined {
  return matcher.isOnlyUse(value) ? matcher.producer(value, op) : undefined;
}

function isNear(x: AttributeValue | undefined, target: number): boolean {
  return typeof x === 'number' && Math.abs(x - target) <= 1e-6 * Math.abs(target);
}

/** add(matmul(a, b), c) -> matmul(a, b, c), where c is broadcast (one of the product's own shape may be an activation) */
const matmulBias: Rule = {
  name: 'matmul-bias',
  last: add,
  rewrite: (node, matcher) => {
    const { shape } = node.results[0]!.type;
    for (const [product, bias] of orders(node)) {
      const producer = inner(matcher, product, matmul);
      if (producer === undefined || producer.operands.length !== 2 || !sameShape(product.type.shape, shape)) continue;
      if (elementCount(bias.type.shape) > elementCount(shape) || sameShape(bias.type.shape, shape)) continue;
      return { op: matmul, operands: [...producer.operands, bias], attributes: producer.attributes };
    }
    return undefined;
  },
};

/** add(conv(x, w), c) -> conv(x, w, reshape(c)), where c varies over the channels alone */
function convBias(op: Op): Rule {
  return {
    name: `${op.name}-bias`,
    last: add,
    rewrite: (node, matcher) => {
      const { shape } = node.results[0]!.type;
      for (const [image, bias] of orders(node)) {
        const producer = inner(matcher, image, op);
        if (producer === undefined || producer.operands.length !== 2 || !sameShape(image.type.shape, shape)) continue;
        const channels = shape[1]!;
        const over = new Array<number>(shape.length).fill(1).with(1, channels).slice(-bias.type.shape.length);
        if (bias.type.shape.length < shape.length - 1 || !sameShape(bias.type.shape, over)) continue;
        const vector = matcher.emit(reshape, [bias], { shape: [channels] });
        return { op, operands: [...producer.operands, vector], attributes: producer.attributes };
      }
      return undefined;
    },
  };
}

/** The x of 1 + erf(x / sqrt(2)). */
function erfOperand(matcher: Matcher, value: Value): Value | undefined {
  const shifted = inner(matcher, value, addScalar);
  if (shifted === undefined || shifted.attributes.value !== 1) return undefined;
  const function_ = inner(matcher, shifted.operands[0]!, erf);
  const scaled = function_ && inner(matcher, function_.operands[0]!, scale);
  return scaled !== undefined && isNear(scaled.attributes.factor, Math.SQRT1_2) ? scaled.operands[0] : undefined;
}

/** x / 2 */
function halved(matcher: Matcher, value: Value): Value | undefined {
  const node = inner(matcher, value, scale);
  return node?.attributes.factor === 0.5 ? node.operands[0] : undefined;
}

const exactGelu = (x: Value): Rewritten => ({ op: gelu, operands: [x], attributes: { approximate: 'none' } });

/** scale[0.5](multiply(x, 1 + erf(x / sqrt(2)))) -> gelu(x) */
const geluHalvedLast: Rule = {
  name: 'gelu-halved-last',
  last: scale,
  rewrite: (node, matcher) => {
    const factors = node.attributes.factor === 0.5 ? inner(matcher, node.operands[0]!, multiply) : undefined;
    if (factors === undefined) return undefined;
    for (const [x, other] of orders(factors)) if (erfOperand(matcher, other)?.name === x.name) return exactGelu(x);
    return undefined;
  },
};

/** multiply(scale[0.5](x), 1 + erf(x / sqrt(2))), or with the half at the other factor -> gelu(x) */
const geluHalvedFirst: Rule = {
  name: 'gelu-halved-first',
  last: multiply,
  rewrite: (node, matcher) => {
    for (const [a, b] of orders(node)) {
      const half = halved(matcher, a);
      if (half === undefined) continue;
      if (erfOperand(matcher, b)?.name === half.name) return exactGelu(half);
      if (erfOperand(matcher, half)?.name === b.name) return exactGelu(b);
    }
    return undefined;
  },
};

/** The mean of `x` over its last dimensions, kept as extents of 1: the first of those dimensions. */
function trailingMean(matcher: Matcher, value: Value, x: Value): number | undefined {
  const mean = matcher.producer(value, reduceMean);
  if (mean === undefined || mean.operands[0]!.name !== x.name || mean.attributes.keep_dims !== true) return undefined;
  const { axes } = mean.attributes;
  if (!Array.isArray(axes) || axes.length === 0) return undefined;
  const first = x.type.shape.length - axes.length;
  return axes.every((axis, i) => axis === first + i) ? first : undefined;
}

/** The operand of x * x. */
function factorOfSquare(matcher: Matcher, value: Value): Value | undefined {
  const node = matcher.producer(value, square);
  if (node !== undefined) return node.operands[0];
  const [a, b] = matcher.producer(value, multiply)?.operands ?? [];
  return a !== undefined && a.name === b?.name ? a : undefined;
}

/** The operand of an x * x that nobody else reads. */
function squared(matcher: Matcher, value: Value): Value | undefined {
  return matcher.isOnlyUse(value) ? factorOfSquare(matcher, value) : undefined;
}

/** multiply((x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon), s) -> layer_norm(x, s) */
const layerNormScale: Rule = {
  name: 'layer-norm',
  last: multiply,
  rewrite: (node, matcher) => {
    for (const [normalized, factor] of orders(node)) {
      const quotient = inner(matcher, normalized, divide);
      const root = quotient && inner(matcher, quotient.operands[1]!, sqrt);
      const shifted = root && inner(matcher, root.operands[0]!, addScalar);
      if (quotient === undefined || shifted === undefined) continue;
      const centred = quotient.operands[0]!;
      const axis = varianceAxis(matcher, shifted.operands[0]!, centred);
      const difference = matcher.producer(centred, subtract);
      if (axis === undefined || difference === undefined) continue;
      const [x, mean] = difference.operands;
      if (trailingMean(matcher, mean!, x!) !== axis) continue;
      if (!sameShape(factor.type.shape, x!.type.shape.slice(axis))) continue;
      return { op: layerNorm, operands: [x!, factor], attributes: { axis, epsilon: shifted.attributes.value! } };
    }
    return undefined;
  },
};

/** The first of the last dimensions over which `value` is the mean of the square of `centred`. */
function varianceAxis(matcher: Matcher, value: Value, centred: Value): number | undefined {
  const mean = inner(matcher, value, reduceMean);
  const deviation = mean && squared(matcher, mean.operands[0]!);
  if (deviation === undefined || !isSameDifference(matcher, deviation, centred)) return undefined;
  return trailingMean(matcher, value, mean!.operands[0]!);
}

/** Some exporters subtract the mean twice, once for the variance and once for the quotient. */
function isSameDifference(matcher: Matcher, a: Value, b: Value): boolean {
  if (a.name === b.name) return true;
  const [first, second] = [matcher.producer(a, subtract), matcher.producer(b, subtract)];
  if (first === undefined || second === undefined) return false;
  return first.operands.every((operand, i) => operand.name === second.operands[i]!.name);
}

/** add(layer_norm(x, s), b) -> layer_norm(x, s, b) */
const layerNormBias: Rule = {
  name: 'layer-norm-bias',
  last: add,
  rewrite: (node, matcher) => {
    for (const [normalized, bias] of orders(node)) {
      const producer = inner(matcher, normalized, layerNorm);
      if (producer === undefined || producer.operands.length !== 2) continue;
      if (!sameShape(bias.type.shape, producer.operands[1]!.type.shape)) continue;
      return { op: layerNorm, operands: [...producer.operands, bias], attributes: producer.attributes };
    }
    return undefined;
  },
};

/** nll_loss(log_softmax(x), labels) -> softmax_cross_entropy(x, labels) */
const crossEntropy: Rule = {
  name: 'cross-entropy',
  last: nllLoss,
  rewrite: (node, matcher) => {
    const [scores, ...rest] = node.operands;
    const producer = inner(matcher, scores!, logSoftmax);
    if (producer === undefined || producer.attributes.axis !== 1) return undefined;
    const attributes = { ...node.attributes, with_log_prob: false };
    return { op: softmaxCrossEntropy, operands: [producer.operands[0]!, ...rest], attributes };
  },
};

/** sqrt(sum of x * x) -> norm_root of the same: as of a norm, the gradient of a vector of zeros is 0 */
const euclideanNorm: Rule = {
  name: 'euclidean-norm',
  last: sqrt,
  rewrite: (node, matcher) => {
    const sum = matcher.producer(node.operands[0]!, reduceSum);
    if (sum === undefined || factorOfSquare(matcher, sum.operands[0]!) === undefined) return undefined;
    return { op: normRoot, operands: node.operands, attributes: { p: 2 } };
  },
};

export const rules: readonly Rule[] = [
  matmulBias,
  convBias(conv),
  convBias(convTranspose),
  geluHalvedLast,
  geluHalvedFirst,
  layerNormScale,
  layerNormBias,
  euclideanNorm,
  ...logarithmRules,
  crossEntropy,
];
