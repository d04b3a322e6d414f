/**
 * Quantization on the path of a computation: the numbers are those of the integers, held as floats, and gradients pass
 * straight through the rounding. Weights that are stored as integers never come here (`dequantized-weight.ts`).
 */
import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { DType, Value } from '../../../ir/graph.ts';
import { add, divide, multiply, subtract } from '../../../ops/binary.ts';
import { cast } from '../../../ops/cast.ts';
import { roundToRange } from '../../../ops/quantize.ts';
import { addScalar } from '../../../ops/scalar.ts';
import { slice } from '../../../ops/slice.ts';
import { castTo, expanded, reshaped, scaled, shifted } from '../compose.ts';
import { elementTypeName } from '../element-type.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { scaleLayout } from '../scale-layout.ts';

interface IntegerType {
  readonly dtype: DType;
  readonly min: number;
  readonly max: number;
}

const integerTypes: ReadonlyMap<number, IntegerType> = new Map<number, IntegerType>([
  [DataType.UINT8, { dtype: 'u8', min: 0, max: 255 }],
  [DataType.INT8, { dtype: 'i8', min: -128, max: 127 }],
  [DataType.INT16, { dtype: 'i16', min: -32768, max: 32767 }],
]);

/** One number for each element of x: `list` is operand 1 or 2. Stored scales are constants: they are not trained. */
function perElement(c: LoweringContext, x: Value, list: Value): Value {
  const { shape } = x.type;
  const numbers = c.isStored(list) ? c.frozen(list) : list;
  const block = c.attributes.int('block_size', 0);
  const layout = scaleLayout(shape, list.type.shape, c.attributes.int('axis', 1), block, (message) => c.fail(message));
  const { axis } = layout;
  if (axis === undefined) return reshaped(c, numbers, []);
  const before = numbers.type.shape.slice(0, block === 0 ? 0 : axis);
  const count = Math.ceil(shape[axis]! / layout.block);
  const after = block === 0 ? shape.slice(axis + 1).map(() => 1) : shape.slice(axis + 1);
  if (block === 0) return reshaped(c, numbers, [count, ...after]);
  const repeated = expanded(c, reshaped(c, numbers, [...before, count, 1, ...after]), [
    ...before,
    count,
    layout.block,
    ...after,
  ]);
  const whole = reshaped(c, repeated, [...before, count * layout.block, ...after]);
  if (count * layout.block === shape[axis]) return whole;
  return c.emit(slice, [whole], { axes: [axis], starts: [0], ends: [shape[axis]!], steps: [1] });
}

function resultType(c: LoweringContext): IntegerType {
  const given = c.attributes.int('output_dtype', 0);
  const zeros = c.operands[2];
  const asked =
    given !== 0 ? integerTypes.get(given) : zeros === undefined ? integerTypes.get(DataType.UINT8) : undefined;
  if (given !== 0 && asked === undefined) c.fail(`it quantizes to ${elementTypeName(given)}`, supported);
  const ofZeros = [...integerTypes.values()].find(({ dtype }) => dtype === zeros?.type.dtype);
  return ofZeros ?? asked ?? c.fail(`its zero point is ${zeros?.type.dtype}`, supported);
}

const supported =
  'supported are UINT8, INT8 and INT16; and UINT16, INT4, UINT4 and INT32 where weights are stored in them';

function lowerQuantize(c: LoweringContext): Value {
  const x = castTo(c, c.operand(0), 'f32');
  const { dtype, min, max } = resultType(c);
  const numbers = c.emit(divide, [x, perElement(c, x, castTo(c, c.operand(1), 'f32'))], {});
  c.remark('rounded on the way forward; gradients pass straight through, but where a number saturates');
  const zero = knownZero(c);
  if (zero !== undefined) {
    const rounded = c.emit(roundToRange, [numbers], { min: min - zero, max: max - zero });
    return castTo(c, shifted(c, rounded, zero), dtype);
  }
  // The zero points are added to integers; which of these saturate differs with them.
  const unbounded = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  const integers = c.emit(roundToRange, [numbers], unbounded);
  const zeros = perElement(c, x, castTo(c, c.operand(2), 'f32'));
  return castTo(c, c.emit(roundToRange, [c.emit(add, [integers, zeros], {})], { min, max }), dtype);
}

/** The zero point, where it is known and one for all. */
function knownZero(c: LoweringContext): number | undefined {
  const zeros = c.operands[2];
  if (zeros === undefined) return 0;
  const [first, ...others] = c.isStored(zeros) ? c.numbers(2)! : [];
  return others.every((number) => number === first) ? first : undefined;
}

function lowerDequantize(c: LoweringContext): Value {
  const x = c.operand(0);
  const scales = castTo(c, c.operand(1), 'f32');
  const zeros = c.operands[2];
  const float = quantizedFloat(c, x) ?? castTo(c, x, 'f32');
  const zero = knownZero(c);
  const centred =
    zero !== undefined
      ? shifted(c, float, -zero)
      : c.emit(subtract, [float, castTo(c, perElement(c, x, zeros!), 'f32')], {});
  const factors = perElement(c, x, scales);
  const factor = c.scalar(factors);
  return factor === undefined ? c.emit(multiply, [centred, factors], {}) : scaled(c, centred, factor);
}

/** The integers as `lowerQuantize` had them before they were cast, through which no gradient would come. */
function quantizedFloat(c: LoweringContext, x: Value): Value | undefined {
  const before = producedBy(c, x, cast.name);
  if (before === undefined) return undefined;
  const rounded = producedBy(c, before, addScalar.name) ?? before;
  return c.producer(rounded)?.op === roundToRange.name ? before : undefined;
}

/** What `value` is made of, if by the op called `op`. */
function producedBy(c: LoweringContext, value: Value, op: string): Value | undefined {
  const node = c.producer(value);
  return node?.op === op ? node.operands[0] : undefined;
}

export const quantizationLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'QuantizeLinear',
    since: 10,
    gradient: true,
    limits: 'to UINT8, INT8 and INT16; straight-through gradient',
    lower: (c) => [lowerQuantize(c)],
  },
  {
    onnx: 'DequantizeLinear',
    since: 10,
    gradient: true,
    limits: 'stored weights of up to 32 bits become float parameters',
    lower: (c) => [lowerDequantize(c)],
  },
];
