/** Faults in the kernels of the module and in what wraps them. */
import { inFile, type PlantedFault } from './planted.ts';

const elementwise = 'runtime/wasm/elementwise';
const layers = 'runtime/wasm/layers';
const products = 'runtime/wasm/products';
const windows = 'runtime/wasm/windows';

export const moduleKernelFaults: readonly PlantedFault[] = [
  ...inFile(
    'wasm wrappers',
    'runtime/wasm-losses.ts',
    [layers, 'ops/nn/cross-entropy'],
    [
      [
        'labels go to the module unchecked',
        'hasIgnore === 1 && label === ignoreIndex)) return false;',
        'hasIgnore === 1 && label === ignoreIndex)) return true;',
      ],
      [
        'rows of a negative index are those from the front',
        'row * extent + (index < 0 ? index + extent : index)',
        'row * extent + Math.abs(index)',
      ],
      ['gradients of gathered rows are added to what was there', 'm.f32.fill(0, dx / 4,', 'm.f32.fill(0, dx / 4 + 1,'],
    ],
  ),
  ...inFile(
    'wasm wrappers',
    'runtime/wasm-optimizers.ts',
    [elementwise, 'training/torch-updates'],
    [
      [
        'sgd updates at every micro-batch',
        'if (applies(m, apply)) f(w, g, out, count, m.f32[rate / 4]!, decay);',
        'f(w, g, out, count, m.f32[rate / 4]!, decay);',
      ],
    ],
  ),
  ...inFile(
    'wasm wrappers',
    'runtime/wasm-lists.ts',
    [elementwise, layers],
    [
      ['missing dimensions are filled up behind', 'n > 4 ? list[n - 5]! : fill', 'n > 4 ? list[n - 4]! : fill'],
      ['dimensions beyond what the module walks go to it', 'const walkRank = 6;', 'const walkRank = 7;'],
    ],
  ),
  ...inFile(
    'wasm wrappers',
    'runtime/wasm-windows.ts',
    [windows, layers],
    [
      [
        'a mean of windows forgets whether pads count',
        'f(x, out, includePad, ...geometry);',
        'f(x, out, 1 - includePad, ...geometry);',
      ],
    ],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/softmax.ts',
    [layers],
    [['the last columns take lanes beyond the row', 'if (count < 4) e = v128.and(e, firstLanes(count));', '']],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/dropout.ts',
    [layers],
    [['what stays is not scaled', 'f32x4.mul(loadLanes(x, count), scale)', 'loadLanes(x, count)']],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/optimizers.ts',
    [elementwise],
    [
      [
        'Adam adds epsilon under the root',
        'f32x4.add(f32x4.mul(f32x4.sqrt(v), c), e)',
        'f32x4.mul(f32x4.sqrt(f32x4.add(v, e)), c)',
      ],
    ],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/max-pool.ts',
    [windows],
    [
      [
        'a NaN in the second row of a window is lost',
        'v128.or(v128.or(nans(a), nans(b)), nans(c))',
        'v128.or(nans(a), nans(c))',
      ],
    ],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/rows.ts',
    [layers, products],
    [
      [
        'the tail of a sum is left out',
        '  if (count > 0) {\n    const x = loadPartial(p, count);',
        '  if (count > 4) {\n    const x = loadPartial(p, count);',
      ],
    ],
  ),
  ...inFile(
    'wasm kernels',
    'runtime/wasm/assembly/cross-entropy.ts',
    [layers],
    [['ignored labels count', 'hasIgnore && label == ignoreIndex ? -1 : label', 'label']],
  ),
];
