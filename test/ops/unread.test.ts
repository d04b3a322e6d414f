/**
 * A gradient of 0 counts for nothing: whatever an op was applied to, infinities and NaN too, zeros come back where
 * zeros came in. Walks the op table on both backends.
 */
import { describe, expect, it } from 'vitest';
import type { Attributes, Tensor } from '../../src/ir/graph.ts';
import { opNamed, ops } from '../../src/ops/table.ts';
import { drawOperands, drawTensor, numbers } from '../op-check.ts';
import { backends, gradientsOn } from './backends.ts';

/**
 * Ops that do give NaN, as in PyTorch: a sum over many terms would have to ask each of them, in the innermost loops. What
 * is to be hidden from a product has to be hidden before it.
 */
const exceptions: ReadonlyMap<string, string> = new Map([
  ['matmul', 'its gradients are products of matrices'],
  ['conv', 'its gradients are sums of products over windows'],
  ['conv_transpose', 'its gradients are sums of products over windows'],
]);

const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 3e38, 1e-40];

/** The tensor with most of its floats replaced by special ones. */
function spoiled(tensor: Tensor, next: () => number): Tensor {
  if (tensor.type.dtype !== 'f32') return tensor;
  const data = Array.from(tensor.data, (value) =>
    next() < 0.8 ? special[Math.floor(next() * special.length)]! : value,
  );
  return { type: tensor.type, data };
}

const zeros = ({ type, data }: Tensor): Tensor => ({ type, data: Array.from(data, () => 0) });

const differentiable = [...ops.values()].filter((op) => op.gradient !== undefined);

describe.each(backends)('on the $name backend', (backend) => {
  it.each(differentiable.map((op) => [op.name, op] as const))('%s takes nothing from what nobody reads', (name, op) => {
    let broken = 0;
    op.examples.forEach((example, i) => {
      if (!example.operands.some(({ dtype }) => dtype === 'f32')) return;
      for (let seed = 0; seed < 4; seed++) {
        const next = numbers(100 * i + seed);
        const operands = drawOperands(example, 17 * i + seed).map((tensor) => spoiled(tensor, next));
        for (const gradient of gradientsOn(backend, op, operands, example.attributes, zeros)) {
          if (gradient === undefined) continue;
          const bad = Array.from(gradient.data).filter((value) => value !== 0);
          if (exceptions.has(name)) broken += bad.length;
          else expect(bad, `${JSON.stringify(operands.map(({ data }) => Array.from(data)))}`).toEqual([]);
        }
      }
    });
    if (exceptions.has(name)) expect(broken, 'an exception that is none any more').toBeGreaterThan(0);
  });

  const rows: readonly (readonly [string, Attributes, readonly (readonly number[])[]])[] = [
    ['softmax', { axis: 1 }, [[6, 7]]],
    ['masked_softmax', { axis: 1 }, [[6, 7]]],
    ['log_softmax', { axis: 1 }, [[6, 7]]],
    ['softmax', { axis: 1 }, [[2, 7, 3]]],
    ['log_softmax', { axis: 1 }, [[2, 7, 3]]],
    ['layer_norm', { axis: 1, epsilon: 1e-5 }, [[6, 7], [7], [7]]],
    ['rms_norm', { axis: 1, epsilon: 1e-5 }, [[6, 7], [7]]],
    ['group_norm', { groups: 2, epsilon: 1e-5 }, [[2, 4, 5], [4], [4]]],
    ['lrn', { size: 3, alpha: 0.5, beta: 0.75, bias: 1 }, [[3, 4, 5]]],
    ['reduce_prod', { axes: [1], keep_dims: false }, [[4, 5]]],
    ['reduce_max', { axes: [1], keep_dims: false }, [[4, 5]]],
  ];
  it.each(rows)('%s %j: a row of NaN that nobody reads leaves the others as they are', (name, attributes, shapes) => {
    const next = numbers(5);
    const clean = shapes.map((shape) => drawTensor({ dtype: 'f32', shape }, next, [0.5, 2]));
    const [x, ...others] = clean;
    const hidden = (k: number): boolean => k < x!.data.length / x!.type.shape[0]!;
    const spoilt = { type: x!.type, data: Array.from(x!.data, (value, k) => (hidden(k) ? Number.NaN : value)) };
    const cotangent = ({ type, data }: Tensor): Tensor => ({
      type,
      data: Array.from(data, (_, k) => (k < data.length / type.shape[0]! ? 0 : Math.sin(k + 1))),
    });
    const wanted = gradientsOn(backend, opNamed(name), clean, attributes, cotangent);
    const got = gradientsOn(backend, opNamed(name), [spoilt, ...others], attributes, cotangent);
    expect(got.map((gradient) => Array.from(gradient!.data))).toEqual(
      wanted.map((gradient) => Array.from(gradient!.data)),
    );
    expect(Array.from(wanted[0]!.data).some((value) => value !== 0)).toBe(true);
  });
});
