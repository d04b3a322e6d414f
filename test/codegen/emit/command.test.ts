/** `sublinear compile MODEL --emit ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, sublinear, temporaryFolder } from '../../cli/harness.ts';
import { importEmitted } from './emitted-step.ts';

const vae = join(import.meta.dirname, '../../../examples/models/vae.onnx');

describe('--emit ts', () => {
  it('writes a module and its weights, that run', async () => {
    const folder = temporaryFolder();
    const result = await sublinear('compile', vae, '--loss', 'sum', '--emit', 'ts', '--check', '-o', folder);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(filesBelow(folder)).toEqual(['step.safetensors', 'step.ts']);
    const text = readFileSync(join(folder, 'step.ts'), 'utf8');
    expect(text).toContain(' * made by   sublinear compile vae.onnx --loss sum --emit ts');
    const { createStep, loadSafetensors } = await importEmitted(text);
    const step = createStep();
    step.load(loadSafetensors(readFileSync(join(folder, 'step.safetensors'))));
    const inputs = [...text.matchAll(/checkElements\('input', '(\w+)', '[^']*', (\d+), /g)];
    const { loss } = step.run(
      Object.fromEntries(inputs.map(([, name, count]) => [name, new Float32Array(Number(count))])),
    );
    expect(Number.isFinite(loss![0])).toBe(true);
    for (const gradient of Object.values(step.gradients)) expect(gradient.every(Number.isFinite)).toBe(true);
  });

  it('writes the same bytes twice, wherever to, beside other kinds or not', async () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    await sublinear('compile', vae, '--loss', 'sum', '--emit', 'ts', '-o', one);
    await sublinear('compile', vae, '--loss', 'sum', '--emit', 'ts,ir,dot', '-o', two);
    for (const file of ['step.ts', 'step.safetensors'])
      expect(readFileSync(join(two, file)).equals(readFileSync(join(one, file))), file).toBe(true);
  });

  it('imports the kernels with --runtime import, and checks that too', async () => {
    const folder = temporaryFolder();
    const asked = ['--loss', 'sum', '--emit', 'ts', '--runtime', 'import', '--check'];
    expect(await sublinear('compile', vae, ...asked, '-o', folder)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'step.ts'), 'utf8')).toContain("} from 'sublinear/runtime';");
  });

  it('carries WebAssembly with --backend wasm, and says so in the head', async () => {
    const folder = temporaryFolder();
    const asked = ['--loss', 'sum', '--emit', 'ts', '--backend', 'wasm', '--check'];
    expect(await sublinear('compile', vae, ...asked, '-o', folder)).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(join(folder, 'step.ts'), 'utf8');
    expect(text.slice(0, 2000)).toContain(
      ' * made by   sublinear compile vae.onnx --loss sum --backend wasm --emit ts',
    );
    const { createStep, loadSafetensors } = await importEmitted(text);
    createStep().load(loadSafetensors(readFileSync(join(folder, 'step.safetensors'))));
  });

  it.each<[readonly string[], string]>([
    [['--backend', 'wasm'], '--backend means nothing without --emit ts'],
    [['--runtime', 'inline', '--emit', 'ir'], '--runtime means nothing without --emit ts'],
    [['--check', '--emit', 'ir,plan'], '--check means nothing without --emit ts'],
    [['-o', 'elsewhere'], '--output means nothing without --emit KINDS'],
  ])('refuses %j: it would have no effect', async (options, message) => {
    const result = await sublinear('compile', vae, '--loss', 'sum', ...options);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(`error: ${message}\n  hint: add --emit`);
  });

  it('says so where it cannot write, and leaves nothing behind', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const result = await sublinear('compile', vae, '--loss', 'sum', '--emit', 'ts', '-o', join(folder, 'file', 'out'));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('cannot write');
    expect(filesBelow(folder)).toEqual(['file']);
  });
});
