/**
 * Operators of onnxruntime, and rotary embeddings, against their definitions, written out here in double precision. What
 * onnxruntime itself gives is compared in ort.test.ts, gradients in random-gradients.test.ts.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import { floats, input, modelBytes, node } from '../onnx-models.ts';

const ms = (name: string): string => `com.microsoft.${name}`;

/** Runs one node; operands that are undefined are left out. */
function run(
  operator: string,
  tensors: readonly (Tensor | undefined)[],
  attributes: Parameters<typeof node>[3] = {},
  { opset = 17, outputs = 1 } = {},
): readonly Tensor[] {
  const elements = { f32: DataType.FLOAT, i64: DataType.INT64, i32: DataType.INT32, bool: DataType.BOOL };
  const names = tensors.map((tensor, i) => (tensor === undefined ? '' : `x${i}`));
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const inputs = tensors.flatMap((tensor, i) => {
    if (tensor === undefined) return [];
    const { dtype, shape } = tensor.type;
    if (dtype !== 'f32' && dtype !== 'i64' && dtype !== 'i32' && dtype !== 'bool') throw new Error('not a test type');
    return [input(names[i]!, shape, elements[dtype])];
  });
  const given = new Map(tensors.flatMap((tensor, i) => (tensor === undefined ? [] : [[names[i]!, tensor] as const])));
  const bytes = modelBytes({ nodes: [node(operator, names, results, attributes)], inputs, outputs: results, opset });
  const values = evaluateGraph(importOnnx(bytes).model, given);
  return results.map((name) => values.get(name)!);
}

const size = (shape: readonly number[]): number => shape.reduce((all, extent) => all * extent, 1);
const wave = (...shape: readonly number[]): Tensor =>
  floats(shape, ...Array.from({ length: size(shape) }, (_, i) => Math.sin(i * 1.7 + shape.length + i * i * 0.01)));
const ints = (shape: readonly number[], ...data: readonly number[]): Tensor => ({
  type: { dtype: 'i32', shape },
  data,
});

function expectClose(tensor: Tensor | undefined, expected: readonly number[]): void {
  expect(tensor!.data.length).toBe(expected.length);
  Array.from(tensor!.data).forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `element ${i}: ${x}, not ${expected[i]}`).toBeLessThan(
      2e-6 * Math.max(1, Math.abs(expected[i]!)),
    );
  });
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** Abramowitz and Stegun 7.1.5, summed until nothing is added. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));

/** Rows of `width`, each less its mean (unless `centred` is false) over its deviation, times scale, plus bias. */
function normalized(
  x: readonly number[],
  scale: Tensor,
  bias: Tensor | undefined,
  epsilon: number,
  centred = true,
): number[] {
  const width = scale.data.length;
  return x.map((value, i) => {
    const row = x.slice(i - (i % width), i - (i % width) + width);
    const mean = centred ? row.reduce((sum, v) => sum + v, 0) / width : 0;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
    return ((value - mean) / Math.sqrt(variance + epsilon)) * scale.data[i % width]! + (bias?.data[i % width] ?? 0);
  });
}

/** The mixture of values for head h of query i in sequence b; `score` adds to the scaled products. Zeros if all is closed. */
function attention(
  q: (b: number, i: number, k: number) => number,
  keys: (b: number, j: number, k: number) => number,
  values: (b: number, j: number, k: number) => number,
  e: { batch: number; queries: number; total: number; heads: number; size: number; width: number },
  score: (b: number, h: number, i: number, j: number) => number,
  scale = 1 / Math.sqrt(e.size),
): number[] {
  const out: number[] = [];
  for (const b of range(e.batch))
    for (const i of range(e.queries))
      for (const h of range(e.heads)) {
        const scores = range(e.total).map(
          (j) =>
            scale * range(e.size).reduce((sum, k) => sum + q(b, i, h * e.size + k) * keys(b, j, h * e.size + k), 0) +
            score(b, h, i, j),
        );
        const top = Math.max(...scores);
        const shares = scores.map((s) => (top === -Infinity ? 0 : Math.exp(s - top)));
        const all = shares.reduce((sum, s) => sum + s, 0);
        for (const k of range(e.width))
          out.push(
            all === 0
              ? 0
              : range(e.total).reduce((sum, j) => sum + (shares[j]! / all) * values(b, j, h * e.width + k), 0),
          );
      }
  return out;
}

describe('Attention of com.microsoft', () => {
  const e = { batch: 2, queries: 3, total: 3, heads: 2, size: 2, width: 3 };
  const [x, weights, bias] = [wave(2, 3, 4), wave(4, 14), wave(14)];
  const projected = (b: number, i: number, k: number): number =>
    range(4).reduce((sum, c) => sum + x.data[(b * 3 + i) * 4 + c]! * weights.data[c * 14 + k]!, bias.data[k]!);
  const expected = (score: (b: number, h: number, i: number, j: number) => number, scale?: number): number[] =>
    attention(
      projected,
      (b, j, k) => projected(b, j, 4 + k),
      (b, j, k) => projected(b, j, 8 + k),
      e,
      score,
      scale,
    );
  const attributes = { num_heads: 2, qkv_hidden_sizes: [4, 4, 6] };
  const filter = -10000;
  const mask = [1, 1, 0, 0, 1, 1];

  it('projects, divides into heads, and mixes', () => {
    const [y] = run(ms('Attention'), [x, weights, bias], attributes);
    expect(y!.type.shape).toEqual([2, 3, 6]);
    expectClose(
      y,
      expected(() => 0),
    );
    expectClose(
      run(ms('Attention'), [x, weights, bias], { ...attributes, scale: { float: 0.25 } })[0],
      expected(() => 0, 0.25),
    );
    const narrow = [x, wave(4, 12)];
    expect(run(ms('Attention'), narrow, { num_heads: 2 })[0]!.type.shape).toEqual([2, 3, 4]);
  });

  it.each<[string, Tensor, (b: number, i: number, j: number) => boolean]>([
    ['of lengths', ints([2], 2, 3), (b, _, j) => j < [2, 3][b]!],
    ['of ends and starts', ints([4], 2, 3, 0, 1), (b, _, j) => j < [2, 3][b]! && j >= [0, 1][b]!],
    ['of keys', ints([2, 3], ...mask), (b, _, j) => mask[b * 3 + j] === 1],
    [
      'of queries and keys',
      ints([2, 3, 3], 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1),
      (b, i, j) => [1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1][(b * 3 + i) * 3 + j] === 1,
    ],
    [
      'of the longest',
      ints([2, 1, 4, 4], ...range(32).map((i) => (i % 4 <= Math.floor(i / 4) % 4 ? 1 : 0))),
      (_, i, j) => j <= i,
    ],
  ])('takes a mask %s', (_, given, open) => {
    const [y] = run(ms('Attention'), [x, weights, bias, given], attributes);
    expectClose(
      y,
      expected((b, __, i, j) => (open(b, i, j) ? 0 : filter)),
    );
  });

  it('adds a bias of scores, and masks what comes later', () => {
    const scores = wave(1, 2, 3, 3);
    const operands = [x, weights, bias, undefined, undefined, scores];
    const [y] = run(ms('Attention'), operands, { ...attributes, unidirectional: 1 });
    expectClose(
      y,
      expected((_, h, i, j) => (j > i ? -Infinity : scores.data[(h * 3 + i) * 3 + j]!)),
    );
  });

  it('refuses by name what it has not', () => {
    const past = wave(2, 2, 2, 1, 2);
    expect(() => run(ms('Attention'), [x, weights, bias, undefined, past], attributes)).toThrow(
      'com.microsoft.Attention: operand 4 (past) is not supported',
    );
    expect(() => run(ms('Attention'), [x, weights, bias], attributes, { outputs: 2 })).toThrow('output 1 (present)');
    expect(() => run(ms('Attention'), [x, weights, bias], { ...attributes, do_rotary: 1 })).toThrow('do_rotary');
    expect(() => run(ms('Attention'), [x, weights, bias, ints([8], ...range(8))], attributes)).toThrow('a mask of [8]');
    expect(() => run(ms('Attention'), [x, weights, bias], { num_heads: 3 })).toThrow('do not make up');
    expect(() => run(ms('Attention'), [x, weights, bias])).toThrow('num_heads is left out');
  });
});

describe('MultiHeadAttention', () => {
  const e = { batch: 2, queries: 2, total: 3, heads: 2, size: 2, width: 3 };
  const [q, k, v, bias] = [wave(2, 2, 4), wave(2, 3, 4), wave(2, 3, 6), wave(14)];
  const at = (x: Tensor, rows: number, width: number, from?: number) => (b: number, i: number, c: number) =>
    x.data[(b * rows + i) * width + c]! + (from === undefined ? 0 : bias.data[from + c]!);

  it('of queries, keys and values apart, with their bias and masks', () => {
    const keys = ints([2, 3], 1, 0, 1, 1, 1, 0);
    const scores = wave(2, 1, 2, 3);
    const results = run(ms('MultiHeadAttention'), [q, k, v, bias, keys, scores], { num_heads: 2 }, { outputs: 3 });
    expect(results.map((result) => result.type.shape)).toEqual([
      [2, 2, 6],
      [2, 2, 3, 2],
      [2, 2, 3, 3],
    ]);
    expectClose(
      results[0],
      attention(
        at(q, 2, 4, 0),
        at(k, 3, 4, 4),
        at(v, 3, 6, 8),
        e,
        (b, _, i, j) => scores.data[(b * 2 + i) * 3 + j]! + (keys.data[b * 3 + j] === 1 ? 0 : -10000),
      ),
    );
  });

  it('of packed operands', () => {
    const packed = wave(1, 2, 2, 3, 2);
    const part = (which: number) => (_: number, i: number, c: number) =>
      packed.data[((i * 2 + Math.floor(c / 2)) * 3 + which) * 2 + (c % 2)]!;
    const all = { batch: 1, queries: 2, total: 2, heads: 2, size: 2, width: 2 };
    const expected = attention(part(0), part(1), part(2), all, () => 0);
    expectClose(run(ms('MultiHeadAttention'), [packed], { num_heads: 2 })[0], expected);
  });

  it('gives zeros to a query that may look nowhere', () => {
    const closed = floats([1, 1, 2, 3], 0, 0, 0, -Infinity, -Infinity, -Infinity);
    const [y] = run(ms('MultiHeadAttention'), [q, k, v, undefined, undefined, closed], { num_heads: 2 });
    expectClose(
      y,
      attention(at(q, 2, 4), at(k, 3, 4), at(v, 3, 6), e, (_, __, i) => (i === 1 ? -Infinity : 0)),
    );
    expect(Array.from(y!.data).slice(6, 12)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('refuses by name what it has not', () => {
    const past = [wave(2, 2, 1, 2), wave(2, 2, 1, 3)];
    expect(() =>
      run(ms('MultiHeadAttention'), [q, k, v, undefined, undefined, undefined, ...past], { num_heads: 2 }),
    ).toThrow('operand 6 (past_key) is not supported');
  });
});

describe('normalizations', () => {
  const [x, skip, scale, bias, extra] = [wave(2, 3, 4), wave(3, 4), wave(4), floats([4], 1, -2, 3, 0.5), wave(4)];
  const sum = Array.from(x.data, (value, i) => value + skip.data[i % 12]! + extra.data[i % 4]!);

  it('SkipLayerNormalization', () => {
    const [y, mean, , whole] = run(ms('SkipLayerNormalization'), [x, skip, scale, bias, extra], {}, { outputs: 4 });
    expectClose(y, normalized(sum, scale, bias, 1e-12));
    expectClose(whole, sum);
    expectClose(
      mean,
      range(6).map((row) => sum.slice(4 * row, 4 * row + 4).reduce((a, b) => a + b) / 4),
    );
    const epsilon = { epsilon: { float: 0.5 } };
    expectClose(
      run(ms('SkipLayerNormalization'), [x, x, scale], epsilon)[0],
      normalized(
        Array.from(x.data, (v) => 2 * v),
        scale,
        undefined,
        0.5,
      ),
    );
  });

  it('SkipSimplifiedLayerNormalization and SimplifiedLayerNormalization', () => {
    const results = run(ms('SkipSimplifiedLayerNormalization'), [x, skip, scale, extra], { epsilon: { float: 0.1 } });
    expectClose(results[0], normalized(sum, scale, undefined, Math.fround(0.1), false));
    for (const operator of ['SimplifiedLayerNormalization', ms('SimplifiedLayerNormalization')])
      expectClose(
        run(operator, [x, scale])[0],
        normalized(Array.from(x.data), scale, undefined, Math.fround(1e-5), false),
      );
  });

  it('LayerNormalization before opset 17, as onnxruntime writes it', () => {
    expectClose(
      run('LayerNormalization', [x, scale, bias], {}, { opset: 13 })[0],
      normalized(Array.from(x.data), scale, bias, 1e-5),
    );
  });

  it('EmbedLayerNormalization, with and without segments, mask and positions', () => {
    const [words, places, kinds] = [wave(5, 4), wave(6, 4), wave(2, 4)];
    const ids = ints([2, 3], 4, 0, 2, 1, 1, 3);
    const segments = ints([2, 3], 0, 1, 1, 0, 0, 1);
    const positions = ints([2, 3], 5, 4, 3, 0, 0, 2);
    const mask = ints([2, 3], 1, 1, 0, 1, 0, 0);
    const embedded = (withSegments: boolean, place: (i: number) => number): number[] =>
      range(24).map((i) => {
        const at = Math.floor(i / 4);
        const row = (table: Tensor, index: number): number => table.data[4 * index + (i % 4)]!;
        return row(words, ids.data[at]!) + row(places, place(at)) + (withSegments ? row(kinds, segments.data[at]!) : 0);
      });
    const full = [ids, segments, words, places, kinds, scale, bias, mask, positions];
    const [y, index, all] = run(ms('EmbedLayerNormalization'), full, {}, { outputs: 3 });
    const expected = embedded(true, (i) => positions.data[i]!);
    expectClose(y, normalized(expected, scale, bias, 1e-12));
    expect(index).toEqual({ type: { dtype: 'i32', shape: [2] }, data: Int32Array.of(2, 1) });
    expectClose(all, expected);
    const plain = [ids, undefined, words, places, undefined, scale, bias];
    const [short, none] = run(ms('EmbedLayerNormalization'), plain, {}, { outputs: 2 });
    expectClose(
      short,
      normalized(
        embedded(false, (i) => i % 3),
        scale,
        bias,
        1e-12,
      ),
    );
    expect(Array.from(none!.data)).toEqual([0, 0]);
    expect(() => run(ms('EmbedLayerNormalization'), [ids, segments, ...plain.slice(2)])).toThrow(
      'segment_embedding is left out',
    );
  });
});

describe('activations', () => {
  const [x, bias] = [wave(2, 4), wave(4)];
  const biased = Array.from(x.data, (value, i) => value + bias.data[i % 4]!);
  const tanhGelu = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
  it.each<[string, readonly Tensor[], Parameters<typeof node>[3], readonly number[]]>([
    ['Gelu', [x], {}, Array.from(x.data, gelu)],
    ['BiasGelu', [x, bias], {}, biased.map(gelu)],
    ['FastGelu', [x], {}, Array.from(x.data, tanhGelu)],
    ['FastGelu', [x, bias], {}, biased.map(tanhGelu)],
    ['QuickGelu', [x], {}, Array.from(x.data, (v) => v / (1 + Math.exp(-1.702 * v)))],
    ['QuickGelu', [x], { alpha: { float: 0.5 } }, Array.from(x.data, (v) => v / (1 + Math.exp(-0.5 * v)))],
    ['BiasSplitGelu', [x, bias], {}, [0, 1, 4, 5].map((i) => biased[i]! * gelu(biased[i + 2]!))],
    ['BiasAdd', [x, bias, x], {}, biased.map((v, i) => v + x.data[i]!)],
  ])('%s', (operator, operands, attributes, expected) => {
    expectClose(run(ms(operator), operands, attributes)[0], expected);
  });
});

describe('fused products', () => {
  it('FusedMatMul transposes the last two dimensions, or moves the first before the last', () => {
    const [a, b] = [wave(3, 2, 4), wave(5, 2, 3)];
    // [batch, rows, inner] by [batch, columns, inner]
    const [y] = run(ms('FusedMatMul'), [a, b], {
      transA: 1,
      transBatchA: 1,
      transB: 1,
      transBatchB: 1,
      alpha: { float: 0.5 },
    });
    expect(y!.type.shape).toEqual([2, 4, 5]);
    const expected = range(40).map((i) => {
      const [n, r, c] = [Math.floor(i / 20), Math.floor(i / 5) % 4, i % 5];
      return 0.5 * range(3).reduce((sum, k) => sum + a.data[(k * 2 + n) * 4 + r]! * b.data[(c * 2 + n) * 3 + k]!, 0);
    });
    expectClose(y, expected);
    expect(run(ms('TransposeMatMul'), [wave(2, 3), wave(2, 4)], { transA: 1 })[0]!.type.shape).toEqual([3, 4]);
    expect(() => run(ms('FusedMatMul'), [wave(2, 3), wave(3, 4)], { transBatchA: 1 })).toThrow('transBatchA');
  });

  it('FusedGemm and FusedConv end in their activation', () => {
    const gemm = run('Gemm', [wave(2, 3), wave(3, 4), wave(4)], { alpha: { float: 0.5 } })[0]!;
    const fused = (attributes: Parameters<typeof node>[3]): Tensor =>
      run(ms('FusedGemm'), [wave(2, 3), wave(3, 4), wave(4)], { alpha: { float: 0.5 }, ...attributes })[0]!;
    expectClose(
      fused({ activation: 'Relu' }),
      Array.from(gemm.data, (x) => Math.max(0, x)),
    );
    expectClose(fused({ activation: 'Tanh' }), Array.from(gemm.data, Math.tanh));
    expectClose(
      fused({ activation: 'LeakyRelu', activation_alpha: { float: 0.5 } }),
      Array.from(gemm.data, (x) => (x < 0 ? x / 2 : x)),
    );
    expect(() => fused({ activation: 'Softsign' })).toThrow('unknown activation "Softsign"');
    const [x, w, bias, z] = [wave(1, 2, 4, 4), wave(3, 2, 3, 3), wave(3), wave(1, 3, 2, 2)];
    const conv = run('Conv', [x, w, bias])[0]!;
    const ended = (attributes: Parameters<typeof node>[3], ...more: readonly Tensor[]): Tensor =>
      run(ms('FusedConv'), [x, w, bias, ...more], attributes)[0]!;
    expectClose(
      ended({ activation: 'Sigmoid' }),
      Array.from(conv.data, (v) => 1 / (1 + Math.exp(-v))),
    );
    const summed = Array.from(conv.data, (v, i) => v + z.data[i]!);
    expectClose(
      ended({ activation: 'Clip', activation_params: { floats: [-0.5, 1] } }, z),
      summed.map((v) => Math.min(1, Math.max(-0.5, v))),
    );
    expectClose(
      ended({ activation: 'HardSigmoid', activation_params: { floats: [0.5, 0.25] } }),
      Array.from(conv.data, (v) => Math.min(1, Math.max(0, 0.5 * v + 0.25))),
    );
    expect(() => ended({ activation: 'Clip' })).toThrow('lacks bounds');
  });
});

describe('RotaryEmbedding', () => {
  const [heads, length, width] = [2, 3, 6];
  const x = wave(2, heads, length, width);
  /** Pairs (first, second) of x at head h, turned by row `row` of cosines and sines. */
  const turned = (
    pairs: number,
    interleaved: boolean,
    row: (b: number, i: number) => number,
    cos: Tensor,
    sin: Tensor,
  ): number[] =>
    range(2 * heads * length * width).map((at) => {
      const [b, i, n] = [Math.floor(at / (heads * length * width)), Math.floor(at / width) % length, at % width];
      if (n >= 2 * pairs) return x.data[at]!;
      const pair = interleaved ? n >> 1 : n % pairs;
      const second = interleaved ? n % 2 === 1 : n >= pairs;
      const start = at - n;
      const [p, q] = interleaved
        ? [x.data[start + 2 * pair]!, x.data[start + 2 * pair + 1]!]
        : [x.data[start + pair]!, x.data[start + pair + pairs]!];
      const place = row(b, i) * pairs + pair;
      return second ? p * sin.data[place]! + q * cos.data[place]! : p * cos.data[place]! - q * sin.data[place]!;
    });
  /** [batch, heads, length, width] as [batch, length, heads * width], and what is computed of it. */
  const flattened = (data: ArrayLike<number>): number[] =>
    range(data.length).map((at) => {
      const [b, i, h, n] = [Math.floor(at / 36), Math.floor(at / 12) % 3, Math.floor(at / 6) % 2, at % 6];
      return data[((b * 2 + h) * 3 + i) * 6 + n]!;
    });
  const positions: Tensor = { type: { dtype: 'i64', shape: [2, 3] }, data: [4, 0, 2, 1, 1, 3] };
  const at = (b: number, i: number): number => positions.data[b * 3 + i]!;

  it.each([0, 1])('of neighbours or halves, whole or in part: interleaved %i', (interleaved) => {
    const [cos, sin] = [wave(5, 3), floats([5, 3], ...range(15).map((i) => Math.cos(i)))];
    const attributes = { interleaved };
    expectClose(
      run('RotaryEmbedding', [x, cos, sin, positions], attributes, { opset: 23 })[0],
      turned(3, interleaved === 1, at, cos, sin),
    );
    const part = { interleaved, rotary_embedding_dim: 4, num_heads: 2 };
    const [cos2, sin2] = [wave(2, 3, 2), floats([2, 3, 2], ...range(12).map((i) => Math.cos(i)))];
    const expected = turned(2, interleaved === 1, (b, i) => b * 3 + i, cos2, sin2);
    expectClose(run('RotaryEmbedding', [x, cos2, sin2], part, { opset: 23 })[0], expected);
    const flat = floats([2, 3, 12], ...flattened(x.data));
    expectClose(run('RotaryEmbedding', [flat, cos2, sin2], part, { opset: 23 })[0], flattened(expected));
  });

  it('of com.microsoft counts from the first position', () => {
    const [cos, sin] = [wave(5, 3), floats([5, 3], ...range(15).map((i) => Math.cos(i)))];
    const first: Tensor = { type: { dtype: 'i64', shape: [1] }, data: [2] };
    const flat = floats([2, 3, 12], ...flattened(x.data));
    expectClose(
      run(ms('RotaryEmbedding'), [flat, first, cos, sin])[0],
      flattened(turned(3, false, (_, i) => i + 2, cos, sin)),
    );
    expectClose(
      run(ms('RotaryEmbedding'), [x, positions, cos, sin], { interleaved: 1 })[0],
      turned(3, true, at, cos, sin),
    );
    expect(() => run(ms('RotaryEmbedding'), [x, positions, cos, sin], { is_packed_batching: 1 })).toThrow(
      'is_packed_batching',
    );
    expect(() => run(ms('RotaryEmbedding'), [x, positions, cos, sin], { scale: { float: 2 } })).toThrow(
      'a scale other than 1',
    );
  });

  it('refuses sines that do not fit', () => {
    expect(() => run('RotaryEmbedding', [x, wave(5, 2), wave(5, 2), positions], {}, { opset: 23 })).toThrow(
      'turns 6 numbers',
    );
    expect(() => run('RotaryEmbedding', [x, wave(5, 3), wave(5, 3)], {}, { opset: 23 })).toThrow('need rank 3');
  });
});
