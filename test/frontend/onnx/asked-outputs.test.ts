import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { askedOutputs } from '../../../src/cli/asked-outputs.ts';
import { type ImportOptions, importOnnx } from '../../../src/frontend/onnx/import.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import { input, type ModelParts, modelBytes, node } from '../onnx-models.ts';

/** Logits, and boxes that post-processing makes of them with an operator that is not supported. */
const detector: ModelParts = {
  nodes: [
    node('Tanh', ['x'], 'logits'),
    node('NonZero', ['logits'], 'found'),
    node('Cast', ['found'], 'boxes', { to: DataType.FLOAT }),
    node('Neg', ['boxes'], 'flipped'),
    node('Exp', ['x'], 'odds'),
  ],
  inputs: [input('x', [2, 3])],
  outputs: ['flipped', 'logits', 'boxes', 'odds'],
};

const imported = (options: ImportOptions = {}, parts: ModelParts = detector) => importOnnx(modelBytes(parts), options);

function refusal(options: ImportOptions, parts: ModelParts = detector): string {
  try {
    imported(options, parts);
  } catch (error) {
    if (error instanceof SublinearError) return error.message;
    throw error;
  }
  throw new Error('the model was imported');
}

describe('outputs that cannot be computed', () => {
  it('are left out with a note where nobody asked for them', () => {
    const { model, notes, outputNames, declaredOutputs } = imported();
    expect(outputNames).toEqual(['logits', 'odds']);
    expect(declaredOutputs).toEqual(['flipped', 'logits', 'boxes', 'odds']);
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['tanh', 'exp']);
    expect(notes).toEqual([
      {
        code: 'dropped-output',
        message: 'outputs "flipped", "boxes" are left out: operator NonZero is not supported (opset 17)',
        source: 'onnx NonZero "found"',
      },
    ]);
  });

  it('are errors where one was asked for, or where there is no other', () => {
    expect(refusal({ asked: ['logits', 'boxes'] })).toContain('operator NonZero is not supported');
    expect(refusal({ asked: ['boxes'] })).toContain('"boxes" needs it; "logits", "odds" can be computed without');
    expect(imported({ asked: ['logits'] }).outputNames).toEqual(['logits', 'odds']);
    expect(refusal({}, { ...detector, outputs: ['boxes'] })).toContain('operator NonZero is not supported');
    expect(refusal({ asked: ['logit'] })).toContain('did you mean "logits"?');
  });

  it('are errors where the file is wrong, rather than an operator not supported', () => {
    const broken = { ...detector, nodes: [...detector.nodes, node('MatMul', ['x', 'x'], 'square')] };
    expect(refusal({}, { ...broken, outputs: ['logits', 'square'] })).toContain('matmul');
    expect(imported({}, broken).outputNames).toEqual(['logits', 'odds']);
  });

  it('may need inputs and initializers of types that are not supported', () => {
    const parts: ModelParts = {
      nodes: [...detector.nodes, node('StringNormalizer', ['text'], 'normal')],
      inputs: [input('x', [2, 3]), input('text', [2], DataType.STRING)],
      outputs: ['logits', 'normal'],
    };
    expect(imported({}, parts).inputNames).toEqual(['x']);
    expect(refusal({ asked: ['normal'] }, parts)).toContain('input "text" has the unsupported element type STRING');
  });

  it('are all found out about, through everything in between', () => {
    const message = refusal(
      { asked: ['y'] },
      {
        nodes: [
          node('NonZero', ['x'], 'a'),
          node('Unique', ['x'], 'b'),
          node('Det', ['x'], 'unasked'),
          node('Add', ['a', 'b'], 'c'),
          node('Multinomial', ['c'], 'y'),
        ],
        inputs: [input('x', [2, 3])],
        outputs: ['y', 'x', 'unasked'],
      },
    );
    expect(message.match(/operator \w+/g)).toEqual(['operator NonZero', 'operator Unique', 'operator Multinomial']);
  });
});

describe('what a command asks for', () => {
  const outputs = [
    { name: 'mask', dtype: 'bool' as const },
    { name: 'logits', dtype: 'f32' as const, shape: [undefined, 10] },
    { name: 'a:b', dtype: 'f32' as const, shape: [1] },
  ];
  it.each([
    ['logits', [], ['logits']],
    ['mse:logits', [], ['logits']],
    ['a:b', [], ['a:b']],
    ['sum', [], ['logits']],
    ['nothing', [], ['logits']],
    [undefined, [], ['a:b']],
    [undefined, [1], ['mask', 'logits']],
    ['logits', [2], ['logits']],
  ])('--loss %s, cotangents %j: %j', (loss, cotangents, asked) => {
    expect(askedOutputs(outputs, loss, cotangents)).toEqual(asked);
  });

  it('is the output called loss, where there is one', () => {
    expect(askedOutputs([...outputs, { name: 'loss' }], undefined, [])).toEqual(['loss']);
  });
});
