import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../shared-data.ts';
import { caseFolders, runForward } from './backend-cases.ts';

const root = sharedData('onnx-backend');
const suites = ['node', 'pytorch-converted', 'pytorch-operator', 'simple'];
/** Nothing is missed; a test that is, stands here with its reason. */
const known: readonly string[] = [];

describe.skipIf(root === undefined)('operator tests of the ONNX project, forward', () => {
  it('pass, all but those listed', { timeout: 60_000 }, () => {
    const count = { passed: 0, failed: 0, unsupported: 0 };
    const missed: string[] = [];
    for (const suite of suites)
      for (const folder of caseFolders(`${root}/${suite}`)) {
        const { result, message } = runForward(folder);
        count[result]++;
        if (result !== 'passed') missed.push(`${suite}/${basename(folder)}: ${result}: ${message.split('\n')[0]}`);
      }
    console.info(`forward: ${count.passed} passed, ${count.failed} failed, ${count.unsupported} unsupported`);
    expect(missed).toEqual(known);
    expect(count).toEqual({ passed: 804, failed: 0, unsupported: 0 });
  });

  it('of optimizers pass too', () => {
    const optimizers = caseFolders(`${root}/preview-training`).filter((folder) => !folder.includes('gradient'));
    expect(optimizers.length).toBe(7);
    for (const folder of optimizers) expect({ folder, ...runForward(folder) }).toMatchObject({ result: 'passed' });
  });
});
