/** `sublinear pareto`: the curve, its plans, and what it takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';
import { writeChain } from './plan-graph-files.ts';

interface Point {
  readonly budget: number;
  readonly arenaBytes: number;
  readonly peakBytes: number;
  readonly cost: number;
  readonly baseCost: number;
  readonly lowerBound: number;
  readonly knee: boolean;
  readonly plan?: string;
}

async function curve(...argv: readonly string[]): Promise<{ residentBytes: number; points: readonly Point[] }> {
  const { code, stdout, stderr } = await sublinear('pareto', ...argv, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Cost falls as bytes rise, down to ordinary training; one point is the knee. */
function checkCurve(points: readonly Point[]): void {
  expect(points.length).toBeGreaterThan(2);
  points.forEach((point, k) => {
    expect(point.lowerBound).toBeLessThanOrEqual(point.cost);
    expect(point.arenaBytes).toBeLessThanOrEqual(point.budget);
    if (k === 0) return;
    expect(point.arenaBytes).toBeGreaterThan(points[k - 1]!.arenaBytes);
    expect(point.cost).toBeLessThan(points[k - 1]!.cost);
  });
  expect(points.at(-1)!.cost).toBe(points.at(-1)!.baseCost);
  expect(points.filter(({ knee }) => knee)).toHaveLength(1);
}

describe('pareto', () => {
  it('of a plan graph: one document, cost falling as bytes rise', async () => {
    const file = writeChain(temporaryFolder());
    const { residentBytes, points } = await curve(file, '--points', '4');
    expect(residentBytes).toBe(0);
    checkCurve(points);
    expect(await curve(file, '--points', '4')).toEqual({ residentBytes, points });
  });

  it('of a model: its points are saved as plans that replay to what the curve says', async () => {
    const folder = temporaryFolder();
    const model = writeModel(folder, 'deep.onnx', deepModel(12));
    const out = join(folder, 'plans');
    const deep = [model, '--dim', 'batch=64', '--optimizer', 'sgd'];
    const { residentBytes, points } = await curve(...deep, '--points', '3', '-o', out);
    checkCurve(points);
    expect(
      readdirSync(out)
        .map((name) => join(out, name))
        .sort(),
    ).toEqual(points.map(({ plan }) => plan).sort());
    for (const point of points) {
      const { code, stdout } = await sublinear('run', ...deep, '--plan', point.plan!, '--compare', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        cost: point.cost,
        arenaBytes: point.arenaBytes,
        measuredArenaBytes: point.arenaBytes,
        peakBytes: residentBytes + point.arenaBytes,
        bitwiseEqual: true,
      });
      expect(JSON.parse(readFileSync(point.plan!, 'utf8')).figures.lowerBound).toBe(point.lowerBound);
    }
  });

  it('the strategy auto runs at the knee, within ordinary training and equal to it, whatever the effort', async () => {
    const model = writeModel(temporaryFolder(), 'deep.onnx', deepModel(4));
    for (const effort of [[], ['--effort', 'fast']]) {
      const argv = ['run', model, '--dim', 'batch=64', '--strategy', 'auto', '--optimizer', 'sgd', ...effort];
      const { code, stdout, stderr } = await sublinear(...argv, '--compare', '--json');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ strategy: 'auto', bitwiseEqual: true, measuredArenaBytes: report.arenaBytes });
      expect(report.arenaBytes).toBeLessThanOrEqual(report.baseline.arenaBytes);
    }
  });

  it('prints a table for people, the knee marked', async () => {
    const { code, stdout } = await sublinear('pareto', writeChain(temporaryFolder()), '--points', '2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +peak bytes +arena bytes +recomputation +at least$/m);
    expect(stdout.match(/^ {2}knee /gm)).toHaveLength(1);
    expect(stdout).toMatch(/ 0\.0 % +0\.0 %$/m);
  });

  it('lists no option that does nothing', () => {
    const named = (name: string): readonly string[] =>
      createProgram()
        .commands.find((command) => command.name() === name)!
        .options.map((option) => option.long!);
    for (const idle of ['strategy', 'segments', 'checkpoint', 'passes', 'stop-after', 'print-after', 'weights', 'lr'])
      for (const command of ['pareto', 'fit']) expect(named(command)).not.toContain(`--${idle}`);
    for (const budget of ['--budget', '--arena-budget']) {
      expect(named('pareto')).not.toContain(budget);
      expect(named('fit')).toContain(budget);
    }
    for (const used of ['effort', 'costs', 'loss', 'dim', 'optimizer', 'json'])
      for (const command of ['pareto', 'fit']) expect(named(command)).toContain(`--${used}`);
  });

  it('refuses options of models for plan graphs, and bad ones, and writes nothing', async () => {
    const folder = temporaryFolder();
    const file = writeChain(folder);
    const before = filesBelow(folder);
    for (const [argv, code, message] of [
      [[file, '--optimizer', 'sgd'], 2, '--optimizer is for models'],
      [[file, '-o', join(folder, 'out')], 2, '--output is for models'],
      [[file, '--points', '0'], 2, 'at least 1'],
      [[file, '--budget', '1MB'], 2, "unknown option '--budget'"],
      [[file, '--effort', 'little'], 2, 'fast, default, max'],
      [[join(folder, 'absent.json')], 1, 'there is no such file'],
      [['absent.onnx', '-o', join(folder, 'out')], 1, 'there is no such file'],
    ] as const) {
      const result = await sublinear('pareto', ...argv);
      expect(result).toMatchObject({ code, stdout: '' });
      expect(result.stderr).toContain(message);
    }
    expect(filesBelow(folder)).toEqual(before);
  });
});
