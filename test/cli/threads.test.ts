/** `--threads`: what `run` and `train` say of it, and that they say the same numbers with it. */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { sublinear, temporaryFolder } from './harness.ts';

const folder = temporaryFolder('file');
const model = join(folder, 'model.ts');
const data = join(folder, 'data.ts');

beforeAll(() => {
  writeFileSync(
    model,
    `import { ModelBuilder } from ${JSON.stringify(resolve('src/index.ts'))};
const m = new ModelBuilder('net');
let h = m.input('x', [96, 96]);
for (let i = 0; i < 6; i++) h = m.dropout(m.tanh(m.linear(h, 96)), 0.1);
m.loss(m.crossEntropy(h, m.input('labels', [96], 'i64')));
export const model = m.finish();
`,
  );
  writeFileSync(
    data,
    `export function* batches() {
  for (let i = 0; ; i++)
    yield {
      x: Float32Array.from({ length: 96 * 96 }, (_, k) => Math.sin(k * (i + 1))),
      labels: Int32Array.from({ length: 96 }, (_, k) => (k * 7 + i) % 96),
    };
}
`,
  );
});

describe('--threads', () => {
  it.each(['0', '-1', 'x', '1.5', '65', ''])('%j is no number of threads: wrong usage', async (threads) => {
    for (const command of [['run'], ['train', '--data', data, '--steps', '1']]) {
      const { code, stdout, stderr } = await sublinear(...command, model, `--threads=${threads}`);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('It must be a whole number from 1 to 64.');
    }
  });

  it('means nothing to --backend js: wrong usage, before anything is compiled', async () => {
    const { code, stderr } = await sublinear('run', 'missing.onnx', '--threads', '2', '--backend', 'js');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'error: --threads 2 needs WebAssembly kernels, and --backend js has none\n  hint: leave out one of the two\n',
    );
  });
});

describe('run --threads', () => {
  it('prints the scratch of threads, within the peak, and the same loss', async () => {
    const report = async (...own: string[]) => JSON.parse((await sublinear('run', model, '--json', ...own)).stdout);
    const [one, two] = [await report(), await report('--threads', '2')];
    expect(two).toMatchObject({
      threads: 2,
      loss: one.loss,
      arenaBytes: one.arenaBytes,
      residentBytes: one.residentBytes,
    });
    expect(two.threadBytes).toBeGreaterThan(0);
    // A part of a product packs less than the whole.
    expect(two.measuredArenaBytes).toBeLessThanOrEqual(two.arenaBytes);
    expect(two.peakBytes).toBe(two.residentBytes + two.arenaBytes + two.threadBytes);
    const { stdout } = await sublinear('run', model, '--threads', '2', '--compare');
    expect(stdout).toMatch(/^ {2}2 threads +\S+ \wiB +\S+ \wiB/m);
    expect(stdout).toContain('equal bit for bit');
  });

  it('notes that there are more than cores', async () => {
    const spy = vi.spyOn(os, 'availableParallelism').mockReturnValue(1);
    const { code, stderr } = await sublinear('run', model, '--threads', '3');
    spy.mockRestore();
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'note: running 3 threads on 1 core\n' });
  });

  it('says why there is one thread after all', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const { code, stdout, stderr } = await sublinear('run', model, '--threads', '2');
    const forced = await sublinear('run', model, '--threads', '2', '--backend', 'wasm');
    vi.unstubAllGlobals();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'note: running on one thread: threads need shared memory, and this page has none: it is not cross-origin isolated\n',
    });
    expect(stdout).not.toContain('threads');
    expect(forced).toMatchObject({ code: 1, stdout: '' });
  });

  it('keeps to a budget with the scratch in it', async () => {
    const { peakBytes } = JSON.parse((await sublinear('run', model, '--strategy', 'none', '--json')).stdout);
    const own = ['--budget', String(peakBytes), '--effort', 'fast', '--json'];
    const { code, stdout } = await sublinear('run', model, '--threads', '2', ...own);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.peakBytes).toBeLessThanOrEqual(peakBytes);
    expect(report.recomputedNodes).toBeGreaterThan(0);
  });
});

describe('train --threads', () => {
  it('leaves the very file that one thread leaves', async () => {
    const train = async (threads: string) => {
      const file = join(folder, `trained-${threads}.safetensors`);
      const own = ['--steps', '4', '--optimizer', 'adamw', '--eval-every', '2', '--eval-data', data, '--save', file];
      const { code, stdout, stderr } = await sublinear('train', model, '--data', data, '--threads', threads, ...own);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return { bytes: readFileSync(file), losses: stdout.split('\n').map((line) => line.split(',').slice(0, 4)) };
    };
    const saved = [await train('1'), await train('2')];
    expect(saved[0]!.losses).toEqual(saved[1]!.losses);
    expect(Buffer.compare(saved[0]!.bytes, saved[1]!.bytes)).toBe(0);
  });
});
