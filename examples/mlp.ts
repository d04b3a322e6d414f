/**
 * A deep multilayer perceptron: the plainest case. Thirty equal layers; `memory` keeps about every fifth, and marks by
 * hand do the same under `manual`.
 */
import { ModelBuilder } from '../src/index.ts';
import { compare, isMain } from './compare.ts';

const m = new ModelBuilder('mlp');
let h = m.input('x', [512, 32]);
for (let layer = 1; layer <= 30; layer++) {
  h = m.tanh(m.linear(h, 32));
  if (layer % 6 === 0) m.checkpoint(h);
}
m.loss(m.crossEntropy(m.linear(h, 10), m.input('labels', [512], 'i64')));
export const model = m.finish();

if (isMain(import.meta.url)) compare(model, ['memory', 'manual', 'speed', 'recursive']);
