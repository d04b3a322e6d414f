/**
 * Arithmetic and comparison of two or more operands, with broadcasting. A factor or summand that is one constant number
 * becomes an attribute: no resident, and a gradient that reads nothing.
 */
import { type DType, sameShape, type Value } from '../../../ir/graph.ts';
import type { NoAttributes, Op } from '../../../ir/op.ts';
import { add, divide, modulo, multiply, subtract } from '../../../ops/binary.ts';
import { broadcastShape } from '../../../ops/broadcasting.ts';
import { equal, greater, greaterEqual, less, lessEqual } from '../../../ops/comparison.ts';
import { logicalAnd, logicalOr, logicalXor } from '../../../ops/logical.ts';
import { maximum, minimum, power, prelu } from '../../../ops/power.ts';
import { reciprocal, sqrt, square } from '../../../ops/unary.ts';
import { where } from '../../../ops/where.ts';
import { castTo, reshaped, scaled, shifted } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/**
 * The two operands. Before opset 7 the second is stretched only if the node says so, and is aligned at `axis` rather than
 * at the end.
 */
export function pair(c: LoweringContext): readonly [Value, Value] {
  const a = c.operand(0);
  const b = c.operand(1);
  const axis = c.opset < 7 ? c.attributes.int('axis') : undefined;
  if (axis === undefined || c.attributes.int('broadcast', 0) === 0) return [a, b];
  const rank = a.type.shape.length;
  const trailing = rank - (axis < 0 ? axis + rank : axis) - b.type.shape.length;
  if (trailing < 0) c.fail(`operand 1 does not fit operand 0 at axis ${axis}`);
  return [a, reshaped(c, b, [...b.type.shape, ...new Array<number>(trailing).fill(1)])];
}

/**
 * The number in `value`, if it is a constant that may become an attribute of an op on `x`: one finite number, which
 * does not stretch `x`.
 */
function attributeFor(c: LoweringContext, x: Value, value: Value): number | undefined {
  const number = c.scalar(value);
  if (number === undefined || !Number.isFinite(number) || x.type.dtype !== 'f32' || value.type.dtype !== 'f32')
    return undefined;
  return sameShape(broadcastShape([x.type, value.type]), x.type.shape) ? number : undefined;
}

function arithmetic(
  onnx: string,
  op: Op<NoAttributes>,
  shortcut: (c: LoweringContext, a: Value, b: Value) => Value | undefined = () => undefined,
): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: true,
    lower: (c) => {
      const [a, b] = pair(c);
      return [shortcut(c, a, b) ?? c.emit(op, [a, b], {})];
    },
  };
}

function comparison(onnx: string, since: number, op: Op<NoAttributes>): OnnxLowering {
  return { onnx, since, gradient: false, lower: (c) => [c.emit(op, pair(c), {})] };
}

/** Any number of operands, combined from the left. */
function variadic(
  onnx: string,
  op: Op<NoAttributes>,
  finish: (c: LoweringContext, all: Value) => Value = (_, all) => all,
): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: true,
    lower: (c) => {
      let all = c.operand(0);
      for (let i = 1; i < c.operands.length; i++) all = c.emit(op, [all, c.operand(i)], {});
      return [finish(c, all)];
    },
  };
}

function lowerPower(c: LoweringContext): Value {
  const [x, exponent] = pair(c);
  const number = c.scalar(exponent);
  const fits = number !== undefined && sameShape(broadcastShape([x.type, exponent.type]), x.type.shape);
  if (fits && x.type.dtype === 'f32') {
    if (number === 1) return x;
    if (number === 2) return c.emit(square, [x], {});
    if (number === 0.5) return c.emit(sqrt, [x], {});
    if (number === -1) return c.emit(reciprocal, [x], {});
  }
  if (x.type.dtype === exponent.type.dtype) return c.emit(power, [x, exponent], {});
  // The result has the base's type; a fractional exponent must not be cut off on the way.
  const common: DType = x.type.dtype === 'f32' || exponent.type.dtype === 'f32' ? 'f32' : 'i64';
  return castTo(c, c.emit(power, [castTo(c, x, common), castTo(c, exponent, common)], {}), x.type.dtype);
}

export const arithmeticLowerings: readonly OnnxLowering[] = [
  arithmetic('Add', add, (c, a, b) => {
    const right = attributeFor(c, a, b);
    if (right !== undefined) return shifted(c, a, right);
    const left = attributeFor(c, b, a);
    return left === undefined ? undefined : shifted(c, b, left);
  }),
  arithmetic('Sub', subtract, (c, a, b) => {
    const right = attributeFor(c, a, b);
    return right === undefined ? undefined : shifted(c, a, -right);
  }),
  arithmetic('Mul', multiply, (c, a, b) => {
    const right = attributeFor(c, a, b);
    if (right !== undefined) return scaled(c, a, right);
    const left = attributeFor(c, b, a);
    return left === undefined ? undefined : scaled(c, b, left);
  }),
  arithmetic('Div', divide, (c, a, b) => {
    const right = attributeFor(c, a, b);
    if (right !== undefined && Number.isFinite(1 / right)) return scaled(c, a, 1 / right);
    return attributeFor(c, b, a) === 1 ? c.emit(reciprocal, [b], {}) : undefined;
  }),
  { onnx: 'Pow', since: 1, gradient: true, lower: (c) => [lowerPower(c)] },
  variadic('Sum', add),
  variadic('Mean', add, (c, all) => scaled(c, all, 1 / c.operands.length)),
  variadic('Max', maximum),
  variadic('Min', minimum),
  {
    onnx: 'Mod',
    since: 10,
    gradient: true,
    lower: (c) => [c.emit(modulo, pair(c), { fmod: c.attributes.int('fmod', 0) !== 0 })],
  },
  {
    onnx: 'PRelu',
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const slope = c.operand(1);
      const { shape } = slope.type;
      // Before opset 7 a slope of rank 1 runs over the channels.
      const channels = c.opset < 7 && shape.length === 1 && x.type.shape.length > 2;
      return [
        c.emit(prelu, [x, channels ? reshaped(c, slope, [...shape, ...x.type.shape.slice(2).fill(1)]) : slope], {}),
      ];
    },
  },
  comparison('Equal', 1, equal),
  comparison('Less', 1, less),
  comparison('LessOrEqual', 12, lessEqual),
  comparison('Greater', 1, greater),
  comparison('GreaterOrEqual', 12, greaterEqual),
  comparison('And', 1, logicalAnd),
  comparison('Or', 1, logicalOr),
  comparison('Xor', 1, logicalXor),
  {
    onnx: 'Where',
    since: 9,
    gradient: true,
    lower: (c) => [c.emit(where, [c.operand(0), c.operand(1), c.operand(2)], {})],
  },
];
