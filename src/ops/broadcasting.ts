/** Shapes and strides of broadcasting (ONNX and NumPy rule: right-aligned, extent 1 stretches). */
import { formatType, type TensorType } from '../ir/graph.ts';
import { ShapeError } from '../ir/op.ts';

/** The common shape. Throws `ShapeError`. */
export function broadcastShape(operands: readonly TensorType[]): readonly number[] {
  const rank = Math.max(0, ...operands.map((operand) => operand.shape.length));
  const shape = new Array<number>(rank).fill(1);
  for (const operand of operands) {
    const lead = rank - operand.shape.length;
    operand.shape.forEach((extent, i) => {
      const known = shape[lead + i]!;
      if (extent === known || extent === 1) return;
      if (known !== 1)
        throw new ShapeError(
          `shapes do not broadcast: ${operands.map(formatType).join(' and ')}`,
          'extents must be equal or 1, aligned from the last dimension',
        );
      shape[lead + i] = extent;
    });
  }
  return shape;
}

/** Row-major element strides. */
export function contiguousStrides(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * shape[d + 1]!;
  return strides;
}

/** Element strides of `shape` seen as `target`: 0 where it is stretched. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): readonly number[] {
  const own = contiguousStrides(shape);
  const lead = target.length - shape.length;
  return target.map((extent, d) => (d < lead || (shape[d - lead] === 1 && extent !== 1) ? 0 : own[d - lead]!));
}

export interface CollapsedDims {
  /** At least one dimension. */
  readonly dims: readonly number[];
  /** One list of strides an operand. */
  readonly strides: readonly (readonly number[])[];
}

/** Merges adjacent dimensions that every operand walks as one, and drops extents of 1. */
export function collapseDims(dims: readonly number[], strides: readonly (readonly number[])[]): CollapsedDims {
  const outDims: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  dims.forEach((extent, d) => {
    if (extent === 1) return;
    const last = outDims.length - 1;
    const mergeable = last >= 0 && strides.every((own, k) => outStrides[k]![last] === own[d]! * extent);
    if (mergeable) {
      outDims[last] = outDims[last]! * extent;
      outStrides.forEach((out, k) => {
        out[last] = strides[k]![d]!;
      });
    } else {
      outDims.push(extent);
      outStrides.forEach((out, k) => {
        out.push(strides[k]![d]!);
      });
    }
  });
  if (outDims.length === 0) {
    outDims.push(1);
    for (const out of outStrides) out.push(0);
  }
  return { dims: outDims, strides: outStrides };
}
