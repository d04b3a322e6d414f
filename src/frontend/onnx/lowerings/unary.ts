/** Functions of one operand, element by element. */
import type { NoAttributes, Op } from '../../../ir/op.ts';
import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  relu,
  selu,
  shrink,
  sigmoid,
  softplus,
  softsign,
  swish,
  thresholdedRelu,
} from '../../../ops/activation.ts';
import { isInf, isNan, logicalNot } from '../../../ops/logical.ts';
import { maximum, minimum } from '../../../ops/power.ts';
import { clip } from '../../../ops/scalar.ts';
import {
  absolute,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  cos,
  cosh,
  erf,
  exp,
  floor,
  log,
  negate,
  reciprocal,
  round,
  sign,
  sin,
  sinh,
  sqrt,
  tan,
  tanh,
} from '../../../ops/unary.ts';
import type { OnnxLowering } from '../lowering.ts';

function plain(onnx: string, since: number, op: Op<NoAttributes>): OnnxLowering {
  return { onnx, since, gradient: op.gradient !== undefined, lower: (c) => [c.emit(op, [c.operand(0)], {})] };
}

/** Largest finite float32: what an absent bound of Clip stands for. */
const largest = 3.4028234663852886e38;

export const unaryLowerings: readonly OnnxLowering[] = [
  plain('Abs', 1, absolute),
  plain('Acos', 7, acos),
  plain('Acosh', 9, acosh),
  plain('Asin', 7, asin),
  plain('Asinh', 9, asinh),
  plain('Atan', 7, atan),
  plain('Atanh', 9, atanh),
  plain('Ceil', 1, ceil),
  plain('Cos', 7, cos),
  plain('Cosh', 9, cosh),
  plain('Erf', 9, erf),
  plain('Exp', 1, exp),
  plain('Floor', 1, floor),
  plain('HardSwish', 14, hardSwish),
  plain('IsNaN', 9, isNan),
  plain('Log', 1, log),
  plain('Mish', 18, mish),
  plain('Neg', 1, negate),
  plain('Not', 1, logicalNot),
  plain('Reciprocal', 1, reciprocal),
  plain('Relu', 1, relu),
  plain('Round', 11, round),
  plain('Sigmoid', 1, sigmoid),
  plain('Sign', 9, sign),
  plain('Sin', 7, sin),
  plain('Sinh', 9, sinh),
  plain('Softplus', 1, softplus),
  plain('Softsign', 1, softsign),
  plain('Sqrt', 1, sqrt),
  plain('Tan', 7, tan),
  plain('Tanh', 1, tanh),
  {
    onnx: 'Celu',
    since: 12,
    gradient: true,
    lower: (c) => [c.emit(celu, [c.operand(0)], { alpha: c.attributes.float('alpha', 1) })],
  },
  {
    onnx: 'Elu',
    since: 1,
    gradient: true,
    lower: (c) => [c.emit(elu, [c.operand(0)], { alpha: c.attributes.float('alpha', 1) })],
  },
  {
    onnx: 'Gelu',
    since: 20,
    gradient: true,
    lower: (c) => {
      const approximate = c.attributes.string('approximate', 'none');
      if (approximate !== 'none' && approximate !== 'tanh')
        c.fail(`unknown approximation ${JSON.stringify(approximate)}`, 'the approximations are "none" and "tanh"');
      return [c.emit(gelu, [c.operand(0)], { approximate })];
    },
  },
  {
    onnx: 'HardSigmoid',
    since: 1,
    gradient: true,
    lower: (c) => [
      c.emit(hardSigmoid, [c.operand(0)], {
        alpha: c.attributes.float('alpha', 0.2),
        beta: c.attributes.float('beta', 0.5),
      }),
    ],
  },
  {
    onnx: 'IsInf',
    since: 10,
    gradient: false,
    lower: (c) => [
      c.emit(isInf, [c.operand(0)], {
        positive: c.attributes.int('detect_positive', 1) !== 0,
        negative: c.attributes.int('detect_negative', 1) !== 0,
      }),
    ],
  },
  {
    onnx: 'LeakyRelu',
    since: 1,
    gradient: true,
    lower: (c) => [c.emit(leakyRelu, [c.operand(0)], { alpha: c.attributes.float('alpha', 0.01) })],
  },
  {
    onnx: 'Selu',
    since: 1,
    gradient: true,
    lower: (c) => [
      c.emit(selu, [c.operand(0)], {
        alpha: c.attributes.float('alpha', c.opset < 6 ? 1.6732 : 1.6732631921768188),
        gamma: c.attributes.float('gamma', c.opset < 6 ? 1.0507 : 1.0507010221481323),
      }),
    ],
  },
  {
    onnx: 'Shrink',
    since: 9,
    gradient: true,
    lower: (c) => [
      c.emit(shrink, [c.operand(0)], {
        bias: c.attributes.float('bias', 0),
        lambda: c.attributes.float('lambd', 0.5),
      }),
    ],
  },
  {
    onnx: 'Swish',
    since: 24,
    gradient: true,
    lower: (c) => [c.emit(swish, [c.operand(0)], { alpha: c.attributes.float('alpha', 1) })],
  },
  {
    onnx: 'ThresholdedRelu',
    since: 10,
    gradient: true,
    lower: (c) => [c.emit(thresholdedRelu, [c.operand(0)], { alpha: c.attributes.float('alpha', 1) })],
  },
  {
    onnx: 'Clip',
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const bounds = [c.operands[1], c.operands[2]];
      if (c.opset < 11 || (x.type.dtype === 'f32' && bounds.every((b) => b === undefined || c.isStored(b)))) {
        const min = c.opset < 11 ? c.attributes.float('min') : c.numbers(1)?.[0];
        const max = c.opset < 11 ? c.attributes.float('max') : c.numbers(2)?.[0];
        return [
          c.emit(clip, [x], { min: Math.max(min ?? -largest, -largest), max: Math.min(max ?? largest, largest) }),
        ];
      }
      // Bounds computed in the step, or integers: the lower bound first, so that the upper one wins where they cross.
      const open = x.type.dtype === 'f32' && bounds.includes(undefined);
      const finite = open ? c.emit(clip, [x], { min: -largest, max: largest }) : x;
      const raised = bounds[0] === undefined ? finite : c.emit(maximum, [finite, bounds[0]], {});
      return [bounds[1] === undefined ? raised : c.emit(minimum, [raised, bounds[1]], {})];
    },
  },
];
