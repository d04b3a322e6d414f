/** The operator tests of the ONNX project under every strategy and on both backends. */
import { describe, expect, it } from 'vitest';
import { checkModels } from '../../src/cli/check-models.ts';
import { sharedData } from '../shared-data.ts';

const data = sharedData('onnx-backend');

describe.skipIf(data === undefined)('the operator tests of the ONNX project', () => {
  const backends = ['js', 'wasm'] as const;
  const strategies = ['none', 'memory', 'speed'];
  it.each(backends.flatMap((backend) => strategies.map((strategy) => [backend, strategy] as const)))(
    'pass on %s under %s',
    (backend, strategy) => {
      const { forward, gradient, failures } = checkModels(data!, { backend, strategy });
      expect(failures).toEqual([]);
      expect([forward.passed, gradient.passed]).toEqual([813, 662]);
    },
  );
});
