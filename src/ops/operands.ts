/** Checks that shape rules share: how many operands there are, and of which types. */
import { type DType, formatType, type TensorType } from '../ir/graph.ts';
import { ShapeError } from '../ir/op.ts';

/** The one operand. Throws `ShapeError` if there are more or fewer, or its type is not among `dtypes`. */
export function oneOperand(operands: readonly TensorType[], dtypes?: readonly DType[]): TensorType {
  const [x] = operands;
  if (x === undefined || operands.length !== 1) throw new ShapeError(`takes one operand, not ${operands.length}`);
  checkDType(x, dtypes);
  return x;
}

/** The two operands, of one type. Throws `ShapeError`. */
export function twoOperands(operands: readonly TensorType[], dtypes?: readonly DType[]): [TensorType, TensorType] {
  const [a, b] = operands;
  if (a === undefined || b === undefined || operands.length !== 2)
    throw new ShapeError(`takes two operands, not ${operands.length}`);
  if (a.dtype !== b.dtype) throw new ShapeError(`operands differ in type: ${formatType(a)} and ${formatType(b)}`);
  checkDType(a, dtypes);
  return [a, b];
}

function checkDType(x: TensorType, dtypes: readonly DType[] | undefined): void {
  if (dtypes !== undefined && !dtypes.includes(x.dtype))
    throw new ShapeError(`takes ${dtypes.join(', ')}, not ${formatType(x)}`);
}

/** Throws `ShapeError` unless `axis` is a dimension of `x`. */
export function checkAxis(x: TensorType, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length)
    throw new ShapeError(`axis ${axis} is not a dimension of ${formatType(x)}`);
}

/** The integer types. */
export const integers: readonly DType[] = ['i32', 'i64', 'u8', 'i8', 'i16'];
