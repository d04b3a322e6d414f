/** An internal failure exits with 70 and leaves one file, out of the working folder, that `sublinear repro` runs again. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { passes } from '../../passes/passes.ts';
import { parseReproducer } from '../../src/cli/reproducer.ts';
import { filesBelow, sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeModel } from './models.ts';

const home = process.cwd();
let folder = '';
let temporary = '';
let model: readonly string[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  temporary = temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
  process.chdir(folder);
  model = [writeModel('.', 'deep.onnx', deepModel(4)), '--dim', 'batch=2'];
});
afterEach(() => {
  process.chdir(home);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The file that the message names. */
function namedFile(stderr: string): string {
  return /please report it with (\S+), which `sublinear repro` runs again/.exec(stderr)![1]!;
}

function breakPass(name: string) {
  return vi.spyOn(passes.get(name)!, 'run').mockImplementation(() => {
    throw new TypeError('planted');
  });
}

describe('a pass that fails', () => {
  it.each(['fold', 'cse', 'autodiff', 'plan', 'recompute', 'memory-plan'])(
    '%s: its reproducer fails alike, and runs once it is mended',
    async (name) => {
      const spy = breakPass(name);
      const { code, stdout, stderr } = await sublinear('run', ...model, '--gradients', 'out');
      expect({ code, stdout }).toEqual({ code: 70, stdout: '' });
      expect(stderr).toContain(`error: this is a bug of sublinear: the pass ${name} failed: planted\n  hint: `);
      const file = namedFile(stderr);
      expect(filesBelow(folder)).toEqual(['deep.onnx']);
      expect(filesBelow(temporary)).toEqual([relative(temporary, file)]);
      const again = await sublinear('repro', file);
      expect(again.code).toBe(70);
      expect(again.stderr).toContain(`the pass ${name} failed: planted\nit still fails\n`);
      spy.mockRestore();
      const mended = await sublinear('repro', file);
      expect(mended).toMatchObject({ code: 0, stderr: expect.stringContaining('it does not fail so any more') });
      expect([filesBelow(folder), filesBelow(temporary).length]).toEqual([['deep.onnx'], 1]);
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
    expect((await sublinear('repro', namedFile(each.stderr))).code).toBe(70);
    const ends = await sublinear('compile', ...model, '--stop-after', 'dce');
    expect(ends.code).toBe(70);
    expect(ends.stderr).toContain('the graph is not valid after the end of the pipeline');
    expect((await sublinear('repro', namedFile(ends.stderr))).code).toBe(70);
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

  it('has the numbers it looked at in the same file, which is a graph like any other', async () => {
    const text =
      'sublinear-ir 1\ngraph @g(%x: f32[2]) consts(%c: f32[2]) -> (%loss) {\nforward:\n  %y = multiply %x, %c : f32[2]\n  %loss = reduce_sum %y {axes=[0], keep_dims=false} : f32[]\n}\n';
    const { writeSafetensors } = await import('../../src/frontend/safetensors.ts');
    writeFileSync('c.ir', text);
    const c = { type: { dtype: 'f32', shape: [2] }, data: Float32Array.of(-0, 1e-45) } as const;
    writeFileSync('c.safetensors', writeSafetensors(new Map([['c', c]])));
    breakPass('cse');
    const { code, stderr } = await sublinear('compile', 'c.ir', '--wrt', 'inputs');
    expect(code).toBe(70);
    const file = namedFile(stderr);
    expect(parseReproducer(readFileSync(file, 'utf8')).graph?.weights.get('c')?.data).toEqual(c.data);
    for (const spare of ['c.ir', 'c.safetensors', 'deep.onnx']) rmSync(spare);
    expect((await sublinear('repro', file)).code).toBe(70);
    vi.restoreAllMocks();
    expect((await sublinear('inspect', file)).code).toBe(0);
  });
});

describe('the place of the file', () => {
  it.each([
    ['that --repro names', ['--repro', 'bugs'], {}, 'bugs'],
    ['that the environment names', [], { SUBLINEAR_REPRO: 'env' }, 'env'],
    ['of the outputs', ['--emit', 'ir', '-o', 'made'], {}, 'made'],
    ['that --repro names before that of the outputs', ['--emit', 'ir', '-o', 'made', '--repro', 'bugs'], {}, 'bugs'],
  ] as const)('is the folder %s', async (_, options, environment, place) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    breakPass('fold');
    const { code, stderr } = await sublinear('compile', ...model, ...options);
    expect(code).toBe(70);
    expect(dirname(namedFile(stderr))).toBe(place);
    // The same failure again leaves no second file.
    await sublinear('compile', ...model, ...options);
    expect(filesBelow(folder)).toEqual([namedFile(stderr), 'deep.onnx'].sort());
    expect(filesBelow(temporary)).toEqual([]);
  });

  it('is said to be none where it cannot be written', async () => {
    breakPass('fold');
    const { code, stderr } = await sublinear('compile', ...model, '--repro', 'deep.onnx');
    expect(code).toBe(70);
    expect(stderr).toContain('the pass fold failed: planted');
    expect(stderr).toContain('there is no file to run it again: cannot write deep.onnx/');
  });
});

describe('a failure outside of the passes', () => {
  it('leaves the command line and its folder, and runs again from anywhere without writing', async () => {
    const inspect = await import('../../src/inspect/dot.ts');
    const argv = ['compile', ...model, '--emit', 'plan', '-o', 'made'];
    vi.spyOn(JSON, 'stringify').mockImplementationOnce(() => {
      throw new TypeError('planted');
    });
    expect(inspect.toDot).toBeTypeOf('function');
    const { code, stderr } = await sublinear(...argv);
    expect(code).toBe(70);
    const file = resolve(namedFile(stderr));
    expect(parseReproducer(readFileSync(file, 'utf8'))).toMatchObject({ argv, folder });
    mkdirSync('elsewhere');
    process.chdir('elsewhere');
    const again = await sublinear('repro', file);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('running again: sublinear compile ') });
    expect(process.cwd()).toBe(join(folder, 'elsewhere'));
    expect(filesBelow(folder)).toEqual(['deep.onnx', relative(folder, file)]);
  });

  it('ends as the command does where that is no bug', async () => {
    writeFileSync(
      'a.txt',
      `// sublinear-reproducer/1\n// command ${JSON.stringify({ argv: ['run', 'gone.onnx'], folder })}\n`,
    );
    expect(await sublinear('repro', 'a.txt')).toMatchObject({ code: 1, stderr: expect.stringContaining('gone.onnx') });
  });
});

describe('sublinear repro', () => {
  it.each([
    ['nothing', ''],
    ['a graph', 'sublinear-ir 1\ngraph @g() -> () {\nforward:\n}\n'],
    ['no command', '// sublinear-reproducer/1\n'],
    ['a command of another kind', '// sublinear-reproducer/1\n// command {"argv":7,"folder":"/"}\n'],
    ['a command cut short', '// sublinear-reproducer/1\n// command {"argv":["ru\n'],
    ['itself', '// sublinear-reproducer/1\n// command {"argv":["repro","bad.txt"],"folder":"."}\n'],
    ['a folder that is gone', '// sublinear-reproducer/1\n// command {"argv":["ops"],"folder":"/nowhere"}\n'],
    [
      'weights cut short',
      '// sublinear-reproducer/1\n// command {"argv":[],"folder":"."}\n// weights AAAA\nsublinear-ir 1\n',
    ],
  ])('refuses %s', async (_, text) => {
    writeFileSync('bad.txt', text);
    const { code, stderr } = await sublinear('repro', 'bad.txt');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: /) });
    expect(filesBelow(temporary)).toEqual([]);
  });
});

describe('an error of the system', () => {
  it.each([
    ['EACCES', 'permission is denied'],
    ['EMFILE', 'too many files are open'],
    ['ELOOP', 'its symbolic links lead round in a circle'],
    ['ENOSPC', 'no space is left on the device'],
  ])('%s that nobody foresaw is no bug: exit code 1, the path, and what to do', async (code, reason) => {
    vi.spyOn(passes.get('fold')!, 'run').mockImplementation(() => {
      throw Object.assign(new Error(`${code}: raw`), { code, syscall: 'open', path: 'some/file' });
    });
    const result = await sublinear('compile', ...model);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(new RegExp(`^error: the system refused open some/file: ${reason}\n  hint: `));
    expect(filesBelow(temporary)).toEqual([]);
  });
});
