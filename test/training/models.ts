/** Small models for the tests of training: a perceptron, a convolutional net with batch norm and dropout, a transformer. */
import { allocateArray } from '../../runtime/memory.ts';
import { rngInput } from '../../src/analysis/rng-input.ts';
import { type BuiltModel, ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { elementCount, type Tensor, type Value } from '../../src/ir/graph.ts';
import { randomSource } from '../random-model.ts';

export function mlp(batch = 8): BuiltModel {
  const m = new ModelBuilder('mlp', { seed: 1 });
  let h = m.input('x', [batch, 6]);
  for (let layer = 0; layer < 6; layer++) h = m.tanh(m.linear(h, 8));
  const logits = m.output(m.linear(h, 3), 'logits');
  m.loss(m.crossEntropy(logits, m.input('labels', [batch], 'i64')));
  return m.finish();
}

export function cnn(batch = 4): BuiltModel {
  const m = new ModelBuilder('cnn', { seed: 2 });
  let h = m.input('x', [batch, 1, 8, 8]);
  for (const channels of [3, 4, 4]) h = m.relu(m.batchNorm(m.conv2d(h, channels, 3)));
  h = m.dropout(m.globalAveragePool(m.maxPool2d(h, 2)), 0.25);
  const logits = m.output(m.linear(h, 3), 'logits');
  m.loss(m.crossEntropy(logits, m.input('labels', [batch], 'i64')));
  return m.finish();
}

export function transformer(batch = 2): BuiltModel {
  const m = new ModelBuilder('transformer', { seed: 3 });
  const [length, width, heads] = [5, 8, 2];
  let h = m.embedding(m.input('tokens', [batch, length], 'i64'), 11, width);
  const split = (x: Value): Value => m.transpose(m.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
  for (let layer = 0; layer < 2; layer++) {
    const n = m.layerNorm(h);
    const [q, k, v] = [0, 1, 2].map(() => split(m.linear(n, width)));
    const weights = m.softmax(m.scale(m.matmul(q!, k!, { transposeB: true }), Math.sqrt(heads / width)));
    const mixed = m.reshape(m.transpose(m.matmul(weights, v!), [0, 2, 1, 3]), [batch, length, width]);
    h = m.add(h, m.dropout(m.linear(mixed, width), 0.1));
    h = m.add(h, m.linear(m.gelu(m.linear(m.layerNorm(h), 2 * width)), width));
  }
  const logits = m.output(m.linear(m.layerNorm(h), 11), 'logits');
  m.loss(m.crossEntropy(m.transpose(logits, [0, 2, 1]), m.input('labels', [batch, length], 'i64')));
  return m.finish();
}

const bounds: Readonly<Record<string, number>> = { labels: 3, tokens: 11 };

/** A batch for every input of the model but the seed and the learning rate; another one for each `index`. */
export function batchOf(model: BuiltModel, index: number): Map<string, Tensor> {
  const random = randomSource(1000 + index);
  const tensors = new Map<string, Tensor>();
  for (const { name, type } of model.graph.inputs) {
    if (name === rngInput) continue;
    const data = allocateArray(type.dtype, elementCount(type.shape));
    for (let i = 0; i < data.length; i++)
      data[i] = type.dtype === 'f32' ? 2 * random() - 1 : Math.floor(random() * (bounds[name] ?? 2));
    tensors.set(name, { type, data });
  }
  return tensors;
}
