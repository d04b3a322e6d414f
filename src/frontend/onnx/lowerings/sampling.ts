/** Sampling at the points of a grid. */
import type { Value } from '../../../ir/graph.ts';
import { gridSample } from '../../../ops/grid-sample.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/** By name before opset 20, and from then on. */
const modes: Readonly<Record<string, string>> = {
  bilinear: 'linear',
  linear: 'linear',
  nearest: 'nearest',
  bicubic: 'cubic',
  cubic: 'cubic',
};

function lowerGridSample(c: LoweringContext): Value {
  const name = c.attributes.string('mode', c.opset < 20 ? 'bilinear' : 'linear');
  const mode = modes[name] ?? c.fail(`unknown mode ${JSON.stringify(name)}`, 'the modes are linear, nearest and cubic');
  const padding = c.attributes.string('padding_mode', 'zeros');
  const align_corners = c.attributes.int('align_corners', 0) !== 0;
  return c.emit(gridSample, [c.operand(0), c.operand(1)], { mode, padding, align_corners });
}

export const samplingLowerings: readonly OnnxLowering[] = [
  {
    onnx: 'GridSample',
    since: 16,
    gradient: true,
    limits: '1 to 3 spatial dimensions',
    lower: (c) => [lowerGridSample(c)],
  },
];
