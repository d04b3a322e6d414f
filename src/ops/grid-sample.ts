/** Sampling images at the points of a grid (Jaderberg et al. 2015, arXiv 1506.02025), as ONNX and PyTorch define it. */
import {
  gridSampleGradGrid as gridSampleGradGridKernel,
  gridSampleGradInput as gridSampleGradInputKernel,
  gridSample as gridSampleKernel,
  gridSampleScratch,
  samplePaddings,
  sampleTaps,
} from '../../runtime/kernels/grid-sample.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type Op, type OpExample, ShapeError } from '../ir/op.ts';
import { f32 } from './types.ts';

export type GridSampleAttributes = { mode: string; padding: string; align_corners: boolean };
type WithShape = GridSampleAttributes & { shape: readonly number[] };

const modes: readonly string[] = ['nearest', 'linear', 'cubic'];

const specs: Op<GridSampleAttributes>['attributes'] = {
  mode: { kind: 'string', doc: `how elements are combined: ${modes.join(', ')}` },
  padding: { kind: 'string', doc: `what lies outside of the image: ${samplePaddings.join(', ')}` },
  align_corners: {
    kind: 'bool',
    doc: 'whether -1 and 1 are the centres of the outermost elements, not their far sides',
  },
};

/** The result of sampling x [batch, channels, ...] at grid [batch, ..., rank]. Throws `ShapeError`. */
function sampledType(x: TensorType, grid: TensorType, { mode, padding }: GridSampleAttributes): TensorType {
  const rank = x.shape.length - 2;
  if (x.dtype !== 'f32' || grid.dtype !== 'f32') throw new ShapeError('takes a float image and a float grid');
  if (rank < 1 || rank > 3) throw new ShapeError(`${formatType(x)} has not 1 to 3 spatial dimensions`);
  if (grid.shape.length !== rank + 2 || grid.shape[rank + 1] !== rank || grid.shape[0] !== x.shape[0])
    throw new ShapeError(
      `grid ${formatType(grid)} does not fit the image ${formatType(x)}`,
      `it has ${rank + 2} dimensions, the first ${x.shape[0]}, the last ${rank}`,
    );
  if (!modes.includes(mode)) throw new ShapeError(`unknown mode ${JSON.stringify(mode)}`, `one of ${modes.join(', ')}`);
  if (!samplePaddings.includes(padding))
    throw new ShapeError(`unknown padding ${JSON.stringify(padding)}`, `one of ${samplePaddings.join(', ')}`);
  const points = grid.shape.slice(1, -1);
  if (elementCount(x.shape.slice(2)) === 0 && elementCount(points) > 0)
    throw new ShapeError(`the image ${formatType(x)} has no elements to sample`);
  return f32(x.shape[0]!, x.shape[1]!, ...points);
}

/** The kernels' numbers (runtime/kernels/grid-sample.ts). */
interface Sampling {
  readonly batch: number;
  readonly channels: number;
  readonly points: number;
  readonly geometry: readonly number[];
}

function samplingOf(x: readonly number[], grid: TensorType, attributes: GridSampleAttributes): Sampling {
  const [batch, channels, ...spatial] = x;
  const rank = spatial.length;
  return {
    batch: batch!,
    channels: channels!,
    points: elementCount(grid.shape.slice(1, -1)),
    geometry: [
      rank,
      ...new Array<number>(3 - rank).fill(1),
      ...spatial,
      modes.indexOf(attributes.mode),
      samplePaddings.indexOf(attributes.padding),
      attributes.align_corners ? 1 : 0,
    ],
  };
}

const flopsOf = ({ batch, channels, points, geometry }: Sampling): number =>
  batch * points * (20 + 2 * channels * sampleTaps(geometry));

export const gridSample: Op<GridSampleAttributes> = {
  name: 'grid_sample',
  doc: 'Samples an image at the points of a grid, whose coordinates run from -1 to 1.',
  attributes: specs,
  effect: 'pure',
  infer: ([x, grid, ...rest], attributes) => {
    if (x === undefined || grid === undefined || rest.length > 0) throw new ShapeError('takes an image and a grid');
    return [sampledType(x, grid, attributes)];
  },
  flops: ({ operands: [x, grid], attributes }) => flopsOf(samplingOf(x!.type.shape, grid!.type, attributes)),
  scratch: ({ operands: [x, grid], attributes }) => {
    const { points, geometry } = samplingOf(x!.type.shape, grid!.type, attributes);
    return gridSampleScratch(points, geometry, false);
  },
  gradientReads: { operands: [0, 1] },
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    const [x, grid] = g.operands;
    const moves = g.attributes.mode !== 'nearest';
    return [
      g.wants(0) ? g.emit(gridSampleGradInput, [dy, grid!], { ...g.attributes, shape: x!.type.shape }) : undefined,
      g.wants(1) && moves ? g.emit(gridSampleGradGrid, [dy, x!, grid!], g.attributes) : undefined,
    ];
  },
  lower: ({ operands: [x, grid], attributes }, at) => {
    const { batch, channels, points, geometry } = samplingOf(x!.type.shape, grid!.type, attributes);
    const places = [at.operand(0), at.operand(1), at.result(0), at.scratch] as const;
    return [call(gridSampleKernel, ...places, batch, channels, points, 0, points, geometry)];
  },
  examples: examples(),
};

export const gridSampleGradInput: Op<WithShape> = {
  name: 'grid_sample_grad_input',
  doc: 'Gradient of grid_sample in the image.',
  attributes: { ...specs, shape: { kind: 'ints', doc: 'shape of the image' } },
  effect: 'pure',
  infer: ([dy, grid], attributes) => {
    if (dy === undefined || grid === undefined) throw new ShapeError('takes a gradient and a grid');
    checkGradient(dy, f32(...attributes.shape), grid, attributes);
    return [f32(...attributes.shape)];
  },
  flops: ({ operands: [, grid], attributes }) => flopsOf(samplingOf(attributes.shape, grid!.type, attributes)),
  scratch: ({ operands: [, grid], attributes }) => {
    const { points, geometry } = samplingOf(attributes.shape, grid!.type, attributes);
    return gridSampleScratch(points, geometry, false);
  },
  lower: ({ operands: [, grid], attributes }, at) => {
    const { batch, channels, points, geometry } = samplingOf(attributes.shape, grid!.type, attributes);
    const places = [at.operand(0), at.operand(1), at.result(0), at.scratch] as const;
    return [call(gridSampleGradInputKernel, ...places, batch, channels, points, geometry)];
  },
  examples: examples().map(({ operands: [x, grid], attributes }) => ({
    operands: [sampledType(x!, grid!, attributes), grid!],
    attributes: { ...attributes, shape: x!.shape },
  })),
};

export const gridSampleGradGrid: Op<GridSampleAttributes> = {
  name: 'grid_sample_grad_grid',
  doc: 'Gradient of grid_sample in the grid.',
  attributes: specs,
  effect: 'pure',
  infer: ([dy, x, grid], attributes) => {
    if (dy === undefined || x === undefined || grid === undefined)
      throw new ShapeError('takes a gradient, an image and a grid');
    checkGradient(dy, x, grid, attributes);
    return [grid];
  },
  flops: ({ operands: [, x, grid], attributes }) => 2 * flopsOf(samplingOf(x!.type.shape, grid!.type, attributes)),
  scratch: ({ operands: [, x, grid], attributes }) => {
    const { points, geometry } = samplingOf(x!.type.shape, grid!.type, attributes);
    return gridSampleScratch(points, geometry, true);
  },
  lower: ({ operands: [, x, grid], attributes }, at) => {
    const { batch, channels, points, geometry } = samplingOf(x!.type.shape, grid!.type, attributes);
    const places = [at.operand(0), at.operand(1), at.operand(2), at.result(0), at.scratch] as const;
    return [call(gridSampleGradGridKernel, ...places, batch, channels, points, 0, points, geometry)];
  },
  examples: examples().map(({ operands: [x, grid], attributes }) => ({
    operands: [sampledType(x!, grid!, attributes), x!, grid!],
    attributes,
  })),
};

function checkGradient(dy: TensorType, x: TensorType, grid: TensorType, attributes: GridSampleAttributes): void {
  const y = sampledType(x, grid, attributes);
  if (dy.dtype !== 'f32' || !sameShape(dy.shape, y.shape))
    throw new ShapeError(`the gradient must be ${formatType(y)}`);
}

/** Every mode with every padding, some points outside; corners aligned in every other one. */
function examples(): readonly OpExample<GridSampleAttributes>[] {
  const images = modes.flatMap((mode, i) =>
    samplePaddings.map(
      (padding, j): OpExample<GridSampleAttributes> => ({
        operands: [f32(2, 2, 4, 3), f32(2, 3, 5, 2)],
        attributes: { mode, padding, align_corners: (i + j) % 2 === 0 },
        ranges: { 1: [-2, 2] },
      }),
    ),
  );
  return [
    ...images,
    {
      operands: [f32(1, 2, 3, 4, 2), f32(1, 2, 2, 2, 3)],
      attributes: { mode: 'linear', padding: 'reflection', align_corners: false },
    },
    {
      operands: [f32(1, 1, 3, 2, 3), f32(1, 1, 2, 2, 3)],
      attributes: { mode: 'cubic', padding: 'zeros', align_corners: true },
    },
    { operands: [f32(2, 1, 5), f32(2, 40, 1)], attributes: { mode: 'linear', padding: 'zeros', align_corners: true } },
  ];
}

export const gridSampleOps: readonly Op[] = [gridSample, gridSampleGradInput, gridSampleGradGrid];
