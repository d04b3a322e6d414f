import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  FunctionProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { input, modelProto, node } from '../onnx-models.ts';

const domain = 'example';
const opsetOf = (version: bigint) => create(OperatorSetIdProtoSchema, { domain: '', version });

function call(name: string, inputs: readonly string[], output: string, attributes = {}): NodeProto {
  return Object.assign(node(name, inputs, output, attributes), { domain });
}

function withFunctions(nodes: readonly NodeProto[], functions: readonly FunctionProto[]): Uint8Array {
  const model = modelProto({ nodes, inputs: [input('x', [2, 3])], outputs: ['y'] });
  model.functions.push(...functions);
  return toBinary(ModelProtoSchema, model);
}

function define(
  name: string,
  nodes: readonly NodeProto[],
  more: {
    input?: string[];
    output?: string[];
    attributeProto?: AttributeProto[];
    opsetImport?: OperatorSetIdProto[];
  } = {},
): FunctionProto {
  const base = {
    name,
    domain,
    input: ['a'],
    output: ['b'],
    opsetImport: [opsetOf(17n)],
    node: [...nodes],
  };
  return create(FunctionProtoSchema, { ...base, ...more });
}

const referring = (own: string, of: string) =>
  create(AttributeProtoSchema, { name: own, refAttrName: of, type: AttributeType.INT });

const square = define('Square', [node('Mul', ['a', 'a'], 'h'), node('Neg', ['h'], 'b')]);

const listing = (bytes: Uint8Array) =>
  importOnnx(bytes).model.graph.nodes.map((n) => `${n.name} = ${n.op} ${n.operands.map((v) => v.name).join(' ')}`);

describe('functions of a model', () => {
  it('are written out where they are called, inner values named after the call', () => {
    const bytes = withFunctions([call('Square', ['x'], 's'), call('Square', ['s'], 'y')], [square]);
    expect(listing(bytes)).toEqual(['s/h = multiply x x', 's = negate s/h', 'y/h = multiply s s', 'y = negate y/h']);
  });

  it('call each other', () => {
    const twice = define('Twice', [call('Square', ['a'], 'h'), call('Square', ['h'], 'b')]);
    const ops = importOnnx(withFunctions([call('Twice', ['x'], 'y')], [twice, square])).model.graph.nodes.map(
      (n) => n.op,
    );
    expect(ops).toEqual(['multiply', 'negate', 'multiply', 'negate']);
  });

  it('take attributes from the call, or their own defaults', () => {
    const body = node('Flatten', ['a'], 'b');
    body.attribute.push(referring('axis', 'from'));
    const fallback = create(AttributeProtoSchema, { name: 'from', type: AttributeType.INT, i: 0n });
    const flat = define('Flat', [body], { attributeProto: [fallback] });
    const shape = (attributes: object) =>
      importOnnx(withFunctions([call('Flat', ['x'], 'y', attributes)], [flat])).model.graph.nodes[0]!.results[0]!.type
        .shape;
    expect(shape({})).toEqual([1, 6]);
    expect(shape({ from: 2 })).toEqual([6, 1]);
  });

  it('may hand an input on', () => {
    const same = define('Same', [], { input: ['a'], output: ['a'] });
    expect(listing(withFunctions([call('Same', ['x'], 'h'), node('Tanh', ['h'], 'y')], [same]))).toEqual([
      'y = tanh x',
    ]);
  });

  it('are refused where they call themselves, or are of another opset', () => {
    const loop = define('Loop', [call('Loop', ['a'], 'b')]);
    expect(() => importOnnx(withFunctions([call('Loop', ['x'], 'y')], [loop]))).toThrow(
      'function Loop: it calls itself',
    );
    const old = define('Old', [node('Tanh', ['a'], 'b')], {
      opsetImport: [opsetOf(13n)],
    });
    expect(() => importOnnx(withFunctions([call('Old', ['x'], 'y')], [old]))).toThrow('written for opset 13');
  });
});
