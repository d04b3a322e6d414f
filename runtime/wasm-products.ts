/** Matrix products, convolutions and pools: kernels that take a geometry, passed as single numbers. */
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import type { PickKernel } from './wasm-backend.ts';

type Numbers = readonly number[];

export function productKernels(pick: PickKernel): [string, Kernel][] {
  const product = pick('matmul');
  const conv = pick('conv');
  const convGradInput = pick('convGradInput');
  const convGradWeight = pick('convGradWeight');
  return [
    [
      'matmul',
      (
        _: Memory,
        a: number,
        b: number,
        bias: number,
        out: number,
        scratch: number,
        rows: number,
        columns: number,
        inner: number,
        aRow: number,
        aColumn: number,
        bRow: number,
        bColumn: number,
        biasRow: number,
        biasColumn: number,
        batchDims: Numbers,
        aBatch: Numbers,
        bBatch: Numbers,
        biasBatch: Numbers,
      ): void => {
        let batches = 1;
        for (let d = 0; d < batchDims.length; d++) batches *= batchDims[d]!;
        for (let batch = 0; batch < batches; batch++) {
          let i = a;
          let j = b;
          let k = bias;
          let rest = batch;
          for (let d = batchDims.length - 1; d >= 0; d--) {
            const position = rest % batchDims[d]!;
            rest = (rest - position) / batchDims[d]!;
            i += 4 * position * aBatch[d]!;
            j += 4 * position * bBatch[d]!;
            if (bias >= 0) k += 4 * position * biasBatch[d]!;
          }
          const o = out + 4 * batch * rows * columns;
          product(i, j, k, o, scratch, rows, columns, inner, aRow, aColumn, bRow, bColumn, biasRow, biasColumn);
        }
      },
    ],
    [
      'conv',
      (_: Memory, x: number, w: number, bias: number, out: number, scratch: number, geometry: Numbers): void => {
        conv(x, w, bias, out, scratch, ...geometry);
      },
    ],
    [
      'convGradInput',
      (_: Memory, dy: number, w: number, dx: number, scratch: number, geometry: Numbers): void => {
        convGradInput(dy, w, dx, scratch, ...geometry);
      },
    ],
    [
      'convGradWeight',
      (_: Memory, x: number, dy: number, dw: number, scratch: number, geometry: Numbers): void => {
        convGradWeight(x, dy, dw, scratch, ...geometry);
      },
    ],
    ...poolKernels(pick),
  ];
}

function poolKernels(pick: PickKernel): [string, Kernel][] {
  const maxPool = pick('maxPool');
  const maxPoolGrad = pick('maxPoolGrad');
  return [
    [
      'maxPool',
      (_: Memory, x: number, out: number, geometry: Numbers): void => {
        maxPool(x, out, ...geometry);
      },
    ],
    [
      'maxPoolGrad',
      (_: Memory, dy: number, x: number, dx: number, geometry: Numbers): void => {
        maxPoolGrad(dy, x, dx, ...geometry);
      },
    ],
  ];
}
