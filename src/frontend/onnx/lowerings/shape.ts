/** Constants, types and shapes: mostly operators that fold away, or cost nothing. */
import { allocateArray } from '../../../../runtime/memory.ts';
import { elementCount, type Tensor, type Value } from '../../../ir/graph.ts';
import { broadcastShape } from '../../../ops/broadcasting.ts';
import { tensorOf } from '../../tensor-proto.ts';
import { axesFrom, castTo, expanded, filledConstant, frontAxis, product, reshaped } from '../compose.ts';
import { dtypeOf, elementTypeName, elementTypeNamed } from '../element-type.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

function constantTensor(c: LoweringContext): Tensor {
  const { attributes } = c;
  const list = (dtype: 'f32' | 'i64', data: readonly number[]): Tensor => ({
    type: { dtype, shape: [data.length] },
    data: dtype === 'f32' ? Float32Array.from(data) : data,
  });
  const value = attributes.tensor('value');
  if (value !== undefined) return tensorOf(value);
  const float = attributes.float('value_float');
  if (float !== undefined) return { type: { dtype: 'f32', shape: [] }, data: [Math.fround(float)] };
  const int = attributes.int('value_int');
  if (int !== undefined) return { type: { dtype: 'i64', shape: [] }, data: [int] };
  const floats = attributes.floats('value_floats');
  if (floats !== undefined) return list('f32', floats);
  const ints = attributes.ints('value_ints');
  if (ints !== undefined) return list('i64', ints);
  return c.fail('its value is sparse, a string, or left out', 'store dense numbers');
}

/** The shape a Reshape asks for, its zeros and its -1 worked out. */
function requestedShape(c: LoweringContext, x: Value): readonly number[] {
  const given = c.opset < 5 ? c.attributes.ints('shape') : c.numbers(1);
  const requested = given ?? c.fail('the shape is left out');
  const copiesZero = c.attributes.int('allowzero', 0) === 0;
  const shape = requested.map((extent, d) => {
    if (extent !== 0 || !copiesZero) return extent;
    return (
      x.type.shape[d] ?? c.fail(`the shape [${requested.join(',')}] copies dimension ${d}, which the operand lacks`)
    );
  });
  const open = shape.indexOf(-1);
  const count = elementCount(x.type.shape);
  if (open >= 0) {
    const rest = product(shape.filter((_, d) => d !== open));
    shape[open] = rest === 0 ? 0 : count / rest;
  }
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0) || product(shape) !== count)
    c.fail(`${count} elements of shape [${x.type.shape.join(',')}] do not fit the shape [${requested.join(',')}]`);
  return shape;
}

function squeezedShape(c: LoweringContext, x: Value): readonly number[] {
  const { shape } = x.type;
  const axes = axesFrom(c, shape.length, 13) ?? shape.flatMap((extent, d) => (extent === 1 ? [d] : []));
  const wide = axes.find((axis) => shape[axis] !== 1);
  if (wide !== undefined) c.fail(`dimension ${wide} of [${shape.join(',')}] is ${shape[wide]}, not 1`);
  return shape.filter((_, d) => !axes.includes(d));
}

function unsqueezedShape(c: LoweringContext, x: Value): readonly number[] {
  const { shape } = x.type;
  const given = (c.opset >= 13 ? c.numbers(1) : c.attributes.ints('axes')) ?? c.fail('its axes are left out');
  const rank = shape.length + given.length;
  const axes = new Set(given.map((axis) => frontAxis(c, axis, rank)));
  if (axes.size < given.length) c.fail(`axes [${given.join(',')}] name a dimension twice`);
  let next = 0;
  return Array.from({ length: rank }, (_, d) => (axes.has(d) ? 1 : shape[next++]!));
}

function lowerRange(c: LoweringContext): Value {
  const { dtype } = c.operand(0).type;
  const [start, limit, delta] = [0, 1, 2].map((i) => c.numbers(i)?.[0] ?? c.fail(`operand ${i} is left out`));
  if (delta === 0) c.fail('the step is 0');
  const count = Math.max(0, Math.ceil((limit! - start!) / delta!));
  return c.sharedConstant(`range ${start} ${delta}`, { dtype, shape: [count] }, () => {
    const data = allocateArray(dtype, count);
    for (let i = 0; i < count; i++) data[i] = start! + i * delta!;
    return data;
  });
}

function lowerEyeLike(c: LoweringContext): Value {
  const { type } = c.operand(0);
  const to = c.attributes.int('dtype');
  const dtype =
    to === undefined ? type.dtype : (dtypeOf(to) ?? c.fail(`element type ${elementTypeName(to)} is not supported`));
  const [rows, columns] = type.shape;
  if (rows === undefined || columns === undefined || type.shape.length !== 2) c.fail('its operand is not a matrix');
  const k = c.attributes.int('k', 0);
  return c.sharedConstant(`eye ${k}`, { dtype, shape: type.shape }, () => {
    const data = allocateArray(dtype, elementCount(type.shape));
    for (let row = Math.max(0, -k); row < rows! && row + k < columns!; row++) data[row * columns! + row + k] = 1;
    return data;
  });
}

export const shapeLowerings: readonly OnnxLowering[] = [
  { onnx: 'Identity', since: 1, gradient: true, lower: (c) => [c.operand(0)] },
  {
    onnx: 'Constant',
    since: 1,
    gradient: false,
    limits: 'no strings, no sparse tensors',
    lower: (c) => {
      const { type, data } = constantTensor(c);
      return [c.constant(type, data)];
    },
  },
  {
    onnx: 'ConstantOfShape',
    since: 9,
    gradient: false,
    lower: (c) => {
      const value = c.attributes.tensor('value');
      const fill = value === undefined ? undefined : tensorOf(value);
      const shape = c.numbers(0) ?? c.fail('its shape is left out');
      if (shape.some((extent) => extent < 0)) c.fail(`its shape [${shape.join(',')}] has a negative extent`);
      return [filledConstant(c, fill?.type.dtype ?? 'f32', shape, fill?.data[0] ?? 0)];
    },
  },
  {
    onnx: 'Cast',
    since: 1,
    gradient: true,
    limits: 'FLOAT16, BFLOAT16 and DOUBLE are computed in f32, without rounding to them',
    lower: (c) => {
      // Before opset 6 the type was named.
      const named = c.opset < 6 ? c.attributes.string('to') : undefined;
      const given = c.opset < 6 ? elementTypeNamed(named ?? '') : c.attributes.int('to');
      const to =
        given ?? c.fail(named === undefined ? 'its type is left out' : `unknown type ${JSON.stringify(named)}`);
      return [castTo(c, c.operand(0), dtypeOf(to) ?? c.fail(`element type ${elementTypeName(to)} is not supported`))];
    },
  },
  {
    onnx: 'CastLike',
    since: 15,
    gradient: true,
    limits: 'as Cast',
    lower: (c) => [castTo(c, c.operand(0), c.operand(1).type.dtype)],
  },
  {
    onnx: 'Shape',
    since: 1,
    gradient: false,
    lower: (c) => {
      const { shape } = c.operand(0).type;
      const extents = shape.slice(c.attributes.int('start', 0), c.attributes.int('end', shape.length));
      return [c.constant({ dtype: 'i64', shape: [extents.length] }, extents)];
    },
  },
  {
    onnx: 'Size',
    since: 1,
    gradient: false,
    lower: (c) => [c.constant({ dtype: 'i64', shape: [] }, [elementCount(c.operand(0).type.shape)])],
  },
  {
    onnx: 'Reshape',
    since: 1,
    gradient: true,
    lower: (c) => [reshaped(c, c.operand(0), requestedShape(c, c.operand(0)))],
  },
  {
    onnx: 'Flatten',
    since: 1,
    gradient: true,
    lower: (c) => {
      const { shape } = c.operand(0).type;
      const axis = frontAxis(c, c.attributes.int('axis', 1), shape.length, 1);
      return [reshaped(c, c.operand(0), [product(shape.slice(0, axis)), product(shape.slice(axis))])];
    },
  },
  {
    onnx: 'Squeeze',
    since: 1,
    gradient: true,
    lower: (c) => [reshaped(c, c.operand(0), squeezedShape(c, c.operand(0)))],
  },
  {
    onnx: 'Unsqueeze',
    since: 1,
    gradient: true,
    lower: (c) => [reshaped(c, c.operand(0), unsqueezedShape(c, c.operand(0)))],
  },
  {
    onnx: 'Expand',
    since: 8,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      const shape = c.numbers(1) ?? c.fail('its shape is left out');
      return [expanded(c, x, broadcastShape([x.type, { dtype: x.type.dtype, shape }]))];
    },
  },
  { onnx: 'Range', since: 11, gradient: false, limits: 'bounds known at compile time', lower: (c) => [lowerRange(c)] },
  { onnx: 'EyeLike', since: 9, gradient: false, lower: (c) => [lowerEyeLike(c)] },
];
