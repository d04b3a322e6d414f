/** Operators that pick or place elements by index. */
import type { Value } from '../../../ir/graph.ts';
import { gather, gatherElements, gatherNd } from '../../../ops/gather.ts';
import { oneHot } from '../../../ops/one-hot.ts';
import { scatterElements, scatterNd } from '../../../ops/scatter.ts';
import { topK } from '../../../ops/top-k.ts';
import { castTo, frontAxis } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/** Indices as the IR has them: i32 or i64. */
function indices(c: LoweringContext, index: number): Value {
  const value = c.operand(index);
  return value.type.dtype === 'i32' ? value : castTo(c, value, 'i64');
}

function axisOf(c: LoweringContext, fallback: number): number {
  return frontAxis(c, c.attributes.int('axis', fallback), c.operand(0).type.shape.length);
}

type ScatterReduction = 'none' | 'add' | 'mul' | 'min' | 'max';

function scatterReduction(c: LoweringContext): ScatterReduction {
  const reduction = c.attributes.string('reduction', 'none');
  switch (reduction) {
    case 'none':
    case 'add':
    case 'mul':
    case 'min':
    case 'max':
      return reduction;
    default:
      return c.fail(`unknown reduction ${JSON.stringify(reduction)}`, 'the reductions are none, add, mul, min and max');
  }
}

function lowerOneHot(c: LoweringContext): Value {
  const labels = indices(c, 0);
  const depth = c.numbers(1)?.[0] ?? c.fail('its depth is left out');
  const axis = frontAxis(c, c.attributes.int('axis', -1), labels.type.shape.length + 1);
  return c.emit(oneHot, [labels, c.operand(2)], { axis, depth });
}

function lowerTopK(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const k = c.opset < 10 ? c.attributes.int('k') : c.numbers(1)?.[0];
  return c.emitAll(topK, [x], {
    axis: frontAxis(c, c.attributes.int('axis', -1), x.type.shape.length),
    k: k ?? c.fail('its k is left out'),
    largest: c.attributes.int('largest', 1) !== 0,
    sorted: c.attributes.int('sorted', 1) !== 0,
  });
}

function scatterElementsLowering(onnx: string, since: number): OnnxLowering {
  return {
    onnx,
    since,
    gradient: true,
    lower: (c) => {
      const operands = [c.operand(0), indices(c, 1), c.operand(2)];
      return [c.emit(scatterElements, operands, { axis: axisOf(c, 0), reduction: scatterReduction(c) })];
    },
  };
}

export const indexingLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'Gather',
    since: 1,
    gradient: true,
    lower: (c) => [c.emit(gather, [c.operand(0), indices(c, 1)], { axis: axisOf(c, 0) })],
  },
  {
    onnx: 'GatherElements',
    since: 11,
    gradient: true,
    lower: (c) => [c.emit(gatherElements, [c.operand(0), indices(c, 1)], { axis: axisOf(c, 0) })],
  },
  {
    onnx: 'GatherND',
    since: 11,
    gradient: true,
    lower: (c) => [c.emit(gatherNd, [c.operand(0), indices(c, 1)], { batch_dims: c.attributes.int('batch_dims', 0) })],
  },
  scatterElementsLowering('Scatter', 9),
  scatterElementsLowering('ScatterElements', 11),
  {
    onnx: 'ScatterND',
    since: 11,
    gradient: true,
    lower: (c) => [c.emit(scatterNd, [c.operand(0), indices(c, 1), c.operand(2)], { reduction: scatterReduction(c) })],
  },
  { onnx: 'OneHot', since: 9, gradient: true, limits: 'depth known at compile time', lower: (c) => [lowerOneHot(c)] },
  { onnx: 'TopK', since: 1, gradient: true, limits: 'k known at compile time', lower: lowerTopK },
];
