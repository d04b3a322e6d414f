/** A recurrent network unrolled over 40 steps: one set of weights, shared by every step, whose gradients add up. */
import { ModelBuilder } from '../src/index.ts';
import { compare, isMain } from './compare.ts';

const [batch, steps, width] = [8, 40, 32];
const m = new ModelBuilder('rnn');
const x = m.input('x', [steps, batch, width]);
const inputWeight = m.parameter('input_weight', [width, width]);
const stateWeight = m.parameter('state_weight', [width, width]);
const bias = m.parameter('bias', [width], new Float32Array(width));

let state = m.constant([batch, width], new Float32Array(batch * width));
for (let step = 0; step < steps; step++) {
  const now = m.reshape(m.slice(x, 0, step, step + 1), [batch, width]);
  state = m.tanh(m.add(m.add(m.matmul(now, inputWeight), m.matmul(state, stateWeight)), bias));
}
m.loss(m.meanSquaredError(state, m.input('target', [batch, width])));
export const model = m.finish();

if (isMain(import.meta.url)) compare(model, ['memory', 'speed', 'recursive']);
