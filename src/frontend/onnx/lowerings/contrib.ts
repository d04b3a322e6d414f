/** What the lowerings of onnxruntime's own operators share: exporters write some, its optimizer most of them. */
import type { Value } from '../../../ir/graph.ts';
import { hardSigmoid, leakyRelu, relu, sigmoid } from '../../../ops/activation.ts';
import { add } from '../../../ops/binary.ts';
import { clip } from '../../../ops/scalar.ts';
import { tanh } from '../../../ops/unary.ts';
import type { LoweringContext } from '../lowering.ts';

export const contribDomain = 'com.microsoft';

/** x + y, where there is a y. */
export function plus(c: LoweringContext, x: Value, y: Value | undefined): Value {
  return y === undefined ? x : c.emit(add, [x, y], {});
}

/** Refuses operands by their names in the operator's definition. */
export function refuseOperands(c: LoweringContext, names: Readonly<Record<string, number>>): void {
  for (const [name, index] of Object.entries(names))
    if (c.operands[index] !== undefined) c.fail(`operand ${index} (${name}) is not supported`);
}

/** The activation that a node was fused with, if any; `parameters` in the order of the activation's own attributes. */
export function fusedActivation(c: LoweringContext, x: Value, parameters: readonly (number | undefined)[]): Value {
  const activation = c.attributes.string('activation', '');
  const [first, second] = parameters;
  switch (activation) {
    case '':
      return x;
    case 'Relu':
      return c.emit(relu, [x], {});
    case 'Tanh':
      return c.emit(tanh, [x], {});
    case 'Sigmoid':
      return c.emit(sigmoid, [x], {});
    case 'LeakyRelu':
      return c.emit(leakyRelu, [x], { alpha: first ?? 0.01 });
    case 'HardSigmoid':
      return c.emit(hardSigmoid, [x], { alpha: first ?? 0.2, beta: second ?? 0.5 });
    case 'Clip':
      if (first === undefined || second === undefined) return c.fail('its activation Clip lacks bounds');
      return c.emit(clip, [x], { min: first, max: second });
    default:
      return c.fail(
        `unknown activation ${JSON.stringify(activation)}`,
        'the activations are Relu, Tanh, Sigmoid, LeakyRelu, HardSigmoid and Clip',
      );
  }
}
