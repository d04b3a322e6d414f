/** One-hot encoding of indices. */
import { typeCode } from '../../runtime/kernels/elements.ts';
import { oneHotGrad as oneHotGradKernel, oneHot as oneHotKernel } from '../../runtime/kernels/one-hot.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType } from '../ir/graph.ts';
import { type AttributeSpec, type Op, ShapeError } from '../ir/op.ts';
import { checkIndices } from './gather.ts';
import { splitAt } from './softmax.ts';
import { f32, i32, i64 } from './types.ts';

type OneHotAttributes = { axis: number; depth: number };

const specs: { readonly [K in keyof OneHotAttributes]-?: AttributeSpec } = {
  axis: { kind: 'int', doc: 'dimension of the result that counts the classes' },
  depth: { kind: 'int', doc: 'number of classes' },
};

function encodedShape(given: TensorType | undefined, { axis, depth }: OneHotAttributes): readonly number[] {
  const indices = checkIndices(given);
  if (!Number.isInteger(axis) || axis < 0 || axis > indices.shape.length)
    throw new ShapeError(`axis ${axis} is not a dimension of the encoding of ${formatType(indices)}`);
  if (!Number.isInteger(depth) || depth < 0) throw new ShapeError(`depth ${depth} is not a count`);
  return [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
}

export const oneHot: Op<OneHotAttributes> = {
  name: 'one_hot',
  doc: 'Encodes indices along a new dimension; operand 1 holds the two values [off, on]. Indices out of range are all off.',
  attributes: specs,
  effect: 'pure',
  infer: ([indices, values], attributes) => {
    const shape = encodedShape(indices, attributes);
    if (values === undefined || !sameShape(values.shape, [2]))
      throw new ShapeError(`values must have shape [2]${values === undefined ? '' : `, not ${formatType(values)}`}`);
    return [{ dtype: values.dtype, shape }];
  },
  indexBound: ({ attributes }, operand) => (operand === 0 ? attributes.depth : undefined),
  flops: () => 0,
  gradientReads: { operands: [0] },
  gradient: (g) => [
    undefined,
    g.wants(1) ? g.emit(oneHotGrad, [g.cotangents[0]!, g.operands[0]!], { axis: g.attributes.axis }) : undefined,
  ],
  lower: ({ operands: [indices, values], results, attributes }, at) => [
    call(
      oneHotKernel,
      typeCode(values!.type.dtype),
      typeCode(indices!.type.dtype),
      at.operand(0),
      at.operand(1),
      at.result(0),
      ...splitAt(results[0]!.type.shape, attributes.axis),
    ),
  ],
  examples: [
    { operands: [i64(2, 3), f32(2)], attributes: { axis: 1, depth: 4 }, ranges: { 0: [-4, 5] } },
    { operands: [i32(3), f32(2)], attributes: { axis: 1, depth: 3 }, ranges: { 0: [0, 2] } },
    { operands: [i64(3), i64(2)], attributes: { axis: 0, depth: 3 }, ranges: { 0: [0, 2], 1: [-5, 5] } },
  ],
};

export const oneHotGrad: Op<{ axis: number }> = {
  name: 'one_hot_grad',
  doc: 'Gradient of one_hot in its two values.',
  attributes: { axis: specs.axis },
  effect: 'pure',
  infer: ([dy, indices], { axis }) => {
    if (dy === undefined || dy.dtype !== 'f32') throw new ShapeError('takes the gradient of a float encoding');
    const wanted = encodedShape(indices, { axis, depth: dy.shape[axis] ?? -1 });
    if (!sameShape(dy.shape, wanted)) throw new ShapeError(`the gradient must be ${formatType(f32(...wanted))}`);
    return [f32(2)];
  },
  flops: ({ operands }) => elementCount(operands[0]!.type.shape),
  lower: ({ operands: [dy, indices], attributes }, at) => [
    call(
      oneHotGradKernel,
      at.operand(0),
      typeCode(indices!.type.dtype),
      at.operand(1),
      at.result(0),
      ...splitAt(dy!.type.shape, attributes.axis),
    ),
  ],
  examples: [{ operands: [f32(2, 4, 3), i64(2, 3)], attributes: { axis: 1 }, ranges: { 1: [0, 3] } }],
};
