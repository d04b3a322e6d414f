import { describe, expect, it } from 'vitest';
import {
  conv,
  convGradInput,
  convGradInputScratch,
  convGradWeight,
  convGradWeightScratch,
  convScratch,
} from '../../../runtime/kernels/conv.ts';
import { matmul, matmulScratch } from '../../../runtime/kernels/matmul.ts';
import { sumOfProducts } from '../../../runtime/kernels/sum-of-products.ts';
import { type Twins, twins, wasm, wasmKernels } from './twins.ts';

const ulp = 2 ** -23;
/**
 * What float32 sums of `inner` products of numbers in [-2, 2] may differ by: partial sums grow like sqrt(inner), and so
 * do the rounding errors added to them; the largest of many thousand is six times the usual one.
 */
const tolerance = (inner: number): number => (8 + 2 * inner) * ulp;
const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** One product: extents, which factors are stored transposed, how the bias is stretched. */
function runMatmul(t: Twins, rows: number, columns: number, inner: number, batch: readonly number[]): void {
  const matrices = product(batch);
  // Spare elements between rows and between matrices: strides are not those of whole tensors.
  const spare = t.integer(0, 1) * 3;
  const stored = (r: number, c: number): [row: number, column: number, size: number] => {
    const transposed = t.integer(0, 1) === 1;
    return transposed ? [1, r + spare, c * (r + spare)] : [c + spare, 1, r * (c + spare)];
  };
  const [aRow, aColumn, aSize] = stored(rows, inner);
  const [bRow, bColumn, bSize] = stored(inner, columns);
  const strides = (size: number): number[] => {
    const list = batch.map(() => 0);
    let stride = size;
    for (let d = batch.length - 1; d >= 0; d--) {
      if (t.integer(0, 3) === 0) continue;
      list[d] = stride;
      stride *= batch[d]!;
    }
    return list;
  };
  const a = t.floats(aSize * matrices);
  const b = t.floats(bSize * matrices);
  const biasRow = t.integer(0, 1);
  const biasColumn = t.integer(0, 1) * (biasRow === 1 ? rows : 1);
  const biasSize = Math.max(rows, 1) * Math.max(columns, 1);
  const bias = t.integer(0, 1) === 1 ? t.floats(biasSize * matrices) : -1;
  const out = t.floats(rows * columns * matrices, () => Number.NaN);
  const scratch = t.scratch(matmulScratch(rows, columns, inner));
  const numbers = [rows, columns, inner, aRow, aColumn, bRow, bColumn, biasRow, biasColumn];
  const lists = [batch, strides(aSize), strides(bSize), bias < 0 ? batch.map(() => 0) : strides(biasSize)];
  t.run(matmul, [a, b, bias, out, scratch, ...numbers, ...lists], tolerance(inner));
}

describe('matmul', () => {
  it('agrees with its twin at any extents, strides and batches', () => {
    for (let seed = 0; seed < 150; seed++) {
      const t = twins(seed);
      const batch = Array.from({ length: t.integer(0, 3) }, () => t.integer(1, 3));
      runMatmul(t, t.integer(0, 20), t.integer(0, 30), t.integer(0, 20), batch);
    }
  });
  it('agrees where blocks end: more rows, columns and terms than fit in one', () => {
    for (const [rows, columns, inner] of [
      [97, 9, 257],
      [4, 1025, 3],
      [193, 33, 513],
      [1, 300, 300],
      [2, 300, 300],
      [300, 1, 300],
      [300, 2, 300],
      [3, 3, 1000],
    ])
      for (let seed = 0; seed < 4; seed++) runMatmul(twins(seed), rows!, columns!, inner!, []);
  });
  it('hands on NaN and infinities', () => {
    const t = twins(1);
    const value = (r: () => number): number => [Number.NaN, Infinity, -Infinity, 1, 2, 3][Math.floor(r() * 6)]!;
    const [a, b, out] = [t.floats(50 * 7, value), t.floats(7 * 50, value), t.floats(2500)];
    const scratch = t.scratch(matmulScratch(50, 50, 7));
    t.run(matmul, [a, b, -1, out, scratch, 50, 50, 7, 7, 1, 50, 1, 0, 0, [], [], [], []], tolerance(7));
  });
});

/** A geometry drawn at random; depthwise ones only, or none of them. */
function drawGeometry(t: Twins, depthwise: boolean): number[] | undefined {
  const spatial = (deep: number, low: number, high: number, flat: number): number[] =>
    [0, 1, 2].map((axis) => (axis < deep ? flat : t.integer(low, high)));
  const deep = [0, 1, 1, 1, 2][t.integer(0, 4)]!;
  const groups = depthwise ? t.integer(1, 5) : t.integer(0, 2) === 0 ? t.integer(2, 3) : 1;
  const channels = depthwise ? groups : groups * t.integer(1, t.integer(0, 4) === 0 ? 70 : 6);
  const filters = groups * (depthwise ? t.integer(1, 3) : t.integer(1, 12));
  if (!depthwise && channels === groups && filters / groups < 4) return undefined;
  const input = spatial(deep, 1, 18, 1);
  const kernel = spatial(deep, 1, 4, 1);
  const strides = spatial(deep, 1, 3, 1);
  const pads = spatial(deep, 0, 3, 0);
  const dilations = spatial(deep, 1, 3, 1);
  const output = input.map((extent, i) => {
    const reach = (kernel[i]! - 1) * dilations[i]! + 1;
    return Math.floor((extent + 2 * pads[i]! - reach) / strides[i]!) + 1;
  });
  if (output.some((extent) => extent < 1)) return undefined;
  const geometry = [t.integer(1, 3), channels, filters, groups, input, kernel, output, strides, pads, dilations];
  const elements = product(input) * channels;
  return elements > 60000 ? undefined : geometry.flat();
}

/** Depthwise filters as models have them, which have kernels of their own: odd, at stride 1 or 2, of near pads. */
function drawCommonDepthwise(t: Twins): number[] | undefined {
  const extent = t.integer(0, 4) ? 3 : [2, 5][t.integer(0, 1)]!;
  const stride = t.integer(1, 2);
  const [h, w] = [t.integer(1, 19), t.integer(1, t.integer(0, 3) ? 19 : 40)];
  const pads = [t.integer(0, 2), t.integer(0, 2)].map((pad) => (t.integer(0, 2) ? (extent - 1) >> 1 : pad));
  // The pads after may differ from those before, as they do where a result is to have the extents of the input.
  const output = [h, w].map((size, i) => Math.floor((size + pads[i]! + t.integer(0, 2) - extent) / stride) + 1);
  if (output.some((size) => size < 1)) return undefined;
  const channels = t.integer(1, 4);
  const filters = channels * t.integer(1, 3);
  const [dh, dw] = stride === 1 && t.integer(0, 3) === 0 ? [2, 2] : [1, 1];
  if (dh > 1 && output.some((size, i) => (size - 1) * stride + (extent - 1) * dh >= [h, w][i]! + 2 * pads[i]! + 4))
    return undefined;
  const plane = [1, h, w, 1, extent, extent, 1, ...output, 1, stride, stride, 0, ...pads, 1, dh, dw];
  return [t.integer(1, 3), channels, filters, channels, ...plane];
}

describe.each([
  ['convolutions', (t: Twins) => drawGeometry(t, false), 250],
  ['depthwise convolutions', (t: Twins) => drawGeometry(t, true), 600],
  ['common depthwise convolutions', drawCommonDepthwise, 800],
] as const)('%s', (_, draw, cases) => {
  it('agree with their twins at any geometry', () => {
    for (let seed = 0; seed < cases; seed++) {
      const t = twins(seed);
      const g = draw(t);
      if (g === undefined) continue;
      const [batch, channels, filters, groups] = [g[0]!, g[1]!, g[2]!, g[3]!];
      const xSize = batch * channels * product(g.slice(4, 7));
      const wSize = filters * (channels / groups) * product(g.slice(7, 10));
      const ySize = batch * filters * product(g.slice(10, 13));
      const x = t.floats(xSize);
      const w = t.floats(wSize);
      const dy = t.floats(ySize);
      const bias = t.integer(0, 1) === 1 ? t.floats(filters) : -1;
      const stale = (): number => Number.NaN;
      const y = t.floats(ySize, stale);
      const dx = t.floats(xSize, stale);
      const dw = t.floats(wSize, stale);
      t.run(conv, [x, w, bias, y, t.scratch(convScratch(g)), g], tolerance(wSize / filters));
      const scratch = t.scratch(convGradInputScratch(g));
      t.run(convGradInput, [dy, w, dx, scratch, g], tolerance((wSize / channels) * groups));
      t.run(convGradWeight, [x, dy, dw, t.scratch(convGradWeightScratch(g)), g], tolerance(ySize / filters));
    }
  });
});

describe('depthwise convolutions', () => {
  it('hand on NaN and infinities, and only to what they reach', () => {
    const value = (r: () => number): number => {
      const kind = Math.floor(r() * 40);
      return [Number.NaN, Infinity, -Infinity][kind] ?? r() * 4 - 2;
    };
    for (let seed = 0; seed < 200; seed++) {
      const t = twins(seed);
      const g = drawCommonDepthwise(t);
      if (g === undefined) continue;
      const xSize = g[0]! * g[1]! * product(g.slice(4, 7));
      const wSize = g[2]! * product(g.slice(7, 10));
      const ySize = g[0]! * g[2]! * product(g.slice(10, 13));
      const [x, w, dy] = [t.floats(xSize, value), t.floats(wSize, value), t.floats(ySize, value)];
      const [y, dx, dw] = [t.floats(ySize), t.floats(xSize), t.floats(wSize)];
      t.run(conv, [x, w, -1, y, 0, g], tolerance(wSize / g[2]!));
      t.run(convGradInput, [dy, w, dx, 0, g], tolerance(wSize / g[1]!));
      t.run(convGradWeight, [x, dy, dw, 0, g], tolerance(ySize / g[2]!));
    }
  });
  it('leave the same bits wherever in a tensor a plane lies', () => {
    for (let seed = 0; seed < 150; seed++) {
      const t = twins(seed);
      const drawn = drawCommonDepthwise(t);
      if (drawn === undefined) continue;
      const planes = 3;
      const g = [1, planes, planes, planes, ...drawn.slice(4)];
      const extents = [g.slice(4, 7), g.slice(7, 10), g.slice(10, 13)].map(product) as [number, number, number];
      /** The same plane again and again. */
      const repeated = (size: number): number => {
        const plane = Array.from({ length: size }, () => t.random() * 4 - 2);
        let next = 0;
        return t.floats(planes * size, () => plane[next++ % size]!);
      };
      const [x, w, dy] = extents.map(repeated) as [number, number, number];
      const results = extents.map((size) => t.floats(planes * size)) as [number, number, number];
      const calls = [
        ['convGradInput', [dy, w, results[0], 0, g]],
        ['convGradWeight', [x, dy, results[1], 0, g]],
        ['conv', [x, w, -1, results[2], 0, g]],
      ] as const;
      calls.forEach(([name, args], i) => {
        wasmKernels.get(name)!(wasm, ...args);
        const size = 4 * extents[i]!;
        const first = wasm.u8.subarray(results[i]!, results[i]! + size);
        for (let plane = 1; plane < planes; plane++) {
          const start = results[i]! + plane * size;
          expect(Buffer.compare(first, wasm.u8.subarray(start, start + size)), `${name} ${g}`).toBe(0);
        }
      });
    }
  });
});

describe('convolutions larger than a block', () => {
  it.each([
    ['many channels', [2, 40, 100, 1, 1, 9, 9, 1, 3, 3, 1, 9, 9, 1, 1, 1, 0, 1, 1, 1, 1, 1]],
    ['many positions', [2, 5, 8, 1, 1, 30, 30, 1, 3, 3, 1, 30, 30, 1, 1, 1, 0, 1, 1, 1, 1, 1]],
    ['stride 2', [2, 30, 70, 1, 1, 13, 13, 1, 3, 3, 1, 7, 7, 1, 2, 2, 0, 1, 1, 1, 1, 1]],
    ['pointwise', [3, 60, 50, 1, 1, 7, 7, 1, 1, 1, 1, 7, 7, 1, 1, 1, 0, 0, 0, 1, 1, 1]],
  ])('%s', (_, g) => {
    const t = twins(g.length);
    const [batch, channels, filters] = [g[0]!, g[1]!, g[2]!];
    const xSize = batch * channels * product(g.slice(4, 7));
    const wSize = filters * channels * product(g.slice(7, 10));
    const ySize = batch * filters * product(g.slice(10, 13));
    const [x, w, dy] = [t.floats(xSize), t.floats(wSize), t.floats(ySize)];
    t.run(conv, [x, w, -1, t.floats(ySize), t.scratch(convScratch(g)), g], tolerance(wSize / filters));
    t.run(convGradInput, [dy, w, t.floats(xSize), t.scratch(convGradInputScratch(g)), g], tolerance(wSize / channels));
    t.run(convGradWeight, [x, dy, t.floats(wSize), t.scratch(convGradWeightScratch(g)), g], tolerance(ySize / filters));
  });
});

describe('sumOfProducts', () => {
  it('agrees with its twin whichever dimensions are reduced or stretched', () => {
    for (let seed = 0; seed < 120; seed++) {
      const t = twins(seed);
      const dims = Array.from({ length: t.integer(1, 5) }, () => t.integer(1, 9));
      const reducedAt = dims.map(() => t.integer(0, 1) === 1);
      const layout = (): [strides: number[], size: number] => {
        let size = 1;
        const strides = dims.map(() => 0);
        for (let d = dims.length - 1; d >= 0; d--) {
          if (t.integer(0, 4) === 0) continue;
          strides[d] = size;
          size *= dims[d]!;
        }
        return [strides, size];
      };
      const [strides, strides2] = [layout(), layout()];
      const part = (list: readonly number[], reduced: boolean, empty: number): number[] => {
        const chosen = list.filter((_, d) => reducedAt[d] === reduced);
        return chosen.length === 0 ? [empty] : chosen;
      };
      const kept = part(dims, false, 1);
      // A gradient with zeros, and what zeros of a gradient must hide.
      const a = t.floats(strides[1], (r) => (r() < 0.3 ? 0 : r() * 4 - 2));
      const b = t.floats(strides2[1], seed % 4 === 1 ? (r) => (r() < 0.1 ? Infinity : r()) : undefined);
      t.run(
        sumOfProducts,
        [
          ...[a, b, t.floats(product(kept)), kept],
          ...[part(strides[0], false, 0), part(strides2[0], false, 0), part(dims, true, 1)],
          ...[part(strides[0], true, 0), part(strides2[0], true, 0), seed % 2],
        ],
        4 * ulp,
      );
    }
  });
});
