/** Large models for tests and benchmarks of scale: chains, and random webs of elementwise ops. */
import { type BuiltModel, ModelBuilder } from '../src/frontend/builder/model-builder.ts';
import type { Value } from '../src/ir/graph.ts';
import { randomSource } from './random-model.ts';

/** `nodes` tanh in a row on `elements` floats, and their sum as the loss. */
export function tanhChain(nodes: number, elements = 16): BuiltModel {
  const m = new ModelBuilder('chain');
  let h = m.parameter('w', [elements]);
  for (let i = 0; i < nodes; i++) h = m.tanh(h);
  m.loss(m.sum(h));
  return m.finish();
}

/** About `nodes` nodes, forward and backward: each adds or squashes some of the last 20 values, the oldest first. */
export function wideGraph(nodes: number): BuiltModel {
  const random = randomSource(nodes);
  const m = new ModelBuilder('wide');
  const recent: Value[] = Array.from({ length: 20 }, (_, i) => m.parameter(`w${i}`, [16]));
  for (let i = 0; i < nodes / 1.9; i++) {
    const oldest = recent.shift()!;
    const other = recent[Math.floor(random() * recent.length)]!;
    recent.push(random() < 0.6 ? m.add(oldest, other) : m.tanh(oldest));
  }
  m.loss(m.sum(recent.reduce((a, b) => m.add(a, b))));
  return m.finish();
}
