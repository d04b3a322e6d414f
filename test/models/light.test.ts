/**
 * The slimmed models of the ONNX project at full size, with weights by the hash rule: loss, logits and the gradient of every
 * weight. The slow tests have them under every strategy, and on plain kernels.
 */
import { describe, it } from 'vitest';
import { sharedData } from '../shared-data.ts';
import { checkLightModel } from './light.ts';

const light = sharedData('models/light');

describe.skipIf(light === undefined)('slimmed models', () => {
  it.each(['light_squeezenet', 'light_bvlc_alexnet', 'light_resnet50', 'light_densenet121'])('%s', (name) => {
    checkLightModel(light!, name, ['memory']);
  });
});
