/**
 * Rates of the WebAssembly kernels beside what the machine can do at most: the 128-bit multiply-add ceiling of a small
 * WebAssembly loop, and the bandwidth of `TypedArray.set`. Fastest and median of many short runs, because other processes
 * only ever make a run slower. After them the same kernels in turns with those of other libraries, where they are
 * installed (test/bench/peers).
 *
 *     npm run bench:kernels [-- FILTER]
 *
 * FILTER is part of a row's label with its group in front: `matmul`, `conv`, `conv depthwise`, `stream softmax`, ...
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matmulScratch } from '../../runtime/kernels/matmul.ts';
import { convRuns, floats, kernelRun, place, refill, type SquareConv } from './kernel-memory.ts';
import { howToInstall, runPeerProgram } from './peer-program.ts';
import { streamFloats, streamRows } from './stream-rows.ts';

refill();

interface Times {
  readonly best: number;
  readonly median: number;
}

/** Milliseconds of one run of `f`, over at least 7 runs and 300 ms. */
function measure(f: () => void): Times {
  f();
  const times: number[] = [];
  for (const end = performance.now() + 300; performance.now() < end || times.length < 7; ) {
    const start = performance.now();
    f();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { best: times[0]!, median: times[Math.floor(times.length / 2)]! };
}

/**
 * GFLOP/s. The loop is compiled by another process: the engine would go on optimizing the compiler in this one, and our
 * kernels would wait their turn unoptimized.
 */
function ceiling(): number {
  const folder = mkdtempSync(join(tmpdir(), 'ceiling-'));
  const file = join(folder, 'ceiling.wasm');
  const compiler = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  const options = '-O3 --noAssert --runtime stub --enable simd --use abort= --outFile'.split(' ');
  try {
    execFileSync(process.execPath, [compiler, 'runtime/wasm/bench/ceiling.ts', ...options, file], { stdio: 'inherit' });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
    const loop = exports.ceiling;
    if (typeof loop !== 'function') throw new Error('the ceiling has no loop');
    const rounds = 200000;
    return (rounds * 12 * 4) / measure(() => loop(rounds, 1e-3)).best / 1e6;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const filter = process.argv[2] ?? '';
const isWanted = (label: string): boolean => label.includes(filter);
let top = 0;

function row(label: string, times: Times, amount: number, unit: string, reference: number): void {
  const rate = amount / times.best / 1e6;
  const median = amount / times.median / 1e6;
  console.log(
    `${label.padEnd(40)} ${times.best.toFixed(3).padStart(9)} ms ${rate.toFixed(1).padStart(7)} ${unit}` +
      `  median ${median.toFixed(1).padStart(6)}  ${((100 * rate) / reference).toFixed(0).padStart(4)} %`,
  );
}

/** Rows, columns, inner extent, and whether the right operand is read transposed. */
type Product = readonly [number, number, number, boolean?];

const labelOf = ([rows, columns, inner, transposed]: Product): string =>
  `matmul ${rows}x${inner} by ${inner}x${columns}${transposed ? ' transposed' : ''}`;

/** GFLOP/s. */
function matmul(product: Product): number {
  const [rows, columns, inner, transposed = false] = product;
  const [a, b, out, scratch] = place(
    rows * inner,
    inner * columns,
    rows * columns,
    matmulScratch(rows, columns, inner) / 4,
  );
  const strides = transposed ? [1, inner] : [columns, 1];
  const numbers = [rows, columns, inner, inner, 1, ...strides, 0, 0];
  const times = measure(kernelRun('matmul', [a!, b!, -1, out!, scratch!, ...numbers, [], [], [], []]));
  row(labelOf(product), times, 2 * rows * columns * inner, 'GFLOP/s', top);
  return (2 * rows * columns * inner) / times.best / 1e6;
}

function conv(label: string, square: SquareConv, reference: number): void {
  const { forward, gradInput, gradWeight, flops, tensorFloats } = convRuns(square);
  const timed = (what: string, run: () => void): void => {
    refill(tensorFloats);
    row(what, measure(run), flops, 'GFLOP/s', reference);
  };
  timed(label, forward);
  timed('  gradient of the input', gradInput);
  timed('  gradient of the filter', gradWeight);
}

const products: readonly Product[] = [
  [512, 512, 512],
  [1024, 1024, 1024],
  [1024, 1024, 1024, true],
  [256, 512, 512, true],
  [64, 64, 64],
  [8, 512, 512, true],
  [1, 1024, 1024, true],
  [197, 197, 64, true],
];
const convs: readonly (readonly [string, SquareConv])[] = [
  ['conv 3x3 64->64, 56x56, batch 8', [8, 64, 64, 1, 56, 3, 1, 1]],
  ['conv 3x3 16->16, 32x32, batch 32', [32, 16, 16, 1, 32, 3, 1, 1]],
  ['conv 3x3 32->32, 16x16, batch 32', [32, 32, 32, 1, 16, 3, 1, 1]],
  ['conv 3x3 64->64, 8x8, batch 32', [32, 64, 64, 1, 8, 3, 1, 1]],
  ['conv 3x3 512->512, 7x7, batch 8', [8, 512, 512, 1, 7, 3, 1, 1]],
  ['conv 3x3/2 128->256, 28x28, batch 8', [8, 128, 256, 1, 28, 3, 2, 1]],
  ['conv 7x7/2 3->64, 224x224, batch 2', [2, 3, 64, 1, 224, 7, 2, 3]],
  ['conv 1x1 16->96, 112x112, batch 1', [1, 16, 96, 1, 112, 1, 1, 0]],
  ['conv 1x1 96->24, 56x56, batch 1', [1, 96, 24, 1, 56, 1, 1, 0]],
  ['conv 1x1 160->960, 7x7, batch 8', [8, 160, 960, 1, 7, 1, 1, 0]],
  ['conv depthwise 3x3 32, 112x112', [1, 32, 32, 32, 112, 3, 1, 1]],
  ['conv depthwise 3x3/2 96, 112x112', [1, 96, 96, 96, 112, 3, 2, 1]],
  ['conv depthwise 3x3 144, 56x56', [1, 144, 144, 144, 56, 3, 1, 1]],
  ['conv depthwise 3x3 384, 14x14', [1, 384, 384, 384, 14, 3, 1, 1]],
  ['conv depthwise 3x3/2 576, 14x14', [1, 576, 576, 576, 14, 3, 2, 1]],
  ['conv depthwise 3x3 960, 7x7', [1, 960, 960, 960, 7, 3, 1, 1]],
  ['conv depthwise 5x5 240, 14x14', [1, 240, 240, 240, 14, 5, 1, 2]],
  ['conv depthwise 5x5/2 240, 28x28', [1, 240, 240, 240, 28, 5, 2, 2]],
];

const [wantedProducts, wantedConvs] = [
  products.filter((product) => isWanted(labelOf(product))),
  convs.filter(([label]) => isWanted(label)),
];
if (wantedProducts.length + wantedConvs.length > 0) {
  top = ceiling();
  console.log(`128-bit multiply-add ceiling: ${top.toFixed(1)} GFLOP/s; percentages of it`);
}
const rates = wantedProducts.map(matmul);
if (wantedConvs.length > 0) {
  const own = Math.max(...rates);
  console.log(rates.length > 0 ? 'convolutions; percentages of the rate of matmul' : 'convolutions');
  for (const [label, square] of wantedConvs) conv(label, square, rates.length > 0 ? own : top);
}
const streams = streamRows().filter(({ label }) => isWanted(`stream ${label}`));
if (streams.length > 0) {
  refill();
  const [from, to] = [floats.subarray(0, streamFloats), floats.subarray(streamFloats, 2 * streamFloats)];
  const bytes = 4 * streamFloats;
  const bandwidth = (2 * bytes) / measure(() => to.set(from)).best / 1e6;
  console.log(`TypedArray.set on 6 M floats: ${bandwidth.toFixed(1)} GB/s; percentages of it`);
  for (const { label, kernel, args, tensors } of streams)
    row(label, measure(kernelRun(kernel, args)), tensors * bytes, 'GB/s', bandwidth);
}
if (runPeerProgram('kernels.ts', [filter], 'inherit') === undefined)
  console.log(`TensorFlow.js and onnxruntime-web are not installed ${howToInstall}`);
