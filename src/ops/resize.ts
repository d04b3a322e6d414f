/**
 * Resizing, nearest, linear and cubic, as ONNX defines it. Each is a linear map that separates by axis; its gradient is
 * the transposed map. Axes that shrink go first, so that what lies between the passes is small.
 */
import {
  resizeAxisGrad as resizeAxisGradKernel,
  resizeAxis as resizeAxisKernel,
  resizeCoordinates,
  resizeRoundings,
  resizeTaps,
} from '../../runtime/kernels/resize.ts';
import { call, type KernelCall } from '../../runtime/program.ts';
import { type Attributes, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type Addresses, type Op, type OpExample, ShapeError } from '../ir/op.ts';
import { oneOperand } from './operands.ts';
import { splitAt } from './softmax.ts';
import { f32 } from './types.ts';

/** What every mode has. */
export type ResizeAttributes = {
  sizes: readonly number[];
  scales: readonly number[];
  coordinates: string;
  region: readonly number[];
  extrapolation: number;
};
export type ResizeNearestAttributes = ResizeAttributes & { rounding: string };
export type ResizeLinearAttributes = ResizeAttributes & { antialias: boolean; exclude_outside: boolean };
export type ResizeCubicAttributes = ResizeLinearAttributes & { coefficient: number };

const commonSpecs: Op<ResizeAttributes>['attributes'] = {
  sizes: { kind: 'ints', doc: 'shape of the result' },
  scales: { kind: 'floats', doc: 'scale of each dimension, result to operand' },
  coordinates: { kind: 'string', doc: `how positions map to coordinates: ${resizeCoordinates.join(', ')}` },
  region: { kind: 'floats', doc: 'for tf_crop_and_resize: starts, then ends, of each dimension; else empty' },
  extrapolation: { kind: 'float', doc: 'for tf_crop_and_resize: value outside the operand' },
};
const linearSpecs: Op<ResizeLinearAttributes>['attributes'] = {
  ...commonSpecs,
  antialias: { kind: 'bool', doc: 'widen the kernel where the result is smaller' },
  exclude_outside: { kind: 'bool', doc: 'weigh only elements inside the operand' },
};
const shapeSpec = { kind: 'ints', doc: "shape of the resize's operand" } as const;

/** What the modes differ in, as the kernel's numbers (runtime/kernels/resize.ts). */
interface Mode {
  readonly mode: number;
  readonly rounding: number;
  readonly coefficient: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

function checkResize(x: TensorType, attributes: ResizeAttributes, rounding: number): TensorType {
  const rank = x.shape.length;
  const { sizes, scales, coordinates, region } = attributes;
  if (sizes.length !== rank || scales.length !== rank)
    throw new ShapeError(`${formatType(x)} needs ${rank} sizes and scales, not ${sizes.length} and ${scales.length}`);
  if (!resizeCoordinates.includes(coordinates))
    throw new ShapeError(
      `unknown coordinates ${JSON.stringify(coordinates)}`,
      `one of ${resizeCoordinates.join(', ')}`,
    );
  if (rounding < 0) throw new ShapeError('unknown rounding', `one of ${resizeRoundings.join(', ')}`);
  if (coordinates === 'tf_crop_and_resize' && region.length !== 2 * rank)
    throw new ShapeError(`tf_crop_and_resize needs a region of ${2 * rank} numbers, not ${region.length}`);
  if (scales.some((scale) => !(scale > 0))) throw new ShapeError(`scales [${scales.join(',')}] must be positive`);
  if (sizes.some((size, d) => size > 0 && x.shape[d] === 0))
    throw new ShapeError(`${formatType(x)} has no elements to resize to [${sizes.join(',')}]`);
  return f32(...sizes);
}

interface Pass {
  /** Extents before, of, and after the axis in what the pass reads. */
  readonly outer: number;
  readonly from: number;
  readonly to: number;
  readonly inner: number;
  readonly how: readonly number[];
  readonly tableBytes: number;
  /** Bytes of what the pass reads and writes. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** The passes from `shape` to the sizes; at least one. */
function passes(shape: readonly number[], attributes: ResizeAttributes, mode: Mode): readonly Pass[] {
  const { sizes, scales, coordinates, region, extrapolation } = attributes;
  const rank = shape.length;
  const crops = coordinates === 'tf_crop_and_resize';
  const axes = shape.flatMap((extent, d) => {
    const whole = !crops || (region[d] === 0 && region[rank + d] === 1);
    return extent === sizes[d] && scales[d] === 1 && whole ? [] : [d];
  });
  axes.sort((a, b) => sizes[a]! / shape[a]! - sizes[b]! / shape[b]! || a - b);
  const current = [...shape];
  const done = (axes.length > 0 || rank === 0 ? axes : [rank - 1]).map((axis): Pass => {
    const [outer, from, inner] = splitAt(current, axis);
    const to = sizes[axis]!;
    const how = [
      mode.mode,
      resizeCoordinates.indexOf(coordinates),
      mode.rounding,
      scales[axis]!,
      region[axis] ?? 0,
      region[rank + axis] ?? 1,
      mode.coefficient,
      mode.excludeOutside ? 1 : 0,
      mode.antialias ? 1 : 0,
      extrapolation,
    ];
    current[axis] = to;
    const tableBytes = 16 * to * resizeTaps(how);
    return {
      outer,
      from,
      to,
      inner,
      how,
      tableBytes,
      readBytes: 4 * outer * from * inner,
      writtenBytes: 4 * outer * to * inner,
    };
  });
  if (done.length > 0) return done;
  const how = [0, 4, 2, 1, 0, 1, 0, 0, 0, 0];
  return [{ outer: 1, from: 1, to: 1, inner: 1, how, tableBytes: 16, readBytes: 4, writtenBytes: 4 }];
}

/** Where in the scratch the tables and the tensors between passes lie: these take turns in two places. */
function layout(list: readonly Pass[]): { readonly places: readonly [number, number]; readonly bytes: number } {
  const between = list.slice(0, -1).map((pass) => pass.writtenBytes);
  const largest = (parity: number) => Math.max(0, ...between.filter((_, i) => i % 2 === parity));
  const tables = Math.max(0, ...list.map((pass) => pass.tableBytes));
  return { places: [tables, tables + largest(0)], bytes: tables + largest(0) + largest(1) };
}

const flopsOf = (list: readonly Pass[]): number =>
  list.reduce((sum, pass) => sum + (pass.writtenBytes / 4) * 2 * resizeTaps(pass.how), 0);

function lowerForward(list: readonly Pass[], at: Addresses): KernelCall[] {
  const { places } = layout(list);
  const between = (i: number) => at.scratch + places[i % 2 === 0 ? 0 : 1];
  return list.map(({ outer, from, to, inner, how }, i) => {
    const source = i === 0 ? at.operand(0) : between(i - 1);
    const target = i === list.length - 1 ? at.result(0) : between(i);
    return call(resizeAxisKernel, source, target, at.scratch, outer, from, to, inner, how);
  });
}

function lowerBackward(list: readonly Pass[], at: Addresses): KernelCall[] {
  const { places } = layout(list);
  const between = (i: number) => at.scratch + places[i % 2 === 0 ? 0 : 1];
  return list
    .map(({ outer, from, to, inner, how }, i) => {
      const source = i === list.length - 1 ? at.operand(0) : between(i);
      const target = i === 0 ? at.result(0) : between(i - 1);
      return call(resizeAxisGradKernel, source, target, at.scratch, outer, from, to, inner, how);
    })
    .reverse();
}

interface ResizeSpec<A extends Attributes & ResizeAttributes, G extends A & { shape: readonly number[] }> {
  readonly name: string;
  readonly doc: string;
  readonly attributes: Op<A>['attributes'];
  readonly gradAttributes: Op<G>['attributes'];
  withShape(attributes: A, shape: readonly number[]): G;
  mode(attributes: A): Mode;
  readonly examples: readonly OpExample<A>[];
}

/** The op of one mode and its gradient. */
function resizeFamily<A extends Attributes & ResizeAttributes, G extends A & { shape: readonly number[] }>(
  spec: ResizeSpec<A, G>,
): readonly [Op<A>, Op<G>] {
  const passesOf = (shape: readonly number[], attributes: A) => passes(shape, attributes, spec.mode(attributes));
  const check = (x: TensorType, attributes: A) => checkResize(x, attributes, spec.mode(attributes).rounding);
  const gradient: Op<G> = {
    name: `${spec.name}_grad`,
    doc: `Gradient of ${spec.name}: the transposed map.`,
    attributes: spec.gradAttributes,
    effect: 'pure',
    infer: (operands, attributes) => {
      const dy = oneOperand(operands, ['f32']);
      const y = check(f32(...attributes.shape), attributes);
      if (!sameShape(dy.shape, y.shape)) throw new ShapeError(`the gradient must be ${formatType(y)}`);
      return [f32(...attributes.shape)];
    },
    flops: ({ attributes }) => flopsOf(passesOf(attributes.shape, attributes)),
    scratch: ({ attributes }) => layout(passesOf(attributes.shape, attributes)).bytes,
    lower: ({ attributes }, at) => lowerBackward(passesOf(attributes.shape, attributes), at),
    examples: spec.examples.map(({ operands, attributes }) => ({
      operands: [f32(...attributes.sizes)],
      attributes: spec.withShape(attributes, operands[0]!.shape),
    })),
  };
  const forward: Op<A> = {
    name: spec.name,
    doc: spec.doc,
    attributes: spec.attributes,
    effect: 'pure',
    infer: (operands, attributes) => [check(oneOperand(operands, ['f32']), attributes)],
    flops: ({ operands, attributes }) => flopsOf(passesOf(operands[0]!.type.shape, attributes)),
    scratch: ({ operands, attributes }) => layout(passesOf(operands[0]!.type.shape, attributes)).bytes,
    gradientReads: {},
    gradient: (g) => [g.emit(gradient, [g.cotangents[0]!], spec.withShape(g.attributes, g.operands[0]!.type.shape))],
    lower: ({ operands, attributes }, at) => lowerForward(passesOf(operands[0]!.type.shape, attributes), at),
    examples: spec.examples,
  };
  return [forward, gradient];
}

const upAndDown = {
  sizes: [1, 2, 7, 2],
  scales: [1, 1, 7 / 3, 0.5],
  coordinates: 'half_pixel',
  region: [],
  extrapolation: 0,
};
const cropped = {
  ...upAndDown,
  coordinates: 'tf_crop_and_resize',
  region: [0, 0, -0.2, 0.1, 1, 1, 0.8, 1.3],
  extrapolation: 5,
};

const [nearestForward, nearestGradient] = resizeFamily<
  ResizeNearestAttributes,
  ResizeNearestAttributes & { shape: readonly number[] }
>({
  name: 'resize_nearest',
  doc: 'Resizes by taking the nearest element.',
  attributes: { ...commonSpecs, rounding: { kind: 'string', doc: `which is nearest: ${resizeRoundings.join(', ')}` } },
  gradAttributes: {
    ...commonSpecs,
    rounding: { kind: 'string', doc: `which is nearest: ${resizeRoundings.join(', ')}` },
    shape: shapeSpec,
  },
  withShape: (attributes, shape) => ({ ...attributes, shape }),
  mode: ({ rounding }) => ({
    mode: 0,
    rounding: resizeRoundings.indexOf(rounding),
    coefficient: 0,
    excludeOutside: false,
    antialias: false,
  }),
  examples: [
    { operands: [f32(1, 2, 3, 4)], attributes: { ...upAndDown, rounding: 'round_prefer_floor' } },
    { operands: [f32(1, 2, 3, 4)], attributes: { ...cropped, rounding: 'ceil' } },
  ],
});

const [linearForward, linearGradient] = resizeFamily<
  ResizeLinearAttributes,
  ResizeLinearAttributes & { shape: readonly number[] }
>({
  name: 'resize_linear',
  doc: 'Resizes by linear interpolation along each dimension.',
  attributes: linearSpecs,
  gradAttributes: { ...linearSpecs, shape: shapeSpec },
  withShape: (attributes, shape) => ({ ...attributes, shape }),
  mode: ({ antialias, exclude_outside }) => ({
    mode: 1,
    rounding: 0,
    coefficient: 0,
    excludeOutside: exclude_outside,
    antialias,
  }),
  examples: [
    { operands: [f32(1, 2, 3, 4)], attributes: { ...upAndDown, antialias: false, exclude_outside: false } },
    { operands: [f32(1, 2, 3, 4)], attributes: { ...upAndDown, antialias: true, exclude_outside: true } },
    { operands: [f32(1, 2, 3, 4)], attributes: { ...cropped, antialias: false, exclude_outside: false } },
  ],
});

const cubicSpecs: Op<ResizeCubicAttributes>['attributes'] = {
  ...linearSpecs,
  coefficient: { kind: 'float', doc: "Keys' coefficient a" },
};

const [cubicForward, cubicGradient] = resizeFamily<
  ResizeCubicAttributes,
  ResizeCubicAttributes & { shape: readonly number[] }
>({
  name: 'resize_cubic',
  doc: 'Resizes by cubic convolution along each dimension.',
  attributes: cubicSpecs,
  gradAttributes: { ...cubicSpecs, shape: shapeSpec },
  withShape: (attributes, shape) => ({ ...attributes, shape }),
  mode: ({ antialias, exclude_outside, coefficient }) => ({
    mode: 2,
    rounding: 0,
    coefficient,
    excludeOutside: exclude_outside,
    antialias,
  }),
  examples: [
    {
      operands: [f32(1, 2, 3, 4)],
      attributes: { ...upAndDown, antialias: false, exclude_outside: false, coefficient: -0.75 },
    },
    {
      operands: [f32(1, 2, 3, 4)],
      attributes: { ...upAndDown, antialias: true, exclude_outside: true, coefficient: -0.5 },
    },
  ],
});

export const resizeNearest: Op<ResizeNearestAttributes> = nearestForward;
export const resizeLinear: Op<ResizeLinearAttributes> = linearForward;
export const resizeCubic: Op<ResizeCubicAttributes> = cubicForward;

export const resizeOps: readonly Op[] = [
  nearestForward,
  nearestGradient,
  linearForward,
  linearGradient,
  cubicForward,
  cubicGradient,
];
