/** Matrix products, convolutions and pools: kernels that take a geometry, passed as single numbers. */
import type { Memory } from './memory.ts';
import type { Kernel } from './program.ts';
import type { NumberList, PickKernel } from './wasm-instance.ts';

/**
 * A call for some of the columns ends with the distance of two rows of the result, in elements: threads share products so.
 */
export function matmulWasm(pick: PickKernel): Kernel {
  const product = pick('matmul');
  return (
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
    batchDims: NumberList,
    aBatch: NumberList,
    bBatch: NumberList,
    biasBatch: NumberList,
    ...columnRange: NumberList
  ): void => {
    const outRow = columnRange[0] ?? columns;
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
      product(i, j, k, o, scratch, rows, columns, inner, aRow, aColumn, bRow, bColumn, biasRow, biasColumn, outRow);
    }
  };
}

/** A geometry may end with the part of the columns that a thread computes, and the number of parts. */
export function convWasm(pick: PickKernel): Kernel {
  const f = pick('conv');
  return (_: Memory, x: number, w: number, bias: number, out: number, scratch: number, geometry: NumberList): void => {
    f(x, w, bias, out, scratch, ...geometry);
  };
}

export function convGradInputWasm(pick: PickKernel): Kernel {
  const f = pick('convGradInput');
  return (_: Memory, dy: number, w: number, dx: number, scratch: number, geometry: NumberList): void => {
    f(dy, w, dx, scratch, ...geometry);
  };
}

export function convGradWeightWasm(pick: PickKernel): Kernel {
  const f = pick('convGradWeight');
  return (_: Memory, x: number, dy: number, dw: number, scratch: number, geometry: NumberList): void => {
    f(x, dy, dw, scratch, ...geometry);
  };
}

export function maxPoolWasm(pick: PickKernel): Kernel {
  const f = pick('maxPool');
  return (_: Memory, x: number, out: number, geometry: NumberList): void => {
    f(x, out, ...geometry);
  };
}

export function maxPoolGradWasm(pick: PickKernel): Kernel {
  const f = pick('maxPoolGrad');
  return (_: Memory, dy: number, x: number, dx: number, geometry: NumberList): void => {
    f(dy, x, dx, ...geometry);
  };
}
