/** A call of every kernel that threads share, with random shapes: small ones to see every edge, or such as are shared. */
import { convGradInputScratch, convGradWeightScratch, convScratch } from '../../../runtime/kernels/conv.ts';
import { gridSampleScratch } from '../../../runtime/kernels/grid-sample.ts';
import { matmulScratch } from '../../../runtime/kernels/matmul.ts';
import type { KernelArgument } from '../../../runtime/program.ts';
import { splits } from '../../../runtime/threads/split-table.ts';
import { numericKernels } from '../../../runtime/wasm-backend.ts';

/** Memory in which operands are placed one after another, filled with numbers as they are. */
export interface Draw {
  /** Integer in [low, high]. */
  integer(low: number, high: number): number;
  /** Places floats in [-2, 2); returns the byte offset. */
  floats(count: number): number;
  /** Places bytes that are 0 or 1. */
  flags(count: number): number;
  /** Places an int32. */
  word(value: number): number;
  /** Room that is not compared. */
  scratch(bytes: number): number;
}

type Make = (draw: Draw, large: boolean) => readonly KernelArgument[];

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Extents of a tensor; of a large one some dimension is long, not always the first. */
function extents(draw: Draw, large: boolean, rank = draw.integer(1, 4)): number[] {
  const dims = Array.from({ length: rank }, () => draw.integer(1, large ? 2 : 7));
  if (large) dims[draw.integer(0, rank - 1)] = draw.integer(40_000, 60_000);
  else if (draw.integer(0, 1) === 0) dims[rank - 1] = draw.integer(30, 70);
  return dims;
}

/** Strides of a tensor of these extents, in some order of its dimensions and stretched along some. */
function strides(draw: Draw, dims: readonly number[], stretched: boolean): { list: number[]; size: number } {
  const order = dims.map((_, d) => d);
  if (draw.integer(0, 1) === 0) order.reverse();
  const list = dims.map(() => 0);
  let size = 1;
  for (const d of order.reverse()) {
    if (stretched && draw.integer(0, 3) === 0) continue;
    list[d] = size;
    size *= dims[d]!;
  }
  return { list, size };
}

const elements: Make = (draw, large) => [draw.integer(1, large ? 40_000 : 200) + (large ? 50_000 : 0)];

const unary: Make = (draw, large) => {
  const [count] = elements(draw, large) as readonly number[];
  const x = draw.floats(count!);
  return [x, draw.integer(0, 1) === 0 ? x : draw.floats(count!), count!, 0.25, 0.5];
};

const unaryGrad: Make = (draw, large) => {
  const [count] = elements(draw, large) as readonly number[];
  return [draw.floats(count!), draw.floats(count!), draw.floats(count!), count!, 0.25, 0.5];
};

/** Optimizers: `moments` numbers a parameter, and for some the count of steps. */
function update(moments: number, steps: boolean, ...rest: number[]): Make {
  return (draw, large) => {
    const [count] = elements(draw, large) as readonly number[];
    const [w, g] = [draw.floats(count!), draw.floats(count!)];
    const state = Array.from({ length: moments }, () => draw.floats(count!));
    const apply = draw.integer(0, 3) === 0 ? draw.flags(8) : -1;
    const counter = steps ? [draw.word(draw.integer(0, 5))] : [];
    return [w, g, draw.floats(2), ...state, ...counter, apply, w, ...state, count!, ...rest];
  };
}

const pair: Make = (draw, large) => {
  const dims = extents(draw, large);
  const [a, b] = [strides(draw, dims, true), strides(draw, dims, true)];
  return [draw.floats(a.size), draw.floats(b.size), draw.floats(product(dims)), dims, a.list, b.list];
};

function triple(first: 'floats' | 'flags'): Make {
  return (draw, large) => {
    const dims = extents(draw, large);
    const [a, b, c] = [strides(draw, dims, true), strides(draw, dims, true), strides(draw, dims, true)];
    const places = [draw[first](a.size), draw.floats(b.size), draw.floats(c.size), draw.floats(product(dims))];
    return [...places, dims, a.list, b.list, c.list];
  };
}

const copy: Make = (draw, large) => {
  const dims = extents(draw, large);
  const { list, size } = strides(draw, dims, false);
  return [draw.floats(size), draw.floats(size), dims, list];
};

/** Kept and reduced dimensions of tensors of the same extents. */
function reduction(operands: number, ...rest: number[]): Make {
  return (draw, large) => {
    const front = draw.integer(0, 1) === 0;
    const keptDims = extents(draw, large, draw.integer(1, 3));
    const terms = draw.integer(large ? 4 : 1, 9);
    const dims = front ? [...keptDims, terms] : [terms, ...keptDims];
    const kept = (list: readonly number[]): number[] => (front ? list.slice(0, -1) : list.slice(1));
    const reduced = (list: readonly number[]): number[] => (front ? list.slice(-1) : list.slice(0, 1));
    const given = Array.from({ length: operands }, () => strides(draw, dims, operands > 1));
    return [
      ...given.map(({ size }) => draw.floats(size)),
      draw.floats(product(kept(dims))),
      ...[kept(dims), ...given.map(({ list }) => kept(list))],
      ...[reduced(dims), ...given.map(({ list }) => reduced(list))],
      ...rest,
    ];
  };
}

/** `tensors` of [outer, extent, inner]. */
function softmax(tensors: number): Make {
  return (draw, large) => {
    const outer = large ? draw.integer(50, 90) : draw.integer(1, 7);
    const extent = large ? draw.integer(300, 400) : draw.integer(1, 30);
    const inner = draw.integer(0, 1) === 0 ? 1 : draw.integer(2, 5);
    const places = Array.from({ length: tensors }, () => draw.floats(outer * extent * inner));
    return [...places, outer, extent, inner];
  };
}

interface NormShape {
  readonly rows: number;
  readonly channels: number;
  readonly size: number;
}

const normShape = (draw: Draw, large: boolean): NormShape => ({
  rows: large ? draw.integer(20, 30) : draw.integer(1, 6),
  channels: 2 * draw.integer(large ? 3 : 1, large ? 6 : 3),
  size: large ? draw.integer(600, 700) : draw.integer(1, 30),
});

function norm(args: (draw: Draw, shape: NormShape, tensor: () => number) => readonly KernelArgument[]): Make {
  return (draw, large) => {
    const shape = normShape(draw, large);
    return args(draw, shape, () => draw.floats(shape.rows * shape.channels * shape.size));
  };
}

/** Extents, windows, strides, pads and dilations along three axes; the result has some position along each. */
function windows(draw: Draw, large: boolean): readonly number[][] {
  for (;;) {
    const axes = [0, 1, 2].map((axis) => {
      const flat = axis === 0 && draw.integer(0, 2) > 0;
      const extent = flat ? 1 : draw.integer(large ? 16 : 1, large ? 24 : 14);
      const [kernel, stride] = [flat ? 1 : draw.integer(1, 3), draw.integer(1, 3)];
      const [pad, dilation] = [flat ? 0 : draw.integer(0, kernel - 1), draw.integer(1, 2)];
      const result = Math.floor((extent + 2 * pad - (kernel - 1) * dilation - 1) / stride) + 1;
      return [extent, kernel, result, stride, pad, dilation];
    });
    if (axes.every(([, , result]) => result! > 0)) return [0, 1, 2, 3, 4, 5].map((i) => axes.map((axis) => axis[i]!));
  }
}

/** `order`: which of the input (x) and the result (y) the operands are as large as, then other numbers. */
function pool(order: string, ...rest: number[]): Make {
  return (draw, large) => {
    const planes = large ? draw.integer(60, 80) : draw.integer(1, 6);
    const w = windows(draw, large);
    const places = [...order].map((letter) => draw.floats(planes * product(w[letter === 'x' ? 0 : 2]!)));
    return [...places, ...rest, [planes, ...w.flat(), ...w[4]!]];
  };
}

function conv(kind: 'conv' | 'convGradInput' | 'convGradWeight'): Make {
  return (draw, large) => {
    const depthwise = draw.integer(0, large ? 3 : 1) === 0;
    const groups = depthwise ? draw.integer(1, large ? 60 : 9) : draw.integer(0, 2) === 0 ? draw.integer(2, 5) : 1;
    const channels = groups * (depthwise ? 1 : draw.integer(large ? 8 : 1, large ? 12 : 4));
    const filters = groups * (depthwise ? draw.integer(1, 3) : draw.integer(large ? 8 : 1, large ? 20 : 6));
    const batch = draw.integer(1, large ? 5 : 3);
    const w = windows(draw, large);
    const g = [batch, channels, filters, groups, ...w.flat()];
    const x = draw.floats(batch * channels * product(w[0]!));
    const weights = draw.floats((filters * channels * product(w[1]!)) / groups);
    const y = draw.floats(batch * filters * product(w[2]!));
    if (kind === 'convGradInput') return [y, weights, x, draw.scratch(convGradInputScratch(g)), g];
    if (kind === 'convGradWeight') return [x, y, weights, draw.scratch(convGradWeightScratch(g)), g];
    const bias = draw.integer(0, 1) === 0 ? -1 : draw.floats(filters);
    return [x, weights, bias, y, draw.scratch(convScratch(g)), g];
  };
}

/** Operands as in `order`: image (x), grid (g), result (y). */
function sample(order: string, slopes: boolean): Make {
  return (draw, large) => {
    const rank = draw.integer(1, 3);
    const spatial = [0, 1, 2].map((axis) => (axis < 3 - rank ? 1 : draw.integer(1, 6)));
    const [batch, channels] = [draw.integer(large ? 4 : 1, large ? 6 : 3), draw.integer(1, 4)];
    const points = draw.integer(large ? 1500 : 1, large ? 2000 : 80);
    const geometry = [rank, ...spatial, draw.integer(0, 2), draw.integer(0, 2), draw.integer(0, 1)];
    const sizes: Readonly<Record<string, number>> = {
      x: batch * channels * product(spatial),
      g: batch * points * rank,
      y: batch * channels * points,
    };
    const places = [...order].map((letter) => draw.floats(sizes[letter]!));
    const range = order === 'ygx' ? [] : [0, points];
    return [
      ...places,
      draw.scratch(gridSampleScratch(points, geometry, slopes)),
      batch,
      channels,
      points,
      ...range,
      geometry,
    ];
  };
}

const matmul: Make = (draw, large) => {
  // Few rows or columns are walked by another way.
  const few = !large && draw.integer(0, 1) === 0;
  const rows = draw.integer(1, large ? 200 : few ? 7 : 40);
  const columns = large ? draw.integer(100, 300) : draw.integer(1, few ? 7 : 60);
  const inner = draw.integer(0, 3) === 0 ? draw.integer(257, 300) : draw.integer(large ? 60 : 1, 90);
  const batch = Array.from({ length: draw.integer(0, 2) }, () => draw.integer(1, 4));
  const matrices = product(batch);
  const stored = (r: number, c: number): number[] => (draw.integer(0, 1) === 0 ? [c, 1] : [1, r]);
  const [aStrides, bStrides] = [stored(rows, inner), stored(inner, columns)];
  const batchStrides = (size: number): number[] =>
    batch.map((_, d) => (draw.integer(0, 3) === 0 ? 0 : size * product(batch.slice(d + 1))));
  const bias = draw.integer(0, 1) === 0 ? -1 : draw.floats(matrices * rows * columns);
  return [
    draw.floats(matrices * rows * inner),
    draw.floats(matrices * inner * columns),
    ...[bias, draw.floats(matrices * rows * columns), draw.scratch(matmulScratch(rows, columns, inner))],
    ...[rows, columns, inner, ...aStrides, ...bStrides, columns, 1],
    ...[batch, batchStrides(rows * inner), batchStrides(inner * columns), batchStrides(rows * columns)],
  ];
};

const forms: Readonly<Record<string, Make>> = {
  sgd: update(0, false, 0.01),
  sgdMomentum: update(1, true, 0.9, 0.1, 1, 0.01),
  adagrad: update(1, false, 1e-8, 0.01),
  rmsprop: update(1, false, 0.9, 1e-8, 0.01),
  lion: update(1, false, 0.9, 0.99, 0.01),
  adam: update(2, true, 0.9, 0.99, 1e-8, 0.01, 1),
  accumulate(draw, large) {
    const [count] = elements(draw, large) as readonly number[];
    const [sum, g] = [draw.floats(count!), draw.floats(count!)];
    return [sum, g, draw.word(draw.integer(0, 1)), sum, count!, 4];
  },
  ...Object.fromEntries(
    ['add', 'subtract', 'multiply', 'divide', 'minimum', 'maximum', 'prelu', 'power', 'multiplyGrad', 'divideGrad'].map(
      (name) => [name, pair],
    ),
  ),
  ...Object.fromEntries(
    ['minimumGrad', 'maximumGrad', 'preluGrad', 'powerGradBase'].map((name) => [name, triple('floats')]),
  ),
  where: triple('flags'),
  copyStrided: copy,
  copyInto: copy,
  ...Object.fromEntries(['reduceSum', 'reduceMax', 'reduceMin'].map((name) => [name, reduction(1, 3)])),
  sumOfProducts: reduction(2, 1),
  softmax: softmax(2),
  maskedSoftmax: softmax(2),
  logSoftmax: softmax(2),
  softmaxGrad: softmax(3),
  logSoftmaxGrad: softmax(3),
  layerNorm: norm((draw, { rows, channels, size }, tensor) => {
    const width = channels * size;
    const bias = draw.integer(0, 1) === 0 ? -1 : draw.floats(width);
    return [tensor(), draw.floats(width), bias, tensor(), draw.floats(rows), draw.floats(rows), rows, width, 1e-5];
  }),
  rmsNorm: norm((draw, { rows, channels, size }, tensor) => {
    const width = channels * size;
    return [tensor(), draw.floats(width), tensor(), draw.floats(rows), rows, width, 1e-5];
  }),
  groupNorm: norm((draw, { rows, channels, size }, tensor) => {
    const statistics = [draw.floats(2 * rows), draw.floats(2 * rows)];
    const affine = [draw.floats(channels), draw.floats(channels)];
    return [tensor(), ...affine, tensor(), ...statistics, rows, channels, size, 2, 1e-5];
  }),
  batchNormInference: norm((draw, { rows, channels, size }, tensor) => {
    const four = Array.from({ length: 4 }, () => draw.floats(channels));
    return [tensor(), ...four, tensor(), rows, channels, size, 3];
  }),
  addChannelBias: norm((draw, { rows, channels, size }, tensor) => [
    draw.floats(channels),
    tensor(),
    rows,
    channels,
    size,
  ]),
  maxPool: pool('xy'),
  maxPoolGrad: pool('yxx'),
  averagePool: pool('xy', 1),
  averagePoolGrad: pool('yx', 0),
  gridSample: sample('xgy', false),
  gridSampleGradInput: sample('ygx', false),
  gridSampleGradGrid: sample('yxgg', true),
  conv: conv('conv'),
  convGradInput: conv('convGradInput'),
  convGradWeight: conv('convGradWeight'),
  matmul,
};

/** Every kernel that threads share and that has a WebAssembly twin. */
export function sharedKernels(twins: ReadonlySet<string>): readonly string[] {
  return [...splits.keys()].filter((name) => twins.has(name));
}

/** Arguments for a call of `kernel`. Throws where no case is written for it. */
export function drawArguments(kernel: string, draw: Draw, large: boolean): readonly KernelArgument[] {
  const form = forms[kernel];
  if (form !== undefined) return form(draw, large);
  if (!numericKernels.includes(kernel)) throw new Error(`there is no case of ${kernel}`);
  return (kernel.endsWith('Grad') ? unaryGrad : unary)(draw, large);
}
