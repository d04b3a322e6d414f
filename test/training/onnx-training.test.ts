/** The ONNX project's tests of training operators, compiled and run: gradients asked for in the file, and optimizers. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import type { Tensor } from '../../src/ir/graph.ts';
import { caseFolders, readTensors } from '../frontend/backend-cases.ts';
import { sharedData } from '../shared-data.ts';

const root = sharedData('onnx-backend/preview-training');
const folders = root === undefined ? [] : caseFolders(root);

/** Outputs of the file by name, computed by the compiled step. */
function computed(folder: string): { readonly names: readonly string[]; readonly values: ReadonlyMap<string, Tensor> } {
  const tensors = readTensors(`${folder}/test_data_set_0`, 'input');
  const { model, inputNames, outputNames, gradients } = importOnnx(readFileSync(`${folder}/model.onnx`));
  const compiled = compile(model, {
    losses: gradients.map(({ loss }) => loss),
    wrtValues: gradients.flatMap(({ wrt }) => wrt),
    verify: 'each',
  });
  const execution = createExecution(compiled);
  execution.setInputs(new Map(inputNames.map((name, i) => [name, tensors[i]!])));
  execution.machine.run();
  const values = new Map(execution.outputs());
  for (const { wrt, outputs } of gradients)
    outputs.forEach((name, i) => {
      if (name !== undefined) values.set(name, values.get(`d_${wrt[i]}`)!);
    });
  const requested = gradients.flatMap(({ outputs }) => outputs.filter((name) => name !== undefined));
  return { names: [...new Set([...outputNames, ...requested])], values };
}

describe.skipIf(root === undefined)('ONNX training operators', () => {
  it('are all tested', () => {
    expect(folders).toHaveLength(9);
  });

  it.each(folders.map((folder) => [basename(folder), folder]))('%s', (_, folder) => {
    const expected = readTensors(`${folder}/test_data_set_0`, 'output');
    const { names, values } = computed(folder);
    expect(names).toHaveLength(expected.length);
    names.forEach((name, i) => {
      const { data } = values.get(name)!;
      expect(data.length, name).toBe(expected[i]!.data.length);
      Array.from(expected[i]!.data).forEach((value, k) => {
        expect(Math.abs(data[k]! - value), `${name}[${k}]`).toBeLessThanOrEqual(1e-5 + 1e-3 * Math.abs(value));
      });
    });
  });
});
