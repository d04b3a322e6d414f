import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { type ImportedModel, importOnnx } from '../../../src/frontend/onnx/import.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
import { floats, initializer, input, integers, type ModelParts, modelBytes, node, ramp } from '../onnx-models.ts';

/** Runs one node on float tensors; names of operands are a, b, c, ... */
function run(
  opType: string,
  tensors: readonly (Tensor | undefined)[],
  attributes: Parameters<typeof node>[3] = {},
  { opset = 17, outputs = 1 } = {},
): { imported: ImportedModel; results: readonly Tensor[] } {
  const names = tensors.map((tensor, i) => (tensor === undefined ? '' : String.fromCharCode(97 + i)));
  const outputNames = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const elements = { f32: DataType.FLOAT, i64: DataType.INT64, i32: DataType.INT32, bool: DataType.BOOL };
  const inputs = tensors.flatMap((tensor, i) => {
    if (tensor === undefined) return [];
    const { dtype, shape } = tensor.type;
    if (dtype !== 'f32' && dtype !== 'i64' && dtype !== 'i32' && dtype !== 'bool') throw new Error('not a test type');
    return [input(names[i]!, shape, elements[dtype])];
  });
  const parts: ModelParts = {
    nodes: [node(opType, names, outputNames, attributes)],
    inputs,
    outputs: outputNames,
    opset,
  };
  const given = new Map(tensors.flatMap((tensor, i) => (tensor === undefined ? [] : [[names[i]!, tensor] as const])));
  const imported = importOnnx(modelBytes(parts), { given });
  const values = evaluateGraph(imported.model, given);
  return { imported, results: outputNames.map((name) => values.get(name)!) };
}

function numbers(tensor: Tensor | undefined): readonly number[] {
  return Array.from(tensor!.data, (x) => Math.round(x * 1e5) / 1e5);
}

describe('the operator table', () => {
  it('lists each operator once, sorted, with its first opset', () => {
    const names = onnxOperators.map((operator) => operator.onnx);
    expect(names).toEqual([...new Set(names)].sort());
    for (const { since } of onnxOperators) expect(since).toBeGreaterThanOrEqual(1);
  });
});

describe('defaults that depend on the opset', () => {
  const x = floats([1, 2, 2], 0, 1, 2, 3);
  it('Softmax runs over a flattened matrix before opset 13, over one axis from then on', () => {
    const soft = (values: readonly number[]) => {
      const all = values.map(Math.exp);
      const sum = all.reduce((a, b) => a + b);
      return all.map((v) => Math.round((v / sum) * 1e5) / 1e5);
    };
    expect(numbers(run('Softmax', [x], {}, { opset: 12 }).results[0])).toEqual(soft([0, 1, 2, 3]));
    expect(numbers(run('Softmax', [x], {}, { opset: 13 }).results[0])).toEqual([...soft([0, 1]), ...soft([2, 3])]);
  });

  it('axes are an attribute first and an operand later', () => {
    const early = run('ReduceSum', [x], { axes: [2], keepdims: 0 }, { opset: 12 });
    const late = run('ReduceSum', [x, integers(2)], { keepdims: 0 }, { opset: 13 });
    expect(numbers(early.results[0])).toEqual([1, 5]);
    expect(numbers(late.results[0])).toEqual([1, 5]);
    expect(run('Squeeze', [x], { axes: [0] }, { opset: 12 }).results[0]!.type.shape).toEqual([2, 2]);
    expect(run('Squeeze', [x, integers(0)], {}, { opset: 13 }).results[0]!.type.shape).toEqual([2, 2]);
  });

  it('Clip has attributes before opset 11', () => {
    const bounds = { min: { float: 1 }, max: { float: 2 } };
    expect(numbers(run('Clip', [x], bounds, { opset: 10 }).results[0])).toEqual([1, 1, 2, 2]);
    expect(numbers(run('Clip', [x, floats([], 1), floats([], 2)]).results[0])).toEqual([1, 1, 2, 2]);
  });

  it('Add aligns its second operand at an axis before opset 7', () => {
    const b = floats([2], 10, 20);
    const early = run('Add', [x, b], { broadcast: 1, axis: 1 }, { opset: 6 });
    expect(numbers(early.results[0])).toEqual([10, 11, 22, 23]);
    expect(numbers(run('Add', [x, b], {}, { opset: 7 }).results[0])).toEqual([10, 21, 12, 23]);
  });

  it('Slice and Pad have attributes first and operands later', () => {
    expect(numbers(run('Slice', [x], { starts: [1], ends: [9], axes: [1] }, { opset: 9 }).results[0])).toEqual([2, 3]);
    const backwards = [x, integers(-1), integers(-9), integers(2), integers(-1)];
    expect(numbers(run('Slice', backwards).results[0])).toEqual([1, 0, 3, 2]);
    const line = floats([2], 1, 2);
    expect(numbers(run('Pad', [line], { pads: [1, 0], value: { float: 7 } }, { opset: 10 }).results[0])).toEqual([
      7, 1, 2,
    ]);
    expect(numbers(run('Pad', [line, integers(-1, 2), floats([], 5)]).results[0])).toEqual([2, 5, 5]);
  });

  it('Split divides equally, or as it is told, by attribute first and operand later', () => {
    const line = floats([4], 1, 2, 3, 4);
    expect(run('Split', [line], {}, { outputs: 2 }).results.map(numbers)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(run('Split', [line], { split: [1, 3] }, { opset: 12, outputs: 2 }).results.map(numbers)).toEqual([
      [1],
      [2, 3, 4],
    ]);
    expect(run('Split', [line, integers(3, 1)], {}, { outputs: 2 }).results.map(numbers)).toEqual([[1, 2, 3], [4]]);
    const uneven = run('Split', [line], { num_outputs: 3 }, { opset: 18, outputs: 3 });
    expect(uneven.results.map(numbers)).toEqual([[1, 2], [3, 4], []]);
  });
});

describe('what a lowering leaves out', () => {
  it('a split along the first dimension is a view', () => {
    expect(run('Split', [ramp(4, 2)], {}, { outputs: 2 }).imported.model.graph.nodes.map((n) => n.op)).toEqual([
      'split_view',
    ]);
    expect(run('Split', [ramp(2, 4)], { axis: 1 }, { outputs: 2 }).imported.model.graph.nodes.map((n) => n.op)).toEqual(
      ['split'],
    );
  });

  it('a transposition that only moves extents of 1 is a reshape', () => {
    const { imported, results } = run('Transpose', [ramp(2, 1, 3)], { perm: [1, 0, 2] });
    expect(imported.model.graph.nodes.map((n) => n.op)).toEqual(['reshape']);
    expect(numbers(results[0])).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  });

  it('Gemm is one product, its bias inside', () => {
    const { imported, results } = run('Gemm', [ramp(2, 3), ramp(4, 3), ramp(4)], { transB: 1 });
    expect(imported.model.graph.nodes.map((n) => n.op)).toEqual(['matmul']);
    expect(numbers(results[0])).toEqual([0.24, 0.52, 0.8, 1.08, 0.42, 0.97, 1.52, 2.07]);
  });

  it('Gemm with alpha scales the product and not the bias', () => {
    const { results } = run('Gemm', [ramp(1, 1), ramp(1, 1), ramp(1)], { alpha: { float: 10 }, beta: { float: 2 } });
    expect(numbers(results[0])).toEqual([0.3]);
  });

  it('MatMul takes vectors on either side', () => {
    expect(run('MatMul', [ramp(3), ramp(3)]).results[0]!.type.shape).toEqual([]);
    expect(run('MatMul', [ramp(3), ramp(2, 3, 4)]).results[0]!.type.shape).toEqual([2, 4]);
    expect(run('MatMul', [ramp(2, 4, 3), ramp(3)]).results[0]!.type.shape).toEqual([2, 4]);
  });
});

describe('windows', () => {
  const image = ramp(1, 1, 5, 5);
  it('are padded to keep the extent divided by the stride', () => {
    const pads = (auto_pad: string) =>
      run('MaxPool', [image], { kernel_shape: [2, 4], strides: [1, 2], auto_pad }).imported.model.graph.nodes[0]!;
    expect(pads('SAME_UPPER').attributes.pads).toEqual([0, 1, 1, 2]);
    expect(pads('SAME_LOWER').attributes.pads).toEqual([1, 2, 0, 1]);
    expect(pads('SAME_UPPER').results[0]!.type.shape).toEqual([1, 1, 5, 3]);
    expect(pads('VALID').results[0]!.type.shape).toEqual([1, 1, 4, 1]);
  });

  it('of a transposed convolution are padded to the output shape that is asked for', () => {
    const attributes = { strides: [2, 2], output_shape: [9, 10] };
    const { results, imported } = run('ConvTranspose', [image, ramp(1, 1, 3, 3)], attributes);
    expect(imported.model.graph.nodes[0]!.attributes.pads).toEqual([1, 1, 1, 0]);
    expect(results[0]!.type.shape).toEqual([1, 1, 9, 10]);
  });

  it('refuse what does not fit', () => {
    expect(() => run('Conv', [image, ramp(1, 2, 3, 3)])).toThrow();
    expect(() => run('MaxPool', [ramp(1, 1, 2, 2, 2, 2)], { kernel_shape: [1, 1, 1, 1] })).toThrow(
      '4 spatial dimensions',
    );
  });
});

describe('Resize', () => {
  const image = floats([1, 1, 2, 2], 1, 2, 3, 4);
  it('takes scales or sizes, for all dimensions or some', () => {
    const scales = floats([4], 1, 1, 2, 2);
    expect(run('Resize', [image, undefined, scales], {}, { opset: 13 }).results[0]!.type.shape).toEqual([1, 1, 4, 4]);
    const some = run('Resize', [image, undefined, undefined, integers(3, 5)], { axes: [3, 2] }, { opset: 18 });
    expect(some.results[0]!.type.shape).toEqual([1, 1, 5, 3]);
  });

  it('keeps the aspect ratio within sizes, or around them', () => {
    const size = (keep_aspect_ratio_policy: string) => {
      const attributes = { keep_aspect_ratio_policy, axes: [2, 3] };
      return run('Resize', [image, undefined, undefined, integers(6, 9)], attributes, { opset: 18 }).results[0]!.type
        .shape;
    };
    expect(size('not_larger')).toEqual([1, 1, 6, 6]);
    expect(size('not_smaller')).toEqual([1, 1, 9, 9]);
  });

  it('refuses neither', () => {
    expect(() => run('Resize', [image], {}, { opset: 13 })).toThrow('neither scales nor sizes');
  });
});

describe('Einsum', () => {
  const a = floats([2, 2], 1, 2, 3, 4);
  const b = floats([2, 2], 5, 6, 7, 8);
  it.each<[string, readonly Tensor[], readonly number[], readonly number[]]>([
    ['ij,jk->ik', [a, b], [2, 2], [19, 22, 43, 50]],
    ['ij,jk', [a, b], [2, 2], [19, 22, 43, 50]],
    ['ij,kj->ki', [a, b], [2, 2], [17, 39, 23, 53]],
    ['ij->ji', [a], [2, 2], [1, 3, 2, 4]],
    ['ij->', [a], [], [10]],
    ['ii->i', [a], [2], [1, 4]],
    ['ii', [a], [], [5]],
    ['ij,ij->ij', [a, b], [2, 2], [5, 12, 21, 32]],
    ['i,j->ij', [floats([2], 1, 2), floats([2], 3, 4)], [2, 2], [3, 4, 6, 8]],
    ['i,i->', [floats([2], 1, 2), floats([2], 3, 4)], [], [11]],
    ['ij,jk,kl->il', [a, b, a], [2, 2], [85, 126, 193, 286]],
    ['...ij,...jk->...ik', [floats([1, 2, 2], 1, 2, 3, 4), b], [1, 2, 2], [19, 22, 43, 50]],
    ['bij,bj->bi', [floats([1, 2, 2], 1, 2, 3, 4), floats([1, 2], 1, 1)], [1, 2], [3, 7]],
  ])('%s', (equation, tensors, shape, expected) => {
    const { results } = run('Einsum', tensors, { equation });
    expect(results[0]!.type.shape).toEqual(shape);
    expect(numbers(results[0])).toEqual(expected);
  });

  it('refuses terms that do not fit', () => {
    expect(() => run('Einsum', [a], { equation: 'ijk->i' })).toThrow('does not fit an operand of rank 2');
    expect(() => run('Einsum', [a], { equation: 'ij->iz' })).toThrow('"z", which no operand has');
  });
});

describe('Attention', () => {
  /** Attention written out, without sharing of heads: [batch, heads, sequence, size]. */
  function reference(q: Tensor, k: Tensor, v: Tensor, causal: boolean): readonly number[] {
    const [batch, heads, queries, size] = q.type.shape;
    const [, groups, keys, width] = v.type.shape;
    const out: number[] = [];
    for (let b = 0; b < batch!; b++)
      for (let h = 0; h < heads!; h++)
        for (let i = 0; i < queries!; i++) {
          const g = Math.floor(h / (heads! / groups!));
          const scores = Array.from({ length: keys! }, (_, j) => {
            if (causal && j > i) return Number.NEGATIVE_INFINITY;
            let dot = 0;
            for (let d = 0; d < size!; d++)
              dot +=
                q.data[((b * heads! + h) * queries! + i) * size! + d]! *
                k.data[((b * groups! + g) * keys! + j) * size! + d]!;
            return dot / Math.sqrt(size!);
          });
          const all = scores.map(Math.exp);
          const sum = all.reduce((x, y) => x + y);
          for (let d = 0; d < width!; d++) {
            let mixed = 0;
            for (let j = 0; j < keys!; j++)
              mixed += (all[j]! / sum) * v.data[((b * groups! + g) * keys! + j) * width! + d]!;
            out.push(Math.round(mixed * 1e5) / 1e5);
          }
        }
    return out;
  }
  const wave = (...shape: readonly number[]): Tensor => {
    const count = shape.reduce((all, extent) => all * extent, 1);
    return floats(shape, ...Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + shape.length)));
  };

  it.each([false, true])('of four heads in two groups, causal %s', (causal) => {
    const [q, k, v] = [wave(2, 4, 3, 2), wave(2, 2, 5, 2), wave(2, 2, 5, 3)];
    const { results, imported } = run('Attention', [q, k, v], { is_causal: causal ? 1 : 0 }, { opset: 23 });
    expect(results[0]!.type.shape).toEqual([2, 4, 3, 3]);
    numbers(results[0]).forEach((x, i) => {
      expect(x).toBeCloseTo(reference(q, k, v, causal)[i]!, 4);
    });
    expect(imported.model.graph.nodes.map((n) => n.op)).not.toContain('broadcast_to');
  });

  it('takes operands of rank 3, and the keys and values of earlier calls', () => {
    const past = [wave(1, 2, 2, 2), wave(1, 2, 2, 2)];
    const tensors = [wave(1, 3, 4), wave(1, 3, 4), wave(1, 3, 4), undefined, ...past];
    const { results } = run('Attention', tensors, { q_num_heads: 2, kv_num_heads: 2 }, { opset: 23, outputs: 3 });
    expect(results.map((result) => result.type.shape)).toEqual([
      [1, 3, 4],
      [1, 2, 5, 2],
      [1, 2, 5, 2],
    ]);
  });

  it('takes masks of truth values', () => {
    const [q, k, v] = [wave(1, 1, 3, 2), wave(1, 1, 3, 2), wave(1, 1, 3, 2)];
    const mask: Tensor = { type: { dtype: 'bool', shape: [3, 3] }, data: [1, 0, 0, 1, 1, 0, 1, 1, 1] };
    const { results } = run('Attention', [q, k, v, mask], {}, { opset: 23 });
    expect(numbers(results[0])).toEqual(
      numbers(run('Attention', [q, k, v], { is_causal: 1 }, { opset: 23 }).results[0]),
    );
  });
});

describe('a sliding window of Attention', () => {
  // Scores are all 0: each query gives the mean of what it sees.
  const [q, k] = [floats([1, 1, 4, 1], 0, 0, 0, 0), floats([1, 1, 6, 1], 0, 0, 0, 0, 0, 0)];
  const v = floats([1, 1, 6, 1], 1, 2, 4, 8, 16, 32);
  const seen = (attributes: Parameters<typeof node>[3]) =>
    numbers(run('Attention', [q, k, v], attributes, { opset: 25 }).results[0]);
  it('is of so many keys to the left and to the right', () => {
    expect(seen({ left_window_size: 2, right_window_size: 1 })).toEqual([1.5, 2.33333, 3.75, 7.5]);
    expect(seen({ right_window_size: 0 })).toEqual([1, 1.5, 2.33333, 3.75]);
    expect(seen({ left_window_size: 0, right_window_size: 3, is_causal: 1 })).toEqual([1, 2, 4, 8]);
    expect(seen({ left_window_size: 1 })).toEqual([10.5, 10.5, 12.4, 15]);
    expect(() => seen({ left_window_size: -2 })).toThrow('left_window_size is -2');
  });
  it('counts from the keys of earlier calls', () => {
    const past = [floats([1, 1, 2, 1], 0, 0), floats([1, 1, 2, 1], 64, 128)];
    const operands = [q, k, v, undefined, ...past];
    const window = { left_window_size: 1, right_window_size: 0 };
    const { results } = run('Attention', operands, window, { opset: 25, outputs: 3 });
    expect(numbers(results[0])).toEqual([64.5, 1.5, 3, 6]);
  });
});

describe('Attention to keys that others have written', () => {
  // Scores are all 0: each query gives the mean of what it sees.
  const [q, k] = [floats([2, 1, 2, 1], 0, 0, 0, 0), floats([2, 1, 4, 1], 0, 0, 0, 0, 0, 0, 0, 0)];
  const v = floats([2, 1, 4, 1], 1, 2, 4, 8, 1, 2, 4, 8);
  const seen = (lengths: readonly number[], attributes: Parameters<typeof node>[3]) => {
    const operands = [q, k, v, undefined, undefined, undefined, integers(...lengths)];
    return numbers(run('Attention', operands, attributes, { opset: 25 }).results[0]);
  };
  it('lets the queries be the last before the end of each sequence', () => {
    expect(seen([3, 4], {})).toEqual([2.33333, 2.33333, 3.75, 3.75]);
    expect(seen([3, 4], { is_causal: 1 })).toEqual([1.5, 2.33333, 2.33333, 3.75]);
    expect(seen([3, 4], { left_window_size: 1, right_window_size: 0 })).toEqual([1.5, 3, 3, 6]);
  });
  it('gives zeros to queries without keys', () => {
    expect(seen([1, 2], { is_causal: 1 })).toEqual([0, 1, 1, 1.5]);
  });
});

describe('recurrent layers', () => {
  const weights = [floats([1, 1, 1], 0.5), floats([1, 1, 1], 0.25), floats([1, 2], 0.1, 0.2)];
  const step = (x: number, h: number) => Math.tanh(0.5 * x + 0.25 * h + 0.3);
  const sequence = floats([3, 1, 1], 1, 2, 3);

  it('RNN forward', () => {
    const h1 = step(1, 0);
    const h2 = step(2, h1);
    const expected = [h1, h2, step(3, h2)].map((x) => Math.round(x * 1e5) / 1e5);
    const { results } = run('RNN', [sequence, ...weights], { hidden_size: 1 }, { outputs: 2 });
    expect(results[0]!.type.shape).toEqual([3, 1, 1, 1]);
    expect(numbers(results[0])).toEqual(expected);
    expect(numbers(results[1])).toEqual([expected[2]]);
  });

  it('RNN in reverse', () => {
    const h3 = step(3, 0);
    const h2 = step(2, h3);
    const expected = [step(1, h2), h2, h3].map((x) => Math.round(x * 1e5) / 1e5);
    const { results } = run('RNN', [sequence, ...weights], { hidden_size: 1, direction: 'reverse' }, { outputs: 2 });
    expect(numbers(results[0])).toEqual(expected);
    expect(numbers(results[1])).toEqual([expected[0]]);
  });

  it('GRU in both directions, with the reset after the product', () => {
    const both = (...data: readonly number[]) => [...data, ...data];
    const w = floats([2, 3, 1], ...both(0.5, -0.4, 0.3));
    const r = floats([2, 3, 1], ...both(0.2, 0.6, -0.7));
    const bias = floats([2, 6], ...both(0.1, 0.2, 0.3, -0.1, 0.05, 0.15));
    const h0 = floats([2, 1, 1], 0.4, 0.4);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const next = (x: number, h: number) => {
      const z = sigmoid(0.5 * x + 0.1 + 0.2 * h - 0.1);
      const reset = sigmoid(-0.4 * x + 0.2 + 0.6 * h + 0.05);
      const fresh = Math.tanh(0.3 * x + 0.3 + reset * (-0.7 * h + 0.15));
      return (1 - z) * fresh + z * h;
    };
    const forward = [next(1, 0.4)];
    forward.push(next(2, forward[0]!), 0);
    forward[2] = next(3, forward[1]!);
    const backward = [0, 0, next(3, 0.4)];
    backward[1] = next(2, backward[2]!);
    backward[0] = next(1, backward[1]);
    const attributes = { hidden_size: 1, direction: 'bidirectional', linear_before_reset: 1 };
    const { results } = run('GRU', [sequence, w, r, bias, undefined, h0], attributes, { outputs: 2 });
    expect(results[0]!.type.shape).toEqual([3, 2, 1, 1]);
    expect(numbers(results[0])).toEqual(
      [0, 1, 2].flatMap((t) => [forward[t]!, backward[t]!]).map((x) => Math.round(x * 1e5) / 1e5),
    );
    expect(numbers(results[1])).toEqual([forward[2]!, backward[0]!].map((x) => Math.round(x * 1e5) / 1e5));
  });

  it('refuses sequences of different lengths', () => {
    const lengths: Tensor = { type: { dtype: 'i32', shape: [1] }, data: [2] };
    expect(() => run('RNN', [sequence, ...weights, lengths], { hidden_size: 1 })).toThrow('different lengths');
  });
});

describe('weights in the file', () => {
  it('serve as bounds and sizes', () => {
    const imported = importOnnx(
      modelBytes({
        nodes: [node('Clip', ['x', 'min', 'max'], 'y')],
        inputs: [input('x', [2])],
        outputs: ['y'],
        initializers: [initializer('min', floats([], 0)), initializer('max', floats([], 6))],
      }),
    );
    expect(imported.model.graph.nodes[0]!.attributes).toEqual({ min: 0, max: 6 });
  });
});
