/** Small files that ask for big work: refused with an error that names the limit, or imported without doing the work. */
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../passes/pipeline.ts';
import { type ImportOptions, importOnnx } from '../../../src/frontend/onnx/import.ts';
import { nameSuggester, nearestName, SublinearError } from '../../../src/ir/diagnostic.ts';
import { globMatcher } from '../../../src/ir/glob.ts';
import {
  floats,
  initializer,
  input,
  integer,
  integers,
  type ModelParts,
  modelBytes,
  modelProto,
  node,
} from '../onnx-models.ts';

function refusal(from: ModelParts | Uint8Array, options: ImportOptions = {}): SublinearError {
  try {
    importOnnx(from instanceof Uint8Array ? from : modelBytes(from), options);
  } catch (error) {
    if (error instanceof SublinearError) return error;
    throw error;
  }
  throw new Error('the model was imported');
}

describe('a small file that asks for big work', () => {
  it('splits into as many parts as it has outputs, and no more', () => {
    const nodes = [node('Split', ['x'], ['y', 'z'], { num_outputs: 2 ** 31 - 1 })];
    const { message } = refusal({ nodes, inputs: [input('x', [2])], outputs: ['y'], opset: 18 });
    expect(message).toContain('its num_outputs is 2147483647, and it has 2 outputs');
    const sizes = [node('Split', ['x', 'sizes'], ['y', 'z'])];
    const initializers = [initializer('sizes', integers(1, 1, 1))];
    expect(refusal({ nodes: sizes, inputs: [input('x', [3])], outputs: ['y'], initializers }).message).toContain(
      '3 sizes are given for 2 outputs',
    );
  });

  const recurrent = (opType: string, gates: number, time: number, hidden = 2): ModelParts => ({
    nodes: [node(opType, ['x', 'w', 'r'], ['y'], { hidden_size: hidden })],
    inputs: [input('x', [time, 1, 3])],
    outputs: ['y'],
    initializers: [
      initializer('w', { type: { dtype: 'f32', shape: [1, gates * 2, 3] }, data: new Float32Array(gates * 6) }),
      initializer('r', { type: { dtype: 'f32', shape: [1, gates * 2, 2] }, data: new Float32Array(gates * 4) }),
    ],
  });

  it.each([
    ['LSTM', 4],
    ['GRU', 3],
    ['RNN', 1],
  ])('writes no %s out over a million steps, unless it is allowed to', (opType, gates) => {
    const { message } = refusal(recurrent(opType, gates, 1_000_000));
    expect(message).toContain('make more than 50000 nodes');
    expect(message).toContain('--expansion-limit N');
    expect(
      importOnnx(modelBytes(recurrent(opType, gates, 4)), { expansionLimit: 64 }).model.graph.nodes.length,
    ).toBeGreaterThan(3);
    expect(refusal(recurrent(opType, gates, 4), { expansionLimit: 63 }).message).toContain('more than 63 nodes');
  });

  it('takes no state that the weights are not for', () => {
    for (const hidden of [0, 3, 2 ** 31, 2 ** 52]) {
      const { message, exitCode } = refusal(recurrent('LSTM', 4, 3, hidden));
      expect([message.includes(`a state of ${hidden}`), exitCode]).toEqual([true, 1]);
    }
  });

  it('writes no functions out that double at every level', () => {
    const call = (name: string, from: string, to: string) => Object.assign(node(name, [from], to), { domain: 'd' });
    const model = modelProto({ nodes: [call('f40', 'x', 'y')], inputs: [input('x', [2])], outputs: ['y'] });
    for (let i = 1; i <= 40; i++)
      model.functions.push(
        create(FunctionProtoSchema, {
          ...{ name: `f${i}`, domain: 'd', input: ['a'], output: ['b'] },
          node: i === 1 ? [node('Tanh', ['a'], 'b')] : [call(`f${i - 1}`, 'a', 'h'), call(`f${i - 1}`, 'h', 'b')],
        }),
      );
    expect(refusal(toBinary(ModelProtoSchema, model), { expansionLimit: 5000 }).message).toContain(
      'more than 5000 nodes',
    );
    // A chain of calls is not wide, but its names would grow with the square of its length.
    model.functions.forEach((body, i) => {
      if (i > 0) body.node = [call(`f${i}`, 'a', 'b')];
    });
    expect(importOnnx(toBinary(ModelProtoSchema, model)).model.graph.nodes.length).toBe(1);
    for (let i = 41; i <= 200; i++)
      model.functions.push(
        create(FunctionProtoSchema, {
          ...{ name: `f${i}`, domain: 'd', input: ['a'], output: ['b'], node: [call(`f${i - 1}`, 'a', 'b')] },
        }),
      );
    model.graph!.node = [call('f200', 'x', 'y')];
    expect(refusal(toBinary(ModelProtoSchema, model)).message).toContain('it is called within 100 others');
  });

  it('makes no constants without end', () => {
    const range = (limit: number): ModelParts => ({
      nodes: [node('Range', ['zero', 'limit', 'one'], 'r'), node('Gather', ['x', 'r'], 'y')],
      inputs: [input('x', [2])],
      outputs: ['y'],
      initializers: [
        initializer('zero', integer(0)),
        initializer('limit', integer(limit)),
        initializer('one', integer(1)),
      ],
    });
    expect(refusal(range(2e8)).message).toContain(
      'i64[200000000] is too large for a constant: all that are made while the model is read may take 128 MiB',
    );
    expect(importOnnx(modelBytes(range(1000))).model.weights.get('r')!.data.length).toBe(1000);
    const eye = { nodes: [node('EyeLike', ['x'], 'e'), node('Add', ['e', 'x'], 'y')], outputs: ['y'] };
    expect(refusal({ ...eye, inputs: [input('x', [20_000, 20_000])] }).message).toContain('128 MiB');
  });

  it('shares equal constants, and leaves large ones to the step', () => {
    const count = 40;
    const nodes = Array.from({ length: count }, (_, i) => [
      node('ConstantOfShape', ['shape'], `c${i}`, { value: { type: { dtype: 'i64', shape: [1] }, data: [i] } }),
      node('Range', ['zero', 'limit', 'one'], `r${i}`),
      node('Add', [`c${i}`, `r${i}`], `s${i}`),
    ]).flat();
    const parts: ModelParts = {
      nodes,
      outputs: Array.from({ length: count }, (_, i) => `s${i}`),
      initializers: [
        initializer('shape', integers(400_000)),
        ...[initializer('zero', integer(0)), initializer('limit', integer(400_000)), initializer('one', integer(1))],
      ],
    };
    const { model } = importOnnx(modelBytes(parts));
    const bytes = [...model.weights.values()].reduce((sum, { data }) => sum + 8 * data.length, 0);
    expect(bytes).toBeLessThan(128 * 2 ** 20);
    expect(model.graph.constants.filter(({ name }) => name.startsWith('r')).length).toBe(1);
  });

  it('makes the numbers of a slimmed weight only when they are asked for', () => {
    const { model } = importOnnx(
      modelBytes({
        nodes: [node('ConstantOfShape', ['s'], 'w', { value: floats([1], 0.5) }), node('Gather', ['w', 'i'], 'y')],
        inputs: [input('i', [2], DataType.INT64)],
        outputs: ['y'],
        initializers: [initializer('s', integers(2 ** 28))],
      }),
    );
    expect(model.graph.parameters).toEqual([{ name: 'w', type: { dtype: 'f32', shape: [2 ** 28] } }]);
  });

  it('has no tensors of more bytes than can be counted, and no more dimensions than people can', () => {
    const one = (shape: readonly number[], opType = 'Tanh') =>
      refusal({ nodes: [node(opType, ['x'], 'y')], inputs: [input('x', shape)], outputs: ['y'] });
    expect(one([2 ** 40, 2 ** 40]).message).toContain('input "x" of the type f32[1099511627776,1099511627776]');
    expect(one(new Array<number>(100).fill(1)).message).toContain('has 100 dimensions; supported are up to 64');
    const initializers = [initializer('s', integers(2 ** 30, 2 ** 30))];
    const grown = { nodes: [node('Expand', ['x', 's'], 'y')], inputs: [input('x', [1])], outputs: ['y'], initializers };
    expect(refusal(grown).exitCode).toBe(1);
    expect(refusal(grown).message).toContain('more than 2^53 bytes');
  });

  it('names thousands of values that nothing makes, and hints at a few', () => {
    const nodes = Array.from({ length: 3000 }, (_, i) => node('Add', [`layer.${i}.output`, 'x'], `layer.${i}.outputs`));
    const { diagnostics } = refusal({ nodes, inputs: [input('x', [2])], outputs: ['layer.0.outputs'] });
    expect(diagnostics.length).toBe(3000);
    expect(diagnostics.filter(({ hint }) => hint !== undefined).length).toBe(20);
  });

  it('lies in no external file that cannot be read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'external-'));
    symlinkSync('loop', join(directory, 'loop'));
    for (const location of ['a\0b', 'loop', 'n'.repeat(5000), '.', 'loop/x', '']) {
      const w = create(TensorProtoSchema, {
        ...{ name: 'w', dims: [2n], dataType: DataType.FLOAT, dataLocation: TensorProto_DataLocation.EXTERNAL },
        externalData: [{ key: 'location', value: location }],
      });
      const parts = { nodes: [node('Add', ['x', 'w'], 'y')], inputs: [input('x', [2])], outputs: ['y'] };
      const error = refusal({ ...parts, initializers: [w] }, { directory });
      expect(error.exitCode).toBe(1);
      expect(['missing-external-data', 'external-data-outside']).toContain(error.diagnostics[0]!.code);
    }
  });
});

describe('near names', () => {
  it('are not looked for in long ones, nor through all of very many', () => {
    expect(nearestName('wieght', ['bias', 'weight'])).toBe('weight');
    expect(nearestName('a'.repeat(90_000), ['a'.repeat(90_001)])).toBeUndefined();
    const suggest = nameSuggester(() => ['weight']);
    const found = Array.from({ length: 25 }, () => suggest('wieght'));
    expect(found.filter((name) => name === 'weight').length).toBe(20);
  });
});

describe('globs', () => {
  it('are matched without going back over every star', () => {
    const name = 'a'.repeat(5000);
    expect(globMatcher(['*a*a*a*a*a*a*a*a*ab'])(name)).toBe(false);
    expect(globMatcher(['*a*a*a*a*a*a*a*a*ab'])(`${name}b`)).toBe(true);
    expect(globMatcher(['a*b?c*'])('axxbxbycz')).toBe(true);
    expect(globMatcher(['*?'])('')).toBe(false);
    expect(globMatcher(['**'])('')).toBe(true);
    expect(globMatcher(['?'])('\u{1f600}')).toBe(true);
  });

  it('give what a regular expression of the same meaning gives', () => {
    const letters = ['a', 'b', '*', '?'];
    for (let n = 0; n < 4 ** 5; n++) {
      const pattern = Array.from({ length: 5 }, (_, i) => letters[Math.floor(n / 4 ** i) % 4]!).join('');
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      for (const name of ['', 'a', 'ab', 'aab', 'abab', 'babba', 'aabbab'])
        expect([pattern, name, globMatcher([pattern])(name)]).toEqual([pattern, name, expression.test(name)]);
    }
  });
});

describe('pipelines', () => {
  it.each(['"\u0001"', '"\\q"', 'plan{strategy="a\nb"}'])('refuse %j as wrong usage', (text) => {
    try {
      parsePipeline(text);
    } catch (error) {
      expect(error instanceof SublinearError && error.exitCode).toBe(2);
      return;
    }
    throw new Error('the pipeline was parsed');
  });
});
