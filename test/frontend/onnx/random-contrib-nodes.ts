/** As random-nodes.ts: nodes of onnxruntime's own operators, drawn at random. */
import {
  count,
  type Draw,
  float,
  made,
  type RandomNode,
  type RandomOperand,
  type Rule,
  stored,
} from './random-nodes.ts';

type Attributes = RandomNode['attributes'];

const maybe = <T>(d: Draw, make: () => T): T | undefined => (d.flag() ? make() : undefined);
const epsilon = (d: Draw): Attributes => (d.flag() ? {} : { epsilon: float(1e-3) });

/** Without what is left out at the end. */
function trimmed(operands: readonly (RandomOperand | undefined)[]): readonly (RandomOperand | undefined)[] {
  const last = operands.findLastIndex((operand) => operand !== undefined);
  return operands.slice(0, last + 1);
}

const contrib = (
  operands: readonly (RandomOperand | undefined)[],
  attributes: Attributes = {},
  outputs = 1,
): RandomNode => made(trimmed(operands), { opset: 17, attributes, outputs });

function biased(needed: boolean): Rule {
  return (d) => {
    const shape = d.shape(1, 3, false);
    const bias = (): RandomOperand => d.floats(shape.slice(-1));
    return contrib([d.floats(shape), needed ? bias() : maybe(d, bias)]);
  };
}

function fusedMatMul(d: Draw): RandomNode {
  const [rows, inner, columns] = [d.int(1, 4), d.int(1, 4), d.int(1, 4)];
  const batch = d.list(d.int(0, 2), () => d.int(1, 3));
  const shapeOf = (last: readonly [number, number], transposed: boolean, moved: boolean): number[] => {
    const [r, c] = transposed ? [last[1], last[0]] : last;
    return moved ? [r, ...batch, c] : [...batch, r, c];
  };
  const flag = (): boolean => batch.length > 0 && d.flag();
  const [ta, tb, ba] = [d.flag(), d.flag(), flag()];
  // onnxruntime takes both or neither.
  const bb = ba;
  return contrib([d.floats(shapeOf([rows, inner], ta, ba)), d.floats(shapeOf([inner, columns], tb, bb))], {
    ...{ transA: Number(ta), transB: Number(tb), transBatchA: Number(ba), transBatchB: Number(bb) },
    ...(d.flag() ? { alpha: float(0.5) } : {}),
  });
}

function fusedGemm(d: Draw): RandomNode {
  const [rows, inner, columns] = [d.int(1, 4), d.int(1, 4), d.int(1, 4)];
  const [ta, tb] = [d.flag(), d.flag()];
  const activation = d.pick(['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu']);
  return contrib(
    [
      d.floats(ta ? [inner, rows] : [rows, inner]),
      d.floats(tb ? [columns, inner] : [inner, columns]),
      maybe(d, () => d.floats([columns])),
    ],
    {
      ...{ transA: Number(ta), transB: Number(tb), alpha: float(0.5), activation },
      ...(activation === 'LeakyRelu' ? { activation_alpha: float(0.25) } : {}),
    },
  );
}

function fusedConv(d: Draw): RandomNode {
  const [batch, channels, filters] = [d.int(1, 2), d.int(1, 3), d.int(1, 3)];
  const image = [d.int(3, 6), d.int(3, 6)];
  const activation = d.pick(['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu', 'Clip', 'HardSigmoid']);
  const parameters: Readonly<Record<string, readonly number[]>> = {
    LeakyRelu: [0.25],
    Clip: [-1, 2],
    HardSigmoid: [0.25, 0.5],
  };
  const skipped = maybe(d, () => d.floats([batch, filters, image[0]! - 2, image[1]! - 2]));
  const floats = parameters[activation];
  return contrib(
    [
      d.floats([batch, channels, ...image]),
      stored(d.floats([filters, channels, 3, 3])),
      skipped === undefined ? maybe(d, () => d.floats([filters])) : d.floats([filters]),
      skipped,
    ],
    { activation, ...(floats === undefined ? {} : { activation_params: { floats } }) },
  );
}

function skipLayerNormalization(d: Draw): RandomNode {
  const shape = [d.int(1, 2), d.int(1, 3), d.int(3, 6)];
  const width = shape.slice(-1);
  const skip = d.pick([shape, shape.slice(1), [1, ...shape.slice(1)]]);
  const bias = (): RandomOperand => d.floats(width);
  return contrib([d.floats(shape), d.floats(skip), bias(), maybe(d, bias), maybe(d, bias)], epsilon(d));
}

function skipSimplifiedLayerNormalization(d: Draw): RandomNode {
  const shape = [d.int(1, 2), d.int(1, 3), d.int(2, 5)];
  const width = shape.slice(-1);
  return contrib([d.floats(shape), d.floats(shape), d.floats(width), maybe(d, () => d.floats(width))], epsilon(d));
}

function embedLayerNormalization(d: Draw): RandomNode {
  const [batch, length, width] = [d.int(1, 3), d.int(1, 4), d.int(3, 6)];
  const segments = d.flag();
  const table = (rows: number): RandomOperand => stored(d.floats([rows, width]));
  const index = (rows: number): RandomOperand => d.integers([batch, length], 0, rows - 1, 'i32');
  return contrib(
    [
      index(7),
      segments ? index(2) : undefined,
      table(7),
      table(9),
      segments ? table(2) : undefined,
      d.floats([width]),
      d.floats([width]),
      maybe(d, () => index(2)),
      maybe(d, () => index(9)),
    ],
    epsilon(d),
    2,
  );
}

/** Of the lengths, or of every key, or of every query and key; every query has a key it may look at. */
function keyMask(d: Draw, batch: number, queries: number, total: number): RandomOperand {
  const kinds = [[batch], [2 * batch], [batch, total], [batch, queries, total]];
  const shape = d.pick(kinds);
  const mask = d.integers(shape, 0, 1, 'i32');
  const data = Array.from(mask.tensor.data);
  if (shape.length === 1) for (let i = 0; i < shape[0]!; i++) data[i] = i < batch ? d.int(1, total) : 0;
  else for (let i = 0; i < count(shape); i += total) data[i] = 1;
  return { ...mask, tensor: { ...mask.tensor, data } };
}

function attention(d: Draw): RandomNode {
  const [batch, length, heads, size, input] = [d.int(1, 2), d.int(1, 4), d.int(1, 3), d.int(1, 3), d.int(1, 4)];
  const wide = d.flag() ? undefined : heads * d.int(1, 3);
  const widths = [heads * size, heads * size, wide ?? heads * size];
  const total = widths.reduce((sum, width) => sum + width);
  const bias = maybe(d, () => d.floats([d.pick([1, batch]), d.pick([1, heads]), length, length]));
  return contrib(
    [
      d.floats([batch, length, input]),
      stored(d.floats([input, total], -1, 1)),
      d.floats([total]),
      maybe(d, () => keyMask(d, batch, length, length)),
      undefined,
      bias,
    ],
    {
      num_heads: heads,
      ...(d.flag() ? { unidirectional: d.bit() } : {}),
      ...(wide === undefined ? {} : { qkv_hidden_sizes: widths }),
      ...(d.int(0, 2) === 0 ? { scale: float(0.25) } : {}),
    },
  );
}

function multiHeadAttention(d: Draw): RandomNode {
  const [batch, queries, total, heads, size] = [d.int(1, 2), d.int(1, 4), d.int(1, 4), d.int(1, 3), d.int(1, 3)];
  const width = heads * size;
  const wide = heads * d.int(1, 3);
  const given = d.pick(['apart', 'apart', 'heads', 'packed', 'packed keys']);
  const forms: Readonly<Record<string, readonly (readonly number[] | undefined)[]>> = {
    apart: [
      [batch, queries, width],
      [batch, total, width],
      [batch, total, wide],
    ],
    heads: [
      [batch, queries, width],
      [batch, heads, total, size],
      [batch, heads, total, size],
    ],
    packed: [[batch, queries, heads, 3, size]],
    'packed keys': [
      [batch, queries, width],
      [batch, total, heads, 2, size],
    ],
  };
  const parts = [0, 1, 2].map((i) => {
    const shape = forms[given]![i];
    return shape === undefined ? undefined : d.floats(shape);
  });
  const keys = given === 'packed' ? queries : total;
  const bias = given === 'apart' ? maybe(d, () => d.floats([2 * width + wide])) : undefined;
  const mask = maybe(d, () => {
    const drawn = keyMask(d, batch, queries, keys);
    const { shape } = drawn.tensor.type;
    return shape.length === 1 && shape[0] !== batch ? undefined : drawn;
  });
  const scores = maybe(d, () => d.floats([d.pick([1, batch]), d.pick([1, heads]), queries, keys]));
  return contrib([...parts, bias, mask, scores], {
    num_heads: heads,
    // Of the last query onnxruntime masks nothing, which is right for as many keys only.
    ...(queries === keys ? { unidirectional: d.bit() } : {}),
    ...(d.int(0, 2) === 0 ? { scale: float(0.25) } : {}),
  });
}

/** Operand 1 has the positions, each or the first. */
function rotaryEmbedding(d: Draw): RandomNode {
  const [batch, heads, sequence, size] = [d.int(1, 2), d.int(1, 3), d.int(1, 4), 2 * d.int(1, 4)];
  const flat = d.flag();
  const x = d.floats(flat ? [batch, sequence, heads * size] : [batch, heads, sequence, size]);
  const rows = [sequence + 3, size / 2];
  const positions = d.flag() ? d.integers([batch, sequence], 0, sequence + 2) : d.integers([1], 0, 3);
  const attributes = { ...(d.flag() ? { interleaved: d.bit() } : {}), ...(d.flag() ? { num_heads: heads } : {}) };
  return contrib([x, positions, d.floats(rows, -1, 1), d.floats(rows, -1, 1)], attributes);
}

export const contribNodes: Readonly<Record<string, Rule>> = {
  'com.microsoft.Attention': attention,
  'com.microsoft.BiasAdd': (d) => {
    const shape = [d.int(1, 2), d.int(1, 3), d.int(1, 4)];
    return contrib([d.floats(shape), d.floats(shape.slice(-1)), d.floats(shape)]);
  },
  'com.microsoft.BiasGelu': biased(true),
  'com.microsoft.BiasSplitGelu': (d) => {
    const shape = [d.int(1, 2), d.int(1, 3), 2 * d.int(1, 4)];
    return contrib([d.floats(shape), d.floats(shape.slice(-1))]);
  },
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.FastGelu': biased(false),
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.FusedGemm': fusedGemm,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.Gelu': (d) => contrib([d.floats(d.shape(1, 3, false))]),
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
  'com.microsoft.QuickGelu': (d) =>
    contrib([d.floats(d.shape(1, 3, false))], d.flag() ? {} : { alpha: float(d.pick([0.5, 1, 1.702])) }),
  'com.microsoft.RotaryEmbedding': rotaryEmbedding,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipSimplifiedLayerNormalization,
};
