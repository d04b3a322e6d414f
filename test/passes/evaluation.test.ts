import { describe, expect, it } from 'vitest';
import { evaluationModel } from '../../passes/evaluation.ts';
import { runPipeline } from '../../passes/pass-manager.ts';
import { parsePipeline } from '../../passes/pipeline.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { printGraph } from '../../src/ir/print.ts';

function small() {
  const m = new ModelBuilder('small');
  const h = m.batchNorm(m.input('x', [4, 3]), { name: 'norm' });
  const logits = m.output(m.linear(m.dropout(h, 0.5), 2, { name: 'fc' }), 'logits');
  m.loss(m.crossEntropy(logits, m.input('labels', [4], 'i64')));
  return m.finish();
}

/** The text without where nodes came from. */
const text = (model: ReturnType<typeof evaluationModel>): string => printGraph(model.graph).replace(/ *\/\/ .*$/gm, '');

describe('evaluation', () => {
  it('puts running statistics in the place of those of the batch, and leaves dropout out', () => {
    expect(text(small())).toMatchInlineSnapshot(`
      "sublinear-ir 1
      graph @small(
        %x: f32[4,3],
        %rng: i32[2],
        %labels: i64[4],
      ) params(
        %norm.weight: f32[3],
        %norm.bias: f32[3],
        %fc.weight: f32[2,3],
        %fc.bias: f32[2],
      ) state(
        %norm.running_mean: f32[3],
        %norm.running_var: f32[3],
      ) -> (
        %fc as "logits",
        %cross_entropy as "loss",
      ) {
      forward:
        %norm, %norm#1, %norm#2 = batch_norm %x, %norm.weight, %norm.bias {epsilon=0.00001} : f32[4,3], f32[3], f32[3]
        %dropout = dropout %norm, %rng {ratio=0.5, site=0} : f32[4,3]
        %fc = matmul %dropout, %fc.weight, %fc.bias {transpose_a=false, transpose_b=true} : f32[4,2]
        %cross_entropy = softmax_cross_entropy %fc, %labels {has_ignore=false, ignore_index=0, reduction="mean", with_log_prob=false} : f32[]
      update:
        %norm.running_mean.new, %norm.running_mean.new#1 = batch_norm_update %norm.running_mean, %norm.running_var, %norm#1, %norm#2 {epsilon=0.00001, momentum=0.9} : f32[3], f32[3]
      }
      "
    `);
    expect(text(evaluationModel(small()))).toMatchInlineSnapshot(`
      "sublinear-ir 1
      graph @small(
        %x: f32[4,3],
        %labels: i64[4],
      ) params(
        %norm.weight: f32[3],
        %norm.bias: f32[3],
        %fc.weight: f32[2,3],
        %fc.bias: f32[2],
      ) state(
        %norm.running_mean: f32[3],
        %norm.running_var: f32[3],
      ) -> (
        %fc as "logits",
        %cross_entropy as "loss",
      ) {
      forward:
        %norm = batch_norm_inference %x, %norm.weight, %norm.bias, %norm.running_mean, %norm.running_var {epsilon=0.00001} : f32[4,3]
        %fc = matmul %norm, %fc.weight, %fc.bias {transpose_a=false, transpose_b=true} : f32[4,2]
        %cross_entropy = softmax_cross_entropy %fc, %labels {has_ignore=false, ignore_index=0, reduction="mean", with_log_prob=false} : f32[]
      }
      "
    `);
  });

  it('leaves out what needs an input that is not given', () => {
    const { graph } = evaluationModel(small(), new Set(['x']));
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
    expect(graph.outputs.map((output) => output.name)).toEqual(['logits']);
  });

  it('goes on with the statistics of the batch where none are kept', () => {
    const { model } = (() => {
      const built = small();
      const nodes = built.graph.nodes.filter((node) => node.op !== 'batch_norm_update');
      return { model: { ...built, graph: { ...built.graph, nodes, state: [] } } };
    })();
    expect(evaluationModel(model).graph.nodes.map((node) => node.op)).toContain('batch_norm');
  });

  it('keeps statistics of the batch that something else reads', () => {
    const built = small();
    const norm = built.graph.nodes.find((node) => node.op === 'batch_norm')!;
    const outputs = [...built.graph.outputs, { name: 'mean', value: norm.results[1]!.name }];
    const { graph } = evaluationModel({ ...built, graph: { ...built.graph, outputs } });
    const ops = graph.nodes.map((node) => node.op);
    expect(ops).toContain('batch_norm');
    expect(ops).toContain('batch_norm_inference');
  });

  it('is a pass: it leaves a graph alone in which there is nothing to do', () => {
    const run = (model: ReturnType<typeof evaluationModel>) =>
      runPipeline({ model, losses: [] }, parsePipeline('evaluation'), { verify: 'each' }).model.graph;
    const once = run(small());
    expect(run({ graph: once, weights: small().weights })).toBe(once);
  });
});
