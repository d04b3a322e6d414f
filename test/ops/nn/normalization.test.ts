import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../../src/ir/graph.ts';
import { batchNorm, batchNormInference, batchNormUpdate } from '../../../src/ops/batch-norm.ts';
import { groupNorm } from '../../../src/ops/group-norm.ts';
import { layerNorm } from '../../../src/ops/layer-norm.ts';
import { rmsNorm } from '../../../src/ops/rms-norm.ts';
import { checkGradient, randomInt, relativeError, run, seeded, tensor, uniform } from './harness.ts';

/** Normalises the elements that share a key, by definition. */
function normalize(x: Tensor, keyOf: (index: number) => number, epsilon: number, centre = true) {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < x.data.length; i++) {
    const group = groups.get(keyOf(i)) ?? [];
    group.push(i);
    groups.set(keyOf(i), group);
  }
  const normalized = new Array<number>(x.data.length);
  const means: number[] = [];
  const inverses: number[] = [];
  for (const [key, group] of groups) {
    const mean = centre ? group.reduce((sum, i) => sum + x.data[i]!, 0) / group.length : 0;
    const variance = group.reduce((sum, i) => sum + (x.data[i]! - mean) ** 2, 0) / group.length;
    means[key] = mean;
    inverses[key] = 1 / Math.sqrt(variance + epsilon);
    for (const i of group) normalized[i] = (x.data[i]! - mean) * inverses[key]!;
  }
  return { normalized, means, inverses };
}

describe('batch_norm', () => {
  const random = seeded(31);
  const draw = () => {
    const shape = [randomInt(random, 2, 4), randomInt(random, 1, 3), ...[[], [3], [2, 3]][randomInt(random, 0, 2)]!];
    const channels = [shape[1]!];
    return { x: uniform(random, shape, -1, 3), scale: uniform(random, channels), bias: uniform(random, channels) };
  };

  it('normalises each channel over batch and positions', () => {
    for (let round = 0; round < 20; round++) {
      const { x, scale, bias } = draw();
      const channel = (i: number) => Math.floor(i / elementCount(x.type.shape.slice(2))) % x.type.shape[1]!;
      const { normalized, means, inverses } = normalize(x, channel, 1e-3);
      const [y, mean, inverse] = run(batchNorm, [x, scale, bias], { epsilon: 1e-3 });
      const expected = normalized.map((v, i) => v * scale.data[channel(i)]! + bias.data[channel(i)]!);
      expect(relativeError(y!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(mean!.data, means)).toBeLessThan(1e-12);
      expect(relativeError(inverse!.data, inverses)).toBeLessThan(1e-12);
    }
  });

  it('has the gradient of central differences, through its statistics too', () => {
    for (let round = 0; round < 6; round++) {
      const { x, scale, bias } = draw();
      for (const cotangents of [[0], [1], [2], [0, 1, 2]])
        checkGradient(
          batchNorm,
          [x, scale, bias],
          { epsilon: 0.1 },
          { cotangents, wrt: cotangents[0] === 0 ? [0, 1, 2] : [0] },
        );
    }
  });

  it('with given statistics is differentiable in all five operands', () => {
    for (let round = 0; round < 6; round++) {
      const { x, scale, bias } = draw();
      const mean = uniform(random, scale.type.shape);
      const variance = uniform(random, scale.type.shape, 0.5, 2);
      checkGradient(batchNormInference, [x, scale, bias, mean, variance], { epsilon: 1e-3 });
    }
  });

  it('moves running statistics by the momentum, from the population variance', () => {
    const epsilon = 1e-3;
    const inverse = tensor([2], [1 / Math.sqrt(4 + epsilon), 1 / Math.sqrt(9 + epsilon)]);
    const updated = run(batchNormUpdate, [tensor([2], [1, 2]), tensor([2], [3, 4]), tensor([2], [5, 6]), inverse], {
      momentum: 0.75,
      epsilon,
    });
    expect(relativeError(updated[0]!.data, [0.75 + 1.25, 1.5 + 1.5])).toBeLessThan(1e-12);
    expect(relativeError(updated[1]!.data, [2.25 + 1, 3 + 2.25])).toBeLessThan(1e-9);
  });
});

describe('layer_norm and rms_norm', () => {
  const random = seeded(32);

  it('normalise the dimensions from the axis on', () => {
    for (let round = 0; round < 20; round++) {
      const shape = Array.from({ length: randomInt(random, 1, 4) }, () => randomInt(random, 2, 4));
      const axis = randomInt(random, 0, shape.length - 1);
      const x = uniform(random, shape, -1, 2);
      const scale = uniform(random, shape.slice(axis));
      const bias = uniform(random, shape.slice(axis));
      const width = elementCount(shape.slice(axis));
      const row = (i: number) => Math.floor(i / width);
      const layer = normalize(x, row, 1e-3);
      const [y, mean, inverse] = run(layerNorm, [x, scale, bias], { axis, epsilon: 1e-3 });
      const expected = layer.normalized.map((v, i) => v * scale.data[i % width]! + bias.data[i % width]!);
      expect(relativeError(y!.data, expected)).toBeLessThan(1e-12);
      expect(mean!.type.shape).toEqual(shape.map((extent, d) => (d < axis ? extent : 1)));
      expect(relativeError(mean!.data, layer.means)).toBeLessThan(1e-12);
      expect(relativeError(inverse!.data, layer.inverses)).toBeLessThan(1e-12);
      const root = normalize(x, row, 1e-3, false);
      const [z, inverseRoot] = run(rmsNorm, [x, scale], { axis, epsilon: 1e-3 });
      expect(
        relativeError(
          z!.data,
          root.normalized.map((v, i) => v * scale.data[i % width]!),
        ),
      ).toBeLessThan(1e-12);
      expect(relativeError(inverseRoot!.data, root.inverses)).toBeLessThan(1e-12);
    }
  });

  it('have the gradients of central differences, through their statistics too', () => {
    for (const [shape, axis] of [
      [[3, 4], 1],
      [[2, 3, 2], 1],
      [[5], 0],
    ] as const) {
      const x = uniform(random, shape, -1, 2);
      const scale = uniform(random, shape.slice(axis));
      const attributes = { axis, epsilon: 0.1 };
      for (const cotangents of [[0], [1], [2], [0, 1, 2]]) {
        const affine = cotangents[0] === 0;
        checkGradient(layerNorm, [x, scale, scale], attributes, { cotangents, wrt: affine ? [0, 1, 2] : [0] });
        checkGradient(layerNorm, [x, scale], attributes, { cotangents, wrt: affine ? [0, 1] : [0] });
      }
      for (const cotangents of [[0], [1], [0, 1]])
        checkGradient(rmsNorm, [x, scale], attributes, { cotangents, wrt: cotangents[0] === 0 ? [0, 1] : [0] });
    }
  });
});

describe('group_norm', () => {
  const random = seeded(33);

  it('normalises groups of channels of each image', () => {
    for (let round = 0; round < 20; round++) {
      const groups = randomInt(random, 1, 3);
      const channels = groups * randomInt(random, 1, 3);
      const shape = [randomInt(random, 1, 3), channels, ...[[], [4], [2, 3]][randomInt(random, 0, 2)]!];
      const x = uniform(random, shape, -1, 2);
      const [scale, bias] = [uniform(random, [channels]), uniform(random, [channels])];
      const size = elementCount(shape.slice(2));
      const channel = (i: number) => Math.floor(i / size) % channels;
      const { normalized, means } = normalize(x, (i) => Math.floor(i / ((channels / groups) * size)), 1e-3);
      const [y, mean] = run(groupNorm, [x, scale, bias], { groups, epsilon: 1e-3 });
      const expected = normalized.map((v, i) => v * scale.data[channel(i)]! + bias.data[channel(i)]!);
      expect(relativeError(y!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(mean!.data, means)).toBeLessThan(1e-12);
    }
  });

  it('has the gradient of central differences, through its statistics too', () => {
    for (const [shape, groups] of [
      [[2, 4, 3], 2],
      [[3, 3, 2, 2], 3],
      [[2, 4], 1],
    ] as const) {
      const x = uniform(random, shape, -1, 2);
      const affine = [uniform(random, [shape[1]]), uniform(random, [shape[1]])] as const;
      for (const cotangents of [[0], [1], [2], [0, 1, 2]])
        checkGradient(
          groupNorm,
          [x, ...affine],
          { groups, epsilon: 0.1 },
          { cotangents, wrt: cotangents[0] === 0 ? [0, 1, 2] : [0] },
        );
    }
  });

  it('names what does not fit', () => {
    const attributes = { groups: 3, epsilon: 1e-5 };
    expect(() =>
      run(groupNorm, [uniform(random, [1, 4]), uniform(random, [4]), uniform(random, [4])], attributes),
    ).toThrow('the 4 channels of f32[1,4] do not make 3 groups');
    expect(() => run(layerNorm, [uniform(random, [1, 4]), uniform(random, [3])], { axis: 1, epsilon: 0 })).toThrow(
      'scale and bias of f32[1,4] from axis 1 are f32[4], not f32[3]',
    );
  });
});
