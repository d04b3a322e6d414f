/** The shell of the command line: help, lists, wrong usage, and a real process. */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { passes } from '../../passes/passes.ts';
import { strategies } from '../../passes/plan/strategies.ts';
import { createProgram } from '../../src/cli/program.ts';
import { listedOperators } from '../../src/frontend/onnx/operator-table.ts';
import { ops } from '../../src/ops/table.ts';
import { sublinear } from './harness.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const node = [process.execPath, '--import', 'tsx', main] as const;

describe('usage', () => {
  it('help and version go to standard output', async () => {
    const help = await sublinear('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: sublinear [options] [command]');
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await sublinear('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('every command explains itself, and every option says what it takes', async () => {
    for (const command of createProgram().commands) {
      const { code, stdout } = await sublinear(command.name(), '--help');
      expect(code).toBe(0);
      expect(command.description(), command.name()).not.toBe('');
      for (const option of command.options) {
        expect(stdout).toContain(option.flags);
        expect(option.description, `${command.name()} ${option.flags}`).not.toBe('');
        // `--seed N` would be a switch called "seed" beside an argument: values stand in angle brackets.
        expect(option.flags).toMatch(/^(-\w, )?--[a-z0-9-]+( <[^<>]+>| \[[^[\]]+\])?$/);
      }
    }
  });

  it.each([
    [[], 'Usage: sublinear'],
    [['complie', 'x.onnx'], 'Did you mean compile?'],
    [['run'], "missing required argument 'MODEL'"],
    [['run', 'a.onnx', 'b.onnx'], 'too many arguments'],
    [['run', 'a.onnx', '--stepps', '2'], 'Did you mean --steps?'],
    [['run', 'a.onnx', '--steps'], 'argument missing'],
    [['run', 'a.onnx', '--steps', '0'], 'at least 1'],
    [['run', 'a.onnx', '--steps', '2.5'], 'a whole number'],
    [['run', 'a.onnx', '--seed', '-1'], 'at least 0'],
    [['run', 'a.onnx', '--seed', '1e400'], 'a whole number'],
    [['run', 'a.onnx', '--wrt', 'weights'], 'parameters, inputs, all'],
    [['run', 'a.onnx', '--dim', 'batch'], 'Write it like batch=8'],
    [['compile', 'a.onnx', '--verify', 'never'], 'each, ends'],
    [['passes', 'extra'], 'too many arguments'],
    [['ops', '--frob'], "unknown option '--frob'"],
  ])('%j is wrong usage: exit code 2', async (argv, message) => {
    const { code, stdout, stderr } = await sublinear(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('passes and ops', () => {
  it('list every pass, strategy and option', async () => {
    const { stdout } = await sublinear('passes');
    for (const pass of passes.values()) {
      expect(stdout).toContain(`${pass.name} `);
      for (const [name, { doc }] of Object.entries(pass.options)) expect(stdout).toContain(`${name.padEnd(12)} ${doc}`);
    }
    for (const strategy of strategies.values()) expect(stdout).toContain(strategy.summary);
    const json = JSON.parse((await sublinear('passes', '--json')).stdout);
    expect(json.passes.map(({ name }: { name: string }) => name)).toEqual([...passes.keys()]);
    expect(json.strategies.map(({ name }: { name: string }) => name)).toEqual([...strategies.keys()]);
  });

  it('list every operator and primitive', async () => {
    const { stdout } = await sublinear('ops');
    for (const { onnx } of listedOperators()) expect(stdout).toMatch(new RegExp(`^ {2}${onnx} +opset \\d+`, 'm'));
    const json = JSON.parse((await sublinear('ops', '--json')).stdout);
    expect(json.onnx).toEqual(listedOperators());
    expect(json.primitives.map(({ name }: { name: string }) => name)).toEqual([...ops.keys()]);
  });
});

describe('a process', () => {
  const run = promisify(execFile);

  it('exits 0 with JSON alone on standard output, 1 and 2 with one message', async () => {
    const ok = await run(node[0], [...node.slice(1), 'run', 'examples/rnn.ts', '--json']);
    expect(JSON.parse(ok.stdout)).toMatchObject({ model: 'examples/rnn.ts' });
    await expect(run(node[0], [...node.slice(1), 'run', 'absent.onnx'])).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'error: cannot read the model absent.onnx: there is no such file\n',
    });
    await expect(run(node[0], [...node.slice(1), 'frobnicate'])).rejects.toMatchObject({ code: 2, stdout: '' });
  });

  it('ends quietly when its reader has had enough', async () => {
    const child = spawn(node[0], [...node.slice(1), 'ops'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
