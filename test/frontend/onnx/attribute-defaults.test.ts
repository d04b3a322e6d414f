/**
 * What attributes are by default, by the ONNX project's own table: a node that leaves one out becomes the very graph that
 * the node becomes which has it at its default, in every operator set.
 */
import { describe, expect, it } from 'vitest';
import { supportedOpsets } from '../../../src/frontend/onnx/decode.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import { onnxOperators } from '../../../src/frontend/onnx/operators.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import { printGraph } from '../../../src/ir/print.ts';
import type { AttributeInput } from '../onnx-models.ts';
import table from './attribute-defaults.json' with { type: 'json' };
import { nodeBytes } from './random-models.ts';
import { Draw, made, type RandomNode, type RandomOperand, randomNodes } from './random-nodes.ts';

type Defaults = Readonly<Record<string, AttributeInput>>;
type Version = { readonly since: number; readonly defaults: Defaults };
const operators: Readonly<Record<string, readonly Version[]>> = table.operators;

interface Entry {
  readonly operator: string;
  readonly attribute: string;
  readonly value: AttributeInput;
  /** The operator sets at both ends of the range in which it holds. */
  readonly opsets: readonly number[];
}

/** Every default of every operator that is supported. */
const entries: readonly Entry[] = onnxOperators.flatMap(({ onnx: operator, since: first }) => {
  const last = operator.includes('.') ? 1 : supportedOpsets.last;
  const versions = operators[operator] ?? [];
  return versions.flatMap(({ since, defaults }, i): Entry[] => {
    const low = Math.max(since, first, operator.includes('.') ? 1 : supportedOpsets.first);
    const high = Math.min(last, (versions[i + 1]?.since ?? last + 1) - 1);
    if (low > high) return [];
    const opsets = [...new Set([low, high])];
    return Object.entries(defaults).map(([attribute, value]) => ({ operator, attribute, value, opsets }));
  });
});

/** The graph's texts in inference and training; undefined where the node is not valid at that operator set. */
function textOf(operator: string, node: RandomNode): string | undefined {
  try {
    const bytes = nodeBytes(operator, node);
    const graphs = [importOnnx(bytes), importOnnx(bytes, { training: true })].map(({ model }) => model.graph);
    return graphs.map(printGraph).join('\n');
  } catch (error) {
    if (error instanceof SublinearError) return undefined;
    throw error;
  }
}

const draw = new Draw(1);
const operand = (...shape: readonly number[]): RandomOperand => draw.floats(shape);
const indices = (...shape: readonly number[]): RandomOperand => draw.integers(shape, 0, 1);
const list = (...data: readonly number[]): RandomOperand => ({
  tensor: { type: { dtype: 'f32', shape: [data.length] }, data: Float32Array.from(data) },
  stored: true,
});

/** Where the random nodes do not come: earlier forms, outputs that are seldom asked for, other domains. */
const otherNodes: Readonly<Record<string, RandomNode | readonly RandomNode[]>> = {
  Attention: made([operand(1, 1, 2, 2), operand(1, 1, 2, 2), operand(1, 1, 2, 2)], { outputs: 4 }),
  Pad: ['paddings', 'pads'].map((name) => made([operand(2, 2)], { attributes: { [name]: [1, 0, 0, 1] } })),
  RandomNormal: made([], { attributes: { shape: [2] } }),
  RandomNormalLike: made([operand(2)]),
  RandomUniform: made([], { attributes: { shape: [2] } }),
  RandomUniformLike: made([operand(2)]),
  Resize: made([operand(1, 1, 2, 2), list(1, 1, 2, 2)]),
  Scatter: made([operand(2, 2), indices(2, 2), operand(2, 2)]),
  TopK: made([operand(2, 3)], { attributes: { k: 2 }, outputs: 2 }),
  Upsample: made([operand(1, 1, 2, 2)], { attributes: { scales: { floats: [1, 1, 2, 2] } } }),
  'ai.onnx.preview.training.Adagrad': made([operand(), indices(), operand(2), operand(2), operand(2)], { outputs: 2 }),
  'ai.onnx.preview.training.Adam': made([operand(), indices(), operand(2), operand(2), operand(2), operand(2)], {
    outputs: 3,
  }),
};

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

function nodesOf(operator: string, opset: number): readonly RandomNode[] {
  const rule = randomNodes[operator];
  const nodes = [
    ...(rule === undefined ? [] : seeds.map((seed) => rule(new Draw(seed)))),
    otherNodes[operator] ?? [],
  ].flat();
  // Operators of other domains have their opset beside the standard's.
  const standard = operator.includes('.') ? supportedOpsets.last : opset;
  return nodes.map((node) => ({ ...node, opset: standard }));
}

const without = (node: RandomNode, attribute: string): RandomNode => {
  const { [attribute]: _, ...attributes } = node.attributes;
  return { ...node, attributes };
};
const having = (node: RandomNode, attribute: string, value: AttributeInput): RandomNode => ({
  ...node,
  attributes: { ...node.attributes, [attribute]: value },
});

/** Attributes that no lowering looks at, and why. */
const unread: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['Add', 'And', 'Div', 'Equal', 'Gemm', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'Sub', 'Xor'].map((operator) => [
      `${operator}.broadcast`,
      'shapes that broadcast are taken so before opset 7 too, but for an axis',
    ]),
  ),
  'BatchNormalization.is_test': 'training is taken from opset 14 on',
  'Cast.saturate': 'of floats of 8 bits',
  'Cast.round_mode': 'of floats of 8 bits',
  'CastLike.saturate': 'of floats of 8 bits',
  'CastLike.round_mode': 'of floats of 8 bits',
  'DequantizeLinear.output_dtype': 'all is computed in float32',
  'Dropout.is_test': 'whether a step trains is said by who compiles it',
  'GroupNormalization.stash_type': 'all is computed in float32',
  'LayerNormalization.stash_type': 'all is computed in float32',
  'QuantizeLinear.precision': 'all is computed in float32',
  'QuantizeLinear.saturate': 'of floats of 8 bits',
  'RMSNormalization.stash_type': 'all is computed in float32',
  'Range.stash_type': 'all is computed in float32',
};

/** A value that whoever reads the attribute refuses, for its type. */
const mistyped = (value: AttributeInput): AttributeInput => (typeof value === 'string' ? 1 : 'no number');

describe('attributes that are left out', () => {
  it.each(
    entries.map((entry) => [`${entry.operator}.${entry.attribute} in ${entry.opsets.join(' and ')}`, entry] as const),
  )('%s', (_, { operator, attribute, value, opsets }) => {
    const ignored = `${operator}.${attribute}` in unread;
    for (const opset of opsets) {
      let compared = 0;
      for (const node of nodesOf(operator, opset)) {
        const text = textOf(operator, without(node, attribute));
        if (text === undefined) continue;
        const isRead = textOf(operator, having(node, attribute, mistyped(value))) === undefined;
        if (isRead) expect(ignored, 'an attribute that is read is listed as unread').toBe(false);
        if (isRead === ignored) continue;
        expect(text).toBe(textOf(operator, having(node, attribute, value)));
        if (++compared === 2) break;
      }
      expect(compared, `nodes of opset ${opset} that read it`).toBeGreaterThan(0);
    }
  });
});
