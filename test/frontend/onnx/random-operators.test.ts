import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { evaluationModel } from '../../../passes/evaluation.ts';
import { compile } from '../../../src/compile.ts';
import { createExecution } from '../../../src/execution.ts';
import { attachLoss } from '../../../src/frontend/loss.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { floats, initializer, input, type ModelParts, modelBytes, node, ramp } from '../onnx-models.ts';

/** A variational autoencoder of one layer each way: z = mean + exp(logvar / 2) e, with the loss of its reconstruction. */
const autoencoder: ModelParts = {
  nodes: [
    node('MatMul', ['x', 'wm'], 'mean'),
    node('MatMul', ['x', 'wv'], 'logvar'),
    node('Constant', [], 'half', { value: floats([], 0.5) }),
    node('Mul', ['logvar', 'half'], 'halved'),
    node('Exp', ['halved'], 'deviation'),
    node('RandomNormalLike', ['mean'], 'e'),
    node('Mul', ['deviation', 'e'], 'noise'),
    node('Add', ['mean', 'noise'], 'z'),
    node('MatMul', ['z', 'wd'], 'decoded'),
    node('Tanh', ['decoded'], 'y'),
    node('Sub', ['y', 'x'], 'error'),
    node('Mul', ['error', 'error'], 'squared'),
    node('ReduceMean', ['squared'], 'loss', { keepdims: 0 }),
  ],
  inputs: [input('x', [4, 6])],
  outputs: ['loss', 'e', 'z'],
  initializers: [...['wm', 'wv'].map((name) => initializer(name, ramp(6, 3))), initializer('wd', ramp(3, 6))],
};

const x = ramp(4, 6);

function run(parts: ModelParts, strategy: string, seed: number, step: number): ReadonlyMap<string, Tensor> {
  const { model, loss } = attachLoss(importOnnx(modelBytes(parts)).model);
  const execution = createExecution(compile(model, { losses: [loss], strategy }), { backend: 'js' });
  execution.setInputs(new Map([['x', x]]));
  execution.setRandom(seed, step);
  execution.machine.run();
  return execution.outputs();
}

describe('random operators', () => {
  it('train a variational autoencoder, bit for bit the same under every plan', () => {
    const plain = run(autoencoder, 'none', 3, 5);
    expect(['d_wm', 'd_wv', 'd_wd'].every((name) => Array.from(plain.get(name)!.data).some((g) => g !== 0))).toBe(true);
    for (const strategy of ['all', 'memory', 'recursive']) expect(run(autoencoder, strategy, 3, 5)).toEqual(plain);
    const drawn = (seed: number, step: number) => Array.from(run(autoencoder, 'none', seed, step).get('e')!.data);
    expect(drawn(4, 5)).not.toEqual(drawn(3, 5));
    expect(drawn(3, 6)).not.toEqual(drawn(3, 5));
  });

  it('have gradients as if what they draw were given', () => {
    const drawn = run(autoencoder, 'none', 3, 5);
    const fixed = {
      ...autoencoder,
      nodes: autoencoder.nodes.map((n) =>
        n.opType === 'RandomNormalLike' ? node('Constant', [], 'e', { value: drawn.get('e')! }) : n,
      ),
    };
    const given = run(fixed, 'none', 0, 0);
    for (const name of ['loss', 'd_wm', 'd_wv', 'd_wd']) expect(given.get(name)).toEqual(drawn.get(name));
  });

  it('draw at a site each, with their attributes, and a seed of their own where they have one', () => {
    const { model, rngInput } = importOnnx(
      modelBytes({
        nodes: [
          node('RandomUniform', [], 'a', { shape: [2, 3], low: { float: -1 }, high: { float: 2 } }),
          node('RandomNormal', [], 'b', { shape: [2], mean: { float: 1 }, scale: { float: 3 }, seed: { float: 1 } }),
          node('RandomUniformLike', ['x'], 'c', { dtype: DataType.FLOAT }),
          node('Bernoulli', ['c'], 'd', { dtype: DataType.BOOL }),
        ],
        inputs: [input('x', [4], DataType.INT64)],
        outputs: ['a', 'b', 'c', 'd'],
      }),
    );
    expect(rngInput).toBe('rng');
    expect(model.graph.nodes.map(({ op, attributes }) => ({ op, ...attributes }))).toEqual([
      { op: 'random_uniform', shape: [2, 3], low: -1, high: 2, site: 0, seed: [] },
      { op: 'random_normal', shape: [2], mean: 1, scale: 3, site: 1, seed: [0x3f800000] },
      { op: 'random_uniform', shape: [4], low: 0, high: 1, site: 2, seed: [] },
      { op: 'bernoulli', site: 3, seed: [] },
      { op: 'cast', to: 'bool' },
    ]);
  });

  it('drop paths at random: stochastic depth', () => {
    const depth: ModelParts = {
      nodes: [
        node('MatMul', ['x', 'w'], 'h'),
        node('Constant', [], 'keep', { value: floats([4, 1], 0.5, 0.5, 0.5, 0.5) }),
        node('Bernoulli', ['keep'], 'kept'),
        node('Div', ['kept', 'keep'], 'factor'),
        node('Mul', ['h', 'factor'], 'path'),
        node('Add', ['x', 'path'], 'y'),
        node('ReduceSum', ['y'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('x', [4, 6])],
      outputs: ['loss', 'kept'],
      initializers: [initializer('w', ramp(6, 6))],
    };
    const steps = Array.from({ length: 20 }, (_, step) =>
      Array.from(run(depth, 'none', 1, step).get('kept')!.data).join(),
    );
    expect(new Set(steps).size).toBeGreaterThan(5);
    expect(run(depth, 'all', 1, 2)).toEqual(run(depth, 'none', 1, 2));
  });

  it('are drawn in evaluation too', () => {
    const { model } = importOnnx(modelBytes(autoencoder));
    const { graph } = evaluationModel(model, new Set(['x']));
    expect(graph.outputs.map(({ name }) => name)).toEqual(['loss', 'e', 'z']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'rng']);
  });

  it.each([
    ['RandomNormalLike', {}, 'it draws floats, not i64'],
    ['RandomUniform', {}, 'its shape is left out'],
    ['RandomUniform', { shape: [2, -1] }, 'its shape [2,-1] has a negative extent'],
    ['RandomNormal', { shape: [2], dtype: DataType.INT32 }, 'it draws floats, not INT32'],
    ['Bernoulli', {}, 'its probabilities are i64, not floats'],
    ['Multinomial', {}, 'operator Multinomial is not supported'],
  ])('%s %j is refused: %s', (op, attributes, message) => {
    const bytes = modelBytes({
      nodes: [node(op, ['x'], 'y', attributes)],
      inputs: [input('x', [4], DataType.INT64)],
      outputs: ['y'],
    });
    expect(() => importOnnx(bytes)).toThrow(SublinearError);
    expect(() => importOnnx(bytes)).toThrow(message);
  });
});
