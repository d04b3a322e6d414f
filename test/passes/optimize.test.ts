import { describe, expect, it } from 'vitest';
import { optimize } from '../../passes/optimize.ts';
import { resolveOptimizer } from '../../passes/optimizers.ts';
import { runPipeline } from '../../passes/pass-manager.ts';
import { parsePipeline } from '../../passes/pipeline.ts';
import { type CompileOptions, compile } from '../../src/compile.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import { cnn, mlp } from '../training/models.ts';

function twoLayers() {
  const m = new ModelBuilder('two');
  const x = m.input('x', [256, 16]);
  const w1 = m.parameter('w1', [16, 16]);
  const w2 = m.parameter('w2', [16, 16]);
  m.loss(m.mean(m.square(m.matmul(m.tanh(m.matmul(x, w1)), w2))));
  return m.finish();
}

/** The lines of the update region, and the outputs, after the given options. */
function updatesOf(options: Partial<CompileOptions>): string {
  const model = twoLayers();
  const { graph } = compile(model, { losses: model.losses, strategy: 'none', ...options });
  const lines = graph.nodes
    .filter((node) => node.region === 'update')
    .map(
      (node) =>
        `${node.results.map((result) => result.name).join(', ')} = ${node.op} ${node.operands.map((operand) => operand.name).join(', ')}`,
    );
  return [...lines, `-> ${graph.outputs.map((output) => output.name).join(', ')}`].join('\n');
}

describe('optimize', () => {
  it('updates each parameter over itself, as soon as its gradient is there', () => {
    const model = twoLayers();
    const { graph } = compile(model, { losses: model.losses, strategy: 'none', optimizer: { kind: 'sgd' } });
    const order = graph.nodes.filter((node) => node.region !== 'forward').map((node) => node.name);
    // w2 is read again for the gradient of the layer before it; only then may it change.
    expect(order.indexOf('w2.new')).toBeGreaterThan(order.indexOf('d_tanh'));
    expect(order.indexOf('w2.new')).toBeLessThan(order.indexOf('d_w1'));
    expect(order.at(-1)).toBe('w1.new');
    expect(graph.inputs.map((input) => input.name)).toEqual(['x', 'learning_rate']);
    expect(graph.outputs.map((output) => output.name)).toEqual(['loss']);
  });

  it('frees gradients: the arena is smaller than that which keeps them', () => {
    const model = mlp();
    const arena = (options: Partial<CompileOptions>): number =>
      compile(model, { losses: model.losses, strategy: 'memory', ...options }).figures.arenaBytes;
    const optimizer = { kind: 'adam' };
    expect(arena({ optimizer })).toBeLessThan(arena({ optimizer, keepGradients: true }));
    expect(arena({ optimizer })).toBeLessThan(arena({}));
  });

  it('keeps moments as state, and moves Adam’s counter last', () => {
    expect(updatesOf({ optimizer: { kind: 'adam' } })).toMatchInlineSnapshot(`
      "w2.new, w2.new#1, w2.new#2 = adam w2, d_w2, learning_rate, w2.first_moment, w2.second_moment, update_count
      w1.new, w1.new#1, w1.new#2 = adam w1, d_w1, learning_rate, w1.first_moment, w1.second_moment, update_count
      update_count.new = increment update_count
      -> loss"
    `);
  });

  it('accumulates, and updates when told', () => {
    expect(updatesOf({ optimizer: { kind: 'sgd' }, accumulate: 4 })).toMatchInlineSnapshot(`
      "d_w2.mean = accumulate w2.gradient_sum, d_w2, micro_batch
      updates = equal micro_batch, last_micro_batch
      w2.new = sgd w2, d_w2.mean, learning_rate, updates
      d_w1.mean = accumulate w1.gradient_sum, d_w1, micro_batch
      w1.new = sgd w1, d_w1.mean, learning_rate, updates
      micro_batch.new = increment micro_batch
      -> loss"
    `);
  });

  it('bounds the norm of all gradients before the first update', () => {
    expect(updatesOf({ optimizer: { kind: 'lion' }, clipNorm: 1, keepGradients: true })).toMatchInlineSnapshot(`
      "d_w2.square = dot d_w2, d_w2
      d_w1.square = dot d_w1, d_w1
      gradient_square = add d_w1.square, d_w2.square
      gradient_norm = sqrt gradient_square
      gradient_norm.inverse = reciprocal gradient_norm
      gradient_norm.share = scale gradient_norm.inverse
      gradient_factor = clip gradient_norm.share
      d_w1.bounded = multiply d_w1, gradient_factor
      w1.new, w1.new#1 = lion w1, d_w1.bounded, learning_rate, w1.momentum
      d_w2.bounded = multiply d_w2, gradient_factor
      w2.new, w2.new#1 = lion w2, d_w2.bounded, learning_rate, w2.momentum
      -> loss, d_w1, d_w2"
    `);
  });

  it('divides by the loss scale, and cuts elements', () => {
    expect(updatesOf({ optimizer: { kind: 'sgd' }, lossScale: 8, clipValue: 1 })).toMatchInlineSnapshot(`
      "d_w2.unscaled = scale d_w2
      d_w2.clipped = clip d_w2.unscaled
      w2.new = sgd w2, d_w2.clipped, learning_rate
      d_w1.unscaled = scale d_w1
      d_w1.clipped = clip d_w1.unscaled
      w1.new = sgd w1, d_w1.clipped, learning_rate
      -> loss"
    `);
  });

  it('updates what may be trained: not what is frozen, and one number alone only where it is asked for', () => {
    const m = new ModelBuilder('gain');
    const gain = m.parameter('gain', [1]);
    m.loss(m.mean(m.square(m.multiply(m.matmul(m.input('x', [2, 3]), m.parameter('w', [3, 2])), gain))));
    const model = m.finish();
    const trained = (options: Partial<CompileOptions>) =>
      compile(model, { losses: model.losses, optimizer: { kind: 'sgd' }, ...options }).update!.trained;
    expect(trained({})).toEqual(['w']);
    expect(trained({ trainable: ['gain'] })).toEqual(['gain', 'w']);
    expect(trained({ trainable: ['gain'], freeze: ['w'] })).toEqual(['gain']);
    expect(trained({ wrtValues: ['gain', 'x'] })).toEqual(['gain']);
    expect(() => trained({ freeze: ['w'] })).toThrow(/no parameter has a gradient that an optimizer could follow/);
  });

  it('leaves gradients of inputs where they were asked for', () => {
    const model = twoLayers();
    const { graph } = compile(model, { losses: model.losses, wrt: 'all', optimizer: { kind: 'sgd' } });
    expect(graph.outputs.map((output) => output.name)).toEqual(['loss', 'd_x']);
  });

  it('never trains running statistics', () => {
    const model = cnn();
    const { update, graph } = compile(model, { losses: model.losses, optimizer: { kind: 'sgd' } });
    expect(update!.trained.some((name) => name.includes('running'))).toBe(false);
    expect(graph.nodes.filter((node) => node.op === 'batch_norm_update')).toHaveLength(3);
  });

  it('is a pass with options that round-trip', () => {
    const model = twoLayers();
    const options = { optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true }, clipNorm: 0.5, keepGradients: true };
    const compiled = compile(model, { losses: model.losses, strategy: 'none', ...options });
    expect(compiled.pipeline).toContain('optimize{kind=sgd,momentum=0.9,nesterov=1,clipNorm=0.5,keepGradients=yes}');
    const again = compile(model, { losses: model.losses, pipeline: compiled.pipeline });
    expect(printGraph(again.graph)).toBe(printGraph(compiled.graph));
  });

  it('takes a graph that comes differentiated', () => {
    const model = twoLayers();
    const differentiated = compile(model, { losses: model.losses, strategy: 'none' }).graph;
    const graph = parseGraph(printGraph(differentiated));
    const compiled = compile({ graph, weights: model.weights }, { losses: [], optimizer: { kind: 'sgd' } });
    expect(compiled.update!.trained).toEqual(['w1', 'w2']);
  });
});

describe('what optimize refuses', () => {
  const model = twoLayers();
  const withOptions = (options: Partial<CompileOptions>) => () => compile(model, { losses: model.losses, ...options });

  it.each([
    [{ optimizer: { kind: 'adma' } }, /unknown optimizer "adma"\n {2}hint: did you mean "adam"/],
    [{ optimizer: { kind: 'adam', momentum: 0.9 } }, /adam has no hyperparameter "momentum"/],
    [{ optimizer: { kind: 'adam', beta_1: 0.9 } }, /did you mean "beta1"\?/],
    [{ optimizer: { kind: 'adam', beta1: 1 } }, /beta1 of adam is 1; it must be at least 0 and below 1/],
    [{ optimizer: { kind: 'sgd', weightDecay: Number.NaN } }, /weightDecay of sgd is NaN/],
    [{ optimizer: { kind: 'sgd', nesterov: true } }, /Nesterov momentum needs a momentum/],
    [{ clipNorm: 1, accumulate: 2 }, /clipNorm, accumulate can only be given with an optimizer/],
    [{ optimizer: { kind: 'sgd' }, clipNorm: 0 }, /bound of clipping by norm is 0/],
    [{ optimizer: { kind: 'sgd' }, accumulate: 1.5 }, /over 1.5 steps/],
    [{ optimizer: { kind: 'sgd' }, lossScale: -1 }, /loss scale is -1/],
    [{ lossWeights: [1, 2] }, /1 losses take as many weights, not \[1, 2\]/],
    [{ optimizer: { kind: 'sgd' }, losses: [] }, /an optimizer needs a loss/],
  ] as const)('%j', (options, message) => {
    expect(withOptions(options)).toThrow(message);
  });

  it('a second optimizer, and one before differentiation or after planning', () => {
    const pipeline = (text: string) => () => runPipeline({ model, losses: model.losses }, parsePipeline(text));
    expect(pipeline('autodiff,optimize,optimize')).toThrow(/must not run after an optimizer/);
    expect(pipeline('optimize')).toThrow(/needs differentiation first/);
    expect(pipeline('autodiff,plan,optimize')).toThrow(/must not run after a plan/);
    expect(pipeline('autodiff,optimize{kind=adam,clipNorm=much}')).toThrow(/clipNorm is "much", which is no number/);
    const updated = compile(model, { losses: model.losses, optimizer: { kind: 'sgd' }, strategy: 'none' });
    expect(() =>
      optimize(
        { graph: { ...updated.graph, outputs: [{ name: 'd', value: 'd_w1', of: 'w1' }] }, weights: model.weights },
        { optimizer: { kind: 'sgd' } },
      ),
    ).toThrow(/"w1" is updated by "w1.new" already/);
  });

  it('a parameter whose gradient has another shape', () => {
    const graph = parseGraph(`sublinear-ir 1
graph @bad(%x: f32[2,3]) params(%w: f32[3,2]) -> (%loss, %d_w of %w) {
forward:
  %h = matmul %x, %w {transpose_a=false, transpose_b=false} : f32[2,2]
  %loss = reduce_mean %h {axes=[0, 1], keep_dims=false} : f32[]
backward:
  %d_w = exp %x : f32[2,3]
}
`);
    expect(() => optimize({ graph, weights: new Map() }, { optimizer: { kind: 'sgd' } })).toThrow(
      /sgd\(w: f32\[3,2\], d_w: f32\[2,3\], learning_rate: f32\[\]\): the gradient is f32\[2,3\], but the parameter is f32\[3,2\]/,
    );
  });

  it('an output that is a trained parameter', () => {
    const m = new ModelBuilder('leaky');
    const w = m.parameter('w', [3]);
    m.loss(m.mean(m.square(w)));
    m.output(m.reshape(w, [3, 1]), 'weights');
    const leaky = m.finish();
    expect(() => compile(leaky, { losses: leaky.losses, optimizer: { kind: 'sgd' } })).toThrow(
      /the output "weights" is the parameter "w", which the update writes over/,
    );
  });
});

describe('resolveOptimizer', () => {
  it('fills in defaults', () => {
    expect(resolveOptimizer({ kind: 'adamw', beta1: 0.8 }).values).toEqual({
      beta1: 0.8,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
    });
  });
});
