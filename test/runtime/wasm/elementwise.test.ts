import { describe, expect, it } from 'vitest';
import * as activation from '../../../runtime/kernels/activation.ts';
import * as activationGrad from '../../../runtime/kernels/activation-grad.ts';
import * as binary from '../../../runtime/kernels/binary.ts';
import * as binaryGrad from '../../../runtime/kernels/binary-grad.ts';
import { copyInto, copyStrided } from '../../../runtime/kernels/copy.ts';
import { dropout } from '../../../runtime/kernels/dropout.ts';
import * as multiplyGrad from '../../../runtime/kernels/multiply-grad.ts';
import * as unary from '../../../runtime/kernels/unary.ts';
import * as unaryGrad from '../../../runtime/kernels/unary-grad.ts';
import { where } from '../../../runtime/kernels/where.ts';
import type { Kernel } from '../../../runtime/program.ts';
import { type Twins, twins, wasmKernels } from './twins.ts';

const ulp = 2 ** -23;
const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3e38, -3e38, 88.8, -88.8, -104, 1, -1, 0.625];

/** Mostly numbers of ordinary size, now and then a special one. */
const mixed = (r: () => number): number =>
  r() < 0.2 ? special[Math.floor(r() * special.length)]! : (r() * 2 - 1) * 10 ** (r() * 5 - 3);
const counts = [0, 1, 2, 3, 4, 5, 7, 8, 33, 100];

/** Parameters that a kernel takes behind `count`. */
const parameters: Readonly<Record<string, readonly number[]>> = {
  scale: [0.3],
  addScalar: [0.3],
  clip: [-0.5, 0.75],
  clipGrad: [-0.5, 0.75],
  hardSigmoid: [0.2, 0.5],
  hardSigmoidGrad: [0.2],
  swish: [1.25],
  swishGrad: [1.25],
  leakyRelu: [0.1],
  leakyReluGrad: [0.1],
  elu: [0.8],
  eluGrad: [0.8],
  celu: [1.5],
  celuGrad: [1.5],
  selu: [1.67, 1.05],
  seluGrad: [1.67, 1.05],
  thresholdedRelu: [0.5],
  thresholdedReluGrad: [0.5],
  shrink: [0.25, 0.5],
  shrinkGrad: [0.5],
  normRoot: [3],
  normRootGrad: [2],
};

function twinsOf(module: Readonly<Record<string, unknown>>): (readonly [string, Kernel])[] {
  return Object.entries(module).flatMap(([name, kernel]) =>
    typeof kernel === 'function' && wasmKernels.has(name) ? [[name, kernel as Kernel] as const] : [],
  );
}

describe('elementwise kernels of one operand', () => {
  const kernels = [...twinsOf(unary), ...twinsOf(activation)];
  it('has the functions that models are made of', () => {
    expect(kernels.map(([name]) => name)).toEqual(
      expect.arrayContaining(['exp', 'log', 'tanh', 'sqrt', 'erf', 'relu', 'sigmoid', 'geluErf', 'geluTanh', 'clip']),
    );
  });
  it.each(kernels)('%s agrees with its twin, in place and not', (name, kernel) => {
    counts.forEach((count, seed) => {
      for (const value of [undefined, mixed]) {
        const t = twins(seed);
        const x = t.floats(count, value);
        t.run(kernel, [x, t.floats(count), count, ...(parameters[name] ?? [])], 4 * ulp);
        t.run(kernel, [x, x, count, ...(parameters[name] ?? [])], 4 * ulp);
      }
    });
  });
});

describe('gradients of elementwise kernels', () => {
  it.each([...twinsOf(unaryGrad), ...twinsOf(activationGrad)])('%s agrees with its twin', (name, kernel) => {
    counts.forEach((count, seed) => {
      const t = twins(seed);
      const dy = t.floats(count);
      // Away from zero, where the reciprocal's and root's gradients have no bound.
      const x = t.floats(count, (r) => (r() < 0.5 ? -1 : 1) * (0.25 + 3 * r()));
      const more = parameters[name] ?? [];
      t.run(kernel, [dy, x, t.floats(count), count, ...more], 16 * ulp);
      t.run(kernel, [dy, x, dy, count, ...more], 16 * ulp);
      t.run(kernel, [dy, x, x, count, ...more], 128 * ulp);
    });
  });
});

/** Extents and strides of a broadcast, drawn at random. */
function drawBroadcast(t: Twins, operands: number): { dims: number[]; strides: number[][]; sizes: number[] } {
  const rank = t.integer(1, 7);
  const dims = Array.from({ length: rank }, () => t.integer(1, rank > 4 ? 3 : 9));
  if (t.random() < 0.1) dims[t.integer(0, rank - 1)] = 0;
  const sizes: number[] = [];
  const strides = Array.from({ length: operands }, () => {
    const own = new Array<number>(rank).fill(0);
    let size = 1;
    // Inner strides of 2 and 3 now and then: operands need not be contiguous.
    if (t.random() < 0.2) size = t.integer(2, 3);
    for (let d = rank - 1; d >= 0; d--) {
      if (t.random() < 0.3) continue;
      own[d] = size;
      size *= Math.max(1, dims[d]!);
    }
    sizes.push(size);
    return own;
  });
  return { dims, strides, sizes };
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

describe('elementwise kernels of several operands', () => {
  it.each([...twinsOf(binary), ...twinsOf(multiplyGrad)])(
    '%s agrees with its twin under any broadcast',
    (_, kernel) => {
      for (let seed = 0; seed < 60; seed++) {
        const t = twins(seed);
        const { dims, strides, sizes } = drawBroadcast(t, 2);
        const a = t.floats(sizes[0]!, seed % 3 === 0 ? mixed : undefined);
        const b = t.floats(sizes[1]!, seed % 3 === 0 ? mixed : undefined);
        t.run(kernel, [a, b, t.floats(product(dims)), dims, strides[0]!, strides[1]!], ulp);
      }
    },
  );
  it.each([...twinsOf(binary), ...twinsOf(multiplyGrad)])('%s may write over an operand', (_, kernel) => {
    for (const count of counts) {
      const t = twins(count);
      const a = t.floats(count);
      const b = t.floats(count);
      t.run(kernel, [a, b, a, [count], [1], [1]], ulp);
      t.run(kernel, [a, b, b, [count], [1], [1]], ulp);
    }
  });
  it.each(twinsOf(binaryGrad))('%s agrees with its twin', (_, kernel) => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const { dims, strides, sizes } = drawBroadcast(t, 3);
      // Few distinct values, so that equal ones meet.
      const [dy, a, b] = sizes.map((size) => t.floats(size, (r) => Math.floor(r() * 5) - 2));
      t.run(kernel, [dy!, a!, b!, t.floats(product(dims)), dims, strides[0]!, strides[1]!, strides[2]!]);
    }
  });
  it.each([1, 2, 3, 8, 9, 0, -1, -2, 0.5])('power by %d agrees with its twin', (exponent) => {
    for (const count of counts) {
      const t = twins(count);
      const [a, b, dy] = [t.floats(count, mixed), t.floats(1, () => exponent), t.floats(count)];
      t.run(binary.power, [a, b, t.floats(count), [count], [1], [0]], ulp);
      const c = t.floats(count, (r) => r() * 4 - 2);
      t.run(binaryGrad.powerGradBase, [dy, c, b, t.floats(count), [count], [1], [1], [0]], 8 * ulp);
    }
  });
  it('where agrees with its twin', () => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const { dims, strides, sizes } = drawBroadcast(t, 3);
      const operands = [t.flags(sizes[0]!), t.floats(sizes[1]!, mixed), t.floats(sizes[2]!, mixed)];
      t.run(where, [...operands, t.floats(product(dims)), dims, strides[0]!, strides[1]!, strides[2]!]);
    }
  });
});

describe('copies', () => {
  it('read and write under any strides', () => {
    for (let seed = 0; seed < 100; seed++) {
      const t = twins(seed);
      const { dims, strides, sizes } = drawBroadcast(t, 1);
      t.run(copyStrided, [t.floats(sizes[0]!, mixed), t.floats(product(dims)), dims, strides[0]!]);
    }
  });
  it('transpose matrices of any extents', () => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const [planes, rows, columns] = [t.integer(1, 3), t.integer(1, 70), t.integer(1, 70)];
      const x = t.floats(planes * rows * columns, mixed);
      const out = t.floats(planes * rows * columns);
      t.run(copyStrided, [x, out, [planes, rows, columns], [rows * columns, 1, rows]]);
    }
  });
  it('read backwards', () => {
    const t = twins(1);
    const x = t.floats(30);
    t.run(copyStrided, [x + 4 * 29, t.floats(30), [5, 6], [-6, -1]]);
  });
  it('write parts of a larger tensor', () => {
    for (let seed = 0; seed < 60; seed++) {
      const t = twins(seed);
      const [rows, columns, wide, step] = [t.integer(0, 9), t.integer(0, 40), t.integer(0, 9), t.integer(1, 2)];
      const stride = columns * step + wide;
      const x = t.floats(rows * columns, mixed);
      t.run(copyInto, [x, t.floats(rows * stride + 1), [rows, columns], [stride, step]]);
    }
  });
});

describe('dropout', () => {
  it('draws the same mask as its twin', () => {
    for (let seed = 0; seed < 40; seed++) {
      const t = twins(seed);
      const count = t.integer(0, 200);
      const rng = t.integers(2, -2147483648, 2147483647);
      const x = t.floats(count, mixed);
      const ratio = [0, 0.1, 0.25, 0.5, 0.9, 1][t.integer(0, 5)]!;
      const site = t.integer(0, 1000);
      t.run(dropout, [x, rng, t.floats(count), count, site, ratio], ulp);
      t.run(dropout, [x, rng, x, count, site, ratio], ulp);
    }
  });
});
