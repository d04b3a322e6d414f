/** One initializer in several roles: running statistics get tensors of their own, shared parameters are reported. */
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/frontend/onnx/decode.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { saveOnnx } from '../../../src/frontend/onnx/save.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { checkpoint } from '../../../src/training/checkpoint.ts';
import {
  floats,
  initializer,
  input,
  type ModelParts,
  modelBytes,
  modelProto,
  node,
  ramp,
} from '../../frontend/onnx-models.ts';

const ones = floats([3], 1, 1, 1);
const zeros = floats([3], 0, 0, 0);
const mode = { inference: {}, training: { training_mode: 1 } } as const;
type Mode = keyof typeof mode;

interface Layer {
  /** Scale, bias, mean and variance. */
  readonly reads: readonly [string, string, string, string];
}

/** x w, then a normalization a layer with a Relu between them. */
function network(layers: readonly Layer[], tensors: Readonly<Record<string, Tensor>>, of: Mode): ModelParts {
  const nodes = layers.flatMap(({ reads }, i) => {
    const own = node('BatchNormalization', [i === 0 ? 'h' : `r${i - 1}`, ...reads], `n${i}`, mode[of]);
    return [
      Object.assign(own, { name: `bn${i + 1}` }),
      node('Relu', [`n${i}`], i === layers.length - 1 ? 'y' : `r${i}`),
    ];
  });
  return {
    nodes: [node('MatMul', ['x', 'w'], 'h'), ...nodes],
    inputs: [input('x', [4, 2])],
    outputs: ['y'],
    initializers: [
      initializer('w', ramp(2, 3)),
      ...Object.entries(tensors).map(([name, tensor]) => initializer(name, tensor)),
    ],
    opset: 17,
  };
}

const x = Float32Array.from([0.5, -1, 2, 0.25, -0.75, 1.5, 1, 1]);
const target = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));

/** Imports and trains for six steps by SGD with momentum. */
function train(parts: ModelParts) {
  const bytes = modelBytes(parts);
  const { model, notes, aliases } = importOnnx(bytes);
  const step = checkpoint(model, { loss: 'mse', optimizer: { kind: 'sgd', momentum: 0.9 } });
  const losses = Array.from({ length: 6 }, () => {
    step.run({ x, target, learningRate: 0.05 });
    return step.loss;
  });
  return { bytes, step, losses, aliases, codes: notes.map(({ code }) => code), notes };
}

/** What the file holds after training. */
function saved({ bytes, step }: ReturnType<typeof train>) {
  const { parameters, state } = step.compiled.program;
  const weights = new Map(
    [...parameters, ...state].map(({ name, dtype, shape }): [string, Tensor] => {
      const data = step.parameters[name] ?? step.state[name]!;
      return [name, { type: { dtype, shape }, data }];
    }),
  );
  return saveOnnx(bytes, weights);
}

/** The output of a file in inference. */
function predict(bytes: Uint8Array): readonly number[] {
  const step = checkpoint(importOnnx(bytes, { training: false }).model, { loss: 'mse' });
  return Array.from(step.forward({ x }).y!);
}

describe.each(['inference', 'training'] as const)('a scale that is a variance too, %s', (of) => {
  const apart = { scale: ones, bias: zeros, mean: zeros, variance: ones };
  const reference = train(network([{ reads: ['scale', 'bias', 'mean', 'variance'] }], apart, of));

  it('is trained as if they had come apart', () => {
    const merged = train(
      network([{ reads: ['b.weight', 'b.bias', 'b.bias', 'b.weight'] }], { 'b.weight': ones, 'b.bias': zeros }, of),
    );
    expect(merged.losses).toEqual(reference.losses);
    expect(new Set(merged.losses).size).toBe(6);
    expect(merged.step.compiled.update!.trained).toEqual(['w', 'b.weight', 'b.bias']);
    expect(merged.codes).toEqual(['separated-statistics']);
    expect(merged.notes[0]!.message).toMatch(
      /^"b\.(weight|bias)" is read as running statistics and in another place: they are a copy of their own, "bn1\.running_(var|mean)", and 1 more/,
    );
  });

  it('through Identity nodes as well', () => {
    const parts = network(
      [{ reads: ['b.weight', 'b.bias', 'mean', 'variance'] }],
      { 'b.weight': ones, 'b.bias': zeros },
      of,
    );
    const renamed = [
      node('Identity', ['b.weight'], 'copied'),
      node('Identity', ['copied'], 'variance'),
      node('Identity', ['b.bias'], 'mean'),
    ];
    const merged = train({ ...parts, nodes: [...renamed, ...parts.nodes] });
    expect(merged.losses).toEqual(reference.losses);
    expect(merged.codes).toEqual(['separated-statistics']);
  });

  it('goes back into the file under names of their own', () => {
    const merged = train(
      network([{ reads: ['b.weight', 'b.bias', 'b.bias', 'b.weight'] }], { 'b.weight': ones, 'b.bias': zeros }, of),
    );
    const { bytes, saved: names, left } = saved(merged);
    expect([...names].sort()).toEqual(['b.bias', 'b.weight', 'bn1.running_mean', 'bn1.running_var', 'w']);
    expect(left.every((name) => name.endsWith('velocity'))).toBe(true);
    const again = importOnnx(bytes);
    expect(again.notes).toEqual([]);
    for (const [own, theirs] of [
      ['b.weight', 'scale'],
      ['b.bias', 'bias'],
      ['bn1.running_mean', 'mean'],
      ['bn1.running_var', 'variance'],
    ] as const) {
      const { parameters, state } = reference.step;
      const expected = parameters[theirs] ?? state[theirs]!;
      expect(Array.from(again.model.weights.get(own)!.data), own).toEqual(Array.from(expected));
    }
    expect(predict(bytes)).toEqual(Array.from(merged.step.forward({ x }).y!));
    expect(predict(bytes)).toEqual(predict(saved(reference).bytes));
  });
});

describe('two layers whose tensors were merged', () => {
  const tensors = { weight: ones, bias: zeros };
  const reads = ['weight', 'bias', 'bias', 'weight'] as const;

  it.each(['inference', 'training'] as const)('have statistics apart; scales that are one are reported, %s', (of) => {
    const merged = train(network([{ reads }, { reads }], tensors, of));
    const apart = { ...tensors, mean1: zeros, mean2: zeros, variance1: ones, variance2: ones };
    const own = (i: number) => ({ reads: ['weight', 'bias', `mean${i}`, `variance${i}`] as const });
    const reference = train(network([own(1), own(2)], apart, of));
    expect(merged.losses).toEqual(reference.losses);
    expect(merged.codes).toEqual(['separated-statistics', 'shared-parameters']);
    expect(merged.notes[1]!.message).toBe(
      '"weight" (2 nodes), "bias" (2 nodes) are each one parameter, and the gradient the sum of what the nodes that read it give',
    );
  });

  it('that share statistics alone: the first keeps them', () => {
    const own = { s1: ones, b1: zeros, s2: ones, b2: zeros, mean: zeros, variance: ones };
    const layers = [1, 2].map((i) => ({ reads: [`s${i}`, `b${i}`, 'mean', 'variance'] as const }));
    const merged = train(network(layers, own, 'training'));
    expect(Object.keys(merged.step.state).filter((name) => !name.endsWith('velocity'))).toEqual(
      expect.arrayContaining(['mean', 'variance', 'bn2.running_mean', 'bn2.running_var']),
    );
    expect(Array.from(merged.step.state.mean!)).not.toEqual(Array.from(merged.step.state['bn2.running_mean']!));
    expect(merged.codes).toEqual(['separated-statistics']);
    expect(predict(saved(merged).bytes)).toEqual(Array.from(merged.step.forward({ x }).y!));
  });

  it('a name that is taken already', () => {
    const parts = network(
      [{ reads: ['weight', 'bias', 'bias', 'weight'] }],
      { ...tensors, 'bn1.running_mean': ones },
      'training',
    );
    const merged = train(parts);
    expect(Object.keys(merged.step.state)).toContain('bn1.running_mean_2');
    expect(predict(saved(merged).bytes)).toEqual(Array.from(merged.step.forward({ x }).y!));
  });

  it('in a file so old that initializers are inputs too', () => {
    const parts = network([{ reads: ['weight', 'bias', 'bias', 'weight'] }], tensors, 'training');
    const old = modelProto({ ...parts, inputs: [...(parts.inputs ?? []), input('weight', [3]), input('bias', [3])] });
    old.irVersion = 3n;
    const bytes = toBinary(ModelProtoSchema, old);
    const copies = new Map(['bn1.running_mean', 'bn1.running_var'].map((name) => [name, zeros]));
    const { graph } = decodeModel(saveOnnx(bytes, copies).bytes);
    expect(
      graph.input
        .map(({ name }) => name)
        .slice(-2)
        .sort(),
    ).toEqual([...copies.keys()]);
    expect(graph.node.find(({ opType }) => opType === 'BatchNormalization')!.input).toEqual([
      'h',
      'weight',
      'bias',
      ...copies.keys(),
    ]);
  });

  it('weights from elsewhere leave the nodes of the file alone', () => {
    const bytes = modelBytes(network([{ reads: ['weight', 'bias', 'bias', 'weight'] }], tensors, 'training'));
    const { graph } = decodeModel(saveOnnx(bytes, new Map([['weight', zeros]])).bytes);
    expect(graph.node).toEqual(decodeModel(bytes).graph.node);
    expect(graph.initializer).toHaveLength(3);
  });

  it('a statistic that is an output too', () => {
    const parts = network(
      [{ reads: ['s', 'b', 'mean', 'variance'] }],
      { s: ones, b: zeros, mean: zeros, variance: ones },
      'training',
    );
    const merged = importOnnx(modelBytes({ ...parts, outputs: ['y', 'mean'] }));
    expect(merged.model.graph.state.map(({ name }) => name)).toEqual(['bn1.running_mean', 'variance']);
  });
});

describe('parameters that several nodes read', () => {
  const tied = (renamed: boolean): ModelParts => ({
    nodes: [
      ...(renamed ? [node('Identity', ['embedding'], 'head')] : []),
      node('Gather', ['embedding', 'ids'], 'h'),
      node('Transpose', [renamed ? 'head' : 'embedding'], 't', { perm: [1, 0] }),
      node('MatMul', ['h', 't'], 'y'),
    ],
    inputs: [input('ids', [2], 7)],
    outputs: ['y'],
    initializers: [initializer('embedding', ramp(5, 3))],
  });

  it('are reported with their names: the gradient is a sum', () => {
    const { notes, aliases } = importOnnx(modelBytes(tied(true)));
    expect(notes.map(({ message }) => message)).toEqual([
      '"embedding" (also "head"; 2 nodes) is one parameter, and its gradient the sum of what the nodes that read it give',
    ]);
    expect(aliases).toEqual(new Map([['head', 'embedding']]));
    expect(importOnnx(modelBytes(tied(false))).notes.map(({ message }) => message)).toEqual([
      '"embedding" (2 nodes) is one parameter, and its gradient the sum of what the nodes that read it give',
    ]);
  });

  it('a mask of many layers, one number, and a parameter that is only renamed are no matter', () => {
    const { notes } = importOnnx(
      modelBytes({
        nodes: [
          node('Identity', ['w'], 'v'),
          node('MatMul', ['x', 'v'], 'h'),
          node('Add', ['h', 'mask'], 'a'),
          node('Softmax', ['a'], 'b'),
          node('Mul', ['b', 'half'], 'c'),
          node('Add', ['c', 'mask'], 'd'),
          node('Softmax', ['d'], 'e'),
          node('Mul', ['e', 'half'], 'y'),
        ],
        inputs: [input('x', [3, 3])],
        outputs: ['y'],
        initializers: [
          initializer('w', ramp(3, 3)),
          initializer('mask', ramp(3, 3)),
          initializer('half', floats([1], 0.5)),
        ],
      }),
    );
    expect(notes).toEqual([]);
  });
});
