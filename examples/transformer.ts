/** A causal transformer of four blocks: attention, layer norm, gelu, dropout that a recomputation draws alike. */
import { ModelBuilder, type Value } from '../src/index.ts';
import { compare, isMain } from './compare.ts';

const [batch, length, width, heads, vocabulary] = [2, 16, 32, 4, 50];
const m = new ModelBuilder('transformer');

const mask = new Float32Array(length * length);
for (let i = 0; i < length; i++) for (let j = i + 1; j < length; j++) mask[i * length + j] = -1e9;
const causal = m.constant([length, length], mask);

function attention(x: Value): Value {
  const split = (part: Value): Value =>
    m.transpose(m.reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
  const [q, k, v] = [m.linear(x, width), m.linear(x, width), m.linear(x, width)].map(split);
  const scores = m.scale(m.matmul(q!, k!, { transposeB: true }), 1 / Math.sqrt(width / heads));
  const weights = m.softmax(m.add(scores, causal));
  const mixed = m.reshape(m.transpose(m.matmul(weights, v!), [0, 2, 1, 3]), [batch, length, width]);
  return m.dropout(m.linear(mixed, width), 0.1);
}

function block(x: Value): Value {
  const h = m.add(x, attention(m.layerNorm(x)));
  return m.add(h, m.linear(m.gelu(m.linear(m.layerNorm(h), 4 * width)), width));
}

let h = m.embedding(m.input('tokens', [batch, length], 'i64'), vocabulary, width);
for (let layer = 0; layer < 4; layer++) h = block(h);
const logits = m.reshape(m.linear(m.layerNorm(h), vocabulary), [batch * length, vocabulary]);
m.loss(m.crossEntropy(logits, m.input('next', [batch * length], 'i64')));
export const model = m.finish();

if (isMain(import.meta.url)) compare(model, ['memory', 'speed', 'recursive']);
