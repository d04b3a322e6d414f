import { describe, expect, it } from 'vitest';
import { differentiate } from '../../passes/autodiff.ts';
import { canonicalize } from '../../passes/canonicalize.ts';
import type { Model, Tensor, TensorType, Value } from '../../src/ir/graph.ts';
import { GraphBuilder } from '../../src/ir/graph-builder.ts';
import { sigmoid } from '../../src/ops/activation.ts';
import { add, divide, multiply, subtract } from '../../src/ops/binary.ts';
import { conv } from '../../src/ops/conv.ts';
import { nllLoss } from '../../src/ops/cross-entropy.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { reduceMean, reduceSum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { addScalar, scale } from '../../src/ops/scalar.ts';
import { slice } from '../../src/ops/slice.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { erf, exp, log, negate, sqrt, square, tanh } from '../../src/ops/unary.ts';
import { evaluateGraph } from '../evaluate-graph.ts';

const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });

/** A model written with a builder: inputs by type, outputs as given back. */
function model(
  inputs: Readonly<Record<string, TensorType>>,
  write: (g: GraphBuilder, values: Readonly<Record<string, Value>>) => Value | readonly Value[],
): Model {
  const g = new GraphBuilder('test');
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, type]) => [name, g.resident('input', name, type)]),
  );
  const outputs = write(g, values);
  for (const output of 'name' in outputs ? [outputs] : outputs) g.output(output);
  return { graph: g.finish(), weights: g.weights };
}

const listing = ({ graph }: Model) =>
  graph.nodes.map(({ name, op, operands }) => `${name} = ${op} ${operands.map((v) => v.name).join(' ')}`);

/** Asserts that both models compute the same, to rounding. */
function expectEqual(before: Model, after: Model): void {
  const inputs = new Map(
    before.graph.inputs.map((value, k): [string, Tensor] => {
      const count = value.type.shape.reduce((all, extent) => all * extent, 1);
      const data =
        value.type.dtype === 'f32'
          ? Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * 0.7 + k))
          : Array.from({ length: count }, (_, i) => i % 3);
      return [value.name, { type: value.type, data }];
    }),
  );
  const [a, b] = [evaluateGraph(before, inputs), evaluateGraph(after, inputs)];
  for (const { name } of before.graph.outputs) {
    expect(b.get(name)!.type).toEqual(a.get(name)!.type);
    Array.from(a.get(name)!.data).forEach((x, i) => {
      expect(b.get(name)!.data[i]).toBeCloseTo(x, 5);
    });
  }
}

const product = { transpose_a: false, transpose_b: false };

describe('a bias after a matrix product', () => {
  const linear = (bias: TensorType, reversed = false) =>
    model({ x: f32(2, 3), w: f32(3, 4), b: bias }, (g, { x, w, b }) => {
      const h = g.emit(matmul, [x!, w!], product, 'h');
      return g.emit(add, reversed ? [b!, h] : [h, b!], {}, 'y');
    });

  it.each([false, true])('goes into the product (operands reversed: %s)', (reversed) => {
    const before = linear(f32(4), reversed);
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['y = matmul x w b']);
    expectEqual(before, after);
  });

  it('stays where it is as large as the product, or stretches it', () => {
    for (const bias of [f32(2, 4), f32(5, 1, 1)]) {
      const before = linear(bias);
      expect(canonicalize(before)).toBe(before);
    }
  });

  it('stays where the product is read elsewhere', () => {
    const before = model({ x: f32(2, 3), w: f32(3, 4), b: f32(4) }, (g, { x, w, b }) => {
      const h = g.emit(matmul, [x!, w!], product, 'h');
      return [g.emit(add, [h, b!], {}, 'y'), h];
    });
    expect(canonicalize(before)).toBe(before);
  });
});

describe('a bias after a convolution', () => {
  const biased = (bias: TensorType) =>
    model({ x: f32(1, 2, 4, 4), w: f32(3, 2, 3, 3), b: bias }, (g, { x, w, b }) => {
      const attributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
      return g.emit(add, [g.emit(conv, [x!, w!], attributes, 'h'), b!], {}, 'y');
    });

  it.each([[f32(3, 1, 1)], [f32(1, 3, 1, 1)]])('goes into the convolution: %o', (bias) => {
    const before = biased(bias);
    const after = canonicalize(before);
    expect(after.graph.nodes.map((node) => node.op)).toEqual(['reshape', 'conv']);
    expect(after.graph.nodes[1]!.name).toBe('y');
    expectEqual(before, after);
  });

  it('stays where it varies over more than the channels', () => {
    for (const bias of [f32(2), f32(1, 2), f32(3, 2, 1)]) {
      const before = biased(bias);
      expect(canonicalize(before)).toBe(before);
    }
  });
});

describe('a written-out GELU', () => {
  const sqrtHalf = Math.fround(Math.SQRT1_2);
  const bell = (g: GraphBuilder, x: Value) =>
    g.emit(addScalar, [g.emit(erf, [g.emit(scale, [x], { factor: sqrtHalf })], {})], { value: 1 });
  const half = (g: GraphBuilder, x: Value, hint?: string) => g.emit(scale, [x], { factor: 0.5 }, hint);

  it.each<[string, (g: GraphBuilder, x: Value) => Value]>([
    ['halved last', (g, x) => half(g, g.emit(multiply, [x, bell(g, x)], {}), 'y')],
    ['halved last, factors reversed', (g, x) => half(g, g.emit(multiply, [bell(g, x), x], {}), 'y')],
    ['halved first', (g, x) => g.emit(multiply, [half(g, x), bell(g, x)], {}, 'y')],
    ['halved at the bell', (g, x) => g.emit(multiply, [x, half(g, bell(g, x))], {}, 'y')],
  ])('is one node: %s', (_, write) => {
    const before = model({ x: f32(3, 4) }, (g, { x }) => write(g, x!));
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['y = gelu x']);
    expectEqual(before, after);
  });

  it('is none with another constant, or of two values', () => {
    const wrong = model({ x: f32(3) }, (g, { x }) => {
      const e = g.emit(addScalar, [g.emit(erf, [g.emit(scale, [x!], { factor: 0.7 })], {})], { value: 1 });
      return half(g, g.emit(multiply, [x!, e], {}));
    });
    expect(canonicalize(wrong)).toBe(wrong);
    const two = model({ x: f32(3), z: f32(3) }, (g, { x, z }) => half(g, g.emit(multiply, [z!, bell(g, x!)], {})));
    expect(canonicalize(two)).toBe(two);
  });
});

describe('a written-out layer norm', () => {
  const written = (twice: boolean, axes = [1, 2]) =>
    model({ x: f32(2, 3, 4), s: f32(3, 4), b: f32(3, 4) }, (g, { x, s, b }) => {
      const mean = g.emit(reduceMean, [x!], { axes, keep_dims: true });
      const centred = g.emit(subtract, [x!, mean], {});
      const variance = g.emit(reduceMean, [g.emit(square, [centred], {})], { axes, keep_dims: true });
      const deviation = g.emit(sqrt, [g.emit(addScalar, [variance], { value: 1e-5 })], {});
      const again = twice ? g.emit(subtract, [x!, mean], {}) : centred;
      const scaled = g.emit(multiply, [s!, g.emit(divide, [again, deviation], {})], {});
      return g.emit(add, [scaled, b!], {}, 'y');
    });

  it.each([false, true])('is one node (mean subtracted twice: %s)', (twice) => {
    const before = written(twice);
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['y = layer_norm x s b']);
    expect(after.graph.nodes[0]!.results.length).toBe(3);
    expect(after.graph.nodes[0]!.attributes).toEqual({ axis: 1, epsilon: 1e-5 });
    expectEqual(before, after);
  });

  it('is none over other dimensions than the last', () => {
    const before = written(false, [0, 2]);
    expect(canonicalize(before)).toBe(before);
  });
});

describe('log_softmax and its loss', () => {
  const loss = (axis: number) =>
    model({ x: f32(4, 3), labels: { dtype: 'i64', shape: [4] } }, (g, { x, labels }) => {
      const scores = g.emit(logSoftmax, [x!], { axis });
      return g.emit(nllLoss, [scores, labels!], { has_ignore: false, ignore_index: 0, reduction: 'mean' }, 'loss');
    });

  it('are one node', () => {
    const before = loss(1);
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['loss = softmax_cross_entropy x labels']);
    expectEqual(before, after);
  });

  it('are two where the softmax runs over another axis', () => {
    const before = loss(0);
    expect(canonicalize(before)).toBe(before);
  });
});

describe('logarithms of what saturates', () => {
  it('log(sigmoid(x)) stays finite where the sigmoid is 0, and is the same elsewhere', () => {
    const before = model({ x: f32(6) }, (g, { x }) => g.emit(log, [g.emit(sigmoid, [x!], {})], {}, 'y'));
    const after = canonicalize(before);
    expect(listing(after).at(-1)).toBe('y = negate y/softplus');
    expectEqual(before, after);
    const far: Tensor = { type: f32(6), data: [-200, -104, -20, 0, 20, 200] };
    const y = evaluateGraph(after, new Map([['x', far]])).get('y')!;
    // log sigmoid(x) = -log(1 + exp(-x)), in double precision.
    const expected = [-200, -104, -20 - Math.log1p(Math.exp(-20)), -Math.LN2, -Math.log1p(Math.exp(-20)), 0];
    expected.forEach((value, i) => {
      expect(Math.abs(y.data[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2e-7);
    });
  });

  it('log(softmax(x)) is log_softmax, also where the softmax is an output', () => {
    const both = model({ x: f32(2, 3) }, (g, { x }) => {
      const p = g.emit(softmax, [x!], { axis: 1 }, 'p');
      return [p, g.emit(log, [p], {}, 'y')];
    });
    const after = canonicalize(both);
    expect(listing(after)).toEqual(['p = softmax x', 'y = log_softmax x']);
    expectEqual(both, after);
  });

  const far = [-300, -104, -100, -20, -1, 0, 1, 20, 100, 300];
  // In double precision, by forms that neither overflow nor cancel.
  const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const sigmoidOf = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
  const one = (g: GraphBuilder) => g.constant(f32(), [1]);
  const written: readonly (readonly [
    string,
    (g: GraphBuilder, x: Value) => Value,
    (x: number) => number,
    (x: number) => number,
  ])[] = [
    ['sigmoid(x)', (g, x) => g.emit(sigmoid, [x], {}), (x) => -softplusOf(-x), (x) => sigmoidOf(-x)],
    [
      '1 - sigmoid(x)',
      (g, x) => g.emit(subtract, [one(g), g.emit(sigmoid, [x], {})], {}),
      (x) => -softplusOf(x),
      (x) => -sigmoidOf(x),
    ],
    [
      '-sigmoid(x) + 1',
      (g, x) => g.emit(addScalar, [g.emit(negate, [g.emit(sigmoid, [x], {})], {})], { value: 1 }),
      (x) => -softplusOf(x),
      (x) => -sigmoidOf(x),
    ],
    ['1 + exp(x)', (g, x) => g.emit(add, [one(g), g.emit(exp, [x], {})], {}), softplusOf, sigmoidOf],
    ['exp(x) + 1', (g, x) => g.emit(addScalar, [g.emit(exp, [x], {})], { value: 1 }), softplusOf, sigmoidOf],
  ];
  it.each(written)('log(%s) has its value and gradient wherever x is', (_, write, value, slope) => {
    const before = model({ x: f32(far.length) }, (g, { x }) => {
      const y = g.emit(log, [write(g, x!)], {}, 'y');
      return [y, g.emit(reduceSum, [y], { axes: [0], keep_dims: false }, 'loss')];
    });
    const after = differentiate(canonicalize(before), { losses: ['loss'], wrt: ['x'] });
    const values = evaluateGraph(after, new Map([['x', { type: f32(far.length), data: far }]]));
    const close = (got: number, wanted: number) =>
      expect(Math.abs(got - wanted), `${got}, not ${wanted}`).toBeLessThanOrEqual(Math.abs(wanted) * 5e-7 + 1.5e-45);
    far.forEach((x, i) => {
      close(values.get('y')!.data[i]!, value(x));
      close(values.get('d_x')!.data[i]!, slope(x));
    });
  });

  it('log(softmax(x)) is log_softmax through a reshape too', () => {
    const before = model({ x: f32(2, 6) }, (g, { x }) => {
      const p = g.emit(softmax, [x!], { axis: 1 });
      return g.emit(log, [g.emit(reshape, [p], { shape: [2, 3, 2] })], {}, 'y');
    });
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['y/log_softmax = log_softmax x', 'y = reshape y/log_softmax']);
    expectEqual(before, after);
  });

  it('leaves a logarithm of anything else', () => {
    const others = [
      (g: GraphBuilder, x: Value) => g.emit(addScalar, [g.emit(sigmoid, [x], {})], { value: 1e-7 }),
      (g: GraphBuilder, x: Value) => g.emit(subtract, [g.constant(f32(), [2]), g.emit(sigmoid, [x], {})], {}),
      (g: GraphBuilder, x: Value) => g.emit(subtract, [g.emit(sigmoid, [x], {}), one(g)], {}),
    ];
    for (const write of others) {
      const before = model({ x: f32(3) }, (g, { x }) => g.emit(log, [write(g, x!)], {}, 'y'));
      expect(canonicalize(before)).toBe(before);
    }
  });
});

describe('the root of a sum of squares', () => {
  const norm = (squares: (g: GraphBuilder, x: Value) => Value) =>
    model({ x: f32(2, 3) }, (g, { x }) => {
      const sum = g.emit(reduceSum, [squares(g, x!)], { axes: [1], keep_dims: false });
      return g.emit(sqrt, [sum], {}, 'y');
    });

  it.each([
    ['square', (g: GraphBuilder, x: Value) => g.emit(square, [x], {})],
    ['product', (g: GraphBuilder, x: Value) => g.emit(multiply, [x, x], {})],
  ] as const)('is a norm (by %s)', (_, squares) => {
    const before = norm(squares);
    const after = canonicalize(before);
    expect(after.graph.nodes.at(-1)!.op).toBe('norm_root');
    expectEqual(before, after);
  });

  it('is none of other sums', () => {
    const before = norm((g, x) => g.emit(exp, [x], {}));
    expect(canonicalize(before)).toBe(before);
  });
});

describe('slices that divide a value', () => {
  const thirds = (bounds: readonly (readonly [number, number])[], axis = 1) =>
    model({ x: axis === 1 ? f32(2, 6) : f32(6, 2) }, (g, { x }) =>
      bounds.map(([start, end], i) => {
        const part = g.emit(slice, [x!], { axes: [axis], starts: [start], ends: [end], steps: [1] }, `part${i}`);
        return g.emit(tanh, [part], {}, `y${i}`);
      }),
    );

  it('become one split, in whatever order they stand', () => {
    const before = thirds([
      [2, 4],
      [0, 2],
      [4, 6],
    ]);
    const after = canonicalize(before);
    expect(listing(after)).toEqual(['part1 = split x', 'y0 = tanh part0', 'y1 = tanh part1', 'y2 = tanh part2']);
    expect(after.graph.nodes[0]!.attributes).toEqual({ axis: 1, sizes: [2, 2, 2] });
    expectEqual(before, after);
  });

  it('become views along the first dimension', () => {
    const after = canonicalize(
      thirds(
        [
          [0, 1],
          [1, 6],
        ],
        0,
      ),
    );
    expect(after.graph.nodes[0]!.op).toBe('split_view');
  });

  it('stay slices where they leave something out, or overlap', () => {
    for (const bounds of [
      [
        [0, 2],
        [2, 5],
      ],
      [
        [0, 4],
        [3, 6],
      ],
      [[0, 6]],
    ] as const) {
      const before = thirds(bounds);
      expect(canonicalize(before)).toBe(before);
    }
  });
});
