/**
 * Our kernels and those of TensorFlow.js (wasm) and jax-js in one process, on the same shapes, in turns. Run from the
 * repository's root after `npm install` in this folder:
 *
 *     npx tsx test/bench/peers/kernels.ts [FILTER]
 */
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { convGradInputScratch, convGradWeightScratch, convScratch } from '../../../runtime/kernels/conv.ts';
import { matmulScratch } from '../../../runtime/kernels/matmul.ts';
import { viewMemory } from '../../../runtime/memory.ts';
import { createWasmKernels } from '../../../runtime/wasm-backend.ts';
import { allocateWasmMemory } from '../../../runtime/wasm-support.ts';

const memory = allocateWasmMemory(192 * 2 ** 20);
const kernels = createWasmKernels(memory);
const m = viewMemory(memory.buffer);

/** Fresh numbers in [-1, 1): what repeated runs leave would be infinite or subnormal, which is slow. */
function refill(bytes: number): void {
  for (let i = 0; i < bytes / 4; i++) m.f32[i] = ((Math.imul(i, 2654435761) >>> 8) / 2 ** 24) * 2 - 1;
}

const wanted = process.argv[2] ?? '';

setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/', import.meta.url)));
setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();

/** Best milliseconds of each, in turns. */
function race(...contenders: (() => void)[]): number[] {
  const best = contenders.map(() => Number.POSITIVE_INFINITY);
  for (const f of contenders) f();
  for (let round = 0, end = performance.now() + 400 * contenders.length; round < 4 || performance.now() < end; round++)
    contenders.forEach((f, i) => {
      const start = performance.now();
      f();
      best[i] = Math.min(best[i]!, performance.now() - start);
    });
  return best;
}

function report(label: string, flops: number, [ours, theirs]: number[]): void {
  const rate = (ms: number) => (flops / ms / 1e6).toFixed(1).padStart(6);
  console.log(
    `${label.padEnd(44)} ours ${rate(ours!)}   tfjs wasm ${rate(theirs!)} GFLOP/s   ${(theirs! / ours!).toFixed(2)}x`,
  );
}

function place(...counts: number[]): number[] {
  let offset = 0;
  return counts.map((count) => {
    const start = offset;
    offset += Math.ceil(count / 16) * 64;
    return start;
  });
}

for (const n of 'matmul'.includes(wanted) ? [512, 1024] : []) {
  refill(8 * n * n);
  const [a, b, out, scratch] = place(n * n, n * n, n * n, matmulScratch(n, n, n) / 4);
  const x = tf.randomUniform([n, n]);
  const y = tf.randomUniform([n, n]);
  const matmul = kernels.get('matmul')!;
  report(
    `matmul ${n}`,
    2 * n ** 3,
    race(
      () => matmul(m, a!, b!, -1, out!, scratch!, n, n, n, n, 1, n, 1, 0, 0, [], [], [], []),
      () => tf.dispose(tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D)),
    ),
  );
  tf.dispose([x, y]);
}

/** batch, channels, filters, groups, extent, kernel, stride */
for (const [label, n, c, f, groups, e, k, s] of [
  ['3x3 64->64, 56x56, batch 8', 8, 64, 64, 1, 56, 3, 1],
  ['1x1 16->96, 112x112', 1, 16, 96, 1, 112, 1, 1],
  ['1x1 96->24, 56x56', 1, 96, 24, 1, 56, 1, 1],
  ['1x1 64->384, 14x14', 1, 64, 384, 1, 14, 1, 1],
  ['1x1 384->64, 14x14', 1, 384, 64, 1, 14, 1, 1],
  ['1x1 96->576, 14x14', 1, 96, 576, 1, 14, 1, 1],
  ['1x1 160->960, 7x7', 1, 160, 960, 1, 7, 1, 1],
  ['1x1 960->160, 7x7', 1, 960, 160, 1, 7, 1, 1],
  ['1x1 320->1280, 7x7', 1, 320, 1280, 1, 7, 1, 1],
  ['depthwise 3x3 32, 112x112', 1, 32, 32, 32, 112, 3, 1],
  ['depthwise 3x3/2 96, 112x112', 1, 96, 96, 96, 112, 3, 2],
  ['depthwise 3x3 144, 56x56', 1, 144, 144, 144, 56, 3, 1],
  ['depthwise 3x3/2 144, 56x56', 1, 144, 144, 144, 56, 3, 2],
  ['depthwise 3x3 384, 14x14', 1, 384, 384, 384, 14, 3, 1],
  ['depthwise 3x3/2 576, 14x14', 1, 576, 576, 576, 14, 3, 2],
  ['depthwise 3x3 960, 7x7', 1, 960, 960, 960, 7, 3, 1],
  ['depthwise 5x5 240, 14x14', 1, 240, 240, 240, 14, 5, 1],
  ['depthwise 5x5/2 240, 28x28', 1, 240, 240, 240, 28, 5, 2],
] as [string, number, number, number, number, number, number, number][]) {
  if (!label.includes(wanted)) continue;
  const o = Math.ceil(e / s);
  const p = (k - 1) / 2;
  const g = [n, c, f, groups, 1, e, e, 1, k, k, 1, o, o, 1, s, s, 0, p, p, 1, 1, 1];
  const sizes = [n * c * e * e, (f * c * k * k) / groups, n * f * o * o] as const;
  const scratch = Math.max(convScratch(g), convGradInputScratch(g), convGradWeightScratch(g));
  const [x, w, y, at] = place(...sizes, scratch / 4) as [number, number, number, number];
  refill(at);
  const flops = (2 * sizes[2] * sizes[1]) / f;
  const image = tf.randomUniform([n, e, e, c]) as tf.Tensor4D;
  const filter = tf.randomUniform(groups === 1 ? [k, k, c, f] : [k, k, c, 1]) as tf.Tensor4D;
  const conv = kernels.get('conv')!;
  const gradInput = kernels.get('convGradInput')!;
  const gradWeight = kernels.get('convGradWeight')!;
  const forward = race(
    () => conv(m, x, w, -1, y, at, g),
    () => tf.dispose(groups === 1 ? tf.conv2d(image, filter, s, 'same') : tf.depthwiseConv2d(image, filter, s, 'same')),
  );
  report(`conv ${label}`, flops, forward);
  if (groups === 1) {
    refill(at);
    const dy = tf.randomUniform([n, o, o, f]) as tf.Tensor4D;
    const backward = race(
      () => gradInput(m, y, w, x, at, g),
      () => tf.dispose(tf.conv2dTranspose(dy, filter, [n, e, e, c], s, 'same')),
    );
    report('  gradient of the input', flops, backward);
    tf.dispose(dy);
  } else {
    // TensorFlow.js has no depthwise gradients in wasm: they stand beside its forward pass.
    refill(at);
    const [input] = race(() => gradInput(m, y, w, x, at, g));
    refill(at);
    const [weight] = race(() => gradWeight(m, x, y, w, at, g));
    report('  gradient of the input, beside forward', flops, [input!, forward[1]!]);
    report('  gradient of the filter, beside forward', flops, [weight!, forward[1]!]);
  }
  tf.dispose([image, filter]);
}
