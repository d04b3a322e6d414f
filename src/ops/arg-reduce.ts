/** argmax, argmin: indices of extreme elements along an axis. */
import { argmax as argmaxKernel, argmin as argminKernel } from '../../runtime/kernels/arg-reduce.ts';
import { typeCode } from '../../runtime/kernels/elements.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType } from '../ir/graph.ts';
import { type Op, ShapeError } from '../ir/op.ts';
import { checkAxis, oneOperand } from './operands.ts';
import { f32, i32 } from './types.ts';

type ArgReduce = { axis: number; keep_dims: boolean; select_last: boolean };

function argReduce(name: string, doc: string, kernel: typeof argmaxKernel): Op<ArgReduce> {
  return {
    name,
    doc,
    attributes: {
      axis: { kind: 'int', doc: 'dimension searched' },
      keep_dims: { kind: 'bool', doc: 'whether the dimension stays, with extent 1' },
      select_last: { kind: 'bool', doc: 'whether the last of equal elements is taken, not the first' },
    },
    effect: 'pure',
    infer: (operands, { axis, keep_dims: keepDims }) => {
      const x = oneOperand(operands);
      checkAxis(x, axis);
      if (x.shape[axis] === 0) throw new ShapeError(`axis ${axis} of ${formatType(x)} has no elements`);
      return [{ dtype: 'i64', shape: keepDims ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1) }];
    },
    flops: ({ operands }) => elementCount(operands[0]!.type.shape),
    lower: ({ operands, attributes: { axis, select_last: selectLast } }, at) => {
      const { dtype, shape } = operands[0]!.type;
      const outer = elementCount(shape.slice(0, axis));
      const inner = elementCount(shape.slice(axis + 1));
      const [x, out] = [at.operand(0), at.result(0)];
      return [call(kernel, typeCode(dtype), x, out, outer, shape[axis]!, inner, Number(selectLast))];
    },
    examples: [
      { operands: [f32(3, 4)], attributes: { axis: 0, keep_dims: true, select_last: false } },
      { operands: [f32(2, 3, 2)], attributes: { axis: 1, keep_dims: false, select_last: false } },
      { operands: [i32(12)], attributes: { axis: 0, keep_dims: false, select_last: true }, ranges: { 0: [0, 2] } },
      { operands: [f32(0, 3)], attributes: { axis: 1, keep_dims: false, select_last: false } },
    ],
  };
}

export const argmax: Op<ArgReduce> = argReduce('argmax', 'Index of the largest element along an axis.', argmaxKernel);
export const argmin: Op<ArgReduce> = argReduce('argmin', 'Index of the smallest element along an axis.', argminKernel);
