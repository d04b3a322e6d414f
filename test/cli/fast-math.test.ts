import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fastMathObstacle } from '../../runtime/fast-math.ts';
import { sublinear } from './harness.ts';

const root = resolve(import.meta.dirname, '../..');
const model = 'examples/mlp.ts';

/** Runs the command line in a process of its own, which knows relaxed SIMD also where it has to be switched on. */
async function runWithRelaxedSimd(...args: readonly string[]): Promise<string> {
  const flags = fastMathObstacle() === undefined ? [] : ['--experimental-wasm-relaxed-simd'];
  const loader = ['--import', resolve(root, 'node_modules/tsx/dist/loader.mjs')];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, ...loader, resolve(root, 'src/cli/main.ts'), ...args],
    { cwd: root },
  );
  return stdout;
}

describe('--fast-math', () => {
  it('keeps recomputation bit for bit, on one thread and on two, and stays close to plain results', async () => {
    const plain = JSON.parse((await sublinear('run', resolve(root, model), '--json')).stdout);
    const fast = JSON.parse(await runWithRelaxedSimd('run', model, '--fast-math', '--compare', '--json'));
    const shared = JSON.parse(await runWithRelaxedSimd('run', model, '--fast-math', '--threads', '2', '--json'));
    expect(fast.bitwiseEqual).toBe(true);
    expect(Math.abs(fast.loss - plain.loss)).toBeLessThan(1e-5 * plain.loss);
    expect(shared.loss).toBe(fast.loss);
  });

  it('is refused for kernels that have none', async () => {
    const { code, stderr } = await sublinear('run', resolve(root, model), '--fast-math', '--backend', 'js');
    expect(code).toBe(2);
    expect(stderr).toContain('--fast-math needs WebAssembly kernels');
  });

  it.skipIf(fastMathObstacle() === undefined)('says what is missing in an engine without relaxed SIMD', async () => {
    const { code, stderr } = await sublinear('run', resolve(root, model), '--fast-math');
    expect(code).toBe(1);
    expect(stderr).toContain('fast math needs relaxed SIMD');
    expect(stderr).toContain('hint:');
  });
});
