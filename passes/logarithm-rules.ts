/**
 * Logarithms of what saturates: a sigmoid or softmax is 0 or 1 where its operand is large, and the logarithm infinite,
 * with a gradient of 0 / 0. Written as one function they are finite wherever x is. The saturated value may be read by
 * others too, then it is computed beside.
 */
import type { Node, Value } from '../src/ir/graph.ts';
import { sigmoid, softplus } from '../src/ops/activation.ts';
import { add, subtract } from '../src/ops/binary.ts';
import { reshape } from '../src/ops/reshape.ts';
import { addScalar } from '../src/ops/scalar.ts';
import { logSoftmax, softmax } from '../src/ops/softmax.ts';
import { exp, log, negate } from '../src/ops/unary.ts';
import type { Matcher, Rewritten, Rule } from './rewrite-rule.ts';

const logRule = (name: string, rewrite: (value: Value, matcher: Matcher) => Rewritten | undefined): Rule => ({
  name,
  last: log,
  rewrite: (node: Node, matcher) => rewrite(node.operands[0]!, matcher),
});

const minusSoftplus = (x: Value, matcher: Matcher): Rewritten => ({
  op: negate,
  operands: [matcher.emit(softplus, [x], {})],
  attributes: {},
});

/** The x of 1 + x; a constant 1 may not stretch it. */
function abovePlusOne(value: Value, matcher: Matcher): Value | undefined {
  const shifted = matcher.producer(value, addScalar);
  if (shifted !== undefined) return shifted.attributes.value === 1 ? shifted.operands[0] : undefined;
  const [a, b] = matcher.producer(value, add)?.operands ?? [];
  if (a === undefined || b === undefined) return undefined;
  const x = matcher.number(a) === 1 ? b : matcher.number(b) === 1 ? a : undefined;
  return x?.type.shape.length === value.type.shape.length ? x : undefined;
}

/** The x of 1 - x. */
function oneMinus(value: Value, matcher: Matcher): Value | undefined {
  const shifted = abovePlusOne(value, matcher);
  if (shifted !== undefined) return matcher.producer(shifted, negate)?.operands[0];
  const [one, x] = matcher.producer(value, subtract)?.operands ?? [];
  if (one === undefined || x === undefined || matcher.number(one) !== 1) return undefined;
  return x.type.shape.length === value.type.shape.length ? x : undefined;
}

export const logarithmRules: readonly Rule[] = [
  /** log(sigmoid(x)) -> -softplus(-x) */
  logRule('log-sigmoid', (value, matcher) => {
    const producer = matcher.producer(value, sigmoid);
    return producer && minusSoftplus(matcher.emit(negate, [producer.operands[0]!], {}), matcher);
  }),
  /** log(1 - sigmoid(x)) -> -softplus(x) */
  logRule('log-one-minus-sigmoid', (value, matcher) => {
    const whole = oneMinus(value, matcher);
    const producer = whole && matcher.producer(whole, sigmoid);
    return producer && minusSoftplus(producer.operands[0]!, matcher);
  }),
  /** log(1 + exp(x)) -> softplus(x) */
  logRule('log-one-plus-exp', (value, matcher) => {
    const power = abovePlusOne(value, matcher);
    const producer = power && matcher.producer(power, exp);
    return producer && { op: softplus, operands: producer.operands, attributes: {} };
  }),
  /** log(softmax(x)) -> log_softmax(x), also where a reshape stands between (before opset 13 softmax takes matrices) */
  logRule('log-softmax', (value, matcher) => {
    const producer = matcher.producer(value, softmax);
    if (producer !== undefined) return { op: logSoftmax, operands: producer.operands, attributes: producer.attributes };
    const shaped = matcher.producer(value, reshape);
    const below = shaped && matcher.producer(shaped.operands[0]!, softmax);
    if (shaped === undefined || below === undefined) return undefined;
    const logarithms = matcher.emit(logSoftmax, below.operands, below.attributes);
    return { op: reshape, operands: [logarithms], attributes: shaped.attributes };
  }),
];
