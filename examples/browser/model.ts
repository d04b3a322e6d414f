/** What the page trains: points of two spirals, told apart by a small perceptron with recomputation. */
import { ModelBuilder } from '../../src/index.ts';

export const batch = 128;

const m = new ModelBuilder('spirals', { seed: 3 });
let h = m.input('points', [batch, 2]);
for (let layer = 0; layer < 6; layer++) h = m.tanh(m.linear(h, 24));
m.loss(m.crossEntropy(m.linear(h, 2), m.input('labels', [batch], 'i64')));
export const model = m.finish();
