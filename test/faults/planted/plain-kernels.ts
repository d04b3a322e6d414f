/** Faults in plain kernels. */
import { inFile, type PlantedFault } from './planted.ts';

const table = 'ops/op-table';
const elementwise = 'runtime/wasm/elementwise';
const layers = 'runtime/wasm/layers';
const products = 'runtime/wasm/products';
const windows = 'runtime/wasm/windows';

export const plainKernelFaults: readonly PlantedFault[] = [
  ...inFile(
    'kernels',
    'runtime/kernels/softmax.ts',
    ['ops/empty', layers, table, 'frontend/onnx/masked-rows'],
    [
      ['the largest element of a row is never below 0', 'let max = Number.NEGATIVE_INFINITY;', 'let max = 0;'],
      ['softmax keeps its exponentials undivided', 'const scale = 1 / sum;', 'const scale = 1;'],
      ['a gradient row reads its own elements only', 'sum += f[i + k]! * f[j + k]!;', 'sum = f[i + k]! * f[j + k]!;'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/batch-norm.ts',
    ['ops/nn/normalization', layers, table],
    [
      [
        'epsilon is added after the root',
        '1 / Math.sqrt(squares / count + epsilon)',
        '1 / (Math.sqrt(squares / count) + epsilon)',
      ],
      ['squares are not centred', 'squares += (f[i]! - centre) * (f[i]! - centre)', 'squares += f[i]! * f[i]!'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/layer-norm.ts',
    [layers, 'ops/nn/normalization', table],
    [['the unbiased variance is taken', 'squares / width + epsilon', 'squares / (width - 1) + epsilon']],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/group-norm.ts',
    ['ops/nn/normalization', layers, table],
    [['the channel of a group forgets the group', '(group % groups) * perGroup + c', '(group % groups) + c']],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/dropout.ts',
    ['ops/nn/dropout', layers, table],
    [
      ['what stays is not scaled', 'ratio < 1 ? 1 / (1 - ratio) : 0', '1'],
      ['the step does not enter the key', 'm.i32[rng / 4 + 1]!, site', '0, site'],
      ['the site does not enter the key', 'm.i32[rng / 4 + 1]!, site', 'm.i32[rng / 4 + 1]!, 0'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/scan.ts',
    ['ops/movement', table, 'frontend/onnx/lowerings'],
    [
      ['an exclusive sum takes its own element', 'exclusive !== 0 ? sum : sum + value', 'sum + value'],
      ['a triangle leaves out its diagonal', 'c - r >= k :', 'c - r > k :'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/cross-entropy.ts',
    ['ops/nn/cross-entropy', layers, table],
    [
      ['the mean is over all labels, ignored ones too', 'if (label >= 0) total +=', 'total +='],
      ['a label one beyond the classes is taken', 'label < classes) return', 'label <= classes) return'],
      ['scores are not shifted by the largest', 'sum += Math.exp(f[i]! - max)', 'sum += Math.exp(f[i]!)'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/optimizers.ts',
    ['ops/optimizers', elementwise, 'training/torch-updates'],
    [
      ['the first update is dampened too', 'm.i32[steps / 4] === 0 ? 1', 'm.i32[steps / 4] === -1 ? 1'],
      [
        'Nesterov momentum takes the old direction',
        'nesterov === 1 ? slope + decay * moved',
        'nesterov === 1 ? slope + decay * slope',
      ],
      ['weight decay has the wrong sign', 'slope + weightDecay * w;', 'slope - weightDecay * w;'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/top-k.ts',
    ['ops/nn/top-k', table],
    [
      ['equal elements come in any order', 'if (va === vb) return a < b;', 'if (va === vb) return a > b;'],
      ['NaN is the smallest', 'Number.isNaN(va) === (largest === 1)', 'Number.isNaN(va) !== (largest === 1)'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/pool.ts',
    ['ops/nn/pool', windows, table],
    [
      ['of equal elements the last is the largest', 'if (value > best ||', 'if (value >= best ||'],
      ['a NaN is passed over', ' || Number.isNaN(value)) {', ') {'],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/sum-of-products.ts',
    ['ops/unread', 'ops/reduce', products, elementwise, table],
    [
      [
        'a gradient of 0 counts in short rows',
        'i += sa, j += sb) if (isGradient !== 1 || f[i] !== 0) sum +=',
        'i += sa, j += sb) sum +=',
      ],
      [
        'columns of a sum of products beyond 256 read those of the first',
        'let rowB = startB + first * cb + offsetAt(r, reduced, reducedB)',
        'let rowB = startB + offsetAt(r, reduced, reducedB)',
      ],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/scatter.ts',
    ['ops/nn/scatter', table],
    [
      [
        'what is scattered onto is not copied',
        'if (x !== out) elements.copyWithin(',
        'if (x === out) elements.copyWithin(',
      ],
      [
        'the first of repeated writes gets the gradient',
        'for (let t = tupleCount(dims) - 1; t >= 0; t--) {\n    const o = dx / 4 + tupleOffset(given, base, t, dims, baseStrides, extents, strides);\n    f.copyWithin(',
        'for (let t = 0; t < tupleCount(dims); t++) {\n    const o = dx / 4 + tupleOffset(given, base, t, dims, baseStrides, extents, strides);\n    f.copyWithin(',
      ],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/gather.ts',
    ['ops/nn/gather', table],
    [
      [
        'an index from the end is one off',
        'return index < 0 ? index + extent : index;',
        'return index < 0 ? index + extent - 1 : index;',
      ],
      [
        'gradients of an element gathered twice replace each other',
        '      const o = dx / 4 + (row * extent + indexAt(given, base, j, extent)) * inner;\n      for (let k = o; k < o + inner; k++, i++) f[k] = f[k]! + f[i]!;',
        '      const o = dx / 4 + (row * extent + indexAt(given, base, j, extent)) * inner;\n      for (let k = o; k < o + inner; k++, i++) f[k] = f[i]!;',
      ],
    ],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/multiply-grad.ts',
    ['ops/unread', 'ops/binary', elementwise],
    [['a gradient of 0 meets an infinite factor', 'f[d] === 0 ? 0 : f[d]! * f[j]!', 'f[d]! * f[j]!']],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/reduce.ts',
    ['ops/reduce', elementwise, table],
    [['a mean over columns is a sum', 'f[o++] = lanes[c]! / divisor;', 'f[o++] = lanes[c]!;']],
  ),
  ...inFile(
    'kernels',
    'runtime/kernels/conv-geometry.ts',
    ['ops/nn/conv', products, table],
    [
      [
        'the phase of a stride rounds down',
        'return Math.ceil((g[4 + axis]! - phase)',
        'return Math.floor((g[4 + axis]! - phase)',
      ],
    ],
  ),
];
