/**
 * Makes elementwise ops of one operand, and the ops that are their gradients. A kernel takes (memory, x, y, count, ...) or
 * (memory, dy, x or y, dx, count, ...), then the attributes in the order of their declaration, as numbers.
 */
import { typeCode } from '../../runtime/kernels/elements.ts';
import type { DType, Memory } from '../../runtime/memory.ts';
import { call } from '../../runtime/program.ts';
import { type Attributes, elementCount, formatType, sameType, type Value } from '../ir/graph.ts';
import { type GradientContext, type Op, type OpExample, ShapeError } from '../ir/op.ts';
import { integers, oneOperand } from './operands.ts';
import { f32, i32, i64 } from './types.ts';

type UnaryKernel = (m: Memory, x: number, y: number, count: number, ...rest: number[]) => void;

/** `xy` is x or y, whichever the op's doc line says. */
type UnaryGradKernel = (m: Memory, dy: number, xy: number, dx: number, count: number, ...rest: number[]) => void;

export interface UnarySpec<A extends Attributes> {
  readonly name: string;
  readonly doc: string;
  readonly attributes: Op<A>['attributes'];
  readonly kernel: UnaryKernel;
  /** The kernel where an attribute chooses among several, which then take no attributes. */
  readonly select?: (attributes: A) => UnaryKernel;
  /** Kernel for integer types, where the op takes them. */
  readonly integerKernel?: (m: Memory, type: number, x: number, y: number, count: number) => void;
  /** Nominal floating-point operations an element. */
  readonly flops: number;
  readonly gradientReads?: Op<A>['gradientReads'];
  /** dx; absent where there is no derivative. */
  /** `none`: the derivative is zero wherever it exists. */
  readonly gradient?: ((g: GradientContext<A>) => Value) | 'none';
  /** Attributes of the examples; one set of examples each. */
  readonly cases: readonly A[];
  /** Range the examples are drawn from; default [-2, 2]. */
  readonly range?: readonly [number, number];
}

export function unaryOp<A extends Attributes>(spec: UnarySpec<A>): Op<A> {
  const { integerKernel, gradient } = spec;
  const dtypes: readonly DType[] = integerKernel === undefined ? ['f32'] : ['f32', ...integers];
  const range = spec.range !== undefined ? { range: spec.range } : {};
  return {
    name: spec.name,
    doc: spec.doc,
    attributes: spec.attributes,
    effect: 'pure',
    inPlace: [[0]],
    infer: (operands) => [oneOperand(operands, dtypes)],
    flops: ({ results }) => spec.flops * elementCount(results[0]!.type.shape),
    ...(gradient !== undefined && {
      gradientReads: spec.gradientReads ?? {},
      gradient: (g: GradientContext<A>) => [gradient === 'none' ? undefined : gradient(g)],
    }),
    lower: ({ operands, results, attributes }, at) => {
      const { dtype, shape } = results[0]!.type;
      const count = elementCount(shape);
      if (operands[0]!.type.dtype !== 'f32' && integerKernel !== undefined)
        return [call(integerKernel, typeCode(dtype), at.operand(0), at.result(0), count)];
      const rest = spec.select === undefined ? numbers(spec.attributes, attributes) : [];
      const kernel = spec.select?.(attributes) ?? spec.kernel;
      return [call(kernel, at.operand(0), at.result(0), count, ...rest)];
    },
    examples: spec.cases.flatMap((attributes): OpExample<A>[] => [
      { operands: [f32(3, 5)], attributes, ...range },
      { operands: [f32()], attributes, ...range },
      { operands: [f32(2, 0)], attributes, ...range },
      ...(integerKernel === undefined
        ? []
        : [
            { operands: [i64(4)], attributes, ranges: { 0: [-5, 5] } as const },
            { operands: [i32(4)], attributes, ranges: { 0: [-5, 5] } as const },
          ]),
    ]),
  };
}

export interface UnaryGradSpec<A extends Attributes> {
  readonly name: string;
  readonly doc: string;
  readonly attributes: Op<A>['attributes'];
  readonly kernel: UnaryGradKernel;
  /** As for `UnarySpec`. */
  readonly select?: (attributes: A) => UnaryGradKernel;
  readonly flops: number;
  readonly cases: readonly A[];
  /** Range of the second operand in the examples. */
  readonly range?: readonly [number, number];
}

/** The op dx = dy * f'; in place on either operand. */
export function unaryGradOp<A extends Attributes>(spec: UnaryGradSpec<A>): Op<A> {
  return {
    name: spec.name,
    doc: spec.doc,
    attributes: spec.attributes,
    effect: 'pure',
    inPlace: [[0, 1]],
    mayAlias: [0, 1],
    infer: ([dy, xy]) => {
      if (dy === undefined || xy === undefined) throw new ShapeError('takes two operands');
      if (dy.dtype !== 'f32' || !sameType(dy, xy))
        throw new ShapeError(`takes two f32 operands of one shape, not ${formatType(dy)} and ${formatType(xy)}`);
      return [dy];
    },
    flops: ({ results }) => spec.flops * elementCount(results[0]!.type.shape),
    lower: ({ results, attributes }, at) => {
      const count = elementCount(results[0]!.type.shape);
      const rest = spec.select === undefined ? numbers(spec.attributes, attributes) : [];
      const kernel = spec.select?.(attributes) ?? spec.kernel;
      return [call(kernel, at.operand(0), at.operand(1), at.result(0), count, ...rest)];
    },
    examples: spec.cases.map((attributes) => ({
      operands: [f32(3, 5), f32(3, 5)],
      attributes,
      ...(spec.range !== undefined && { ranges: { 1: spec.range } }),
    })),
  };
}

/**
 * Attribute values in the order of their declaration; bools as 0 and 1. They are float32 numbers, as elements are: a
 * clipped element then equals the bound it was clipped to, which its gradient asks.
 */
function numbers<A extends Attributes>(specs: Op<A>['attributes'], attributes: A): number[] {
  return Object.keys(specs).map((key) => Math.fround(Number(attributes[key])));
}
