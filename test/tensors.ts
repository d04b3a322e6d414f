/** Small tensors for tests, and a naive way to read them: by index, as an oracle for kernels that walk strides. */
import { type DType, elementCount, type Tensor } from '../src/ir/graph.ts';

export function tensor(dtype: DType, shape: readonly number[], data: Iterable<number>): Tensor {
  return { type: { dtype, shape }, data: Array.from(data) };
}

/** Every index of `shape`, in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: elementCount(shape) }, (_, position) => {
    const index = new Array<number>(shape.length);
    let rest = position;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return index;
  });
}

/** The element of `x` at `index`, with broadcasting: aligned from the last dimension, extent 1 read at 0. */
export function elementAt({ type, data }: Tensor, index: readonly number[]): number {
  const lead = index.length - type.shape.length;
  let position = 0;
  type.shape.forEach((extent, d) => {
    position = position * extent + (extent === 1 ? 0 : index[lead + d]!);
  });
  return data[position]!;
}
