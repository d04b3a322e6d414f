/**
 * Our kernels and those of TensorFlow.js (wasm) and, forward, onnxruntime-web in one process, on the same shapes, in
 * turns on one thread. `npm run bench:kernels` ends with it; alone, from the repository's root after `npm install` in
 * this folder:
 *
 *     npx tsx test/bench/peers/kernels.ts [FILTER]
 */
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { matmulScratch } from '../../../runtime/kernels/matmul.ts';
import { convRuns, kernelRun, place, refill } from '../kernel-memory.ts';
import { howToInstall } from '../peer-program.ts';
import { streamFloats, streamRows } from '../stream-rows.ts';
import { loadOnnxRuntime, type OnnxOperator } from './onnxruntime.ts';
import { type Race, race, timesInTurns } from './race.ts';
import { onnxStreams, tensorflowStreams } from './stream.ts';

const filter = process.argv[2] ?? '';
const isWanted = (label: string): boolean => label.includes(filter);

setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/', import.meta.url)));
setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();

const ort = await loadOnnxRuntime();
let callMilliseconds = 0;
if (ort === undefined) console.log(`onnxruntime-web is not installed ${howToInstall}`);
else {
  const nothing = await ort.operator({ type: 'Identity', operands: [[4]] });
  callMilliseconds = (await timesInTurns([() => nothing.run({})]))[0]![0]!;
  await nothing.release();
  console.log(`onnxruntime-web: ${callMilliseconds.toFixed(3)} ms of a call that does nothing are taken off its times`);
}

/** The race with onnxruntime-web in it, where it is installed and has the operator. */
async function raceWithOnnx(own: Race, operator: OnnxOperator | undefined): Promise<void> {
  const session = operator === undefined ? undefined : await ort?.operator(operator);
  await race({ ...own, onnxruntime: session && { run: () => session.run({}), callMilliseconds } });
  await session?.release();
}

for (const n of [512, 1024]) {
  if (!isWanted(`matmul ${n}`)) continue;
  refill(3 * n * n);
  const [a, b, out, scratch] = place(n * n, n * n, n * n, matmulScratch(n, n, n) / 4);
  const x = tf.randomUniform<tf.Rank.R2>([n, n]);
  const y = tf.randomUniform<tf.Rank.R2>([n, n]);
  await raceWithOnnx(
    {
      label: `matmul ${n}`,
      amount: 2 * n ** 3,
      unit: 'GFLOP/s',
      ours: kernelRun('matmul', [a!, b!, -1, out!, scratch!, n, n, n, n, 1, n, 1, 0, 0, [], [], [], []]),
      tensorflow: () => tf.dispose(tf.matMul(x, y)),
    },
    {
      type: 'MatMul',
      operands: [
        [n, n],
        [n, n],
      ],
    },
  );
  tf.dispose([x, y]);
}

/** Label; batch, channels, filters, groups, extent, kernel, stride. */
const convs: readonly (readonly [string, number, number, number, number, number, number, number])[] = [
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
];

for (const [name, n, c, f, groups, e, k, s] of convs) {
  const label = `conv ${name}`;
  if (!isWanted(label)) continue;
  const p = (k - 1) / 2;
  const { forward, gradInput, gradWeight, flops, tensorFloats, outputExtent } = convRuns([n, c, f, groups, e, k, s, p]);
  const image = tf.randomUniform<tf.Rank.R4>([n, e, e, c]);
  const filters = tf.randomUniform<tf.Rank.R4>(groups === 1 ? [k, k, c, f] : [k, k, c, 1]);
  const theirs = (): void =>
    tf.dispose(groups === 1 ? tf.conv2d(image, filters, s, 'same') : tf.depthwiseConv2d(image, filters, s, 'same'));
  const row = { amount: flops, unit: 'GFLOP/s' } as const;
  refill(tensorFloats);
  await raceWithOnnx(
    { label, ...row, ours: forward, tensorflow: theirs },
    {
      type: 'Conv',
      operands: [
        [n, c, e, e],
        [f, c / groups, k, k],
      ],
      attributes: { kernel_shape: [k, k], strides: [s, s], pads: [p, p, p, p], group: groups },
    },
  );
  refill(tensorFloats);
  if (groups === 1) {
    const dy = tf.randomUniform<tf.Rank.R4>([n, outputExtent, outputExtent, f]);
    const tensorflow = (): void => tf.dispose(tf.conv2dTranspose(dy, filters, [n, e, e, c], s, 'same'));
    await race({ label: '  gradient of the input', ...row, ours: gradInput, tensorflow });
    tf.dispose(dy);
  } else {
    // TensorFlow.js has no depthwise gradients in wasm: its forward pass stands beside them.
    await race({ label: '  gradient of the input, beside forward', ...row, ours: gradInput, tensorflow: theirs });
    refill(tensorFloats);
    await race({ label: '  gradient of the filter, beside forward', ...row, ours: gradWeight, tensorflow: theirs });
  }
  tf.dispose([image, filters]);
}

for (const { label, kernel, args, tensors } of streamRows()) {
  const operator = onnxStreams[label];
  if (operator === undefined || !isWanted(`stream ${label}`)) continue;
  refill();
  const [shape, otherShape, apply] = tensorflowStreams[label] ?? [];
  const operands = [shape, otherShape].flatMap((own) => (own === undefined ? [] : [tf.randomUniform(own, -1, 1)]));
  const [x, y] = operands;
  const tensorflow = apply && x && y && (() => tf.dispose(apply(x, y)));
  const ours = kernelRun(kernel, args);
  await raceWithOnnx({ label, amount: 4 * tensors * streamFloats, unit: 'GB/s', ours, tensorflow }, operator);
  tf.dispose(operands);
}
