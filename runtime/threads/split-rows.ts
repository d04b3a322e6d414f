/** Splits of kernels that walk rows, planes or images, each by itself: a part is a range of them. */
import { batchNormInference } from '../kernels/batch-norm.ts';
import { addChannelBias } from '../kernels/conv-transpose.ts';
import {
  gridSample,
  gridSampleGradGrid,
  gridSampleGradInput,
  gridSampleScratch,
  samplePlane,
  sampleTaps,
} from '../kernels/grid-sample.ts';
import { groupNorm } from '../kernels/group-norm.ts';
import { layerNorm } from '../kernels/layer-norm.ts';
import { averagePool, averagePoolGrad, maxPool, maxPoolGrad } from '../kernels/pool.ts';
import { rmsNorm } from '../kernels/rms-norm.ts';
import { logSoftmax, logSoftmaxGrad, maskedSoftmax, softmax, softmaxGrad } from '../kernels/softmax.ts';
import { type Arguments, eachRange, type Part, type Split, splitOf } from './split.ts';

const element = 4;

/** One call for each part of `count` rows, from row `start` on. */
function rowsOf(parts: number, count: number, args: (start: number, count: number) => Arguments): readonly Part[] {
  return eachRange(count, parts, 1, (start, length) => [args(start, length)]);
}

const softmaxes = [
  ...[softmax, maskedSoftmax, logSoftmax].map((kernel) =>
    splitOf(kernel, {
      cost: (_x, _out, outer, extent, inner) => 2.5 * outer * extent * inner,
      cut: (parts, x, out, outer, extent, inner) =>
        rowsOf(parts, outer, (start, count) => {
          const bytes = element * start * extent * inner;
          return [x + bytes, out + bytes, count, extent, inner];
        }),
    }),
  ),
  ...[softmaxGrad, logSoftmaxGrad].map((kernel) =>
    splitOf(kernel, {
      cost: (_dy, _y, _dx, outer, extent, inner) => 0.8 * outer * extent * inner,
      cut: (parts, dy, y, dx, outer, extent, inner) =>
        rowsOf(parts, outer, (start, count) => {
          const bytes = element * start * extent * inner;
          return [dy + bytes, y + bytes, dx + bytes, count, extent, inner];
        }),
    }),
  ),
];

const norms = [
  splitOf(layerNorm, {
    cost: (_x, _scale, _bias, _y, _mean, _invStd, rows, width) => rows * width,
    cut: (parts, x, scale, bias, y, mean, invStd, rows, width, epsilon) =>
      rowsOf(parts, rows, (start, count) => {
        const bytes = element * start * width;
        const at = element * start;
        return [x + bytes, scale, bias, y + bytes, mean + at, invStd + at, count, width, epsilon];
      }),
  }),
  splitOf(rmsNorm, {
    cost: (_x, _scale, _y, _invRms, rows, width) => 0.8 * rows * width,
    cut: (parts, x, scale, y, invRms, rows, width, epsilon) =>
      rowsOf(parts, rows, (start, count) => {
        const bytes = element * start * width;
        return [x + bytes, scale, y + bytes, invRms + element * start, count, width, epsilon];
      }),
  }),
  splitOf(groupNorm, {
    cost: (_x, _scale, _bias, _y, _mean, _invStd, batch, channels, size) => batch * channels * size,
    cut: (parts, x, scale, bias, y, mean, invStd, batch, channels, size, groups, epsilon) =>
      rowsOf(parts, batch, (start, count) => {
        const bytes = element * start * channels * size;
        const at = element * start * groups;
        return [x + bytes, scale, bias, y + bytes, mean + at, invStd + at, count, channels, size, groups, epsilon];
      }),
  }),
  splitOf(batchNormInference, {
    cost: (_x, _scale, _bias, _mean, _variance, _y, batch, channels, size) => 0.3 * batch * channels * size,
    cut: (parts, x, scale, bias, mean, variance, y, batch, channels, size, epsilon) =>
      rowsOf(parts, batch, (start, count) => {
        const bytes = element * start * channels * size;
        return [x + bytes, scale, bias, mean, variance, y + bytes, count, channels, size, epsilon];
      }),
  }),
  splitOf(addChannelBias, {
    cost: (_bias, _y, batch, channels, size) => 0.3 * batch * channels * size,
    cut: (parts, bias, y, batch, channels, size) =>
      rowsOf(parts, batch, (start, count) => [bias, y + element * start * channels * size, count, channels, size]),
  }),
];

/** Elements of a plane of the input and of the result, and taps of the window (runtime/kernels/pool.ts). */
function poolSizes(g: readonly number[]): readonly [input: number, result: number, taps: number] {
  return [g[1]! * g[2]! * g[3]!, g[7]! * g[8]! * g[9]!, g[4]! * g[5]! * g[6]!];
}

/** Parts by planes: from `input` and `result` bytes on, with a geometry of fewer. */
function poolParts(
  parts: number,
  g: readonly number[],
  args: (input: number, result: number, geometry: readonly number[]) => Arguments,
): readonly Part[] {
  const [input, result] = poolSizes(g);
  const [planes, ...rest] = g;
  return rowsOf(parts, planes!, (start, count) =>
    args(element * start * input, element * start * result, [count, ...rest]),
  );
}

/** `nanoseconds` a tap. */
function poolCost(nanoseconds: number, g: readonly number[]): number {
  const [, result, taps] = poolSizes(g);
  return nanoseconds * g[0]! * result * taps;
}

const pools = [
  splitOf(maxPool, {
    cost: (_x, _out, g) => poolCost(0.7, g),
    cut: (parts, x, out, g) => poolParts(parts, g, (input, result, own) => [x + input, out + result, own]),
  }),
  splitOf(maxPoolGrad, {
    cost: (_dy, _x, _dx, g) => poolCost(1.2, g),
    cut: (parts, dy, x, dx, g) =>
      poolParts(parts, g, (input, result, own) => [dy + result, x + input, dx + input, own]),
  }),
  splitOf(averagePool, {
    cost: (_x, _out, _includePad, g) => poolCost(0.5, g),
    cut: (parts, x, out, includePad, g) =>
      poolParts(parts, g, (input, result, own) => [x + input, out + result, includePad, own]),
  }),
  splitOf(averagePoolGrad, {
    cost: (_dy, _dx, _includePad, g) => poolCost(0.5, g),
    cut: (parts, dy, dx, includePad, g) =>
      poolParts(parts, g, (input, result, own) => [dy + result, dx + input, includePad, own]),
  }),
];

/** Points are sampled each by itself; where elements go back to the image, images are. */
const samples = [
  splitOf(gridSample, {
    scratch: {
      argument: 3,
      bytes: (_x, _grid, _out, _table, _batch, _channels, _points, _start, count, geometry) =>
        gridSampleScratch(count, geometry, false),
    },
    cost: (_x, _grid, _out, _table, batch, channels, _points, _start, count, geometry) =>
      batch * count * (40 + 1.5 * channels * sampleTaps(geometry)),
    cut: (parts, x, grid, out, table, batch, channels, points, start, count, geometry) =>
      rowsOf(parts, count, (from, own) => [
        ...[x, grid, out, table, batch, channels, points, start + from, own],
        geometry,
      ]),
  }),
  splitOf(gridSampleGradGrid, {
    scratch: {
      argument: 4,
      bytes: (_dy, _x, _grid, _dgrid, _table, _batch, _channels, _points, _start, count, geometry) =>
        gridSampleScratch(count, geometry, true),
    },
    cost: (_dy, _x, _grid, _dgrid, _table, batch, channels, _points, _start, count, geometry) =>
      batch * count * (60 + 2 * channels * sampleTaps(geometry)),
    cut: (parts, dy, x, grid, dgrid, table, batch, channels, points, start, count, geometry) =>
      rowsOf(parts, count, (from, own) => [
        ...[dy, x, grid, dgrid, table, batch, channels, points, start + from, own],
        geometry,
      ]),
  }),
  splitOf(gridSampleGradInput, {
    scratch: {
      argument: 3,
      bytes: (_dy, _grid, _dx, _table, _batch, _channels, points, geometry) =>
        gridSampleScratch(points, geometry, false),
    },
    cost: (_dy, _grid, _dx, _table, batch, channels, points, geometry) =>
      batch * points * (40 + 2 * channels * sampleTaps(geometry)),
    cut: (parts, dy, grid, dx, table, batch, channels, points, geometry) =>
      rowsOf(parts, batch, (start, count) => [
        dy + element * start * channels * points,
        grid + element * start * points * geometry[0]!,
        dx + element * start * channels * samplePlane(geometry),
        ...[table, count, channels, points, geometry],
      ]),
  }),
];

export const rowSplits: readonly (readonly [string, Split])[] = [...softmaxes, ...norms, ...pools, ...samples];
