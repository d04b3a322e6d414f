import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalize } from '../../passes/canonicalize.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { sharedData } from '../shared-data.ts';
import { caseFolders, runForward } from './backend-cases.ts';

const graphs = sharedData('graphs');
const light = sharedData('models/light');
const zoo = sharedData('models/zoo');
const real = sharedData('models/real');

/** How many nodes of each op, views left out. */
function census(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of [...graph.nodes].sort((a, b) => (a.op < b.op ? -1 : 1)))
    if (op !== 'reshape' && op !== 'split_view') counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

describe.skipIf(graphs === undefined)('full-size training graphs', () => {
  const load = (name: string) => importOnnx(readFileSync(`${graphs}/${name}.onnx`), { params: ['m.*'] });

  it.each(graphs === undefined ? [] : readdirSync(graphs))(
    '%s is imported, its weights parameters without numbers',
    (file) => {
      const { model, inputNames, notes } = load(file.replace('.onnx', ''));
      expect(inputNames.length).toBeLessThanOrEqual(2);
      expect(model.weights.size).toBe(model.graph.constants.length);
      expect(model.graph.outputs.length).toBe(1);
      // The table of words of a GPT-2 is its last weight too.
      expect(notes.map(({ code }) => code)).toEqual(file.startsWith('gpt2') ? ['shared-parameters'] : []);
    },
  );

  it('GPT-2 has no transposed weight, no separate bias, no written-out GELU', () => {
    const { model } = load('gpt2_small_b8_t512');
    expect(census(canonicalize(model).graph)).toEqual({
      add: 37,
      gather: 1,
      gelu: 12,
      layer_norm: 25,
      matmul: 73,
      scale: 12,
      softmax: 12,
      softmax_cross_entropy: 1,
      transpose: 24,
    });
  });

  it('ResNet-50 keeps running statistics as state', () => {
    const { graph } = load('resnet50_b8').model;
    expect(graph.state.length).toBe(106);
    expect(graph.parameters.length).toBe(161);
    const first = graph.nodes.findIndex((node) => node.region === 'update');
    expect(graph.nodes.slice(first).every((node) => node.region === 'update')).toBe(true);
  });
});

describe.skipIf(light === undefined)('slimmed models', () => {
  const files = light === undefined ? [] : readdirSync(light).filter((file) => file.endsWith('.onnx'));
  it.each(files)('%s is imported, its ConstantOfShape weights parameters', (file) => {
    const { model, placeholders, inputNames } = importOnnx(readFileSync(`${light}/${file}`));
    expect(inputNames.length).toBe(1);
    expect(placeholders.size).toBeGreaterThan(0);
    for (const name of placeholders) expect(model.graph.parameters.some((value) => value.name === name)).toBe(true);
  });
});

describe.skipIf(zoo === undefined)('models exported by PyTorch', () => {
  it.each(zoo === undefined ? [] : caseFolders(zoo).map((folder) => [basename(folder), folder]))('%s', (_, folder) => {
    expect(runForward(folder, { relative: 1e-4, absolute: 1e-5 })).toEqual({ result: 'passed', message: '' });
  });
});

describe.skipIf(real === undefined)('models from elsewhere', () => {
  it.each(real === undefined ? [] : caseFolders(real).map((folder) => [basename(folder), folder]))(
    '%s',
    (_, folder) => {
      expect(runForward(folder, { relative: 1e-4, absolute: 1e-5 })).toEqual({ result: 'passed', message: '' });
    },
  );

  it('a BERT whose layer norms and GELUs are written out has them as one node each', () => {
    if (real === undefined) return;
    const bytes = readFileSync(`${real}/ort_bert_toy_5l/model.onnx`);
    const { model } = importOnnx(bytes, { dims: { batch: 1, max_seq_len_in_batch: 8 } });
    const counts = census(canonicalize(model).graph);
    expect(counts).toMatchObject({ layer_norm: 12, gelu: 6, softmax: 5 });
    expect(counts.reduce_mean).toBeUndefined();
    expect(counts.erf).toBeUndefined();
  });
});
