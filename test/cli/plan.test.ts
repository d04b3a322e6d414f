/** `sublinear plan`: budgets, strategies, explanations, and graphs that are at fault. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkPlanGraph } from '../../src/analysis/check-plan-graph.ts';
import { chain, illegalities, replay } from '../plan-graphs.ts';
import { sublinear, temporaryFolder } from './harness.ts';
import { writeInto } from './models.ts';
import { faultyGraph, planGraphJson, writeChain } from './plan-graph-files.ts';

let folder = '';
let file = '';
beforeAll(() => {
  folder = temporaryFolder('file');
  file = writeChain(folder);
});

const graph = chain(10, { inPlace: false, bytes: 4096 });

async function planJson(...argv: readonly string[]) {
  const { code, stdout, stderr } = await sublinear('plan', file, ...argv, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** The command must fail, with one message and nothing else. */
async function refused(code: number, argv: readonly string[], ...message: readonly string[]): Promise<string> {
  const before = readdirSync(folder);
  const result = await sublinear('plan', ...argv);
  expect(result).toMatchObject({ code, stdout: '' });
  for (const part of message) expect(result.stderr).toContain(part);
  expect(result.stderr).toMatch(/^error: /);
  expect(result.stderr).not.toMatch(/\n\s+at .*\.[tj]s:\d+/);
  expect(readdirSync(folder)).toEqual(before);
  return result.stderr;
}

describe('plan', () => {
  it('prints the documented fields as one document, and a plan that replays to them', async () => {
    const report = await planJson('--budget', '24KiB');
    expect(Object.keys(report)).toEqual([
      ...['steps', 'liveBytes', 'arenaBytes', 'cost', 'baseCost', 'lowerBound', 'bound', 'gap', 'seconds'],
    ]);
    expect(illegalities(graph, report.steps)).toEqual([]);
    expect(replay(graph, report.steps)).toMatchObject({ liveBytes: report.liveBytes, cost: report.cost });
    expect(report.arenaBytes).toBeLessThanOrEqual(24 * 1024);
    expect(report.lowerBound).toBeLessThanOrEqual(report.cost);
    expect(report.cost).toBeGreaterThan(report.baseCost);
  });

  it('takes a share of what keeping everything takes', async () => {
    const all = await planJson('--strategy', 'none');
    const share = await planJson('--budget', '50%');
    expect(share.arenaBytes).toBeLessThanOrEqual(0.5 * all.arenaBytes);
    expect(share.cost).toBeGreaterThan(all.cost);
  });

  it.each(['none', 'all', 'speed', 'memory', 'recursive', 'auto'])('plans by the strategy %s', async (strategy) => {
    const report = await planJson('--strategy', strategy);
    expect(illegalities(graph, report.steps)).toEqual([]);
    expect(replay(graph, report.steps)).toMatchObject({ liveBytes: report.liveBytes, cost: report.cost });
  });

  it('plans by a list of values, and by a number of segments', async () => {
    const manual = await planJson('--strategy', 'manual', '--checkpoint', 'a3', '--checkpoint', 'a6');
    expect(illegalities(graph, manual.steps)).toEqual([]);
    expect(manual.cost).toBeGreaterThan(manual.baseCost);
    const few = await planJson('--strategy', 'memory', '--segments', '2');
    const many = await planJson('--strategy', 'memory', '--segments', '4');
    expect(few.liveBytes).not.toBe(many.liveBytes);
  });

  it('takes an effort, and repeats itself', async () => {
    for (const effort of ['fast', 'default', 'max']) {
      const once = await planJson('--budget', '20KiB', '--effort', effort);
      const again = await planJson('--budget', '20KiB', '--effort', effort);
      expect({ ...again, seconds: 0 }).toEqual({ ...once, seconds: 0 });
    }
  });

  it('prints a table for people', async () => {
    const { code, stdout } = await sublinear('plan', file, '--budget', '24KiB', '--effort', 'fast');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}arena bytes +\d+$/m);
    expect(stdout).toMatch(/^ {2}lower bound +\d+ \(.+\)$/m);
  });
});

describe('plan --explain', () => {
  it('has a line for each value that backward reads, the figures of --json in it', async () => {
    const { explanation } = await planJson('--budget', '24KiB', '--explain');
    const { stdout } = await sublinear('plan', file, '--budget', '24KiB', '--explain');
    expect(explanation.values).toHaveLength(10);
    expect(explanation.budget).toBe(24 * 1024);
    const lines = stdout.split('\n').filter((line) => /^ {2}a\d+ +4,096 {2}(kept|recomputed)/.test(line));
    expect(lines).toHaveLength(10);
    expect(stdout).toMatch(/: 10, of which \d+ kept and \d+ recomputed$/m);
    const dear = explanation.values.find((value: { kept: boolean }) => !value.kept);
    expect(lines.find((line) => line.startsWith(`  ${dear.name} `))).toMatch(
      /recomputed (once|\d+ times) for \d+: kept instead, [\d,]+ bytes \([\d.]+ % of the budget\) would be alive at \w+, (above|which)/,
    );
    for (const value of explanation.values)
      if (!value.kept && value.keptInstead.liveBytes > 24 * 1024)
        expect(lines.find((line) => line.startsWith(`  ${value.name} `))).toContain('above the budget');
  });

  it('speaks of the peak where there is no budget', async () => {
    const { stdout } = await sublinear('plan', file, '--strategy', 'memory', '--explain');
    expect(stdout).toContain('above the peak of');
    expect(stdout).not.toContain('budget');
  });
});

describe('plan: budgets that are none, or cannot be met', () => {
  it.each([
    ['0', 'must be more than nothing'],
    ['-5', 'must be more than nothing'],
    ['-5%', 'must be more than nothing'],
    ['0%', 'must be more than nothing'],
    ['12 parsecs', '"12 parsecs" is no number of bytes'],
    ['nan', '"nan" is no number of bytes'],
    ['', 'needs a budget'],
    ['1e3', 'is no number of bytes'],
    ['99999999999999999999TiB', 'is no number of bytes'],
  ])('--budget %j is wrong usage', async (budget, message) => {
    await refused(2, [file, `--budget=${budget}`], message);
  });

  it('no budget at all is wrong usage', async () => {
    await refused(2, [file], 'needs a budget', '--budget 64MiB');
  });

  it('one that cannot be met names the smallest that can, in bytes and as a share; and that one is met', async () => {
    const text = await refused(
      3,
      [file, '--budget', '5%', '--effort', 'fast'],
      'no plan fits into an arena of',
      'alive at its fullest step',
    );
    const [, bytes, share] = /raise the budget to (\d+) \(([\d.]+%)\)/.exec(text)!;
    expect(text).toContain(`the smallest found needs ${bytes}`);
    expect(text).not.toContain('batch');
    for (const budget of [bytes!, share!])
      expect((await planJson('--budget', budget, '--effort', 'fast')).arenaBytes).toBe(Number(bytes));
    const inBytes = await refused(3, [file, '--budget', '4KiB', '--effort', 'fast'], `raise the budget to ${bytes}\n`);
    expect(inBytes).toMatch(/at node "\w+"/);
  });

  it('options of another strategy are wrong usage', async () => {
    await refused(2, [file, '--strategy', 'memory', '--budget', '1MB'], 'strategy memory has no option');
    await refused(2, [file, '--strategy', 'memory', '--effort', 'fast'], 'has no option "effort"');
    await refused(2, [file, '--strategy', 'sped'], 'did you mean "speed"?');
    await refused(2, [file, '--strategy', 'manual'], 'needs the values to keep');
    await refused(2, [file, '--budget', '1MB', '--checkpoint', 'a3'], '--strategy manual');
    await refused(2, [file, '--budget', '1MB', '--effort', 'some'], 'fast, default, max');
  });
});

describe('plan: graphs at fault', () => {
  const output = (more: object) => ({ outputs: [{ name: 'a2', bytes: 4096, ...more }] });
  it.each([
    ['a cycle', faultyGraph({ inputs: ['a3'] }), 'the plan graph has a cycle: a2 -> a3 -> a2'],
    ['an unknown name', faultyGraph({ inputs: ['ab'] }), 'node "a2" reads "ab", which nobody makes'],
    ['negative bytes', faultyGraph(output({ bytes: -1 })), 'bytes of "a2" is -1, not a whole number'],
    ['half a byte', faultyGraph(output({ bytes: 1.5 })), 'bytes of "a2" is 1.5, not a whole number'],
    ['bytes as text', faultyGraph(output({ bytes: '64' })), 'bytes of "a2" is "64", not a whole number'],
    ['bytes beyond counting', faultyGraph(output({ bytes: 1e300 })), 'bytes of "a2" is 1e+300'],
    ['bytes that add up beyond it', faultyGraph(output({ bytes: 2 ** 53 - 1 })), 'add up to more than 2^53'],
    ['a negative cost', faultyGraph({ cost: -3 }), 'cost of node "a2" is -3'],
    ['costs that add up beyond counting', faultyGraph({ cost: 2 ** 53 - 1 }), 'costs of all nodes add up'],
    ['a name twice', faultyGraph(output({ name: 'a1' })), 'two values are named "a1"'],
    ['a node twice', faultyGraph({ name: 'a1' }), 'two nodes are named "a1"'],
    ['over what is smaller', faultyGraph(output({ bytes: 8192, over: 'a1' })), '"a2" (8192 bytes) cannot be over "a1"'],
    [
      'over what is taken',
      faultyGraph({ outputs: ['a2', 'b2'].map((name) => ({ name, bytes: 64, over: 'a1' })) }),
      '"b2" is over "a1", whose storage "a2" shares already',
    ],
    ['a view of nothing', faultyGraph(output({ view: 'nobody' })), 'shares storage with "nobody"'],
    ['another version', planGraphJson({ format: 'sublinear-plan-graph/9' }), 'not "sublinear-plan-graph/1"'],
    ['nothing', '', 'is not JSON'],
    ['null', 'null', 'the plan graph is null, not an object'],
    ['half of it', faultyGraph({}).slice(0, 200), 'is not JSON'],
  ])('%s', async (_what, text, message) => {
    const path = writeInto(folder, 'faulty.json', text);
    for (const command of ['plan', 'pareto']) {
      const { code, stdout, stderr } = await sublinear(
        command,
        path,
        ...(command === 'plan' ? ['--budget', '1MB'] : []),
        '--json',
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(message);
      expect(stderr).toContain(path);
    }
  });

  it('that are not there', async () => {
    await refused(1, [join(folder, 'absent.json'), '--budget', '1MB'], 'cannot read the plan graph');
  });

  it.each([
    ['letters', () => 'x'.repeat(10e6)],
    ['brackets', () => '['.repeat(10e6)],
    ['numbers', () => `[${'1234567,'.repeat(1.2e6)}0]`],
    ['nodes of nothing', () => planGraphJson({ inputs: [], nodes: Array(1e6).fill({}), outputs: [] })],
  ])('ten megabytes of %s: a short message, and soon', async (_what, make) => {
    const path = writeInto(folder, 'garbage.json', make());
    const { code, stdout, stderr } = await sublinear('plan', path, '--budget', '1MB');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.length).toBeLessThan(3000);
  });

  it('a graph that is read is one that its own text says', async () => {
    const read = checkPlanGraph(JSON.parse(planGraphJson(graph)), 'chain');
    expect(read.nodes.map((node) => node.name)).toEqual(graph.nodes.map((node) => node.name));
  });
});
