/** An internal failure exits with 70 and leaves a file from which it runs again. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { passes } from '../../passes/passes.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';

const home = process.cwd();
let model: readonly string[] = [];

beforeEach(() => {
  process.chdir(temporaryFolder());
  model = [writeModel('.', 'deep.onnx', deepModel(4)), '--dim', 'batch=2'];
});
afterEach(() => {
  process.chdir(home);
  vi.restoreAllMocks();
});

/** Words of a shell command line in which single quotes hold words together. */
function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}

async function rerun(): Promise<{ readonly code: number; readonly stderr: string }> {
  const line = /^\/\/ run again: sublinear (.*)$/m.exec(readFileSync('sublinear-failure.ir', 'utf8'))?.[1];
  return sublinear(...shellWords(line!));
}

describe('a pass that fails', () => {
  it.each(['fold', 'cse', 'autodiff', 'plan', 'recompute', 'memory-plan'])(
    '%s: its reproducer fails alike, and runs once it is mended',
    async (name) => {
      const spy = vi.spyOn(passes.get(name)!, 'run').mockImplementation(() => {
        throw new TypeError('planted');
      });
      const { code, stdout, stderr } = await sublinear('run', ...model, '--gradients', 'out');
      expect({ code, stdout }).toEqual({ code: 70, stdout: '' });
      expect(stderr).toBe(
        `error: this is a bug of sublinear: the pass ${name} failed: planted\n  hint: please report it with sublinear-failure.ir, which says how to run it again\n`,
      );
      expect(filesBelow('.').filter((file) => file.startsWith('out'))).toEqual([]);
      expect(await rerun()).toMatchObject({ code: 70, stderr });
      spy.mockRestore();
      expect((await rerun()).code).toBe(0);
    },
  );

  it('leaves an invalid graph: found at the end, and by --verify=each at once', async () => {
    vi.spyOn(passes.get('dce')!, 'run').mockImplementation((compilation) => {
      const { model: given } = compilation;
      const graph = { ...given.graph, nodes: given.graph.nodes.toReversed() };
      return { compilation: { ...compilation, model: { ...given, graph } }, changed: true };
    });
    const each = await sublinear('compile', ...model, '--verify=each');
    expect(each.code).toBe(70);
    expect(each.stderr).toContain('the pass dce failed: the graph is not valid after the pass dce');
    expect((await rerun()).code).toBe(70);
    const ends = await sublinear('compile', ...model, '--stop-after', 'dce');
    expect(ends.code).toBe(70);
    expect(ends.stderr).toContain('the graph is not valid after the end of the pipeline');
    expect((await rerun()).code).toBe(70);
  });

  it('claims falsely to have changed nothing: --verify=each tells', async () => {
    const { run } = passes.get('autodiff')!;
    vi.spyOn(passes.get('autodiff')!, 'run').mockImplementation((compilation, options) => ({
      ...run(compilation, options),
      changed: false,
    }));
    const { code, stderr } = await sublinear('compile', ...model, '--verify=each');
    expect(code).toBe(70);
    expect(stderr).toContain('it says it did not change the graph, but the text differs');
  });
});

describe('a failure outside of the passes', () => {
  it('leaves the command line', async () => {
    vi.spyOn(JSON, 'stringify').mockImplementationOnce(() => {
      throw new TypeError('planted');
    });
    const { code, stderr } = await sublinear('passes', '--json');
    expect(code).toBe(70);
    expect(stderr).toContain('please report it with sublinear-failure.txt');
    expect(readFileSync('sublinear-failure.txt', 'utf8')).toContain('run again: sublinear passes --json\n');
  });
});
