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

/** About `nodes` forward and backward nodes: each adds two of the last 20 values, or squashes one. */
export function wideGraph(nodes: number): BuiltModel {
  const random = randomSource(nodes);
  const m = new ModelBuilder('wide');
  const recent: Value[] = [m.parameter('w', [16]), m.parameter('v', [16])];
  const pick = (): Value => recent[Math.floor(random() * recent.length)]!;
  for (let i = 0; i < nodes / 2; i++) {
    recent.push(random() < 0.5 ? m.add(pick(), pick()) : m.tanh(pick()));
    if (recent.length > 20) recent.splice(Math.floor(random() * (recent.length - 1)), 1);
  }
  m.loss(m.sum(recent.reduce((a, b) => m.add(a, b))));
  return m.finish();
}
