/**
 * A U-Net: its long skip connections leave no articulation point in the middle, so `memory` cuts at separators of
 * several values.
 */
import { ModelBuilder, type Value } from '../src/index.ts';
import { compare, isMain } from './compare.ts';

const m = new ModelBuilder('unet');

function twice(x: Value, channels: number): Value {
  const a = m.relu(m.batchNorm(m.conv2d(x, channels, 3)));
  return m.relu(m.batchNorm(m.conv2d(a, channels, 3)));
}

const skips: Value[] = [];
let h = m.input('images', [2, 3, 32, 32]);
for (const channels of [8, 16, 32]) {
  const level = twice(h, channels);
  skips.push(level);
  h = m.maxPool2d(level, 2);
}
h = twice(h, 64);
for (const channels of [32, 16, 8]) h = twice(m.concat([m.upsample2d(h, channels), skips.pop()!], 1), channels);
const logits = m.conv2d(h, 4, 1, { bias: true });
m.loss(m.crossEntropy(logits, m.input('labels', [2, 32, 32], 'i64')));
export const model = m.finish();

if (isMain(import.meta.url)) compare(model, ['memory', 'speed', 'recursive']);
