import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { type ImportedModel, type ImportOptions, importOnnx } from '../../../src/frontend/onnx/import.ts';
import { type Diagnostic, SublinearError } from '../../../src/ir/diagnostic.ts';
import { evaluateGraph } from '../../evaluate-graph.ts';
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
  ramp,
} from '../onnx-models.ts';

function importModel(parts: ModelParts, options: ImportOptions = {}): ImportedModel {
  return importOnnx(modelBytes(parts), options);
}

function faults(bytes: Uint8Array, options: ImportOptions = {}): readonly Diagnostic[] {
  try {
    importOnnx(bytes, options);
  } catch (error) {
    if (error instanceof SublinearError) return error.diagnostics;
    throw error;
  }
  throw new Error('the model was imported');
}

/** `name = op operands`, one a node. */
function listing({ model }: ImportedModel): readonly string[] {
  return model.graph.nodes.map(({ name, op, operands }) => `${name} = ${op} ${operands.map((v) => v.name).join(' ')}`);
}

const linear: ModelParts = {
  nodes: [node('Transpose', ['w'], 'wt', { perm: [1, 0] }), node('MatMul', ['x', 'wt'], 'h'), node('Relu', ['h'], 'y')],
  inputs: [input('x', ['batch', 3])],
  outputs: ['y'],
  initializers: [initializer('w', ramp(4, 3))],
};

describe('importOnnx', () => {
  it('keeps the names of ONNX values, and folds the transposition of a weight into the product', () => {
    const imported = importModel(linear, { dims: { batch: 2 } });
    expect(listing(imported)).toEqual(['h = matmul x w', 'y = relu h']);
    expect(imported.model.graph.nodes[0]!.attributes).toEqual({ transpose_a: false, transpose_b: true });
    expect(imported.model.graph.nodes[0]!.results[0]!.type.shape).toEqual([2, 4]);
    expect(imported.model.graph.nodes[0]!.source).toBe('onnx MatMul "h"');
    expect(imported.inputNames).toEqual(['x']);
    expect(imported.parameterNames).toEqual(['w']);
    expect(imported.model.graph.outputs).toEqual([{ name: 'y', value: 'y' }]);
    expect(imported.dims).toEqual(new Map([['batch', 2]]));
  });

  it('takes nodes in any order', () => {
    const reversed = importModel({ ...linear, nodes: [...linear.nodes].reverse() }, { dims: { batch: 2 } });
    expect(listing(reversed)).toEqual(['h = matmul x w', 'y = relu h']);
  });

  it('takes a chain of 20,000 nodes, in reverse order', () => {
    const count = 20_000;
    const nodes = Array.from({ length: count }, (_, i) => node('Tanh', [`v${i}`], `v${i + 1}`)).reverse();
    const imported = importModel({ nodes, inputs: [input('v0', [2])], outputs: [`v${count}`] });
    expect(imported.model.graph.nodes.length).toBe(count);
    expect(imported.model.graph.nodes[0]!.name).toBe('v1');
  });

  it('takes names with any characters', () => {
    const odd = ['/m/x:0', 'a b', '%"\\', 'värde', '\n'];
    const nodes = odd.slice(1).map((name, i) => node('Tanh', [odd[i]!], name));
    const imported = importModel({ nodes, inputs: [input(odd[0]!, [2])], outputs: [odd[4]!] });
    expect(imported.model.graph.nodes.map((n) => n.name)).toEqual(odd.slice(1));
  });

  it('takes initializers that are listed as inputs, and drops what nothing reads', () => {
    const imported = importModel({
      nodes: [node('Add', ['x', 'w'], 'y'), node('Exp', ['x'], 'unused')],
      inputs: [input('x', [2]), input('w', [2]), input('ignored', [3])],
      outputs: ['y'],
      initializers: [initializer('w', ramp(2)), initializer('u', ramp(5))],
    });
    expect(listing(imported)).toEqual(['y = add x w']);
    expect(imported.inputNames).toEqual(['x', 'ignored']);
    expect(imported.parameterNames).toEqual(['w']);
    expect([...imported.model.weights.keys()]).toEqual(['w']);
  });

  it('makes inputs that match --params globs parameters without numbers', () => {
    const { model, inputNames } = importModel(
      { nodes: [node('Mul', ['x', 'm.w'], 'y')], inputs: [input('x', [2]), input('m.w', [2])], outputs: ['y'] },
      { params: ['m.*'] },
    );
    expect(inputNames).toEqual(['x']);
    expect(model.graph.parameters.map((value) => value.name)).toEqual(['m.w']);
    expect(model.weights.size).toBe(0);
  });

  it('makes the ConstantOfShape weights of slimmed models parameters', () => {
    const fill = floats([1], 0.02);
    const { model } = importModel({
      nodes: [node('ConstantOfShape', ['s'], 'w', { value: fill }), node('Add', ['x', 'w'], 'y')],
      inputs: [input('x', [2]), input('s', [1], DataType.INT64)],
      outputs: ['y'],
      initializers: [initializer('s', integers(2))],
      opset: 9,
    });
    expect(model.graph.parameters).toEqual([{ name: 'w', type: { dtype: 'f32', shape: [2] } }]);
    expect([...model.weights.get('w')!.data]).toEqual([Math.fround(0.02), Math.fround(0.02)]);
  });

  it('folds shape arithmetic away: Shape, Gather, Concat, Reshape', () => {
    const imported = importModel(
      {
        nodes: [
          node('Shape', ['x'], 'shape'),
          node('Constant', [], 'zero', { value: integer(0) }),
          node('Gather', ['shape', 'zero'], 'batch', { axis: 0 }),
          node('Unsqueeze', ['batch', 'axes'], 'batch1'),
          node('Concat', ['batch1', 'rest'], 'target', { axis: 0 }),
          node('Reshape', ['x', 'target'], 'y'),
        ],
        inputs: [input('x', ['n', 2, 3])],
        outputs: ['y'],
        initializers: [initializer('axes', integers(0)), initializer('rest', integers(-1))],
      },
      { dims: { n: 5 } },
    );
    expect(listing(imported)).toEqual(['y = reshape x']);
    expect(imported.model.graph.nodes[0]!.results[0]!.type.shape).toEqual([5, 6]);
    expect(imported.model.graph.constants).toEqual([]);
  });

  it('folds 1,000 nodes of shape arithmetic', () => {
    const nodes = [node('Shape', ['x'], 's0')];
    for (let i = 0; i < 1000; i++) nodes.push(node(i % 2 === 0 ? 'Add' : 'Sub', [`s${i}`, 'one'], `s${i + 1}`));
    nodes.push(node('Reshape', ['x', 's1000'], 'y'), node('Tanh', ['y'], 'z'));
    const initializers = [initializer('one', integers(1, 1))];
    const imported = importModel({ nodes, inputs: [input('x', [2, 3])], outputs: ['z'], initializers });
    expect(listing(imported)).toEqual(['z = tanh x']);
  });

  it('keeps a constant that a node reads, and shares equal ones', () => {
    const { model } = importModel({
      nodes: [
        node('Constant', [], 'a', { value: ramp(2) }),
        node('Constant', [], 'b', { value: ramp(2) }),
        node('Add', ['x', 'a'], 'h'),
        node('Mul', ['h', 'b'], 'y'),
      ],
      inputs: [input('x', [2])],
      outputs: ['y'],
    });
    expect(model.graph.constants.map((value) => value.name)).toEqual(['a']);
  });

  it('gives an output that is an input, a constant, or the same value twice, its name', () => {
    const imported = importModel({
      nodes: [
        node('Identity', ['x'], 'same'),
        node('Constant', [], 'two', { value: floats([], 2) }),
        node('Tanh', ['x'], 't'),
        node('Identity', ['t'], 'u'),
      ],
      inputs: [input('x', [1])],
      outputs: ['same', 'two', 't', 'u'],
    });
    const values = evaluateGraph(imported.model, new Map([['x', floats([1], 0.5)]]));
    expect(['same', 'two', 't', 'u'].map((name) => values.get(name)!.data[0])).toEqual([
      0.5,
      2,
      Math.fround(Math.tanh(0.5)),
      Math.fround(Math.tanh(0.5)),
    ]);
    expect(imported.model.graph.nodes.length).toBe(1);
  });

  it('takes empty optional inputs', () => {
    const imported = importModel({
      nodes: [node('Clip', ['x', '', 'max'], 'y')],
      inputs: [input('x', [2])],
      outputs: ['y'],
      initializers: [initializer('max', floats([], 6))],
    });
    expect(imported.model.graph.nodes[0]!.attributes.max).toBe(6);
    expect(imported.parameterNames).toEqual([]);
  });

  it('turns constant summands, factors and exponents into attributes', () => {
    const two = floats([], 2);
    const imported = importModel({
      nodes: [
        node('Constant', [], 'c', { value: two }),
        node('Mul', ['x', 'c'], 'a'),
        node('Add', ['c', 'a'], 'b'),
        node('Div', ['b', 'c'], 'd'),
        node('Sub', ['d', 'c'], 'e'),
        node('Pow', ['e', 'c'], 'y'),
      ],
      inputs: [input('x', [3])],
      outputs: ['y'],
    });
    expect(imported.model.graph.nodes.map(({ op, attributes }) => [op, ...Object.values(attributes)])).toEqual([
      ['scale', 2],
      ['add_scalar', 2],
      ['scale', 0.5],
      ['add_scalar', -2],
      ['square'],
    ]);
  });

  it('does not turn a constant into an attribute where it stretches the operand', () => {
    const imported = importModel({
      nodes: [node('Constant', [], 'c', { value: floats([1, 1], 2) }), node('Mul', ['x', 'c'], 'y')],
      inputs: [input('x', [3])],
      outputs: ['y'],
    });
    expect(imported.model.graph.nodes[0]!.op).toBe('multiply');
    expect(imported.model.graph.nodes[0]!.results[0]!.type.shape).toEqual([1, 3]);
  });

  it('passes by nodes that change nothing', () => {
    const imported = importModel({
      nodes: [
        node('Identity', ['x'], 'a'),
        node('Cast', ['a'], 'b', { to: DataType.FLOAT }),
        node('Dropout', ['b'], 'c'),
        node('Reshape', ['c', 's'], 'd'),
        node('Transpose', ['d'], 'e', { perm: [0, 1] }),
        node('Tanh', ['e'], 'y'),
      ],
      inputs: [input('x', [2, 3])],
      outputs: ['y'],
      initializers: [initializer('s', integers(2, 3))],
    });
    expect(listing(imported)).toEqual(['y = tanh x']);
  });

  it('draws dropout from one seed input, each node at a site of its own', () => {
    const imported = importModel({
      nodes: [
        node('Constant', [], 'on', { value: { type: { dtype: 'bool', shape: [] }, data: [1] } }),
        node('Constant', [], 'ratio', { value: floats([], 0.25) }),
        node('Dropout', ['x', 'ratio', 'on'], 'a'),
        node('Dropout', ['a', 'ratio', 'on'], 'y'),
      ],
      inputs: [input('x', [2])],
      outputs: ['y'],
    });
    expect(imported.rngInput).toBe('rng');
    expect(imported.model.graph.inputs.map((value) => value.name)).toEqual(['x', 'rng']);
    expect(imported.inputNames).toEqual(['x']);
    expect(imported.model.graph.nodes.map((n) => n.attributes)).toEqual([
      { ratio: 0.25, site: 0 },
      { ratio: 0.25, site: 1 },
    ]);
  });

  const batchNorm = (training: number): ModelParts => ({
    nodes: [
      node('BatchNormalization', ['x', 's', 'b', 'mean', 'var'], training === 1 ? ['y', 'm', 'v'] : ['y'], {
        training_mode: training,
      }),
    ],
    inputs: [input('x', [2, 3, 4])],
    outputs: ['y'],
    initializers: ['s', 'b', 'mean', 'var'].map((name) => initializer(name, ramp(3))),
  });

  it('makes the running statistics of batch normalization state in training', () => {
    const { model } = importModel(batchNorm(1));
    expect(model.graph.nodes.map(({ op, region }) => [op, region])).toEqual([
      ['batch_norm', 'forward'],
      ['batch_norm_update', 'update'],
    ]);
    expect(model.graph.parameters.map((value) => value.name)).toEqual(['s', 'b']);
    expect(model.graph.state.map((value) => value.name)).toEqual(['mean', 'var']);
    expect(model.weights.size).toBe(4);
  });

  it('leaves them weights in inference, and lets the caller choose', () => {
    for (const { model } of [importModel(batchNorm(0)), importModel(batchNorm(1), { training: false })]) {
      expect(model.graph.nodes.map(({ op }) => op)).toEqual(['batch_norm_inference']);
      expect(model.graph.parameters.map((value) => value.name)).toEqual(['s', 'b', 'mean', 'var']);
    }
    expect(importModel(batchNorm(0), { training: true }).model.graph.nodes[0]!.op).toBe('batch_norm');
  });

  it('binds extents by the contents it is given, and uses them where a shape must be known', () => {
    const parts: ModelParts = {
      nodes: [node('Reshape', ['x', 'shape'], 'y'), node('Tanh', ['y'], 'z')],
      inputs: [input('x', ['n', '']), input('shape', [1], DataType.INT64)],
      outputs: ['z'],
    };
    const given = new Map([
      ['x', ramp(2, 3)],
      ['shape', integers(6)],
    ]);
    const imported = importModel(parts, { given });
    expect(imported.model.graph.nodes[1]!.results[0]!.type.shape).toEqual([6]);
    expect(imported.inputNames).toEqual(['x', 'shape']);
    expect(imported.notes.map((note) => note.code)).toEqual(['specialized-input']);
    expect(faults(modelBytes(parts), { dims: { n: 2, 'x.1': 3 } })[0]).toMatchObject({
      code: 'unsupported',
      source: 'onnx Reshape "y"',
      message: 'Reshape (opset 17): operand 1 ("shape") must be known before the step runs, but is computed in it',
    });
  });

  it('reads external data beside the model', () => {
    const directory = mkdtempSync(join(tmpdir(), 'external-'));
    writeFileSync(join(directory, 'weights.bin'), new Uint8Array(Float32Array.of(9, 1, 2).buffer));
    const imported = importOnnx(withExternal('weights.bin', { offset: '4', length: '8' }), { directory });
    expect([...imported.model.weights.get('w')!.data]).toEqual([1, 2]);
  });
});

/** x + w with w in an external file. */
function withExternal(location: string, range: Readonly<Record<string, string>> = {}): Uint8Array {
  const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
  const w = create(TensorProtoSchema, {
    name: 'w',
    dims: [2n],
    dataType: DataType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [entry('location', location), ...Object.entries(range).map(([key, value]) => entry(key, value))],
  });
  return modelBytes({
    nodes: [node('Add', ['x', 'w'], 'y')],
    inputs: [input('x', [2])],
    outputs: ['y'],
    initializers: [w],
  });
}

describe('importOnnx refuses', () => {
  const good = modelBytes(linear);
  const one = (nodes: ModelParts['nodes'], more: Partial<ModelParts> = {}): Uint8Array =>
    modelBytes({ nodes, inputs: [input('x', [2, 3])], outputs: ['y'], ...more });

  it('bytes that are no protobuf message', () => {
    expect(faults(new TextEncoder().encode('<!DOCTYPE html><html></html>'))[0]!.code).toBe('not-onnx');
    expect(faults(new Uint8Array(0))[0]!.message).toBe('not an ONNX model: the file is empty');
    expect(faults(Uint8Array.of(0xff, 0xff, 0xff, 0xff))[0]!.code).toBe('not-onnx');
  });

  it('a file that is cut short, wherever', () => {
    for (let length = 1; length < good.length; length++) {
      const [fault] = faults(good.subarray(0, length), { dims: { batch: 2 } });
      expect(['truncated-file', 'not-onnx', 'unsupported-opset']).toContain(fault!.code);
    }
    expect(faults(good.subarray(0, good.length - 10))[0]!.message).toContain('is cut short');
  });

  it('an empty graph', () => {
    expect(faults(one([]))[0]).toMatchObject({ code: 'empty-graph', message: 'the graph "test" has no nodes' });
    expect(faults(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })))[0]!.code).toBe('not-onnx');
  });

  it('opsets it does not know', () => {
    expect(faults(modelBytes({ ...linear, opset: 0 }))[0]!.message).toBe(
      'the model uses opset 0; supported are 1 to 27',
    );
    expect(faults(modelBytes({ ...linear, opset: 28 }))[0]!.code).toBe('unsupported-opset');
  });

  it('unknown operators, all of them, with op, node and opset', () => {
    const found = faults(one([node('Tanhh', ['x'], 'a'), node('FancyOp', ['a'], 'y')]));
    expect(found.map(({ message, source, hint }) => [message, source, hint])).toEqual([
      ['operator Tanhh is not supported (opset 17)', 'onnx Tanhh "a"', 'the nearest supported operator is Tanh'],
      [
        'operator FancyOp is not supported (opset 17)',
        'onnx FancyOp "y"',
        '`sublinear ops` lists the supported operators',
      ],
    ]);
  });

  it('operators before the opset that brought them', () => {
    expect(faults(one([node('Gelu', ['x'], 'y')]))[0]!.message).toBe(
      'operator Gelu is supported from opset 20, and the model uses opset 17',
    );
  });

  it('operators of other domains', () => {
    const model = modelProto({ ...linear, outputs: ['z'] });
    model.graph!.node.push(Object.assign(node('Tanh', ['y'], 'z'), { domain: 'com.example' }));
    expect(faults(toBinary(ModelProtoSchema, model), { dims: { batch: 1 } })[0]!.message).toBe(
      'operator com.example.Tanh is not supported (opset 17)',
    );
  });

  it('unknown and unsupported element types', () => {
    expect(faults(one([node('Tanh', ['x'], 'y')], { inputs: [input('x', [2], DataType.COMPLEX64)] }))[0]).toMatchObject(
      {
        code: 'unsupported-dtype',
        message: 'input "x" has the unsupported element type COMPLEX64',
      },
    );
    expect(faults(one([node('Tanh', ['x'], 'y')], { inputs: [input('x', [2], 99)] }))[0]!.message).toContain(
      'element type 99',
    );
    const text = create(TensorProtoSchema, { name: 't', dims: [1n], dataType: DataType.STRING });
    expect(faults(one([node('Add', ['x', 't'], 'y')], { initializers: [text] }))[0]!.code).toBe('unsupported-dtype');
  });

  it('cycles', () => {
    const nodes = [
      node('Add', ['x', 'c'], 'a'),
      node('Tanh', ['a'], 'b'),
      node('Exp', ['b'], 'c'),
      node('Tanh', ['c'], 'y'),
    ];
    expect(faults(one(nodes))[0]).toMatchObject({
      code: 'cyclic-graph',
      message: 'the graph has a cycle: "b" -> "c" -> "a" -> "b"',
    });
  });

  it('names that are made twice, and names that nothing makes', () => {
    expect(faults(one([node('Tanh', ['x'], 'y'), node('Exp', ['x'], 'y')]))[0]).toMatchObject({
      code: 'duplicate-name',
      message: 'the value "y" is made by onnx Tanh "y" too',
    });
    expect(faults(one([node('Tanh', ['x'], 'x'), node('Exp', ['x'], 'y')]))[0]!.code).toBe('duplicate-name');
    const twice = { inputs: [input('x', [1]), input('x', [1])] };
    expect(faults(one([node('Tanh', ['x'], 'y')], twice))[0]!.message).toBe('two inputs are called "x"');
    expect(faults(one([node('Tanh', ['layer.1'], 'y')], { inputs: [input('layer.2', [1])] }))[0]).toMatchObject({
      code: 'undefined-value',
      hint: 'did you mean "layer.2"?',
    });
    expect(faults(one([node('Tanh', ['x'], 'z')]))[0]!.message).toContain('"y" is not defined: it is an output');
  });

  it('operands that are left out', () => {
    expect(faults(one([node('Add', ['x'], 'y')]))[0]).toMatchObject({
      code: 'missing-operand',
      message: 'Add (opset 17) needs operand 1, but it is left out',
    });
    expect(faults(one([node('Add', ['', 'x'], 'y')]))[0]!.code).toBe('missing-operand');
  });

  it('shapes that do not fit, each once, with the node', () => {
    const nodes = [
      node('MatMul', ['x', 'x'], 'a'),
      node('Tanh', ['a'], 'b'),
      node('Add', ['x', 'w'], 'c'),
      node('Add', ['b', 'c'], 'y'),
    ];
    const found = faults(one(nodes, { initializers: [initializer('w', ramp(4))] }));
    expect(found.map(({ code, source }) => [code, source])).toEqual([
      ['shape-mismatch', 'onnx MatMul "a"'],
      ['shape-mismatch', 'onnx Add "c"'],
    ]);
    expect(found[0]!.message).toContain('f32[2,3]');
  });

  it('dimensions that are not bound, and bindings of no dimension', () => {
    expect(faults(good)[0]).toMatchObject({
      code: 'unbound-dimension',
      message: 'input "x" has the shape [batch, 3], in which "batch" is not bound',
      hint: 'give --dim batch=N',
    });
    expect(faults(good, { dims: { bacth: 2 } }).map(({ code, hint }) => [code, hint])).toEqual([
      ['unknown-dimension', 'did you mean "batch"?'],
      ['unbound-dimension', 'give --dim batch=N'],
    ]);
    expect(faults(good, { dims: { batch: -1 } })[0]!.code).toBe('bad-dimension');
  });

  it('an extent without a name until it is bound by input and axis', () => {
    const parts = { ...linear, inputs: [input('x', ['', 3])] };
    expect(faults(modelBytes(parts))[0]!.hint).toBe('give --dim x.0=N');
    expect(importModel(parts, { dims: { 'x.0': 7 } }).model.graph.inputs[0]!.type.shape).toEqual([7, 3]);
  });

  it('external data that is missing, cut short, or outside the directory', () => {
    const directory = mkdtempSync(join(tmpdir(), 'external-'));
    mkdirSync(join(directory, 'model'));
    const model = join(directory, 'model');
    writeFileSync(join(directory, 'secret'), new Uint8Array(8));
    writeFileSync(join(model, 'short'), new Uint8Array(4));
    symlinkSync(join(directory, 'secret'), join(model, 'link'));
    const code = (location: string, range = {}) => faults(withExternal(location, range), { directory: model })[0]!.code;
    expect(faults(withExternal('none.bin'), { directory: model })[0]).toMatchObject({
      code: 'missing-external-data',
      message: `tensor "w" lies in ${join(model, 'none.bin')}, which is not there`,
    });
    expect(code('../secret')).toBe('external-data-outside');
    expect(code(join(directory, 'secret'))).toBe('external-data-outside');
    expect(code('link')).toBe('external-data-outside');
    expect(code('short', { length: '8' })).toBe('truncated-file');
    expect(code('short')).toBe('malformed-tensor');
    expect(faults(withExternal('w.bin'))[0]!.code).toBe('missing-external-data');
  });
});

describe('the Gradient operator', () => {
  const asking = (wanted: Readonly<Record<string, string>>): ModelParts => ({
    nodes: [
      Object.assign(node('Gradient', ['x'], 'dx', { y: 'y', xs: ['x'], ...wanted }), {
        domain: 'ai.onnx.preview.training',
      }),
      node('Tanh', ['x'], 'h'),
      node('Mul', ['h', 'x'], 'y'),
    ],
    inputs: [input('x', [3])],
    outputs: ['dx'],
  });

  it('becomes a request: the sum of y by x, under the name of the output', () => {
    const { model, gradients, outputNames } = importModel(asking({}));
    expect(gradients).toEqual([{ loss: 'dx/reduce_sum', wrt: ['x'], outputs: ['dx'] }]);
    expect(outputNames).toEqual(['dx/reduce_sum']);
    expect(model.graph.nodes.map((n) => n.op)).toEqual(['tanh', 'multiply', 'reduce_sum']);
  });

  it('is refused for a value that is not there', () => {
    expect(faults(modelBytes(asking({ y: 'z' })))[0]!.message).toContain('the value "z" is not defined');
  });
});
