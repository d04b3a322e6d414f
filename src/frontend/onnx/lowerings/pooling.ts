/** Poolings over windows, and global ones, which are reductions over the spatial dimensions. */
import type { Value } from '../../../ir/graph.ts';
import type { Emitter } from '../../../ir/op.ts';
import { averagePool, lpPool, maxPool, maxPoolWithIndices } from '../../../ops/pool.ts';
import { power } from '../../../ops/power.ts';
import { reduceMax, reduceMean, reduceSum } from '../../../ops/reduce.ts';
import { absolute, normRoot, square } from '../../../ops/unary.ts';
import { scalarConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { windowOf } from './window.ts';

function lowerMaxPool(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const attributes = { ...windowOf(c, x.type.shape.slice(2)), ceil_mode: c.attributes.int('ceil_mode', 0) !== 0 };
  if (!c.usesOutput(1)) return [c.emit(maxPool, [x], attributes)];
  return c.emitAll(maxPoolWithIndices, [x], { ...attributes, storage_order: c.attributes.int('storage_order', 0) });
}

function lowerAveragePool(c: LoweringContext): Value {
  const x = c.operand(0);
  return c.emit(averagePool, [x], {
    ...windowOf(c, x.type.shape.slice(2)),
    ceil_mode: c.attributes.int('ceil_mode', 0) !== 0,
    count_include_pad: c.attributes.int('count_include_pad', 0) !== 0,
  });
}

function lowerLpPool(c: LoweringContext): Value {
  const x = c.operand(0);
  return c.emit(lpPool, [x], {
    ...windowOf(c, x.type.shape.slice(2)),
    ceil_mode: c.attributes.int('ceil_mode', 0) !== 0,
    p: c.attributes.int('p', 2),
  });
}

function spatialAxes(x: Value): readonly number[] {
  return Array.from({ length: x.type.shape.length - 2 }, (_, d) => d + 2);
}

function global(onnx: string, reduce: (c: LoweringContext, x: Value, axes: readonly number[]) => Value): OnnxLowering {
  return {
    onnx,
    since: 1,
    gradient: true,
    lower: (c) => {
      const x = c.operand(0);
      if (x.type.shape.length < 3) c.fail('its operand has no spatial dimensions');
      return [reduce(c, x, spatialAxes(x))];
    },
  };
}

/** (sum |x|^p)^(1/p) over `axes`, with gradient 0 where it is 0. */
export function norm(c: Emitter, x: Value, axes: readonly number[], p: number, keep_dims: boolean): Value {
  const sum = (terms: Value): Value => c.emit(reduceSum, [terms], { axes, keep_dims });
  if (p === 2) return c.emit(normRoot, [sum(c.emit(square, [x], {}))], { p });
  const magnitude = c.emit(absolute, [x], {});
  if (p === 1) return sum(magnitude);
  return c.emit(normRoot, [sum(c.emit(power, [magnitude, scalarConstant(c, 'f32', p)], {}))], { p });
}

export const poolingLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'MaxPool',
    since: 1,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: lowerMaxPool,
  },
  {
    onnx: 'AveragePool',
    since: 1,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: (c) => [lowerAveragePool(c)],
  },
  {
    onnx: 'LpPool',
    since: 2,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: (c) => [lowerLpPool(c)],
  },
  global('GlobalAveragePool', (c, x, axes) => c.emit(reduceMean, [x], { axes, keep_dims: true })),
  global('GlobalMaxPool', (c, x, axes) => c.emit(reduceMax, [x], { axes, keep_dims: true })),
  // Before opset 2 the power is a float.
  global('GlobalLpPool', (c, x, axes) =>
    norm(c, x, axes, c.opset < 2 ? c.attributes.float('p', 2) : c.attributes.int('p', 2), true),
  ),
];
