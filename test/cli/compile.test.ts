/** `sublinear compile`: figures, files, and the debug ladder (--passes, --print-after, --verify, --stop-after, --timings). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePlanFile } from '../../src/codegen/plan-file.ts';
import { readSafetensors } from '../../src/frontend/safetensors.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';

function deepFile(): readonly string[] {
  return [writeModel(temporaryFolder(), 'deep.onnx', deepModel(12)), '--dim', 'batch=64'];
}

describe('compile', () => {
  it('prints the bytes by kind, and with --json one document', async () => {
    const { code, stdout, stderr } = await sublinear('compile', 'examples/resnet.ts');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}resident +\S+ \S+ +parameters .*, inputs .*, state .*, constants /m);
    expect(stdout).toMatch(/^ {2}activations .* of which ordinary backpropagation keeps /m);
    const report = JSON.parse((await sublinear('compile', 'examples/resnet.ts', '--json')).stdout);
    expect(report).toMatchObject({
      model: 'examples/resnet.ts',
      strategy: 'memory',
      bound: 'each node once',
      files: [],
    });
    const { inputs, parameters, state, constants } = report.resident;
    expect(inputs + parameters + state + constants).toBe(report.residentBytes);
    expect(report.residentBytes + report.arenaBytes).toBe(report.peakBytes);
  });

  it('writes what --emit asks for, and files that read back', async () => {
    const out = join(temporaryFolder(), 'a', 'b');
    const { code, stdout } = await sublinear('compile', ...deepFile(), '--emit', 'ir, plan,dot,svg,ir', '-o', out);
    expect(code).toBe(0);
    const names = ['step.dot', 'step.ir', 'step.plan.json', 'step.safetensors', 'step.svg'];
    expect(filesBelow(out)).toEqual(names);
    for (const name of names) expect(stdout).toContain(`wrote ${join(out, name)}\n`);
    const text = readFileSync(join(out, 'step.ir'), 'utf8');
    expect(printGraph(parseGraph(text))).toBe(text);
    expect(readSafetensors(readFileSync(join(out, 'step.safetensors'))).get('layer3/w:0')?.type.shape).toEqual([4, 4]);
    const plan = parsePlanFile(readFileSync(join(out, 'step.plan.json'), 'utf8'), 'step.plan.json');
    expect(plan.strategy).toBe('memory');
    expect(new Set(plan.sequence).size).toBeLessThan(plan.sequence.length);
    expect(readFileSync(join(out, 'step.svg'), 'utf8')).toContain('</svg>');
    expect(readFileSync(join(out, 'step.dot'), 'utf8')).toMatch(/^digraph /);
  });

  it('writes the same bytes twice', async () => {
    const model = deepFile();
    const emitted = async (): Promise<readonly string[]> => {
      const out = temporaryFolder();
      await sublinear('compile', ...model, '--emit', 'ir,plan,dot,svg', '-o', out);
      return filesBelow(out).map((name) => readFileSync(join(out, name), 'latin1'));
    };
    expect(await emitted()).toEqual(await emitted());
  });

  it('keeps fewer values with fewer segments', async () => {
    const model = deepFile();
    const recomputed = async (...options: readonly string[]): Promise<number> =>
      JSON.parse((await sublinear('compile', ...model, '--json', ...options)).stdout).recomputedNodes;
    expect(await recomputed('--strategy', 'none')).toBe(0);
    expect(await recomputed('--segments', '3')).toBeGreaterThan(await recomputed('--segments', '1'));
    expect(await recomputed('--strategy', 'manual', '--checkpoint', 'h3', '--checkpoint', 'h5')).toBeGreaterThan(0);
  });
});

describe('the debug ladder', () => {
  it('--stop-after leaves the graph as that pass left it, and --emit ir writes it', async () => {
    const model = deepFile();
    const out = temporaryFolder();
    const { code, stdout } = await sublinear(
      'compile',
      ...model,
      '--stop-after',
      'autodiff',
      '--emit',
      'ir',
      '-o',
      out,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/stopped after autodiff: \d+ nodes \(25 forward, \d+ backward\)\n/);
    const graph = parseGraph(readFileSync(join(out, 'step.ir'), 'utf8'));
    expect(graph.nodes.some((node) => node.region === 'backward')).toBe(true);
    expect(graph.nodes.some((node) => node.recompute !== undefined)).toBe(false);
    const json = JSON.parse((await sublinear('compile', ...model, '--stop-after', 'plan', '--json')).stdout);
    expect(Object.keys(json)).toEqual(['model', 'pipeline', 'nodes', 'strategy', 'liveBytes', 'cost', 'files']);
    const goesOn = await sublinear('compile', join(out, 'step.ir'), '--strategy', 'recursive', '--json');
    const direct = await sublinear('compile', ...model, '--strategy', 'recursive', '--json');
    expect(JSON.parse(goesOn.stdout).arenaBytes).toBe(JSON.parse(direct.stdout).arenaBytes);
  });

  it('--print-after prints the graph to standard error, after one pass or after each that changed it', async () => {
    const model = deepFile();
    const one = await sublinear('compile', ...model, '--print-after', 'cse', '--json');
    expect(one.stderr).toMatch(/^after cse:\nsublinear-ir 1\n/);
    expect(one.stderr.match(/^after /gm)).toHaveLength(1);
    JSON.parse(one.stdout);
    const changed = await sublinear('compile', ...model, '--print-after', 'changed');
    expect(changed.stderr.match(/^after \S+:$/gm)).toEqual(['after autodiff:', 'after recompute:']);
  });

  it('--timings says what each pass took, --verify=each changes nothing', async () => {
    const model = deepFile();
    const { stdout, stderr } = await sublinear('compile', ...model, '--timings', '--verify=each', '--json');
    const report = JSON.parse(stdout);
    const passes = stderr
      .trimEnd()
      .split('\n')
      .map((line) => /^(\S+) +\d+\.\d ms$/.exec(line)?.[1]);
    expect(report.pipeline.replaceAll(/\{[^}]*\}/g, '').split(',')).toEqual(passes);
    expect(JSON.parse((await sublinear('compile', ...model, '--json')).stdout)).toEqual(report);
  });

  it('--passes takes the pipeline that a report shows', async () => {
    const model = deepFile();
    const report = JSON.parse(
      (await sublinear('compile', ...model, '--segments', '2', '--freeze', 'layer0*', '--json')).stdout,
    );
    expect(report.pipeline).toContain('segments=2');
    const again = JSON.parse((await sublinear('compile', ...model, '--passes', report.pipeline, '--json')).stdout);
    expect(again).toEqual(report);
    const bare = await sublinear('compile', ...model, '--passes', 'fold,autodiff');
    expect(bare.stdout).toContain('the pipeline ended before there was a step');
  });

  it.each([
    ['cse,recompute', 'recompute, in place 2 of the pipeline, needs a plan first'],
    ['autodiff,plan,recompute,cse', 'cse, in place 4 of the pipeline, must not run after'],
    ['plann', 'did you mean "plan"?'],
    ['plan{stratgy=none}', 'did you mean "strategy"?'],
    ['plan{strategy=nope}', 'unknown strategy "nope"'],
    ['plan{', 'not well formed at column 6'],
    ['', 'expected the name of a pass'],
  ])('--passes %j is refused', async (pipeline, message) => {
    const { code, stdout, stderr } = await sublinear('compile', ...deepFile(), '--passes', pipeline);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it.each([
    [['--passes', 'fold', '--strategy', 'none'], 'cannot be used with'],
    [['--passes', 'fold', '--freeze', 'w'], 'cannot be used with'],
    [['--stop-after', 'nope'], 'Allowed choices are'],
    [['--passes', 'fold', '--stop-after', 'cse'], 'the pass cse is not in the pipeline fold'],
    [['--print-after', 'nope'], 'Allowed choices are'],
    [['--stop-after', 'autodiff', '--emit', 'plan'], 'ends without a plan'],
    [['--emit', 'dto'], 'did you mean dot?'],
    [['--emit', 'constructor'], '--emit "constructor" is unknown'],
  ])('%j is refused', async (options, message) => {
    const { code, stdout, stderr } = await sublinear('compile', ...deepFile(), ...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
