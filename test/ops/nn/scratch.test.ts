import { describe, expect, it } from 'vitest';
import { viewMemory } from '../../../runtime/memory.ts';
import { type Attributes, alignUp, byteLength, type TensorType } from '../../../src/ir/graph.ts';
import type { Op } from '../../../src/ir/op.ts';
import { conv, convGradInput, convGradWeight } from '../../../src/ops/conv.ts';
import { convTranspose } from '../../../src/ops/conv-transpose.ts';
import { matmul } from '../../../src/ops/matmul.ts';
import { nnOps } from '../../../src/ops/nn-ops.ts';
import { f32, randomInt, seeded } from './harness.ts';

const sentinel = 0xa5;

/** Runs one application, operands zero, in a memory of sentinels; the scratch lies last, before a guard. */
function touchedScratch<A extends Attributes>(op: Op<A>, operands: readonly TensorType[], attributes: A) {
  const results = op.infer(operands, attributes);
  const application = {
    operands: operands.map((type) => ({ name: '', type })),
    results: results.map((type) => ({ name: '', type })),
    attributes,
  };
  let bytes = 0;
  const place = (size: number): number => {
    bytes += 64 + alignUp(size);
    return bytes - alignUp(size);
  };
  const operandOffsets = operands.map((type) => place(byteLength(type)));
  const resultOffsets = results.map((type) => place(byteLength(type)));
  const size = op.scratch?.(application) ?? 0;
  const scratch = place(size);
  const memory = viewMemory(new ArrayBuffer(bytes + 4096));
  memory.u8.fill(sentinel);
  operands.forEach((type, i) => {
    memory.u8.fill(0, operandOffsets[i]!, operandOffsets[i]! + byteLength(type));
  });
  const at = { operand: (i: number) => operandOffsets[i]!, result: (i: number) => resultOffsets[i]!, scratch };
  for (const { kernel, args } of op.lower(application, at)) kernel(memory, ...args);
  const allowed = new Uint8Array(memory.u8.length);
  for (const [offset, type] of [
    ...operandOffsets.map((offset, i) => [offset, operands[i]!] as const),
    ...resultOffsets.map((offset, i) => [offset, results[i]!] as const),
  ])
    allowed.fill(1, offset, offset + byteLength(type));
  let last = -1;
  let stray = -1;
  memory.u8.forEach((byte, i) => {
    if (byte === sentinel || allowed[i] === 1) return;
    if (i >= scratch && i < scratch + size) last = i;
    else stray = i;
  });
  return { size: alignUp(size), touched: alignUp(last + 1 - scratch < 0 ? 0 : last + 1 - scratch), stray };
}

describe('scratch', () => {
  it('is used to its end, and nothing beside it is written, on every example', () => {
    for (const op of nnOps)
      for (const { operands, attributes } of op.examples) {
        if (op.effect === 'state') continue;
        const { size, touched, stray } = touchedScratch(op, operands, attributes);
        expect({ op: op.name, touched, stray }).toEqual({ op: op.name, touched: size, stray: -1 });
      }
  });

  it('is used to its end by products and convolutions of any size', () => {
    const random = seeded(111);
    for (let round = 0; round < 60; round++) {
      const [m, n, k] = [randomInt(random, 1, 120), randomInt(random, 1, 40), randomInt(random, 1, 300)];
      const product = touchedScratch(matmul, [f32(m, k), f32(k, n)], { transpose_a: false, transpose_b: false });
      expect(product).toEqual({ size: product.size, touched: product.size, stray: -1 });
      const groups = randomInt(random, 1, 3);
      const list = (low: number, high: number, count = 2) =>
        Array.from({ length: count }, () => randomInt(random, low, high));
      const attributes = { strides: list(1, 3), pads: list(0, 1, 4), dilations: list(1, 2), groups };
      const w = f32(groups * randomInt(random, 1, 5), randomInt(random, 1, 4), ...list(1, 3));
      const x = f32(randomInt(random, 1, 2), w.shape[1]! * groups, ...list(6, 12));
      const [y] = conv.infer([x, w], attributes);
      const cases = [
        touchedScratch(conv, [x, w], attributes),
        touchedScratch(convGradInput, [y!, w], { ...attributes, shape: x.shape }),
        touchedScratch(convGradWeight, [x, y!], { ...attributes, shape: w.shape }),
        touchedScratch(convTranspose, [y!, w], { ...attributes, output_padding: [0, 0] }),
      ];
      for (const result of cases) expect(result).toEqual({ size: result.size, touched: result.size, stray: -1 });
    }
  });
});
