/** The smallest of the slimmed models; the others, and all strategies, are among the slow tests. */
import { describe, it } from 'vitest';
import { sharedData } from '../shared-data.ts';
import { checkLightModel } from './light.ts';

const light = sharedData('models/light');

describe.skipIf(light === undefined)('slimmed models with weights by the hash rule', () => {
  it('SqueezeNet at full size', () => {
    checkLightModel(light!, 'light_squeezenet', ['memory']);
  });
});
