/** Dropout: nothing in inference, a counter-based mask in training. */
import type { Value } from '../../../ir/graph.ts';
import { dropout, dropoutMask } from '../../../ops/dropout.ts';
import { filledConstant } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/** Share of elements that are dropped; 0 in inference. From opset 12 on an operand says which of both it is. */
function dropped(c: LoweringContext): number {
  const training = c.training ?? (c.opset >= 12 && (c.numbers(2)?.[0] ?? 0) !== 0);
  if (!training) return 0;
  const ratio = c.opset < 12 ? c.attributes.float('ratio', 0.5) : (c.numbers(1)?.[0] ?? 0.5);
  return ratio >= 0 && ratio < 1 ? ratio : c.fail(`its ratio is ${ratio}`, 'the ratio is at least 0 and below 1');
}

function lowerDropout(c: LoweringContext): readonly Value[] {
  const x = c.operand(0);
  const { shape } = x.type;
  const ratio = dropped(c);
  if (ratio === 0) {
    if (!c.usesOutput(1)) return [x];
    // Before opset 10 the mask had the operand's type.
    return [x, filledConstant(c, c.opset < 10 ? x.type.dtype : 'bool', shape, 1)];
  }
  const { rng, site } = c.random();
  const y = c.emit(dropout, [x, rng], { ratio, site });
  return c.usesOutput(1) ? [y, c.emit(dropoutMask, [rng], { ratio, site, shape })] : [y];
}

export const dropoutLowerings: readonly OnnxLowering[] = [
  { onnx: 'Dropout', since: 1, gradient: true, limits: 'ratio and mode known at compile time', lower: lowerDropout },
];
