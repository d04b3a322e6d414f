/** Runs one op on given tensors by its own kernel: constant folding has no evaluator of its own. */
import {
  allocateArray,
  bytesPerElement,
  type Memory,
  type NumberArray,
  viewMemory,
  viewOf,
} from '../../runtime/memory.ts';
import { type Attributes, alignUp, byteLength, elementCount, type Tensor, type TensorType } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';

/** Makes the memory in which an op is evaluated; the tests give one in double precision. */
export type MemoryFactory = (bytes: number) => Memory;

/**
 * Results of `op` on `operands`, with fresh data. Types must be what `infer` accepts. For views the data is copied.
 */
export function evaluate<A extends Attributes>(
  op: Op<A>,
  operands: readonly Tensor[],
  attributes: A,
  createMemory: MemoryFactory = (bytes) => viewMemory(new ArrayBuffer(bytes)),
): readonly Tensor[] {
  const types = op.infer(
    operands.map((operand) => operand.type),
    attributes,
  );
  const application = {
    operands: operands.map((operand, i) => ({ name: `operand${i}`, type: operand.type })),
    results: types.map((type, i) => ({ name: `result${i}`, type })),
    attributes,
  };
  // Nothing begins at 0, where an address that is scaled wrongly would be right.
  let bytes = alignUp(1);
  const place = (size: number): number => {
    const offset = bytes;
    bytes += alignUp(size);
    return offset;
  };
  const operandOffsets = operands.map((operand) => place(byteLength(operand.type)));
  const resultOffsets =
    op.effect === 'view'
      ? types.map((_, i) => operandOffsets[0]! + (op.viewOffset?.(application, i) ?? 0))
      : types.map((type, i) => {
          const written = op.writes?.[i];
          return written === undefined ? place(byteLength(type)) : operandOffsets[written]!;
        });
  const scratch = place(op.scratch?.(application) ?? 0);
  const memory = createMemory(bytes);
  operands.forEach((operand, i) => {
    writeTensor(memory, operand.type, operandOffsets[i]!, operand.data);
  });
  const at = {
    operand: (i: number) => operandOffsets[i]!,
    result: (i: number) => resultOffsets[i]!,
    scratch,
  };
  for (const { kernel, args } of op.lower(application, at)) kernel(memory, ...args);
  return types.map((type, i) => ({ type, data: readTensor(memory, type, resultOffsets[i]!) }));
}

/** Stores the elements of a tensor at a byte offset. */
export function writeTensor(memory: Memory, type: TensorType, offset: number, data: ArrayLike<number>): void {
  const view = viewOf(memory, type.dtype);
  view.set(data, offset / bytesPerElement[type.dtype]);
}

/** A copy of the elements at a byte offset. */
export function readTensor(memory: Memory, type: TensorType, offset: number): NumberArray {
  const view = viewOf(memory, type.dtype);
  const first = offset / bytesPerElement[type.dtype];
  const count = elementCount(type.shape);
  if (view instanceof Float64Array) return view.slice(first, first + count);
  const data = allocateArray(type.dtype, count);
  data.set(view.subarray(first, first + count));
  return data;
}
