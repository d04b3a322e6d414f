/** Activations of onnxruntime, with the bias that comes before them. */
import type { Value } from '../../../ir/graph.ts';
import { gelu, swish } from '../../../ops/activation.ts';
import { multiply } from '../../../ops/binary.ts';
import { split } from '../../../ops/split.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';
import { contribDomain, plus } from './contrib.ts';

function lowering(onnx: string, lower: (c: LoweringContext) => Value): OnnxLowering {
  return { onnx: `${contribDomain}.${onnx}`, since: 1, gradient: true, lower: (c) => [lower(c)] };
}

/** The first half of the last dimension, times the second half behind a GELU. */
function lowerBiasSplitGelu(c: LoweringContext): Value {
  const x = plus(c, c.operand(0), c.operand(1));
  const axis = x.type.shape.length - 1;
  const width = x.type.shape[axis] ?? 1;
  if (width % 2 !== 0) c.fail(`a width of ${width} has no halves`);
  const [left, gate] = c.emitAll(split, [x], { axis, sizes: [width / 2, width / 2] });
  return c.emit(multiply, [left!, c.emit(gelu, [gate!], { approximate: 'none' })], {});
}

export const contribActivationLowerings: readonly OnnxLowering[] = [
  lowering('Gelu', (c) => c.emit(gelu, [c.operand(0)], { approximate: 'none' })),
  lowering('BiasGelu', (c) => c.emit(gelu, [plus(c, c.operand(0), c.operand(1))], { approximate: 'none' })),
  lowering('FastGelu', (c) => c.emit(gelu, [plus(c, c.operand(0), c.operands[1])], { approximate: 'tanh' })),
  lowering('QuickGelu', (c) => c.emit(swish, [c.operand(0)], { alpha: c.attributes.float('alpha', 1.702) })),
  lowering('BiasSplitGelu', lowerBiasSplitGelu),
  lowering('BiasAdd', (c) => plus(c, plus(c, c.operand(0), c.operand(1)), c.operand(2))),
];
