/** transpose: permuted dimensions. */
import { formatType, type Value } from '../ir/graph.ts';
import { type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { contiguousStrides } from './broadcasting.ts';
import { lowerStridedRead } from './movement.ts';
import { oneOperand } from './operands.ts';
import { reshapeTo } from './reshape.ts';
import { f32, i64 } from './types.ts';

export const transpose: Op<{ permutation: readonly number[] }> = {
  name: 'transpose',
  doc: 'Dimension d of the result is dimension permutation[d] of the operand.',
  attributes: { permutation: { kind: 'ints', doc: 'a permutation of the dimensions' } },
  effect: 'pure',
  passesOn: () => true,
  infer: (operands, { permutation }) => {
    const x = oneOperand(operands);
    const rank = x.shape.length;
    const given = new Set(permutation);
    if (permutation.length !== rank || given.size !== rank || x.shape.some((_, d) => !given.has(d)))
      throw new ShapeError(`[${permutation.join(',')}] is not a permutation of the dimensions of ${formatType(x)}`);
    return [{ dtype: x.dtype, shape: permutation.map((d) => x.shape[d]!) }];
  },
  flops: () => 0,
  gradientReads: {},
  gradient: (g) => [transposeTo(g, g.cotangents[0]!, inverse(g.attributes.permutation))],
  lower: ({ operands, results, attributes: { permutation } }, at) => {
    const strides = contiguousStrides(operands[0]!.type.shape);
    const { dtype, shape } = results[0]!.type;
    const read = permutation.map((d) => strides[d]!);
    return [lowerStridedRead(dtype, at.operand(0), at.result(0), shape, read)];
  },
  examples: [
    { operands: [f32(2, 3)], attributes: { permutation: [1, 0] } },
    { operands: [f32(2, 3, 4)], attributes: { permutation: [2, 0, 1] } },
    { operands: [f32(2, 3, 4)], attributes: { permutation: [0, 2, 1] } },
    { operands: [f32(2, 1, 3)], attributes: { permutation: [1, 0, 2] } },
    { operands: [f32(17, 20)], attributes: { permutation: [1, 0] } },
    { operands: [f32(2, 3, 2, 18)], attributes: { permutation: [0, 2, 1, 3] } },
    { operands: [f32()], attributes: { permutation: [] } },
    { operands: [f32(0, 3)], attributes: { permutation: [1, 0] } },
    { operands: [i64(3, 2)], attributes: { permutation: [1, 0] }, ranges: { 0: [-5, 5] } },
  ],
};

function inverse(permutation: readonly number[]): number[] {
  const result = new Array<number>(permutation.length);
  permutation.forEach((from, to) => {
    result[from] = to;
  });
  return result;
}

/** `value` transposed; a view of it where only dimensions of extent 1 move past others. */
export function transposeTo(emitter: Emitter, value: Value, permutation: readonly number[]): Value {
  const shape = value.type.shape;
  const moved = permutation.filter((d) => shape[d] !== 1);
  const inOrder = moved.every((d, i) => i === 0 || moved[i - 1]! < d);
  return inOrder
    ? reshapeTo(
        emitter,
        value,
        permutation.map((d) => shape[d]!),
      )
    : emitter.emit(transpose, [value], { permutation });
}
