/** The ResNets for images of 32x32 that the reference project measures. */
import { type BuiltModel, ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import type { Value } from '../../src/ir/graph.ts';

/** He et al. 2016 (arXiv 1512.03385, section 4.2): 3 stages of n blocks of two convolutions, 6n + 2 layers. */
export function cifarResNet(blocks: number, batch: number, width = 16): BuiltModel {
  const m = new ModelBuilder(`resnet${6 * blocks + 2}`);
  const block = (x: Value, channels: number, stride: number): Value => {
    const a = m.relu(m.batchNorm(m.conv2d(x, channels, 3, { stride })));
    const b = m.batchNorm(m.conv2d(a, channels, 3));
    const shortcut = stride === 1 ? x : m.batchNorm(m.conv2d(x, channels, 1, { stride, padding: 0 }));
    return m.relu(m.add(b, shortcut));
  };
  let h = m.relu(m.batchNorm(m.conv2d(m.input('images', [batch, 3, 32, 32]), width, 3)));
  for (const [stage, channels] of [width, 2 * width, 4 * width].entries())
    for (let i = 0; i < blocks; i++) h = block(h, channels, stage > 0 && i === 0 ? 2 : 1);
  m.loss(m.crossEntropy(m.linear(m.globalAveragePool(h), 10), m.input('labels', [batch], 'i64')));
  return m.finish();
}
