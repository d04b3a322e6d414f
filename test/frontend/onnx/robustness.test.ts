import fc from 'fast-check';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { floats, initializer, input, integers, modelBytes, node, ramp } from '../onnx-models.ts';

/** Whether the bytes are imported; anything thrown but a `SublinearError` fails the test. */
function imports(bytes: Uint8Array, given: ReadonlyMap<string, Tensor> = new Map()): boolean {
  try {
    importOnnx(bytes, { given });
    return true;
  } catch (error) {
    if (!(error instanceof SublinearError)) throw error;
    expect(error.message).not.toBe('');
    return false;
  }
}

const extents = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const types = fc.constantFrom<[Tensor['type']['dtype'], number]>(
  ['f32', DataType.FLOAT],
  ['i64', DataType.INT64],
  ['bool', DataType.BOOL],
);
const operand = fc.record({ shape: extents, type: types, left: fc.boolean(), known: fc.boolean() });
const attributeNames = [
  ...['axis', 'axes', 'perm', 'kernel_shape', 'strides', 'pads', 'dilations', 'group', 'num_groups', 'keepdims', 'to'],
  ...[
    'size',
    'blocksize',
    'hidden_size',
    'training_mode',
    'k',
    'p',
    'split',
    'num_outputs',
    'q_num_heads',
    'kv_num_heads',
  ],
  ...['layout', 'is_causal', 'batch_dims', 'storage_order', 'ceil_mode', 'output_shape', 'output_padding', 'transA'],
];
const attributes = fc.dictionary(
  fc.constantFrom(...attributeNames),
  fc.oneof(fc.integer({ min: -3, max: 4 }), fc.array(fc.integer({ min: -2, max: 4 }), { maxLength: 4 })),
  { maxKeys: 4 },
);

describe('the importer', () => {
  it('takes or refuses whatever operands and attributes an operator is given', { timeout: 60_000 }, () => {
    const cases = fc.tuple(
      fc.constantFrom(...onnxOperators.filter(({ onnx }) => !onnx.includes('.'))),
      fc.array(operand, { maxLength: 6 }),
      attributes,
      fc.integer({ min: 6, max: 27 }),
    );
    let taken = 0;
    fc.assert(
      fc.property(cases, ([operator, operands, given, opset]) => {
        const tensors = new Map<string, Tensor>();
        const inputs = operands.flatMap(({ shape, type: [dtype, elementType], left, known }, i) => {
          if (left) return [];
          const count = shape.reduce((all, extent) => all * extent, 1);
          const data = Array.from({ length: count }, (_, at) => (dtype === 'bool' ? at % 2 : (at % 5) - 1));
          if (known) tensors.set(`x${i}`, { type: { dtype, shape }, data });
          return [input(`x${i}`, shape, elementType)];
        });
        const names = operands.map(({ left }, i) => (left ? '' : `x${i}`));
        const bytes = modelBytes({
          nodes: [node(operator.onnx, names, ['y', 'z'], given)],
          inputs,
          outputs: ['y'],
          opset: Math.max(opset, operator.since),
        });
        if (imports(bytes, tensors)) taken++;
      }),
      { numRuns: 4000, seed: 7 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  it('takes or refuses a model with any byte changed', { timeout: 60_000 }, () => {
    const bytes = modelBytes({
      nodes: [
        node('Conv', ['x', 'w'], 'a', { pads: [1, 1, 1, 1], strides: [1, 1] }),
        node('Relu', ['a'], 'b'),
        node('Reshape', ['b', 'shape'], 'c'),
        node('Gemm', ['c', 'v', 'bias'], 'y', { transB: 1, alpha: { float: 0.5 } }),
      ],
      inputs: [input('x', [1, 2, 4, 4])],
      outputs: ['y'],
      initializers: [
        initializer('w', ramp(3, 2, 3, 3)),
        initializer('shape', integers(1, -1)),
        initializer('v', ramp(2, 48)),
        initializer('bias', floats([2], 1, 2)),
      ],
    });
    expect(imports(bytes)).toBe(true);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = bytes.slice();
        changed[at] = byte;
        imports(changed);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });
});
