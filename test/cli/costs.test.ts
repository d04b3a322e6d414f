/** `run --profile` and `--costs FILE`: what is measured, and plans made with it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { model } from '../../examples/mlp.ts';
import { parsePipeline, printPipeline } from '../../passes/pipeline.ts';
import { costKey } from '../../src/analysis/cost-model.ts';
import { compile } from '../../src/compile.ts';
import { opNamed } from '../../src/ops/table.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';

const mlp = 'examples/mlp.ts';
let folder = '';
let costs = '';
let profile: Record<string, unknown> = {};

beforeAll(async () => {
  folder = temporaryFolder('file');
  costs = join(folder, 'costs.json');
  const { code, stdout, stderr } = await sublinear('run', mlp, '--backend', 'js', '--profile', costs, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  profile = JSON.parse(stdout).profile;
});

describe('run --profile', () => {
  it('writes a cost for each kind of node of the step, and what was measured', () => {
    const file = JSON.parse(readFileSync(costs, 'utf8'));
    const { planned } = compile(model, { losses: model.losses, strategy: 'none' });
    const keys = planned.nodes.filter((node) => opNamed(node.op).effect !== 'view').map(costKey);
    expect(Object.keys(file.costs)).toEqual([...new Set(keys)].sort());
    for (const cost of Object.values(file.costs)) expect(Number.isSafeInteger(cost) && Number(cost) > 0).toBe(true);
    const { costs: _costs, ...about } = file;
    expect(about).toEqual({
      format: 'sublinear-costs/1',
      model: 'mlp',
      graphHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      backend: 'js',
      runs: expect.any(Number),
      count: new Set(keys).size,
      slowdown: expect.any(Number),
    });
    expect(about.runs).toBeGreaterThanOrEqual(7);
    expect(profile).toEqual({ path: costs, ...about });
  });

  it('lists the dearest for people, and says what it wrote', async () => {
    const path = join(folder, 'again.json');
    const { code, stdout } = await sublinear('run', mlp, '--backend', 'js', '--profile', path);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^costs of \d+ kinds of node, median of \d+ runs on js kernels; the dearest:$/m);
    expect(stdout).toMatch(/^ +\d+\.\d % +\d+ x +\d+ ns {2}(matmul|tanh) /m);
    expect(stdout).toContain(`wrote ${path}\n`);
  });

  it('writes nothing where it cannot write all, or the step does not run', async () => {
    const before = filesBelow(folder);
    const there = await sublinear('run', mlp, '--profile', join(costs, 'below.json'), '--gradients', join(folder, 'g'));
    expect(there).toMatchObject({ code: 1, stdout: '' });
    expect(there.stderr).toContain('cannot write');
    const absent = await sublinear('run', 'absent.onnx', '--profile', join(folder, 'x.json'));
    expect(absent.code).toBe(1);
    expect(filesBelow(folder)).toEqual(before);
  });
});

describe('--costs FILE', () => {
  const report = async (...argv: readonly string[]) => {
    const { code, stdout, stderr } = await sublinear(...argv, '--json');
    expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' });
    return JSON.parse(stdout);
  };

  it('is what plans are made with: each node costs what its kind does in the file', async () => {
    const own = join(folder, 'deep.json');
    const deep = [writeModel(folder, 'deep.onnx', deepModel(4)), '--dim', 'batch=64'];
    await report('run', ...deep, '--profile', own);
    const plain = await report('compile', ...deep, '--costs', own, '--strategy', 'none');
    expect(plain.cost).not.toBe((await report('compile', ...deep, '--strategy', 'none')).cost);
    for (const command of ['compile', 'run']) {
      const found = await report(command, ...deep, '--costs', own, '--arena-budget', '75%', '--effort', 'fast');
      expect(found.cost - found.recomputeCost).toBe(plain.cost);
      expect(found.recomputeCost).toBeGreaterThan(0);
    }
    const curve = await report('pareto', ...deep, '--costs', own, '--points', '1');
    expect(curve.points.at(-1).cost).toBe(plain.cost);
  });

  it('counts every node by its kind', async () => {
    const file = JSON.parse(readFileSync(costs, 'utf8'));
    const { planned } = compile(model, { losses: model.losses, strategy: 'none' });
    const sum = planned.nodes.reduce((total, node) => total + (file.costs[costKey(node)] ?? 0), 0);
    const found = await report('compile', mlp, '--costs', costs);
    expect(found.cost - found.recomputeCost).toBe(sum);
  });

  it('stands in the pipeline, which round-trips, and in plan files, which replay without it', async () => {
    const own = join(folder, 'own.json');
    writeFileSync(own, readFileSync(costs));
    const out = join(folder, 'out');
    const made = await report('compile', mlp, '--costs', own, '--emit', 'plan', '-o', out);
    expect(made.pipeline).toContain(`costs=${own}`);
    expect(printPipeline(parsePipeline(made.pipeline))).toBe(made.pipeline);
    const again = await report('compile', mlp, '--passes', made.pipeline);
    expect({ ...again, files: 0 }).toEqual({ ...made, files: 0 });
    const plan = JSON.parse(readFileSync(join(out, 'step.plan.json'), 'utf8'));
    expect(plan).toMatchObject({ costModel: 'measured', costs: { file: own, unmeasured: 0 } });
    const replay = ['run', mlp, '--plan', join(out, 'step.plan.json')];
    expect(await report(...replay)).toMatchObject({ cost: made.cost, arenaBytes: made.arenaBytes });
    // To explain a plan takes the costs it was made with.
    expect((await report(...replay, '--explain')).explanation.cost).toBe(made.cost);
    writeFileSync(own, readFileSync(own, 'utf8').replace(/: \d+(,?)\n }/, ': 77$1\n }'));
    const changed = await sublinear(...replay, '--explain');
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain('own.json has changed since the plan was made with its costs');
    expect((await report(...replay)).cost).toBe(made.cost);
  });

  it('says how many nodes it has no cost for, once', async () => {
    const { code, stderr } = await sublinear('run', 'examples/rnn.ts', '--costs', costs, '--compare');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^note: \S+costs\.json has no cost for \d+ of \d+ nodes: theirs is taken from the roofline\n$/,
    );
  });

  it('that is none, or not there, is an error before anything runs', async () => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, '{"format":"sublinear-costs/1","costs":{"a":-1}}');
    for (const [path, code, message] of [
      [bad, 1, 'bad.json is no file of costs: costs.a'],
      [join(folder, 'absent.json'), 1, 'cannot read the costs'],
      ['free', 2, '"free" is neither a cost model nor a file'],
    ] as const)
      for (const command of ['compile', 'run', 'pareto']) {
        const out = join(folder, 'never');
        const where = command === 'run' ? '--gradients' : '--output';
        const result = await sublinear(command, mlp, '--costs', path, ...(command === 'compile' ? [] : [where, out]));
        expect(result).toMatchObject({ code, stdout: '' });
        expect(result.stderr).toContain(message);
        expect(existsSync(out)).toBe(false);
      }
  });
});
