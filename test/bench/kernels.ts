/**
 * Rates of the WebAssembly kernels beside what the machine can do at most: the 128-bit multiply-add ceiling of a small
 * WebAssembly loop, and the bandwidth of `TypedArray.set`. Fastest and median of many short runs, because other processes
 * only ever make a run slower.
 *
 *     npm run bench:kernels [-- FILTER]
 */
import asc from 'assemblyscript/asc';
import { convGradInputScratch, convGradWeightScratch, convScratch } from '../../runtime/kernels/conv.ts';
import { matmulScratch } from '../../runtime/kernels/matmul.ts';
import { viewMemory } from '../../runtime/memory.ts';
import type { KernelArgument } from '../../runtime/program.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import { allocateWasmMemory } from '../../runtime/wasm-support.ts';

const memory = allocateWasmMemory(192 * 2 ** 20);
const kernels = createWasmKernels(memory);
const m = viewMemory(memory.buffer);

/** Fresh numbers in [-1, 1): what repeated runs leave would be infinite or subnormal, which is slow. */
function refill(floats = m.f32.length): void {
  for (let i = 0; i < floats; i++) m.f32[i] = ((Math.imul(i, 2654435761) >>> 8) / 2 ** 24) * 2 - 1;
}
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

async function ceiling(): Promise<number> {
  let binary: Uint8Array | undefined;
  const options = '-O3 --noAssert --runtime stub --enable simd --use abort= --outFile ceiling.wasm'.split(' ');
  const { error } = await asc.main(['runtime/wasm/bench/ceiling.ts', ...options], {
    writeFile: (name, contents) => {
      if (name === 'ceiling.wasm' && contents instanceof Uint8Array) binary = contents;
    },
  });
  if (error !== null || binary === undefined) throw error ?? new Error('the ceiling did not compile');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)));
  const loop = exports.ceiling;
  if (typeof loop !== 'function') throw new Error('the ceiling has no loop');
  const rounds = 200000;
  return (rounds * 12 * 4) / measure(() => loop(rounds, 1e-3)).best / 1e6;
}

const filter = process.argv[2] ?? '';
let top = 0;

/** Places tensors one after another; returns their byte offsets. */
function place(...counts: readonly number[]): number[] {
  let offset = 0;
  return counts.map((count) => {
    const start = offset;
    offset += Math.ceil(count / 16) * 64;
    return start;
  });
}

function row(label: string, times: Times, amount: number, unit: string, reference: number): void {
  const rate = amount / times.best / 1e6;
  const median = amount / times.median / 1e6;
  console.log(
    `${label.padEnd(40)} ${times.best.toFixed(3).padStart(9)} ms ${rate.toFixed(1).padStart(7)} ${unit}` +
      `  median ${median.toFixed(1).padStart(6)}  ${((100 * rate) / reference).toFixed(0).padStart(4)} %`,
  );
}

function run(name: string, args: readonly KernelArgument[]): Times {
  const kernel = kernels.get(name);
  if (kernel === undefined) throw new Error(`there is no kernel ${name}`);
  return measure(() => kernel(m, ...args));
}

function matmul(rows: number, columns: number, inner: number, transposed = false): number {
  const [a, b, out, scratch] = place(
    rows * inner,
    inner * columns,
    rows * columns,
    matmulScratch(rows, columns, inner) / 4,
  );
  const strides = transposed ? [1, inner] : [columns, 1];
  const numbers = [rows, columns, inner, inner, 1, ...strides, 0, 0];
  const times = run('matmul', [a!, b!, -1, out!, scratch!, ...numbers, [], [], [], []]);
  const label = `matmul ${rows}x${inner} by ${inner}x${columns}${transposed ? ' transposed' : ''}`;
  row(label, times, 2 * rows * columns * inner, 'GFLOP/s', top);
  return (2 * rows * columns * inner) / times.best / 1e6;
}

/** batch, channels, filters, groups, extent, kernel, stride, pad of a square convolution. */
type Square = readonly [number, number, number, number, number, number, number, number];

function conv(label: string, [n, c, f, groups, e, k, s, p]: Square, reference: number): void {
  const o = Math.floor((e + 2 * p - k) / s) + 1;
  const g = [n, c, f, groups, 1, e, e, 1, k, k, 1, o, o, 1, s, s, 0, p, p, 1, 1, 1];
  const sizes = [n * c * e * e, (f * c * k * k) / groups, n * f * o * o] as const;
  const scratch = Math.max(convScratch(g), convGradInputScratch(g), convGradWeightScratch(g));
  const [x, w, y, at] = place(...sizes, scratch / 4) as [number, number, number, number];
  const flops = (2 * sizes[2] * sizes[1]) / f;
  const timed = (what: string, name: string, args: readonly KernelArgument[]): void => {
    refill(at / 4);
    row(what, run(name, args), flops, 'GFLOP/s', reference);
  };
  timed(`conv ${label}: forward`, 'conv', [x, w, -1, y, at, g]);
  timed('  gradient of the input', 'convGradInput', [y, w, x, at, g]);
  timed('  gradient of the filter', 'convGradWeight', [x, y, w, at, g]);
}

const count = 6000000;

/** Bytes per millisecond of one elementwise kernel on 6 M floats, beside `TypedArray.set` on as many. */
function stream(
  label: string,
  name: string,
  args: readonly KernelArgument[],
  tensors: number,
  reference: number,
): void {
  row(label, run(name, args), tensors * 4 * count, 'GB/s', reference);
}

if ('matmul conv'.includes(filter)) {
  top = await ceiling();
  console.log(`128-bit multiply-add ceiling: ${top.toFixed(1)} GFLOP/s; percentages of it`);
}
let own = top;
if ('matmul'.includes(filter)) {
  own = Math.max(matmul(512, 512, 512), matmul(1024, 1024, 1024));
  matmul(1024, 1024, 1024, true);
  matmul(256, 512, 512, true);
  matmul(64, 64, 64);
  matmul(8, 512, 512, true);
  matmul(1, 1024, 1024, true);
  matmul(197, 197, 64, true);
}
if ('conv'.includes(filter)) {
  console.log('convolutions; percentages of the rate of matmul');
  conv('3x3 64->64, 56x56, batch 8', [8, 64, 64, 1, 56, 3, 1, 1], own);
  conv('3x3 16->16, 32x32, batch 32', [32, 16, 16, 1, 32, 3, 1, 1], own);
  conv('3x3 32->32, 16x16, batch 32', [32, 32, 32, 1, 16, 3, 1, 1], own);
  conv('3x3 64->64, 8x8, batch 32', [32, 64, 64, 1, 8, 3, 1, 1], own);
  conv('3x3 512->512, 7x7, batch 8', [8, 512, 512, 1, 7, 3, 1, 1], own);
  conv('3x3/2 128->256, 28x28, batch 8', [8, 128, 256, 1, 28, 3, 2, 1], own);
  conv('7x7/2 3->64, 224x224, batch 2', [2, 3, 64, 1, 224, 7, 2, 3], own);
  conv('1x1 16->96, 112x112, batch 1', [1, 16, 96, 1, 112, 1, 1, 0], own);
  conv('1x1 96->24, 56x56, batch 1', [1, 96, 24, 1, 56, 1, 1, 0], own);
  conv('1x1 160->960, 7x7, batch 8', [8, 160, 960, 1, 7, 1, 1, 0], own);
  conv('depthwise 3x3 32, 112x112', [1, 32, 32, 32, 112, 3, 1, 1], own);
  conv('depthwise 3x3/2 96, 112x112', [1, 96, 96, 96, 112, 3, 2, 1], own);
  conv('depthwise 3x3 144, 56x56', [1, 144, 144, 144, 56, 3, 1, 1], own);
  conv('depthwise 3x3 384, 14x14', [1, 384, 384, 384, 14, 3, 1, 1], own);
  conv('depthwise 3x3/2 576, 14x14', [1, 576, 576, 576, 14, 3, 2, 1], own);
  conv('depthwise 3x3 960, 7x7', [1, 960, 960, 960, 7, 3, 1, 1], own);
  conv('depthwise 5x5 240, 14x14', [1, 240, 240, 240, 14, 5, 1, 2], own);
  conv('depthwise 5x5/2 240, 28x28', [1, 240, 240, 240, 28, 5, 2, 2], own);
}
if ('stream'.includes(filter)) {
  const [x, y, z, c] = place(count, count, count, 4096) as [number, number, number, number];
  const [from, to] = [m.f32.subarray(0, count), m.f32.subarray(count, 2 * count)];
  const times = measure(() => to.set(from));
  const bandwidth = (8 * count) / times.best / 1e6;
  console.log(`TypedArray.set on 6 M floats: ${bandwidth.toFixed(1)} GB/s; percentages of it`);
  const channels = [8, 60, 12500];
  stream('add', 'add', [x, y, z, [count], [1], [1]], 3, bandwidth);
  stream('add a row', 'add', [x, y, z, [6000, 1000], [1000, 1], [0, 1]], 2, bandwidth);
  stream('multiply by a column', 'multiply', [x, y, z, [6000, 1000], [1000, 1], [1, 0]], 2, bandwidth);
  stream('relu', 'relu', [x, y, count], 2, bandwidth);
  stream('relu, in place', 'relu', [x, x, count], 2, bandwidth);
  stream('relu gradient', 'reluGrad', [x, y, z, count], 3, bandwidth);
  stream('batch norm, given statistics', 'batchNormInference', [x, c, c, c, c, y, ...channels, 2], 2, bandwidth);
  stream('batch norm', 'batchNorm', [x, c, c, y, z, z + 256, ...channels, 1e-5], 4, bandwidth);
  const statistics = [z, z + 256, y, z + 512, z + 768];
  stream('batch norm gradient', 'batchNormGrad', [y, x, c, ...statistics, ...channels], 5, bandwidth);
  stream('layer norm, rows of 1000', 'layerNorm', [x, c, c, y, z, z + 32768, 6000, 1000, 1e-5], 4, bandwidth);
  stream('softmax, rows of 1000', 'softmax', [x, y, 6000, 1000, 1], 4, bandwidth);
  stream('exp', 'exp', [x, y, count], 2, bandwidth);
  stream('tanh', 'tanh', [x, y, count], 2, bandwidth);
  stream('gelu', 'geluErf', [x, y, count], 2, bandwidth);
  stream('gelu gradient', 'geluErfGrad', [x, y, z, count], 3, bandwidth);
  stream('sum', 'reduceSum', [x, z, [1], [0], [count], [1], 1], 1, bandwidth);
  stream('column sums', 'reduceSum', [x, z, [1000], [1], [6000], [1000], 1], 1, bandwidth);
  stream('transpose 2400x2500', 'copyStrided', [x, y, [2500, 2400], [1, 2500]], 2, bandwidth);
  stream('dropout', 'dropout', [x, z, y, count, 1, 0.1], 2, bandwidth);
  const pool = [480, 1, 112, 112, 1, 3, 3, 1, 56, 56, 1, 2, 2, 0, 1, 1, 1, 1, 1, 0, 1, 1];
  stream('max pool 3x3/2', 'maxPool', [x, y, pool], 1.25, bandwidth);
  stream('max pool 3x3/2 gradient', 'maxPoolGrad', [y, x, z, pool], 2.25, bandwidth);
}
