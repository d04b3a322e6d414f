import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../shared-data.ts';
import { caseFolders, runForward } from './backend-cases.ts';

const root = sharedData('onnx-backend');
const suites = ['node', 'pytorch-converted', 'pytorch-operator', 'simple'];

describe.skipIf(root === undefined)('operator tests of the ONNX project, forward', () => {
  it('pass, all but those listed', () => {
    const count = { passed: 0, failed: 0, unsupported: 0 };
    const missed: string[] = [];
    for (const suite of suites)
      for (const folder of caseFolders(`${root}/${suite}`)) {
        const { result, message } = runForward(folder);
        count[result]++;
        if (result !== 'passed') missed.push(`${suite}/${basename(folder)}: ${result}: ${message.split('\n')[0]}`);
      }
    console.info(`forward: ${count.passed} passed, ${count.failed} failed, ${count.unsupported} unsupported`);
    expect(missed).toEqual([]);
    expect(count.passed).toBe(804);
  });
});
