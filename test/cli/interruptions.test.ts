/** Signals, closed pipes and full disks: what was asked for is kept, whole, and the exit code says what happened. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readSafetensorsMetadata } from '../../src/frontend/safetensors.ts';
import { filesBelow, temporaryFolder } from './harness.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const writer = fileURLToPath(new URL('write-forever.ts', import.meta.url));
const steps = 6;

const graph = `sublinear-ir 1
graph @line(%x: f32[2]) params(%w: f32[2]) -> (%loss) {
forward:
  %y = multiply %x, %w : f32[2]
  %loss = reduce_sum %y {axes=[0], keep_dims=false} : f32[]
}
`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly folder: string;
}

interface Setting {
  /** Body of `batch(index)`, before it gives one. */
  readonly data?: string;
  readonly stdout?: number | 'pipe';
  /** Sees the process once it has begun. */
  readonly act?: (child: ChildProcess) => void;
}

/** Trains a small graph in a process of its own. Its data may send it signals: at a step, and not at a time. */
async function train({ data = '', stdout = 'pipe', act }: Setting): Promise<Ended> {
  const folder = temporaryFolder('file');
  writeFileSync(join(folder, 'line.ir'), graph);
  writeFileSync(
    join(folder, 'data.mjs'),
    `const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));\nexport async function batch(index) {\n${data}\nreturn { x: [1, 2] };\n}\n`,
  );
  const options = ['--weights', 'he', '--data', 'data.mjs', '--steps', String(steps), '--save', 'saved'];
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), main, 'train', 'line.ir', ...options],
    {
      cwd: folder,
      stdio: ['ignore', stdout, 'pipe'],
    },
  );
  let stderr = '';
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  if (act === undefined) child.stdout?.resume();
  else act(child);
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr, folder })));
}

const savedStep = (folder: string): string | undefined =>
  readSafetensorsMetadata(readFileSync(join(folder, 'saved'))).get('step');

describe('a training', () => {
  it.concurrent.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that is told %s saves what it has, and exits with %i', async (signal, exitCode) => {
    // The second wait gives time to the watch, which has a thread of its own, on the busiest of machines.
    const data = `if (index === 2) { await wait(500); process.kill(process.pid, '${signal}'); await wait(500); }`;
    const { code, stderr, folder } = await train({ data });
    expect({ code, stderr }).toEqual({
      code: exitCode,
      stderr: 'stopped after step 3; --resume saved goes on from there\n',
    });
    expect(savedStep(folder)).toBe('3');
    expect(filesBelow(folder)).toEqual(['data.mjs', 'line.ir', 'saved']);
  });

  it.concurrent('that is told twice ends at once', async () => {
    const twice = `if (index === 2) { await wait(500); process.kill(process.pid, 'SIGINT'); await wait(500); process.kill(process.pid, 'SIGINT'); for (const start = Date.now(); Date.now() - start < 30_000; ); }`;
    const { signal, folder } = await train({ data: twice });
    expect(signal).toBe('SIGINT');
    expect(existsSync(join(folder, 'saved'))).toBe(false);
  });

  it.concurrent('goes on and saves where nobody reads what it prints', async () => {
    const act = ({ stdout }: ChildProcess): void => void stdout?.once('data', () => stdout.destroy());
    const { code, stderr, folder } = await train({ act, data: 'await wait(100);' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(savedStep(folder)).toBe(String(steps));
  });

  (existsSync('/dev/full') ? it.concurrent : it.skip)('saves where its log has no space, and says so', async () => {
    const { code, stderr, folder } = await train({ stdout: openSync('/dev/full', 'w') });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'error: cannot write standard output: no space is left on the device\n',
    });
    expect(savedStep(folder)).toBe(String(steps));
  });
});

describe('processes that write one file and are killed', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('%s: it is whole, and one of theirs', async (signal) => {
    const folder = temporaryFolder();
    const file = join(folder, 'output');
    const children = ['a', 'b'].map((letter) =>
      spawn(process.execPath, ['--import', 'tsx', writer, file, letter], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const seen: string[] = [];
    const check = (): void => {
      const text = readFileSync(file, 'latin1');
      seen.push(`${text.length} ${[...new Set(text.slice(0, 5000) + text.slice(-5000))].join('')}`);
    };
    await Promise.all(
      children.map((child, i) => {
        let writes = 0;
        child.stdout.on('data', () => {
          check();
          if (++writes === 3) setTimeout(() => child.kill(signal), 3 + 4 * i);
        });
        return new Promise((resolve) => child.on('close', resolve));
      }),
    );
    check();
    expect(seen.filter((text) => !/^4000000 [ab]$/.test(text))).toEqual([]);
    const { writeFileAtomically } = await import('../../src/files/write-file.ts');
    if (signal === 'SIGTERM') expect(filesBelow(folder)).toEqual(['output']);
    writeFileAtomically(file, 'after');
    expect(filesBelow(folder)).toEqual(['output']);
  });
});
