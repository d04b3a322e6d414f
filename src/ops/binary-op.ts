/** Makes elementwise ops of two operands with broadcasting. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import type { Memory } from '../../runtime/memory.ts';
import { call, type KernelCall } from '../../runtime/program.ts';
import { type Attributes, type DType, elementCount, type TensorType, type Value } from '../ir/graph.ts';
import type { Addresses, Application, GradientContext, Op, OpExample } from '../ir/op.ts';
import { broadcastShape, broadcastStrides, collapseDims } from './broadcasting.ts';
import { integers, twoOperands } from './operands.ts';
import { f32, i32, i64 } from './types.ts';

export type BinaryKernel = (
  m: Memory,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
) => void;

/** A kernel that takes the code of the element type first (runtime/kernels/elements.ts). */
export type TypedBinaryKernel = (
  m: Memory,
  type: number,
  a: number,
  b: number,
  out: number,
  dims: readonly number[],
  stridesA: readonly number[],
  stridesB: readonly number[],
) => void;

export function inferBinary(operands: readonly TensorType[], dtypes?: readonly DType[]): readonly TensorType[] {
  const [a, b] = twoOperands(operands, dtypes);
  return [{ dtype: a.dtype, shape: broadcastShape([a, b]) }];
}

/** Extents of the result and strides of every operand, collapsed. */
export function broadcastWalk({ operands, results }: Application<object>): ReturnType<typeof collapseDims> {
  const shape = results[0]!.type.shape;
  return collapseDims(
    shape,
    operands.map((operand) => broadcastStrides(operand.type.shape, shape)),
  );
}

export function lowerBinary(kernel: BinaryKernel, application: Application<object>, at: Addresses): KernelCall[] {
  const { dims, strides } = broadcastWalk(application);
  return [call(kernel, at.operand(0), at.operand(1), at.result(0), dims, strides[0]!, strides[1]!)];
}

export function lowerTypedBinary(
  kernel: TypedBinaryKernel,
  application: Application<object>,
  at: Addresses,
): KernelCall[] {
  const { dims, strides } = broadcastWalk(application);
  const type = typeCode(application.operands[0]!.type.dtype);
  return [call(kernel, type, at.operand(0), at.operand(1), at.result(0), dims, strides[0]!, strides[1]!)];
}

export const elementwiseFlops = (application: Application<object>): number =>
  elementCount(application.results[0]!.type.shape);

export interface BinarySpec<A extends Attributes> {
  readonly name: string;
  readonly doc: string;
  readonly attributes: Op<A>['attributes'];
  readonly kernel: (attributes: A) => BinaryKernel;
  /** Absent where the op takes floats only. */
  readonly integerKernel?: (attributes: A) => TypedBinaryKernel;
  /** Nominal floating-point operations an element; default 1. */
  readonly flops?: number;
  readonly gradientReads?: Op<A>['gradientReads'];
  readonly settings?: Op<A>['settings'];
  /** Gradients of float operands; absent where there is no derivative. */
  readonly gradient?: (g: GradientContext<A>, dy: Value) => readonly (Value | undefined)[];
  /** Attributes of the examples; one set of examples each. */
  readonly cases: readonly A[];
  readonly range?: readonly [number, number];
  readonly ranges?: Readonly<Record<number, readonly [number, number]>>;
  /** Ranges of the integer examples; default [1, 9]. */
  readonly integerRange?: readonly [number, number];
}

export function binaryOp<A extends Attributes>(spec: BinarySpec<A>): Op<A> {
  const { integerKernel, gradient } = spec;
  const dtypes: readonly DType[] = integerKernel === undefined ? ['f32'] : ['f32', ...integers];
  const drawn = {
    ...(spec.range !== undefined && { range: spec.range }),
    ...(spec.ranges !== undefined && { ranges: spec.ranges }),
  };
  const shapes: readonly (readonly [TensorType, TensorType])[] = [
    [f32(2, 3), f32(2, 3)],
    [f32(2, 3), f32(3)],
    [f32(2, 1, 3), f32(4, 1)],
    [f32(), f32(2, 2)],
    [f32(2, 2), f32(1)],
    [f32(), f32()],
    [f32(0, 3), f32(3)],
  ];
  const whole = { 0: spec.integerRange ?? [1, 9], 1: spec.integerRange ?? [1, 9] } as const;
  return {
    name: spec.name,
    doc: spec.doc,
    attributes: spec.attributes,
    effect: 'pure',
    inPlace: [[0, 1]],
    mayAlias: [0, 1],
    ...(spec.settings !== undefined && { settings: spec.settings }),
    infer: (operands) => inferBinary(operands, dtypes),
    flops: ({ results }) => (spec.flops ?? 1) * elementCount(results[0]!.type.shape),
    ...(gradient !== undefined && {
      gradientReads: spec.gradientReads ?? {},
      gradient: (g: GradientContext<A>) => gradient(g, g.cotangents[0]!),
    }),
    lower: (application, at) =>
      application.operands[0]!.type.dtype === 'f32' || integerKernel === undefined
        ? lowerBinary(spec.kernel(application.attributes), application, at)
        : lowerTypedBinary(integerKernel(application.attributes), application, at),
    examples: spec.cases.flatMap((attributes): OpExample<A>[] => [
      ...shapes.map((operands) => ({ operands, attributes, ...drawn })),
      ...(integerKernel === undefined
        ? []
        : [
            { operands: [i64(2, 3), i64(3)], attributes, ranges: whole },
            { operands: [i32(4), i32()], attributes, ranges: whole },
          ]),
    ]),
  };
}
