/**
 * Queries that may look at nothing, and NaN of which nobody reads the value: from ONNX models to values and gradients, on
 * both backends. Expected numbers are of the definitions, in double precision and by central differences.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/compile.ts';
import { createExecution } from '../../../src/execution.ts';
import { importOnnx } from '../../../src/frontend/onnx/import.ts';
import type { Tensor } from '../../../src/ir/graph.ts';
import { floats, initializer, input, integers, type ModelParts, modelBytes, node } from '../onnx-models.ts';

const backends = ['js', 'wasm'] as const;
const wave = (count: number, phase: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i + phase));

/** Outputs of a step that adds up `loss`, with gradients of `wrt` as d_NAME. */
function runStep(
  parts: ModelParts,
  wrt: readonly string[],
  inputs: ReadonlyMap<string, Tensor>,
  backend: (typeof backends)[number],
): ReadonlyMap<string, Tensor> {
  const { model } = importOnnx(modelBytes(parts));
  const compiled = compile(model, { losses: ['loss'], wrtValues: wrt, strategy: 'memory' });
  const execution = createExecution(compiled, { backend });
  execution.setInputs(inputs);
  execution.machine.run();
  return execution.outputs();
}

function expectClose(got: Tensor | undefined, wanted: readonly number[], what: string): void {
  expect(got!.data.length, what).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(Math.abs(got!.data[i]! - value), `${what}[${i}] = ${got!.data[i]}, not ${value}`).toBeLessThan(2e-5);
  });
}

/** Gradient of `f` by central differences. */
function slopes(f: (x: readonly number[]) => number, x: readonly number[]): number[] {
  return x.map((value, i) => (f(x.with(i, value + 1e-5)) - f(x.with(i, value - 1e-5))) / 2e-5);
}

const [queries, keys, size] = [3, 4, 2];

/** Attention of one head; a query with no key gives zeros. */
function attention(
  q: readonly number[],
  k: readonly number[],
  v: readonly number[],
  sees: readonly boolean[],
  cap = 0,
) {
  const y: number[] = [];
  for (let i = 0; i < queries; i++) {
    const scores = Array.from({ length: keys }, (_, j) => {
      let sum = 0;
      for (let d = 0; d < size; d++) sum += (q[i * size + d]! * k[j * size + d]!) / Math.sqrt(size);
      return cap === 0 ? sum : cap * Math.tanh(sum / cap);
    });
    const weights = scores.map((score, j) => (sees[i * keys + j] ? Math.exp(score) : 0));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let d = 0; d < size; d++)
      y.push(total === 0 ? 0 : weights.reduce((sum, w, j) => sum + (w / total) * v[j * size + d]!, 0));
  }
  return y;
}

// The second query sees nothing.
const T = true;
const F = false;
const mask = [T, F, T, T, F, F, F, F, F, T, T, F];
const additive = mask.map((sees) => (sees ? 0.25 : -Infinity));

interface Case {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, number | { readonly float: number }>>;
  readonly mask?: Tensor;
  /** The mask comes as an input, not as an initializer. */
  readonly given?: boolean;
  readonly lengths?: readonly number[];
  readonly sees: readonly boolean[];
  readonly cap?: number;
}

const flags: Tensor = { type: { dtype: 'bool', shape: [queries, keys] }, data: mask.map(Number) };
const causal = Array.from({ length: queries * keys }, (_, n) => n % keys <= Math.floor(n / keys));

const cases: readonly Case[] = [
  { name: 'a boolean mask', mask: flags, sees: mask },
  { name: 'a boolean mask as an input', mask: flags, given: true, sees: mask },
  { name: 'a mask of minus infinities', mask: floats([queries, keys], ...additive), sees: mask },
  {
    name: 'a mask of minus infinities as an input',
    mask: floats([queries, keys], ...additive),
    given: true,
    sees: mask,
  },
  { name: 'a mask and softcap', mask: flags, attributes: { softcap: { float: 1.5 } }, sees: mask, cap: 1.5 },
  { name: 'causal', attributes: { is_causal: 1 }, sees: causal },
  { name: 'a mask, causal', mask: flags, attributes: { is_causal: 1 }, sees: mask.map((m, n) => m && causal[n]!) },
  { name: 'padding of every key', lengths: [0], sees: mask.map(() => false) },
  { name: 'padding of some keys, and a mask', lengths: [2], mask: flags, sees: mask.map((m, n) => m && n % keys < 2) },
];

const weights = wave(queries * size, 3);
const loss = (y: readonly number[]): number => y.reduce((sum, value, i) => sum + value * weights[i]!, 0);

describe.each(backends)('attention where a query sees nothing, on %s', (backend) => {
  it.each(cases)('$name: gives zeros, with gradient 0', ({ mask: given, given: asInput, ...rest }) => {
    const { attributes = {}, lengths, sees, cap } = rest;
    const [q, k, v] = [wave(queries * size, 0), wave(keys * size, 1), wave(keys * size, 2)];
    const optional = lengths !== undefined ? ['', '', 'lengths'] : [];
    const operands = ['q', 'k', 'v', ...(given !== undefined || lengths !== undefined ? [given ? 'mask' : ''] : [])];
    const parts: ModelParts = {
      opset: lengths === undefined ? 23 : 24,
      nodes: [
        node('Attention', [...operands, ...optional], 'y', attributes),
        node('Mul', ['y', 'w'], 'weighted'),
        node('ReduceSum', ['weighted'], 'loss', { keepdims: 0 }),
      ],
      inputs: [
        input('q', [1, 1, queries, size]),
        input('k', [1, 1, keys, size]),
        input('v', [1, 1, keys, size]),
        ...(asInput === true
          ? [input('mask', [queries, keys], given!.type.dtype === 'bool' ? DataType.BOOL : DataType.FLOAT)]
          : []),
      ],
      outputs: ['loss', 'y'],
      initializers: [
        initializer('w', floats([1, 1, queries, size], ...weights)),
        ...(given !== undefined && asInput !== true ? [initializer('mask', given)] : []),
        ...(lengths === undefined ? [] : [initializer('lengths', integers(...lengths))]),
      ],
    };
    const tensors = new Map<string, Tensor>([
      ['q', floats([1, 1, queries, size], ...q)],
      ['k', floats([1, 1, keys, size], ...k)],
      ['v', floats([1, 1, keys, size], ...v)],
      ...(asInput === true ? [['mask', given!] as const] : []),
    ]);
    const outputs = runStep(parts, ['q', 'k', 'v'], tensors, backend);
    expectClose(outputs.get('y'), attention(q, k, v, sees, cap), 'y');
    expectClose(
      outputs.get('d_q'),
      slopes((x) => loss(attention(x, k, v, sees, cap)), q),
      'd_q',
    );
    expectClose(
      outputs.get('d_k'),
      slopes((x) => loss(attention(q, x, v, sees, cap)), k),
      'd_k',
    );
    expectClose(
      outputs.get('d_v'),
      slopes((x) => loss(attention(q, k, x, sees, cap)), v),
      'd_v',
    );
  });

  it('is causal from the first key on, also where there are more queries than keys', () => {
    const parts: ModelParts = {
      opset: 23,
      nodes: [
        node('Attention', ['q', 'k', 'k'], 'y', { is_causal: 1 }),
        node('ReduceSum', ['y'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('q', [1, 1, 3, 1]), input('k', [1, 1, 2, 1])],
      outputs: ['loss', 'y'],
    };
    const tensors = new Map([
      ['q', floats([1, 1, 3, 1], 0, 0, 1)],
      ['k', floats([1, 1, 2, 1], 2, 4)],
    ]);
    const outputs = runStep(parts, ['q'], tensors, backend);
    const share = 1 / (1 + Math.exp(-2));
    expectClose(outputs.get('y'), [2, 3, 2 + 2 * share], 'y');
    expectClose(outputs.get('d_q'), [0, 1, 4 * share * (1 - share)], 'd_q');
  });

  it.each([0, 1, 2, 3])('gives the scores of mode %i without NaN', (mode) => {
    const parts: ModelParts = {
      opset: 23,
      nodes: [
        node('Attention', ['q', 'q', 'q', 'mask'], ['y', '', '', 'scores'], { qk_matmul_output_mode: mode }),
        node('ReduceSum', ['y'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('q', [1, 1, 2, 2])],
      outputs: ['loss', 'scores'],
      initializers: [initializer('mask', { type: { dtype: 'bool', shape: [2, 2] }, data: [1, 0, 0, 0] })],
    };
    const outputs = runStep(parts, ['q'], new Map([['q', floats([1, 1, 2, 2], 1, 2, 3, 4)]]), backend);
    for (const name of ['scores', 'loss', 'd_q'])
      expect(Array.from(outputs.get(name)!.data).some(Number.isNaN), `${name} ${outputs.get(name)!.data}`).toBe(false);
    if (mode === 3) expect(Array.from(outputs.get('scores')!.data)).toEqual([1, 0, 0, 0]);
  });
});

describe.each(backends)('NaN of which nobody reads the value, on %s', (backend) => {
  const row = [1, 2, 3, 4];
  const hidden: readonly (readonly [string, ModelParts['nodes'], readonly number[], readonly number[]])[] = [
    [
      'the softmax of a masked row',
      [node('Add', ['x', 'mask'], 'scores'), node('Softmax', ['scores'], 'p', { axis: 1 })],
      [0.2689414213699951, 0.7310585786300049, 0, 0],
      [-0.19661193324148185, 0.19661193324148185, 0, 0],
    ],
    [
      'the logarithms of a masked row',
      [node('Add', ['x', 'mask'], 'scores'), node('LogSoftmax', ['scores'], 'p', { axis: 1 })],
      [-1.3132616875182228, -0.31326168751822286, 0, 0],
      [1 - 3 * 0.2689414213699951, 2 - 3 * 0.7310585786300049, 0, 0],
    ],
  ];
  it.each(hidden)('%s', (_, nodes, value, slope) => {
    const parts: ModelParts = {
      nodes: [
        ...nodes,
        node('IsNaN', ['p'], 'nan'),
        node('Where', ['nan', 'zero', 'p'], 'y'),
        node('Mul', ['y', 'w'], 'weighted'),
        node('ReduceSum', ['weighted'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('x', [2, 2])],
      outputs: ['loss', 'y'],
      initializers: [
        initializer('mask', floats([2, 2], 0, 0, -Infinity, -Infinity)),
        initializer('zero', floats([], 0)),
        initializer('w', floats([2, 2], ...row)),
      ],
    };
    const outputs = runStep(parts, ['x'], new Map([['x', floats([2, 2], 1, 2, 3, 4)]]), backend);
    expectClose(outputs.get('y'), value, 'y');
    expectClose(outputs.get('d_x'), slope, 'd_x');
  });

  it('a softmax keeps the meaning of ONNX where it is read', () => {
    const parts: ModelParts = {
      nodes: [
        node('Add', ['x', 'mask'], 'scores'),
        node('Softmax', ['scores'], 'p', { axis: 1 }),
        node('ReduceSum', ['p'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('x', [2, 2])],
      outputs: ['loss', 'p'],
      initializers: [initializer('mask', floats([2, 2], 0, 0, -Infinity, -Infinity))],
    };
    const outputs = runStep(parts, ['x'], new Map([['x', floats([2, 2], 1, 1, 3, 4)]]), backend);
    expect(Array.from(outputs.get('p')!.data)).toEqual([0.5, 0.5, Number.NaN, Number.NaN]);
  });

  // What is hidden, of x = 0 and x = 2, and the gradient at 2.
  const guarded: readonly (readonly [string, ModelParts['nodes'], number, number])[] = [
    ['Log', [node('Log', ['x'], 'h')], Math.log(2), 1 / 2],
    ['Sqrt', [node('Sqrt', ['x'], 'h')], Math.SQRT2, 1 / (2 * Math.SQRT2)],
    ['Reciprocal', [node('Reciprocal', ['x'], 'h')], 1 / 2, -1 / 4],
    ['Div', [node('Div', ['one', 'x'], 'h')], 1 / 2, -1 / 4],
    ['Div of itself', [node('Div', ['x', 'x'], 'h')], 1, 0],
    ['Mul by a logarithm', [node('Log', ['x'], 'l'), node('Mul', ['x', 'l'], 'h')], 2 * Math.log(2), Math.log(2) + 1],
    ['Pow', [node('Pow', ['x', 'minus'], 'h')], 2 ** -1.5, -1.5 * 2 ** -2.5],
    ['ReduceL2 of it', [node('Reciprocal', ['x'], 'r'), node('ReduceL2', ['r'], 'h', { axes: [1] })], 1 / 2, -1 / 4],
  ];
  it.each(guarded)('%s behind a Where', (_, nodes, value, slope) => {
    const parts: ModelParts = {
      nodes: [
        ...nodes,
        node('Equal', ['x', 'zero'], 'isZero'),
        node('Where', ['isZero', 'zero', 'h'], 'y'),
        node('ReduceSum', ['y'], 'loss', { keepdims: 0 }),
      ],
      inputs: [input('x', [2, 1])],
      outputs: ['loss', 'y'],
      initializers: [
        initializer('zero', floats([], 0)),
        initializer('one', floats([], 1)),
        initializer('minus', floats([], -1.5)),
      ],
    };
    const outputs = runStep(parts, ['x'], new Map([['x', floats([2, 1], 0, 2)]]), backend);
    expectClose(outputs.get('y'), [0, value], 'y');
    expectClose(outputs.get('d_x'), [0, slope], 'd_x');
  });
});
