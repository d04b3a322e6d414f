/**
 * The training step of the MLP (8 layers of 512, batch 256, SGD) by TensorFlow.js (wasm) and jax-js, and the forward pass
 * of ResNet-18 by onnxruntime-web. Prints lines `MODEL LIBRARY MILLISECONDS [OURS]`, which test/bench/steps.ts reads; OURS
 * are our milliseconds where we ran in turns with the library. Run alone from the repository's root:
 *
 *     npx tsx test/bench/peers/steps.ts [MODEL]
 */
import { fileURLToPath } from 'node:url';
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, random, tree, valueAndGrad } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { forwardTimes } from './forward.ts';

const [batch, width, layers, rate] = [256, 512, 8, 1e-3];

async function median(f: () => Promise<void> | void): Promise<number> {
  await f();
  await f();
  const times: number[] = [];
  for (let run = 0; run < 7; run++) {
    const start = performance.now();
    await f();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[3]!;
}

async function tensorflow(): Promise<number> {
  setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/', import.meta.url)));
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const x = tf.randomUniform([batch, width], -1, 1);
  const labels = tf.oneHot(tf.randomUniform([batch], 0, width, 'int32'), width);
  const bound = Math.sqrt(6 / width);
  const weights = Array.from({ length: layers }, () => [
    tf.variable(tf.randomUniform([width, width], -bound, bound)),
    tf.variable(tf.zeros([width])),
  ]) as [tf.Variable, tf.Variable][];
  const optimizer = tf.train.sgd(rate);
  return median(() => {
    optimizer.minimize(() => {
      let h: tf.Tensor = x;
      weights.forEach(([w, b], i) => {
        h = tf.add(tf.matMul(h as tf.Tensor2D, w as unknown as tf.Tensor2D), b);
        if (i < layers - 1) h = tf.relu(h);
      });
      return tf.losses.softmaxCrossEntropy(labels, h) as tf.Scalar;
    });
  });
}

async function jax(): Promise<number> {
  await init('wasm');
  defaultDevice('wasm');
  const bound = Math.sqrt(6 / width);
  const x = random.uniform(random.key(0), [batch, width], { minval: -1, maxval: 1 });
  const labels = nn.oneHot(random.randint(random.key(1), { minval: 0, maxval: width, shape: [batch] }), width);
  let weights = Array.from({ length: layers }, (_, i) => ({
    w: random.uniform(random.key(2 + i), [width, width], { minval: -bound, maxval: bound }),
    b: np.zeros([width]),
  }));
  type Weights = typeof weights;
  const loss = (ws: Weights, input: np.Array, target: np.Array): np.Array => {
    let h = input;
    ws.forEach(({ w, b }, i) => {
      h = np.dot(h, w).add(b);
      if (i < layers - 1) h = nn.relu(h);
    });
    return nn.logSoftmax(h).mul(target).sum().mul(-1 / batch);
  };
  const step = jit((ws: Weights, input: np.Array, target: np.Array): Weights => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(ws), input, target);
    value.dispose();
    return tree.map((w: np.Array, g: np.Array) => w.sub(g.mul(rate)), ws, gradients as Weights) as Weights;
  });
  return median(async () => {
    weights = step(weights, x.ref, labels.ref) as Weights;
    await blockUntilReady(weights);
  });
}

const wanted = process.argv[2];
if (wanted === undefined || wanted === 'mlp')
  for (const [library, run] of [
    ['tfjs-wasm', tensorflow],
    ['jax-js', jax],
  ] as const)
    console.log(`mlp ${library} ${(await run()).toFixed(2)}`);
if (wanted === undefined || wanted === 'resnet18-forward') {
  const times = await forwardTimes();
  if (times !== undefined)
    console.log(`resnet18-forward onnxruntime-web ${times.theirs.toFixed(2)} ${times.ours.toFixed(2)}`);
}
