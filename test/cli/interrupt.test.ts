/** Ctrl-C during a search: the best plan so far is kept, and a second one ends the process at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parsePlanGraph } from '../../src/analysis/check-plan-graph.ts';
import { readText } from '../../src/files/read-file.ts';
import { illegalities, replay } from '../plan-graphs.ts';
import { temporaryFolder } from './harness.ts';
import { writeLong } from './plan-graph-files.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const watcher = fileURLToPath(new URL('watch-process.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a process; `act` sees all it has written so far whenever it writes. */
function runProcess(argv: readonly string[], act: (child: ChildProcess, stdout: string) => void): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    written.stdout += String(chunk);
    act(child, written.stdout);
  });
  child.stderr.on('data', (chunk) => (written.stderr += String(chunk)));
  act(child, '');
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...written })));
}

/** Sends the signal after longer and longer: how soon a process can take it depends on the machine. */
async function interrupted(
  argv: readonly string[],
  act: (child: ChildProcess, stdout: string) => void = () => undefined,
): Promise<Ended> {
  for (let wait = 2000; ; wait *= 2) {
    let sent: NodeJS.Timeout | undefined;
    const ended = await runProcess(argv, (child, stdout) => {
      sent ??= setTimeout(() => child.kill('SIGINT'), wait);
      act(child, stdout);
    });
    clearTimeout(sent);
    if (ended.signal !== 'SIGINT' || ended.stdout.includes('interrupted') || wait > 20_000) return ended;
  }
}

describe('Ctrl-C during a search', () => {
  it('takes the best plan so far, and says so', async () => {
    const file = writeLong(temporaryFolder());
    const { code, stdout, stderr } = await interrupted([
      ...[main, 'plan', file, '--budget', '80%', '--effort', 'max', '--json'],
    ]);
    expect(stderr).toContain('note: stopped: the best plan so far is taken');
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.stopped).toBe(true);
    const graph = parsePlanGraph(readText(file, 'the graph'), file);
    expect(illegalities(graph, report.steps)).toEqual([]);
    expect(replay(graph, report.steps)).toMatchObject({ liveBytes: report.liveBytes, cost: report.cost });
  });
});

describe('the watch', () => {
  it('takes one signal of a process that is busy; the next ends it', async () => {
    const { signal, stdout } = await interrupted([watcher], (child, stdout) => {
      if (stdout.endsWith('interrupted\n')) child.kill('SIGINT');
    });
    expect(stdout).toBe('watching\ninterrupted\n');
    expect(signal).toBe('SIGINT');
  });

  it('gives the signal back to who listens after it', async () => {
    const { code, stdout } = await interrupted([watcher, 'handler'], (child, stdout) => {
      if (stdout.endsWith('waiting\n')) child.kill('SIGINT');
    });
    expect(stdout).toBe('watching\ninterrupted\nwaiting\nhandled\nended\n');
    expect(code).toBe(0);
  });
});
