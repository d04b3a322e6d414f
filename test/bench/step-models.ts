/** The models whose whole training steps are timed, each built as its paper or its usual library has it. */
import { type BuiltModel, ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import type { Value } from '../../src/ir/graph.ts';

/** `layers` linear layers of `width` with relu between them, as a classifier into `width` classes. */
export function perceptron(batch = 256, width = 512, layers = 8): BuiltModel {
  const m = new ModelBuilder('mlp');
  let h = m.input('x', [batch, width]);
  for (let layer = 1; layer < layers; layer++) h = m.relu(m.linear(h, width));
  m.loss(m.crossEntropy(m.linear(h, width), m.input('labels', [batch], 'i64')));
  return m.finish();
}

/** ResNet-18 (He et al. 2016, table 1) for images of 224 by 224, as in torchvision. */
export function resNet18(batch = 8, extent = 224, classes = 1000): BuiltModel {
  const m = new ModelBuilder('resnet18');
  const block = (x: Value, channels: number, stride: number): Value => {
    const a = m.relu(m.batchNorm(m.conv2d(x, channels, 3, { stride })));
    const b = m.batchNorm(m.conv2d(a, channels, 3));
    const shortcut =
      stride === 1 && x.type.shape[1] === channels ? x : m.batchNorm(m.conv2d(x, channels, 1, { stride, padding: 0 }));
    return m.relu(m.add(b, shortcut));
  };
  const stem = m.conv2d(m.input('images', [batch, 3, extent, extent]), 64, 7, { stride: 2 });
  let h = m.maxPool2d(m.relu(m.batchNorm(stem)), 3, { stride: 2, padding: 1 });
  for (const [stage, channels] of [64, 128, 256, 512].entries())
    for (let i = 0; i < 2; i++) h = block(h, channels, stage > 0 && i === 0 ? 2 : 1);
  m.loss(m.crossEntropy(m.linear(m.globalAveragePool(h), classes), m.input('labels', [batch], 'i64')));
  return m.finish();
}

/** GPT-2 (Radford et al. 2019) without dropout: pre-norm blocks, tanh gelu, the output layer tied to the embedding. */
export function gpt2(layers = 4, tokens = 256, width = 768, heads = 12, vocabulary = 50257): BuiltModel {
  const m = new ModelBuilder('gpt2');
  const mask = new Float32Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) mask.fill(-1e9, i * tokens + i + 1, (i + 1) * tokens);
  const causal = m.constant([tokens, tokens], mask);
  const split = (x: Value, part: number): Value => {
    const own = m.slice(x, 1, part * width, (part + 1) * width);
    return m.transpose(m.reshape(own, [tokens, heads, width / heads]), [1, 0, 2]);
  };
  const attention = (x: Value): Value => {
    const joined = m.linear(x, 3 * width);
    const [q, k, v] = [0, 1, 2].map((part) => split(joined, part));
    const scores = m.scale(m.matmul(q!, k!, { transposeB: true }), 1 / Math.sqrt(width / heads));
    const mixed = m.matmul(m.softmax(m.add(scores, causal)), v!);
    return m.linear(m.reshape(m.transpose(mixed, [1, 0, 2]), [tokens, width]), width);
  };
  const perceptron = (x: Value): Value => {
    const wide = m.apply('gelu', [m.linear(x, 4 * width)], { approximate: 'tanh' })[0]!;
    return m.linear(wide, width);
  };
  const words = m.parameter('wte', [vocabulary, width]);
  const positions = m.parameter('wpe', [tokens, width]);
  let h = m.add(m.apply('gather', [words, m.input('tokens', [tokens], 'i64')], { axis: 0 })[0]!, positions);
  for (let layer = 0; layer < layers; layer++) {
    h = m.add(h, attention(m.layerNorm(h)));
    h = m.add(h, perceptron(m.layerNorm(h)));
  }
  const logits = m.matmul(m.layerNorm(h), words, { transposeB: true });
  m.loss(m.crossEntropy(logits, m.input('next', [tokens], 'i64')));
  return m.finish();
}
