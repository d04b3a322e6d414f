/**
 * The slimmed models of the ONNX project at full size. With weights by the hash rule: loss, logits and every weight's
 * gradient against the reference, on both backends, under every strategy the same. With the file's own weights (all are
 * 0.02): the stored output, which tests the structure.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { forwardDifference } from '../../src/cli/compare-tensors.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { readTensorProto } from '../../src/frontend/tensor-proto.ts';
import { elementCount } from '../../src/ir/graph.ts';
import { checkLightModel } from '../models/light.ts';
import { sharedData } from '../shared-data.ts';

const light = sharedData('models/light');
const names = ['light_squeezenet', 'light_bvlc_alexnet', 'light_resnet50', 'light_densenet121'];

describe.skipIf(light === undefined)('slimmed models', () => {
  const backends = ['wasm', 'js'] as const;
  it.each(backends.flatMap((backend) => names.map((name) => [name, backend] as const)))(
    '%s has the reference gradients on %s, under every strategy the same',
    (name, backend) => {
      checkLightModel(light!, name, ['none', 'memory', 'speed'], backend);
    },
  );

  it.each(names)('%s has the stored output with the weights of its file', (name) => {
    const { model } = importOnnx(readFileSync(`${light}/${name}.onnx`));
    const execution = createExecution(compile(model, { losses: [], strategy: 'none' }));
    const [image] = execution.compiled.graph.inputs;
    const count = elementCount(image!.type.shape);
    const data = Float32Array.from({ length: count }, (_, i) => i / count);
    execution.setInputs(new Map([[image!.name, { type: image!.type, data }]]));
    execution.machine.run();
    const expected = readTensorProto(readFileSync(`${light}/${name}_output_0.pb`)).tensor;
    const actual = execution.outputs().get(model.graph.outputs[0]!.name)!;
    expect(forwardDifference(actual, expected)).toBeUndefined();
  });
});
