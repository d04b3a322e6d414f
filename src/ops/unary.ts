/**
 * Elementwise mathematics of one operand, each op beside the op of its gradient. It is a list of declarations, which is why
 * it is long.
 */
import * as kernels from '../../runtime/kernels/unary.ts';
import * as gradients from '../../runtime/kernels/unary-grad.ts';
import { absoluteIntegers, negateIntegers, signIntegers } from '../../runtime/kernels/unary-integer.ts';
import type { NoAttributes, Op } from '../ir/op.ts';
import { divideGrad, multiplyGrad } from './multiply-grad.ts';
import { type UnaryGradSpec, type UnarySpec, unaryGradOp, unaryOp } from './unary-op.ts';

type Spec<S> = Omit<S, 'attributes' | 'cases'>;

const plain = (spec: Spec<UnarySpec<NoAttributes>>): Op<NoAttributes> =>
  unaryOp({ ...spec, attributes: {}, cases: [{}] });

const plainGrad = (spec: Spec<UnaryGradSpec<NoAttributes>>): Op<NoAttributes> =>
  unaryGradOp({ ...spec, attributes: {}, cases: [{}] });

export const negate: Op<NoAttributes> = plain({
  name: 'negate',
  doc: '-x.',
  kernel: kernels.negate,
  integerKernel: negateIntegers,
  flops: 1,
  gradient: (g) => g.emit(negate, [g.cotangents[0]!], {}),
});

const absoluteGrad = plainGrad({
  name: 'absolute_grad',
  doc: 'dy * sign(x).',
  kernel: gradients.absoluteGrad,
  flops: 1,
});

export const absolute: Op<NoAttributes> = plain({
  name: 'absolute',
  doc: '|x|.',
  kernel: kernels.absolute,
  integerKernel: absoluteIntegers,
  flops: 1,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(absoluteGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

export const sign: Op<NoAttributes> = plain({
  name: 'sign',
  doc: '-1, 0 or 1.',
  kernel: kernels.sign,
  integerKernel: signIntegers,
  flops: 1,
  gradient: 'none',
});

export const exp: Op<NoAttributes> = plain({
  name: 'exp',
  doc: 'e to the x.',
  kernel: kernels.exp,
  flops: 10,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(multiplyGrad, [g.cotangents[0]!, g.results[0]!], {}),
});

export const log: Op<NoAttributes> = plain({
  name: 'log',
  doc: 'Natural logarithm.',
  kernel: kernels.log,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(divideGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  range: [0.3, 3],
});

const squareGrad = plainGrad({
  name: 'square_grad',
  doc: '2 * dy * x.',
  kernel: gradients.squareGrad,
  flops: 2,
});

export const square: Op<NoAttributes> = plain({
  name: 'square',
  doc: 'x * x.',
  kernel: kernels.square,
  flops: 1,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(squareGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const reciprocalGrad = plainGrad({
  name: 'reciprocal_grad',
  doc: '-dy * y * y, from y = 1 / x.',
  kernel: gradients.reciprocalGrad,
  flops: 2,
});

export const reciprocal: Op<NoAttributes> = plain({
  name: 'reciprocal',
  doc: '1 / x.',
  kernel: kernels.reciprocal,
  flops: 1,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(reciprocalGrad, [g.cotangents[0]!, g.results[0]!], {}),
  range: [0.5, 2],
});

const sqrtGrad = plainGrad({
  name: 'sqrt_grad',
  doc: 'dy / (2 y), from y = sqrt(x).',
  kernel: gradients.sqrtGrad,
  flops: 2,
  range: [0.3, 2],
});

export const sqrt: Op<NoAttributes> = plain({
  name: 'sqrt',
  doc: 'Square root.',
  kernel: kernels.sqrt,
  flops: 1,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(sqrtGrad, [g.cotangents[0]!, g.results[0]!], {}),
  range: [0.3, 3],
});

type Root = { p: number };
const rootOf = { p: { kind: 'int', doc: 'which root; at least 1' } } as const;

const normRootGrad: Op<Root> = unaryGradOp({
  name: 'norm_root_grad',
  doc: 'dy / (p y^(p - 1)), from y = norm_root(x); 0 where y is 0.',
  attributes: rootOf,
  kernel: gradients.normRootGrad,
  flops: 2,
  cases: [{ p: 2 }, { p: 3 }],
  range: [0.3, 2],
});

export const normRoot: Op<Root> = unaryOp({
  name: 'norm_root',
  doc: 'The p-th root of a sum of p-th powers, which makes it a norm; its gradient is 0 where it is 0.',
  attributes: rootOf,
  kernel: kernels.normRoot,
  flops: 1,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(normRootGrad, [g.cotangents[0]!, g.results[0]!], g.attributes),
  cases: [{ p: 2 }, { p: 3 }],
  range: [0.3, 3],
});

const sinGrad = plainGrad({
  name: 'sin_grad',
  doc: 'dy * cos(x).',
  kernel: gradients.sinGrad,
  flops: 10,
});

export const sin: Op<NoAttributes> = plain({
  name: 'sin',
  doc: 'Sine.',
  kernel: kernels.sin,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(sinGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const cosGrad = plainGrad({
  name: 'cos_grad',
  doc: '-dy * sin(x).',
  kernel: gradients.cosGrad,
  flops: 10,
});

export const cos: Op<NoAttributes> = plain({
  name: 'cos',
  doc: 'Cosine.',
  kernel: kernels.cos,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(cosGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const tanGrad = plainGrad({
  name: 'tan_grad',
  doc: 'dy * (1 + y * y), from y = tan(x).',
  kernel: gradients.tanGrad,
  flops: 3,
});

export const tan: Op<NoAttributes> = plain({
  name: 'tan',
  doc: 'Tangent.',
  kernel: kernels.tan,
  flops: 10,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(tanGrad, [g.cotangents[0]!, g.results[0]!], {}),
  range: [-1, 1],
});

const asinGrad = plainGrad({
  name: 'asin_grad',
  doc: 'dy / sqrt(1 - x * x).',
  kernel: gradients.asinGrad,
  flops: 4,
  range: [-0.9, 0.9],
});

export const asin: Op<NoAttributes> = plain({
  name: 'asin',
  doc: 'Inverse sine.',
  kernel: kernels.asin,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(asinGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  range: [-0.9, 0.9],
});

const acosGrad = plainGrad({
  name: 'acos_grad',
  doc: '-dy / sqrt(1 - x * x).',
  kernel: gradients.acosGrad,
  flops: 4,
  range: [-0.9, 0.9],
});

export const acos: Op<NoAttributes> = plain({
  name: 'acos',
  doc: 'Inverse cosine.',
  kernel: kernels.acos,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(acosGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  range: [-0.9, 0.9],
});

const atanGrad = plainGrad({
  name: 'atan_grad',
  doc: 'dy / (1 + x * x).',
  kernel: gradients.atanGrad,
  flops: 3,
});

export const atan: Op<NoAttributes> = plain({
  name: 'atan',
  doc: 'Inverse tangent.',
  kernel: kernels.atan,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(atanGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const sinhGrad = plainGrad({
  name: 'sinh_grad',
  doc: 'dy * cosh(x).',
  kernel: gradients.sinhGrad,
  flops: 10,
});

export const sinh: Op<NoAttributes> = plain({
  name: 'sinh',
  doc: 'Hyperbolic sine.',
  kernel: kernels.sinh,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(sinhGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const coshGrad = plainGrad({
  name: 'cosh_grad',
  doc: 'dy * sinh(x).',
  kernel: gradients.coshGrad,
  flops: 10,
});

export const cosh: Op<NoAttributes> = plain({
  name: 'cosh',
  doc: 'Hyperbolic cosine.',
  kernel: kernels.cosh,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(coshGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const tanhGrad = plainGrad({
  name: 'tanh_grad',
  doc: 'dy * (1 - y * y), from y = tanh(x).',
  kernel: gradients.tanhGrad,
  flops: 3,
});

export const tanh: Op<NoAttributes> = plain({
  name: 'tanh',
  doc: 'Hyperbolic tangent.',
  kernel: kernels.tanh,
  flops: 10,
  gradientReads: { results: [0] },
  gradient: (g) => g.emit(tanhGrad, [g.cotangents[0]!, g.results[0]!], {}),
});

const asinhGrad = plainGrad({
  name: 'asinh_grad',
  doc: 'dy / sqrt(x * x + 1).',
  kernel: gradients.asinhGrad,
  flops: 4,
});

export const asinh: Op<NoAttributes> = plain({
  name: 'asinh',
  doc: 'Inverse hyperbolic sine.',
  kernel: kernels.asinh,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(asinhGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

const acoshGrad = plainGrad({
  name: 'acosh_grad',
  doc: 'dy / sqrt(x * x - 1).',
  kernel: gradients.acoshGrad,
  flops: 4,
  range: [1.3, 3],
});

export const acosh: Op<NoAttributes> = plain({
  name: 'acosh',
  doc: 'Inverse hyperbolic cosine.',
  kernel: kernels.acosh,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(acoshGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  range: [1.3, 3],
});

const atanhGrad = plainGrad({
  name: 'atanh_grad',
  doc: 'dy / (1 - x * x).',
  kernel: gradients.atanhGrad,
  flops: 3,
  range: [-0.8, 0.8],
});

export const atanh: Op<NoAttributes> = plain({
  name: 'atanh',
  doc: 'Inverse hyperbolic tangent.',
  kernel: kernels.atanh,
  flops: 10,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(atanhGrad, [g.cotangents[0]!, g.operands[0]!], {}),
  range: [-0.8, 0.8],
});

const erfGrad = plainGrad({
  name: 'erf_grad',
  doc: 'dy * 2 / sqrt(pi) * exp(-x * x).',
  kernel: gradients.erfGrad,
  flops: 10,
});

export const erf: Op<NoAttributes> = plain({
  name: 'erf',
  doc: 'Error function.',
  kernel: kernels.erf,
  flops: 20,
  gradientReads: { operands: [0] },
  gradient: (g) => g.emit(erfGrad, [g.cotangents[0]!, g.operands[0]!], {}),
});

export const floor: Op<NoAttributes> = plain({
  name: 'floor',
  doc: 'Largest integer not above x.',
  kernel: kernels.floor,
  flops: 1,
  gradient: 'none',
});

export const ceil: Op<NoAttributes> = plain({
  name: 'ceil',
  doc: 'Smallest integer not below x.',
  kernel: kernels.ceil,
  flops: 1,
  gradient: 'none',
});

export const round: Op<NoAttributes> = plain({
  name: 'round',
  doc: 'Nearest integer, halves to the even one.',
  kernel: kernels.round,
  flops: 1,
  gradient: 'none',
});

export const unaryOps: readonly Op[] = [
  negate,
  absoluteGrad,
  absolute,
  sign,
  exp,
  log,
  square,
  squareGrad,
  reciprocal,
  reciprocalGrad,
  sqrt,
  sqrtGrad,
  normRoot,
  normRootGrad,
  sin,
  sinGrad,
  cos,
  cosGrad,
  tan,
  tanGrad,
  asin,
  asinGrad,
  acos,
  acosGrad,
  atan,
  atanGrad,
  sinh,
  sinhGrad,
  cosh,
  coshGrad,
  tanh,
  tanhGrad,
  asinh,
  asinhGrad,
  acosh,
  acoshGrad,
  atanh,
  atanhGrad,
  erf,
  erfGrad,
  floor,
  ceil,
  round,
];
