/**
 * Splits of matrix products and convolutions: by the longer side of the result, so that what every thread packs for
 * itself is the shorter; never by the terms of a sum.
 */
import {
  conv,
  convGradInput,
  convGradInputScratch,
  convGradWeight,
  convGradWeightScratch,
  convScratch,
} from '../kernels/conv.ts';
import { phaseTaps, plane, positions, taps } from '../kernels/conv-geometry.ts';
import { matmul, matmulScratch } from '../kernels/matmul.ts';
import { type Arguments, eachRange, moved, type Part, type Split, splitOf } from './split.ts';
import { lineElements } from './split-elements.ts';

type Numbers = readonly number[];

const element = 4;
/** Rows of a packed panel. Parts of fewer would be walked by another way. */
const panelRows = 4;
/** Floating-point operations a nanosecond, of products and of direct walks. */
const rate = 40;
const directRate = 10;

const batchesOf = (dims: Numbers): number => dims.reduce((a, b) => a * b, 1);

const products = [
  splitOf(matmul, {
    scratch: {
      argument: 4,
      bytes: (_a, _b, _bias, _out, _scratch, rows, columns, inner) => matmulScratch(rows, columns, inner),
    },
    cost: (_a, _b, _bias, _out, _scratch, rows, columns, inner, _ar, _ac, _br, _bc, _cr, _cc, batchDims) =>
      (2 * batchesOf(batchDims) * rows * columns * inner) / rate,
    cut(parts, a, b, bias, out, scratch, rows, columns, inner, ...strides) {
      const [aRow, aColumn, bRow, bColumn, biasRow, biasColumn, batchDims, aBatch, bBatch, biasBatch] = strides;
      const batches = batchesOf(batchDims);
      /** The product of one batch, for some of its rows and columns. */
      const block = (batch: number, row: number, rowCount: number, column: number, columnCount: number): Arguments => {
        const at = [0, 0, 0];
        for (let d = batchDims.length - 1, rest = batch; d >= 0; rest = Math.floor(rest / batchDims[d]!), d--)
          [aBatch, bBatch, biasBatch].forEach((list, i) => {
            at[i]! += (rest % batchDims[d]!) * (list[d] ?? 0);
          });
        return [
          a + element * (at[0]! + row * aRow),
          b + element * (at[1]! + column * bColumn),
          moved(bias, element * (at[2]! + row * biasRow + column * biasColumn)),
          out + element * ((batch * rows + row) * columns + column),
          ...[scratch, rowCount, columnCount, inner, aRow, aColumn, bRow, bColumn, biasRow, biasColumn],
          ...[[], [], [], [], columns],
        ];
      };
      const ofAll = (calls: (batch: number) => Arguments): Part => Array.from({ length: batches }, (_, i) => calls(i));
      if (batches % parts === 0 || batches >= 4 * parts)
        return eachRange(batches, parts, 1, (start, count) =>
          Array.from({ length: count }, (_, i) => block(start + i, 0, rows, 0, columns)),
        );
      if (rows >= columns && rows >= parts * panelRows)
        return eachRange(rows, parts, panelRows, (start, count) => ofAll((i) => block(i, start, count, 0, columns)));
      if (columns >= parts * lineElements)
        return eachRange(columns, parts, lineElements, (start, count) => ofAll((i) => block(i, 0, rows, start, count)));
      return undefined;
    },
  }),
];

/** Whether planes are walked one by one, without a product (runtime/kernels/conv.ts). */
const isDirect = (g: Numbers): boolean => convScratch(g) === 0;

/** Nanoseconds of a convolution or either gradient. */
function convCost(g: Numbers): number {
  const operations = 2 * g[0]! * g[2]! * positions(g) * (g[1]! / g[3]!) * taps(g);
  return operations / (isDirect(g) ? directRate : rate);
}

/** The module itself takes a range of the columns of its products, named at the end of the geometry. */
function sharedColumns(parts: number, args: readonly [...number[], Numbers]): readonly Part[] {
  return Array.from({ length: parts }, (_, part) => [
    args.map((value) => (typeof value === 'number' ? value : [...value, part, parts])),
  ]);
}

/** Some images, or some channels of one image, of a convolution: its geometry, and the elements before them. */
interface Slice {
  readonly geometry: Numbers;
  /** Of the input, the filter, the result, and the numbers of filters. */
  readonly x: number;
  readonly w: number;
  readonly y: number;
  readonly filters: number;
}

/** Parts by whole images. */
function byImages(parts: number, g: Numbers, calls: (slice: Slice) => Arguments): readonly Part[] {
  return eachRange(g[0]!, parts, 1, (start, count) => [
    calls({
      geometry: [count, ...g.slice(1)],
      x: start * g[1]! * plane(g),
      y: start * g[2]! * positions(g),
      ...{ w: 0, filters: 0 },
    }),
  ]);
}

/** Parts of a direct convolution: by images where they come out even, else by channels of each. */
function byPlanes(parts: number, g: Numbers, calls: (slice: Slice) => Arguments): readonly Part[] {
  const [batch, channels, filters] = g as readonly [number, number, number];
  if (batch % parts === 0 || batch >= 4 * parts) return byImages(parts, g, calls);
  const each = filters / channels;
  return eachRange(channels, parts, 1, (start, count) =>
    Array.from({ length: batch }, (_, image) =>
      calls({
        geometry: [1, count, count * each, count, ...g.slice(4)],
        x: (image * channels + start) * plane(g),
        y: (image * filters + start * each) * positions(g),
        w: start * each * taps(g),
        filters: start * each,
      }),
    ),
  );
}

/** Whether some positions of the input are under no tap, so that their gradient begins as zeros. */
function hasGaps(g: Numbers): boolean {
  const phases = (axis: number): number[] => Array.from({ length: g[13 + axis]! }, (_, phase) => phase);
  return [0, 1, 2].some((axis) => phases(axis).some((phase) => phaseTaps(g, axis, phase) === 0));
}

const convolutions = [
  splitOf(conv, {
    scratch: { argument: 4, bytes: (_x, _w, _bias, _out, _scratch, g) => convScratch(g) },
    cost: (_x, _w, _bias, _out, _scratch, g) => convCost(g),
    cut(parts, ...args) {
      const [x, w, bias, out, scratch, g] = args;
      if (!isDirect(g)) return sharedColumns(parts, args);
      return byPlanes(parts, g, (slice) => [
        ...[x + element * slice.x, w + element * slice.w, moved(bias, element * slice.filters)],
        ...[out + element * slice.y, scratch, slice.geometry],
      ]);
    },
  }),
  splitOf(convGradInput, {
    scratch: { argument: 3, bytes: (_dy, _w, _dx, _scratch, g) => convGradInputScratch(g) },
    cost: (_dy, _w, _dx, _scratch, g) => convCost(g),
    cut(parts, ...args) {
      const [dy, w, dx, scratch, g] = args;
      const calls = (slice: Slice): Arguments => [
        ...[dy + element * slice.y, w + element * slice.w, dx + element * slice.x],
        ...[scratch, slice.geometry],
      ];
      if (isDirect(g)) return byPlanes(parts, g, calls);
      // Zeros come first, over whole images.
      return hasGaps(g) ? byImages(parts, g, calls) : sharedColumns(parts, args);
    },
  }),
  splitOf(convGradWeight, {
    scratch: { argument: 3, bytes: (_x, _dy, _dw, _scratch, g) => convGradWeightScratch(g) },
    cost: (_x, _dy, _dw, _scratch, g) => convCost(g),
    // A direct walk sums over all images, and how it reads a plane depends on where in its tensor that lies.
    cut: (parts, ...args) => (isDirect(args[4]) ? undefined : sharedColumns(parts, args)),
  }),
];

export const productSplits: readonly (readonly [string, Split])[] = [...products, ...convolutions];
