/** `sublinear run`: what it prints, what it compares, and the files it writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { gradientError } from '../../src/cli/compare-tensors.ts';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { readTensorProto } from '../../src/frontend/tensor-proto.ts';
import { input } from '../frontend/onnx-models.ts';
import { sharedData } from '../shared-data.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';

const mobilenet = 'examples/models/mobilenet_v3_small.onnx';

describe('run --json', () => {
  it('prints exactly the documented fields, with --compare those of the baseline, and nothing else', async () => {
    const alone = await sublinear('run', mobilenet, '--strategy', 'memory', '--json');
    expect(alone).toMatchObject({ code: 0, stderr: '' });
    const fields = [
      ...['model', 'strategy', 'nodes', 'recomputedNodes', 'loss', 'residentBytes', 'liveBytes', 'arenaBytes'],
      ...['peakBytes', 'measuredArenaBytes', 'flops', 'recomputeFlops', 'cost', 'recomputeCost', 'seconds'],
    ];
    expect(Object.keys(JSON.parse(alone.stdout))).toEqual(fields);
    const { code, stdout, stderr } = await sublinear('run', mobilenet, '--strategy', 'memory', '--compare', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual([...fields, 'baseline', 'bitwiseEqual']);
    expect(Object.keys(report.baseline)).toEqual(['arenaBytes', 'peakBytes', 'flops', 'seconds']);
    expect(report).toMatchObject({ model: mobilenet, strategy: 'memory', bitwiseEqual: true });
    expect(report.measuredArenaBytes).toBe(report.arenaBytes);
    expect(report.peakBytes).toBe(report.residentBytes + report.arenaBytes);
    expect(report.arenaBytes).toBeLessThan(report.baseline.arenaBytes);
    expect(report.flops - report.recomputeFlops).toBe(report.baseline.flops);
    expect(report.recomputedNodes).toBeGreaterThan(0);
  });

  it('repeats itself: only the seconds differ', async () => {
    const once = async () => JSON.parse((await sublinear('run', mobilenet, '--json')).stdout);
    expect({ ...(await once()), seconds: 0 }).toEqual({ ...(await once()), seconds: 0 });
  });

  it('draws labels and indices from all that their readers accept', () => {
    const m = new ModelBuilder('tokens');
    const tokens = m.input('tokens', [8, 16], 'i64');
    const scores = m.linear(m.reshape(m.embedding(tokens, 50, 4), [128, 4]), 7);
    m.loss(m.crossEntropy(scores, m.input('labels', [128], 'i64')));
    const { tensors } = stepInputs(m.finish().graph, new Map(), 3);
    const drawn = (name: string): ReadonlySet<number> => new Set(tensors.get(name)!.data);
    expect([...drawn('labels')].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(drawn('tokens').size).toBeGreaterThan(30);
    expect(Math.max(...drawn('tokens'))).toBeLessThan(50);
  });

  it('draws other inputs by another seed', async () => {
    const loss = async (seed: string) =>
      JSON.parse((await sublinear('run', mobilenet, '--seed', seed, '--json')).stdout).loss;
    expect(await loss('1')).not.toBe(await loss('2'));
  });
});

describe('run', () => {
  it('prints both sides of a comparison', async () => {
    const { code, stdout } = await sublinear('run', 'examples/mlp.ts', '--strategy', 'manual', '--compare');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +none +manual +change$/m);
    expect(stdout).toMatch(/^ {2}arena .* -\d+\.\d %$/m);
    expect(stdout).toContain('loss, gradients and state are equal bit for bit');
  });

  it('compares a whole pipeline with itself under the strategy none', async () => {
    const pipeline = 'autodiff,dce,plan{strategy=memory,segments=5},recompute,memory-plan';
    const { stdout } = await sublinear('run', 'examples/mlp.ts', '--passes', pipeline, '--compare', '--json');
    const report = JSON.parse(stdout);
    expect(report.bitwiseEqual).toBe(true);
    expect(report.baseline.arenaBytes).toBeGreaterThan(report.arenaBytes);
  });

  it('runs an emitted step from its text and weights alone, and compares it with itself before the rewrite', async () => {
    const folder = temporaryFolder();
    await sublinear('compile', mobilenet, '--emit', 'ir', '-o', folder);
    const emitted = await sublinear('run', join(folder, 'step.ir'), '--compare', '--json');
    expect(emitted.stderr).toContain('the graph comes with its recomputations');
    const direct = JSON.parse((await sublinear('run', mobilenet, '--compare', '--json')).stdout);
    const { baseline, ...own } = JSON.parse(emitted.stdout);
    expect(own).toMatchObject({ strategy: 'as given', loss: direct.loss, nodes: direct.nodes, bitwiseEqual: true });
    expect(own.arenaBytes).toBe(direct.arenaBytes);
    expect(baseline.arenaBytes).toBe(direct.baseline.arenaBytes);
  });

  it('replays a plan file to the same figures', async () => {
    const folder = temporaryFolder();
    await sublinear('compile', mobilenet, '--strategy', 'recursive', '--emit', 'plan', '-o', folder);
    const replayed = await sublinear('run', mobilenet, '--plan', join(folder, 'step.plan.json'), '--json');
    const direct = await sublinear('run', mobilenet, '--strategy', 'recursive', '--json');
    expect(replayed.code).toBe(0);
    expect({ ...JSON.parse(replayed.stdout), seconds: 0 }).toEqual({ ...JSON.parse(direct.stdout), seconds: 0 });
  });

  it('moves state once a step, whatever is recomputed', async () => {
    const { stdout } = await sublinear(
      'run',
      'examples/resnet.ts',
      '--steps',
      '3',
      '--strategy',
      'recursive',
      '--compare',
      '--json',
    );
    expect(JSON.parse(stdout).bitwiseEqual).toBe(true);
  });

  it('says what it did not use', async () => {
    const { code, stderr } = await sublinear('run', 'examples/mlp.ts', '--freeze', 'linaer*');
    expect(code).toBe(0);
    expect(stderr).toBe('note: --freeze linaer* matches no value\n');
  });
});

describe('run --gradients and --outputs', () => {
  it('writes tensors whose names are exact, in files whose names are safe', async () => {
    const folder = temporaryFolder();
    const model = writeModel(folder, 'deep.onnx', deepModel(2));
    const out = join(folder, 'out');
    const { code } = await sublinear(
      'run',
      model,
      '--dim',
      'batch=2',
      '--gradients',
      join(out, 'g'),
      '--outputs',
      join(out, 'o'),
    );
    expect(code).toBe(0);
    expect(filesBelow(out)).toEqual(['g/grad_layer0%2Fw%3A0.pb', 'g/grad_layer1%2Fw%3A0.pb', 'o/output_0.pb']);
    const gradient = readTensorProto(readFileSync(join(out, 'g/grad_layer1%2Fw%3A0.pb')));
    expect(gradient.name).toBe('layer1/w:0');
    expect(gradient.tensor.type).toEqual({ dtype: 'f32', shape: [4, 4] });
    expect([...gradient.tensor.data].some((x) => x !== 0)).toBe(true);
    const loss = readTensorProto(readFileSync(join(out, 'o/output_0.pb')));
    expect(loss).toMatchObject({ name: 'loss', tensor: { type: { dtype: 'f32', shape: [] } } });
  });

  it('writes what --wrt asks for', async () => {
    const folder = temporaryFolder();
    const model = writeModel(folder, 'deep.onnx', deepModel(2));
    const files = async (wrt: string): Promise<readonly string[]> => {
      const out = join(folder, wrt);
      await sublinear('run', model, '--dim', 'batch=2', '--wrt', wrt, '--gradients', out);
      return filesBelow(out);
    };
    expect(await files('inputs')).toEqual(['grad_x.pb']);
    expect(await files('all')).toEqual(['grad_layer0%2Fw%3A0.pb', 'grad_layer1%2Fw%3A0.pb', 'grad_x.pb']);
  });

  it('a loss by its kind adds an input for the target', async () => {
    const folder = temporaryFolder();
    const parts = deepModel(2);
    const model = writeModel(folder, 'scores.onnx', {
      ...parts,
      nodes: parts.nodes.slice(0, -1),
      outputs: ['a1'],
      inputs: [input('x', [3, 4], DataType.FLOAT)],
    });
    for (const loss of ['cross-entropy', 'mse', 'sum:a1']) {
      const { code, stdout } = await sublinear('run', model, '--loss', loss, '--compare', '--json');
      expect(code).toBe(0);
      const report = JSON.parse(stdout);
      expect(Number.isFinite(report.loss)).toBe(true);
      expect(report.bitwiseEqual).toBe(true);
    }
  });
});

const real = sharedData('models/real');

describe.skipIf(real === undefined)('run --inputs', () => {
  for (const name of ['ort_mnist_pytorch', 'ort_train_mlp_loss'])
    it(`${name}: stored inputs and cotangents give the stored outputs and gradients`, async () => {
      const data = join(real!, name, 'test_data_set_0');
      const out = temporaryFolder();
      const model = join(real!, name, 'model.onnx');
      const stored = filesBelow(data).filter((file) => file.startsWith('grad_'));
      const asked = stored.map((file) => readTensorProto(readFileSync(join(data, file))));
      const { code, stderr } = await sublinear(
        'run',
        model,
        '--inputs',
        data,
        '--wrt',
        'all',
        '--gradients',
        out,
        '--outputs',
        out,
      );
      expect({ code, stderr: stderr.match(/drawn by seed/) }).toEqual({ code: 0, stderr: null });
      expect(asked.length).toBeGreaterThan(0);
      const made = filesBelow(out)
        .filter((file) => file.startsWith('grad_'))
        .map((file) => readTensorProto(readFileSync(join(out, file))));
      for (const expected of asked) {
        const actual = made.find((candidate) => candidate.name === expected.name);
        expect(actual?.tensor.type.shape, expected.name).toEqual(expected.tensor.type.shape);
        expect(gradientError(actual!.tensor, expected.tensor), expected.name).toBeLessThanOrEqual(1e-4);
      }
      const output = readTensorProto(readFileSync(join(out, 'output_0.pb')));
      const expected = readTensorProto(readFileSync(join(data, 'output_0.pb')));
      for (const [i, x] of [...expected.tensor.data].entries())
        expect(Math.abs(output.tensor.data[i]! - x)).toBeLessThanOrEqual(1e-5 + 1e-3 * Math.abs(x));
    });
});
