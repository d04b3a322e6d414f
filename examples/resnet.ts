/**
 * A small residual network for 32x32 images. Batch norm runs in training mode: its statistics are state, moved once a
 * step by a node that is never recomputed.
 */
import { ModelBuilder, type Value } from '../src/index.ts';
import { compare, isMain } from './compare.ts';

const m = new ModelBuilder('resnet');

function block(x: Value, channels: number, stride: number): Value {
  const a = m.relu(m.batchNorm(m.conv2d(x, channels, 3, { stride })));
  const b = m.batchNorm(m.conv2d(a, channels, 3));
  const same = stride === 1 && x.type.shape[1] === channels;
  const shortcut = same ? x : m.batchNorm(m.conv2d(x, channels, 1, { stride, padding: 0 }));
  return m.relu(m.add(b, shortcut));
}

let h = m.relu(m.batchNorm(m.conv2d(m.input('images', [4, 3, 32, 32]), 8, 3)));
for (const [channels, stride] of [
  [8, 1],
  [8, 1],
  [16, 2],
  [16, 1],
  [32, 2],
  [32, 1],
] as const)
  h = block(h, channels, stride);
m.loss(m.crossEntropy(m.linear(m.globalAveragePool(h), 10), m.input('labels', [4], 'i64')));
export const model = m.finish();

if (isMain(import.meta.url)) compare(model, ['memory', 'speed', 'recursive']);
