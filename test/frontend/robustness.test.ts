/**
 * What files from the wild do, from file to a step that ran: strange names, initializers as inputs, outputs nobody reads,
 * defaults that moved between opsets.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { bitwiseDifferences, createExecution } from '../../src/execution.ts';
import { attachLoss } from '../../src/frontend/loss.ts';
import { type ImportOptions, importOnnx } from '../../src/frontend/onnx/import.ts';
import { elementCount, type Model, type Tensor } from '../../src/ir/graph.ts';
import { textCheck } from '../differential-checks.ts';
import {
  floats,
  initializer,
  input,
  integer,
  integers,
  type ModelParts,
  modelBytes,
  node,
  ramp,
} from './onnx-models.ts';

/** The outputs of a forward step of a model. */
function run(parts: ModelParts, inputs: Readonly<Record<string, Tensor>> = {}, options: ImportOptions = {}) {
  const { model } = importOnnx(modelBytes(parts), options);
  return runModel(model, new Map(Object.entries(inputs)));
}

function runModel(model: Model, inputs: ReadonlyMap<string, Tensor>, losses: readonly string[] = []) {
  const execution = createExecution(compile(model, { losses, strategy: 'none', verify: 'each' }));
  execution.setInputs(inputs);
  execution.machine.run();
  return execution.outputs();
}

/** The output `y` of one node on stored operands called a, b, ... */
function one(
  opType: string,
  operands: readonly (Tensor | undefined)[],
  attributes: Parameters<typeof node>[3],
  opset: number,
): Tensor {
  const names = operands.map((operand, i) => (operand === undefined ? '' : `x${i}`));
  const [first, ...rest] = operands;
  const parts: ModelParts = {
    nodes: [node(opType, names, 'y', attributes)],
    inputs: [input('x0', first!.type.shape)],
    outputs: ['y'],
    initializers: rest.flatMap((tensor, i) => (tensor === undefined ? [] : [initializer(`x${i + 1}`, tensor)])),
    opset,
  };
  return run(parts, { x0: first! }).get('y')!;
}

const numbers = (tensor: Tensor): readonly number[] => Array.from(tensor.data, (x) => Math.round(x * 1e4) / 1e4);

describe('names', () => {
  /** Names that our own passes make, that JavaScript's objects have, and that text forms must quote. */
  const odd = [
    ...['loss', 'd_w', 'h.r1', 'one', 'rng', 'constant', 'd_h.sum', 'cotangent_0', '__proto__', 'constructor'],
    ...[
      'toString',
      '%',
      '"',
      '\\',
      ' ',
      '/a/b:0',
      '层',
      '\u{1f600}',
      'a\nb',
      '\t',
      '-1',
      '0',
      ';',
      '//',
      '*/',
      '\u0024{x}',
    ],
  ];

  it.each(odd)('%j may be a weight, a value and an input', (name) => {
    for (const place of ['w', 'h', 'x'] as const) {
      const called = (own: string): string => (own === place ? name : own);
      const { model } = importOnnx(
        modelBytes({
          nodes: [
            node('Mul', [called('x'), called('w')], called('h')),
            node('Tanh', [called('h')], 't'),
            node('Mul', ['t', called('h')], 'u'),
            node('ReduceSum', ['u'], 'y', { keepdims: 0 }),
          ],
          inputs: [input(called('x'), [3])],
          outputs: ['y'],
          initializers: [initializer(called('w'), ramp(3))],
        }),
      );
      const withLoss = attachLoss(model);
      const results = ['none', 'memory'].map((strategy) => {
        const compiled = compile(withLoss.model, { losses: [withLoss.loss], strategy, wrt: 'all', verify: 'each' });
        expect(textCheck(compiled.graph)).toEqual([]);
        const execution = createExecution(compiled);
        execution.setInputs(new Map([[called('x'), ramp(3)]]));
        execution.machine.run();
        return new Map(
          compiled.program.outputs.map(({ of, name: output }) => [of ?? 'y', execution.outputs().get(output)!]),
        );
      });
      expect([...results[0]!.keys()].sort()).toEqual(['y', called('w'), called('x')].sort());
      expect(bitwiseDifferences(results[0]!, results[1]!)).toEqual([]);
      // d (h tanh h) / dw = x (tanh h + h / cosh(h)^2), h = x w
      const slopes = [0.1, 0.2, 0.3].map((x) => x * (Math.tanh(x * x) + (x * x) / Math.cosh(x * x) ** 2));
      expect(numbers(results[0]!.get(called('w'))!)).toEqual(numbers(floats([3], ...slopes)));
    }
  });

  it('of inputs may be that of the seed, and dropout still draws from its own', () => {
    for (const [shape, type] of [
      [[64], DataType.FLOAT],
      [[2], DataType.INT32],
    ] as const) {
      const { model, rngInput } = importOnnx(
        modelBytes({
          nodes: [
            node('Cast', ['rng'], 'cast', { to: DataType.FLOAT }),
            node('ReduceSum', ['cast'], 'sum', { keepdims: 0 }),
            node('Mul', ['x', 'sum'], 'h'),
            node('Dropout', ['h', 'ratio', 'on'], 'y'),
          ],
          inputs: [input('x', [64]), input('rng', shape, type)],
          outputs: ['y'],
          initializers: [
            initializer('ratio', floats([], 0.5)),
            initializer('on', { type: { dtype: 'bool', shape: [] }, data: [1] }),
          ],
        }),
      );
      expect(rngInput).not.toBe('rng');
      const execution = createExecution(compile(model, { losses: [], strategy: 'none' }));
      const own = execution.compiled.graph.inputs.find(({ name }) => name === 'rng')!;
      const given = { type: own.type, data: Array.from({ length: elementCount(own.type.shape) }, () => 1) };
      execution.setInputs(
        new Map([
          ['x', floats([64], ...Array.from({ length: 64 }, () => 1))],
          ['rng', given],
        ]),
      );
      const drawn = [1, 2].map((seed) => {
        execution.setRandom(seed, 0);
        execution.machine.run();
        return numbers(execution.outputs().get('y')!);
      });
      expect(new Set(drawn[0])).toEqual(new Set([0, 2 * given.data.length]));
      expect(drawn[0]).not.toEqual(drawn[1]);
    }
  });

  it('of nodes may repeat, and be empty: values are told apart by their own', () => {
    const twins = [node('Tanh', ['x'], 'a'), node('Exp', ['a'], 'y')];
    for (const twin of twins) twin.name = 'same';
    expect(
      numbers(run({ nodes: twins, inputs: [input('x', [1])], outputs: ['y'] }, { x: floats([1], 0) }).get('y')!),
    ).toEqual([1]);
  });
});

describe('initializers', () => {
  it('listed as inputs are weights, wherever in the list they stand', () => {
    const parts: ModelParts = {
      nodes: [node('Mul', ['x', 'w'], 'h'), node('Add', ['h', 'b'], 'y')],
      inputs: [input('w', [2]), input('x', [2]), input('b', [2])],
      outputs: ['y'],
      initializers: [initializer('b', floats([2], 1, 1)), initializer('w', floats([2], 2, 3))],
    };
    const { inputNames, parameterNames } = importOnnx(modelBytes(parts));
    expect([inputNames, parameterNames]).toEqual([['x'], ['b', 'w']]);
    expect(numbers(run(parts, { x: floats([2], 5, 7) }).get('y')!)).toEqual([11, 22]);
  });

  it('may be read by several nodes, be outputs, and have no elements', () => {
    const parts: ModelParts = {
      nodes: [node('Concat', ['w', 'x', 'none'], 'a', { axis: -1 }), node('Mul', ['a', 'a'], 'y')],
      inputs: [input('x', [1])],
      outputs: ['y', 'w'],
      initializers: [initializer('w', floats([1], 3)), initializer('none', floats([0]))],
    };
    const outputs = run(parts, { x: floats([1], 2) });
    expect([numbers(outputs.get('y')!), numbers(outputs.get('w')!)]).toEqual([[9, 4], [3]]);
  });
});

describe('constants as attributes', () => {
  it.each<[string, Parameters<typeof node>[3], string, readonly number[], readonly number[]]>([
    ['value_float', { value_float: { float: 0.5 } }, 'f32', [], [0.5]],
    ['value_floats', { value_floats: { floats: [0.5, -2] } }, 'f32', [2], [0.5, -2]],
    ['value_int', { value_int: -7 }, 'i64', [], [-7]],
    ['value_ints', { value_ints: [3, -4] }, 'i64', [2], [3, -4]],
    ['value', { value: floats([1, 2], 1, 2) }, 'f32', [1, 2], [1, 2]],
  ])('%s', (_, attributes, dtype, shape, data) => {
    const { type, data: actual } = run({ nodes: [node('Constant', [], 'y', attributes)], outputs: ['y'] }).get('y')!;
    expect({ type, data: Array.from(actual) }).toEqual({ type: { dtype, shape }, data });
  });

  it('refuses those that are not numbers', () => {
    const text = modelBytes({ nodes: [node('Constant', [], 'y', { value_string: 'a' })], outputs: ['y'] });
    expect(() => importOnnx(text)).toThrow('Constant (opset 17): its value is sparse, a string, or left out');
  });
});

describe('outputs nobody reads', () => {
  const image = ramp(1, 1, 2, 2);
  const single = (nodes: ModelParts['nodes'], opset: number) =>
    run({ nodes, inputs: [input('x', [1, 1, 2, 2])], outputs: ['y'], opset }, { x: image }).get('y')!;

  it('may be named, left empty, or left out', () => {
    for (const outputs of [['y', 'unused'], ['y', ''], ['y']]) {
      expect(numbers(single([node('MaxPool', ['x'], outputs, { kernel_shape: [2, 2] })], 12))).toEqual([0.4]);
      expect(numbers(single([node('Dropout', ['x'], outputs)], 13))).toEqual([0.1, 0.2, 0.3, 0.4]);
    }
  });

  it('may be the first ones', () => {
    const weights = [ramp(1, 4, 1), ramp(1, 4, 1)];
    const parts: ModelParts = {
      nodes: [node('LSTM', ['x', 'w', 'r'], ['', '', 'c'], { hidden_size: 1 })],
      inputs: [input('x', [1, 1, 1])],
      outputs: ['c'],
      initializers: [initializer('w', weights[0]!), initializer('r', weights[1]!)],
    };
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    expect(run(parts, { x: floats([1, 1, 1], 1) }).get('c')!.data[0]).toBeCloseTo(sigmoid(0.1) * Math.tanh(0.4), 5);
    const positions = run(
      {
        nodes: [node('TopK', ['x', 'k'], ['', 'at'])],
        inputs: [input('x', [3])],
        outputs: ['at'],
        initializers: [initializer('k', integers(2))],
      },
      { x: floats([3], 5, 9, 7) },
    );
    expect(numbers(positions.get('at')!)).toEqual([1, 2]);
  });

  it('of batch normalization in old files are left out', () => {
    const perChannel = [floats([1], 2), floats([1], 1), floats([1], 0.25), floats([1], 4)];
    for (const opset of [7, 9, 14, 15]) {
      const parts: ModelParts = {
        nodes: [
          node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], opset < 14 ? ['y', 'm2', 'v2', 'sm', 'sv'] : ['y'], {
            epsilon: { float: 0 },
          }),
        ],
        inputs: [input('x', [1, 1, 2, 2])],
        outputs: ['y'],
        initializers: ['s', 'b', 'm', 'v'].map((name, i) => initializer(name, perChannel[i]!)),
        opset,
      };
      expect(numbers(run(parts, { x: image }).get('y')!), `opset ${opset}`).toEqual([0.85, 0.95, 1.05, 1.15]);
    }
  });
});

describe('defaults that depend on the opset', () => {
  const line = floats([1, 1, 1, 2], 1, 3);

  it('Upsample takes scales as an attribute, then as an operand; Resize of opset 10 as its second, later as its third', () => {
    const scales = [1, 1, 1, 2];
    const tensor = floats([4], ...scales);
    expect(numbers(one('Upsample', [line], { scales: { floats: scales } }, 7))).toEqual([1, 1, 3, 3]);
    expect(numbers(one('Upsample', [line, tensor], {}, 9))).toEqual([1, 1, 3, 3]);
    expect(numbers(one('Resize', [line, tensor], {}, 10))).toEqual([1, 1, 3, 3]);
    expect(numbers(one('Resize', [line, floats([0]), tensor], {}, 11))).toEqual([1, 1, 3, 3]);
    expect(numbers(one('Resize', [line, undefined, tensor], {}, 13))).toEqual([1, 1, 3, 3]);
    expect(numbers(one('Resize', [line, undefined, undefined, integers(1, 1, 1, 4)], {}, 13))).toEqual([1, 1, 3, 3]);
  });

  it('linear interpolation starts at the edge in Upsample and in Resize of opset 10, half a pixel in from opset 11 on', () => {
    const tensor = floats([4], 1, 1, 1, 2);
    expect(numbers(one('Upsample', [line, tensor], { mode: 'linear' }, 9))).toEqual([1, 2, 3, 3]);
    expect(numbers(one('Resize', [line, tensor], { mode: 'linear' }, 10))).toEqual([1, 2, 3, 3]);
    expect(numbers(one('Resize', [line, undefined, tensor], { mode: 'linear' }, 13))).toEqual([1, 1.5, 2.5, 3]);
  });

  it('LogSoftmax runs over all from axis 1 on before opset 13, over the last axis from then on', () => {
    const x = floats([1, 2, 2], 0, 0, 0, 0);
    expect(numbers(one('LogSoftmax', [x], {}, 12))).toEqual(
      numbers(floats([4], ...[1, 1, 1, 1].map(() => -Math.log(4)))),
    );
    expect(numbers(one('LogSoftmax', [x], {}, 13))).toEqual(
      numbers(floats([4], ...[1, 1, 1, 1].map(() => -Math.log(2)))),
    );
  });

  it('Unsqueeze and Squeeze take axes as an attribute before opset 13, reductions of sums too, of maxima before 18', () => {
    const x = ramp(1, 2);
    expect(one('Unsqueeze', [x], { axes: [-1] }, 11).type.shape).toEqual([1, 2, 1]);
    expect(one('Unsqueeze', [x, integers(-1)], {}, 13).type.shape).toEqual([1, 2, 1]);
    expect(one('Squeeze', [x], { axes: [-2] }, 11).type.shape).toEqual([2]);
    expect(one('Squeeze', [x, integers(-2)], {}, 13).type.shape).toEqual([2]);
    expect(one('Squeeze', [x], {}, 13).type.shape).toEqual([2]);
    expect(one('ReduceMax', [x], { axes: [1] }, 17).type.shape).toEqual([1, 1]);
    expect(one('ReduceMax', [x, integers(1)], {}, 18).type.shape).toEqual([1, 1]);
  });

  it('Dropout drops nothing unless training_mode says so, an operand since opset 12', () => {
    const x = ramp(64);
    for (const opset of [7, 10])
      expect(numbers(one('Dropout', [x], { ratio: { float: 0.5 } }, opset))).toEqual(numbers(x));
    expect(numbers(one('Dropout', [x, floats([], 0.5)], {}, 13))).toEqual(numbers(x));
    const training: Tensor = { type: { dtype: 'bool', shape: [] }, data: [1] };
    const dropped = one('Dropout', [x, floats([], 0.5), training], {}, 13);
    const kept = Array.from(dropped.data).filter((value) => value !== 0);
    expect(kept.length).toBeGreaterThan(16);
    expect(kept.length).toBeLessThan(48);
    expect(numbers(one('Dropout', [x, undefined, training], { seed: 3 }, 13)).some((value) => value === 0)).toBe(true);
  });

  it('TopK takes k as an attribute before opset 10', () => {
    const x = floats([3], 5, 9, 7);
    expect(numbers(one('TopK', [x], { k: 2, axis: 0 }, 9))).toEqual([9, 7]);
    expect(numbers(one('TopK', [x, integers(2)], {}, 11))).toEqual([9, 7]);
  });

  it('GroupNormalization has a scale for each group before opset 21, for each channel from then on', () => {
    const x = floats([1, 4, 2], 0, 2, 0, 2, 0, 2, 0, 2);
    const early = one('GroupNormalization', [x, floats([2], 1, 2), floats([2], 0, 0)], { num_groups: 2 }, 18);
    expect(numbers(early)).toEqual([-1, 1, -1, 1, -2, 2, -2, 2]);
    const late = [floats([4], 1, 2, 3, 4), floats([4], 0, 0, 0, 0)];
    expect(numbers(one('GroupNormalization', [x, ...late], { num_groups: 2 }, 21))).toEqual([
      -1, 1, -2, 2, -3, 3, -4, 4,
    ]);
  });

  it('Clip without bounds, or with one computed in the step, still cuts infinities to the largest finite number', () => {
    const largest = 3.4028234663852886e38;
    const x = floats([3], -Infinity, 1, Infinity);
    expect(Array.from(one('Clip', [x], {}, 13).data)).toEqual([-largest, 1, largest]);
    const parts: ModelParts = {
      nodes: [node('Clip', ['x', 'low'], 'y')],
      inputs: [input('x', [3]), input('low', [])],
      outputs: ['y'],
    };
    expect(Array.from(run(parts, { x, low: floats([], 0) }).get('y')!.data)).toEqual([0, 1, largest]);
  });

  it('ConvTranspose to a shape larger than its windows reach leaves the rest to the bias', () => {
    const x = floats([1, 1, 2], 1, 2);
    const operands = [x, floats([1, 1, 1], 10), floats([1], 0.5)];
    expect(numbers(one('ConvTranspose', operands, { strides: [2], auto_pad: 'SAME_UPPER' }, 11))).toEqual([
      10.5, 0.5, 20.5, 0.5,
    ]);
    expect(numbers(one('ConvTranspose', operands, { strides: [2], output_shape: [5] }, 11))).toEqual([
      10.5, 0.5, 20.5, 0.5, 0.5,
    ]);
  });
});

describe('shape arithmetic', () => {
  it('of 1,000 nodes on a tensor of gigabytes folds away, and no element of it is ever made', () => {
    const nodes = [node('Shape', ['x'], 's0'), node('Constant', [], 'two', { value_int: 2 })];
    for (let i = 0; i < 1000; i++) nodes.push(node(i % 2 === 0 ? 'Mul' : 'Div', [`s${i}`, 'two'], `s${i + 1}`));
    nodes.push(
      node('Constant', [], 'first', { value: integer(0) }),
      node('Gather', ['s1000', 'first'], 'rows', { axis: 0 }),
      node('Unsqueeze', ['rows', 'zero'], 'rows1'),
      node('Concat', ['rows1', 'open'], 'target', { axis: 0 }),
      node('Reshape', ['x', 'target'], 'y'),
    );
    const { model } = importOnnx(
      modelBytes({
        nodes,
        inputs: [input('x', ['batch', 1024, 1024])],
        outputs: ['y'],
        initializers: [initializer('zero', integers(0)), initializer('open', integers(-1))],
      }),
      { dims: { batch: 4096 } },
    );
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['reshape']);
    expect(model.graph.nodes[0]!.results[0]!.type.shape).toEqual([4096, 1024 * 1024]);
    expect(model.graph.constants).toEqual([]);
    expect(elementCount(model.graph.inputs[0]!.type.shape)).toBe(2 ** 32);
  });

  it('with truth values, comparisons and casts folds away too', () => {
    const { model } = importOnnx(
      modelBytes({
        nodes: [
          node('Shape', ['x'], 'shape'),
          node('Slice', ['shape', 'one', 'two'], 'width'),
          node('Equal', ['width', 'three'], 'same'),
          node('Where', ['same', 'width', 'one'], 'chosen'),
          node('Cast', ['chosen'], 'float', { to: DataType.FLOAT }),
          node('Mul', ['float', 'scale'], 'scaled'),
          node('Floor', ['scaled'], 'floored'),
          node('Cast', ['floored'], 'last', { to: DataType.INT64 }),
          node('Concat', ['open', 'last'], 'target', { axis: 0 }),
          node('Reshape', ['x', 'target'], 'y'),
        ],
        inputs: [input('x', [2, 3])],
        outputs: ['y'],
        initializers: [
          ...[initializer('one', integers(1)), initializer('two', integers(2)), initializer('three', integers(3))],
          ...[initializer('open', integers(-1)), initializer('scale', floats([1], 0.5))],
        ],
      }),
    );
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['reshape']);
    expect(model.graph.nodes[0]!.results[0]!.type.shape).toEqual([6, 1]);
  });
});
