import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { fillWeights, hashNumbers, loadWeights, missingWeights } from '../../src/frontend/weights.ts';
import type { Model } from '../../src/ir/graph.ts';
import { floats, initializer, input, modelBytes, node, ramp } from './onnx-models.ts';

/** conv, batch norm in training, product with a factor, linear layer: weights without numbers but for `given`. */
const { model } = importOnnx(
  modelBytes({
    nodes: [
      node('Conv', ['x', 'conv.w', 'conv.b'], 'a'),
      node('BatchNormalization', ['a', 'bn.scale', 'bn.bias', 'bn.mean', 'bn.var'], ['b', 'm', 'v'], {
        training_mode: 1,
      }),
      node('Mul', ['b', 'factor'], 'c'),
      node('Flatten', ['c'], 'd'),
      node('Gemm', ['d', 'fc.w', 'given'], 'y', { transB: 1 }),
    ],
    inputs: [
      input('x', [2, 3, 5, 5]),
      input('conv.w', [4, 3, 3, 3]),
      input('conv.b', [4]),
      input('bn.scale', [4]),
      input('bn.bias', [4]),
      input('bn.mean', [4]),
      input('bn.var', [4]),
      input('factor', [4, 1, 1]),
      input('fc.w', [7, 36]),
    ],
    outputs: ['y'],
    initializers: [initializer('given', ramp(7))],
  }),
  { params: ['conv.*', 'bn.*', 'factor', 'fc.*'] },
);

const range = (filled: Model, name: string): readonly [number, number] => {
  const data = Array.from(filled.weights.get(name)!.data);
  return [Math.min(...data), Math.max(...data)];
};

describe('fillWeights', () => {
  it('by hash follows the published rule', () => {
    expect([...hashNumbers('conv1.weight', 4)]).toEqual([
      0.9088376760482788, -0.20123207569122314, -0.23817992210388184, -0.9007264375686646,
    ]);
    const filled = fillWeights(model, 'hash');
    const u = hashNumbers('conv.w', 108);
    expect([...filled.weights.get('conv.w')!.data]).toEqual(Array.from(u, (x) => Math.fround(x * Math.sqrt(6 / 27))));
    const [low, high] = range(filled, 'bn.scale');
    expect(low).toBeGreaterThanOrEqual(Math.fround(0.9));
    expect(high).toBeLessThanOrEqual(Math.fround(1.1));
    expect(range(filled, 'bn.var')[0]).toBeGreaterThan(0.8);
    expect(range(filled, 'factor')[0]).toBeGreaterThan(0.8);
    expect(range(filled, 'bn.bias')[1]).toBeLessThanOrEqual(Math.fround(0.1));
    expect(range(filled, 'conv.b')[1]).toBeLessThanOrEqual(Math.fround(0.1));
  });

  it('by hash scales matrices, and nothing else, by the gain', () => {
    const once = fillWeights(model, 'hash');
    const twice = fillWeights(model, { kind: 'hash', gain: 2 });
    expect(twice.weights.get('fc.w')!.data[0]).toBeCloseTo(2 * once.weights.get('fc.w')!.data[0]!, 6);
    expect(twice.weights.get('conv.b')).toEqual(once.weights.get('conv.b'));
  });

  it('by he starts norms as identities and depends on the seed', () => {
    const filled = fillWeights(model, 'he', 1);
    expect(range(filled, 'bn.scale')).toEqual([1, 1]);
    expect(range(filled, 'bn.var')).toEqual([1, 1]);
    expect(range(filled, 'bn.mean')).toEqual([0, 0]);
    expect(range(filled, 'conv.b')).toEqual([0, 0]);
    expect(range(filled, 'factor')).toEqual([1, 1]);
    expect(range(filled, 'conv.w')[1]).toBeLessThanOrEqual(Math.sqrt(6 / 27));
    expect(fillWeights(model, 'he', 1).weights).toEqual(filled.weights);
    expect(fillWeights(model, 'he', 2).weights.get('conv.w')).not.toEqual(filled.weights.get('conv.w'));
  });

  it('leaves numbers that are there, but for placeholders', () => {
    expect(fillWeights(model, 'hash').weights.get('given')).toEqual(model.weights.get('given'));
    const refilled = fillWeights(model, 'hash', 0, new Set(['given']));
    expect(refilled.weights.get('given')).not.toEqual(model.weights.get('given'));
    expect(missingWeights(fillWeights(model, 'he'))).toEqual([]);
  });
});

describe('loadWeights', () => {
  const small = importOnnx(
    modelBytes({
      nodes: [node('Mul', ['x', 'w.1'], 'y')],
      inputs: [input('x', [2]), input('w.1', [2])],
      outputs: ['y'],
    }),
    { params: ['w.*'] },
  ).model;

  it('takes tensors by name', () => {
    expect(missingWeights(small)).toEqual(['w.1']);
    const loaded = loadWeights(small, new Map([['w.1', floats([2], 3, 4)]]));
    expect([...loaded.weights.get('w.1')!.data]).toEqual([3, 4]);
  });

  it.each([
    ['another shape', new Map([['w.1', floats([3], 1, 2, 3)]]), 'the weight "w.1" is f32[2], but the file has f32[3]'],
    [
      'another name',
      new Map([['w.2', floats([2], 1, 2)]]),
      'the graph has no weight called "w.2"\n  hint: the nearest name is "w.1"',
    ],
    ['no tensors', new Map(), 'the file has no weight called "w.1"'],
  ])('refuses %s', (_, tensors, message) => {
    expect(() => loadWeights(small, tensors)).toThrow(message);
  });
});
